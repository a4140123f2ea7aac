"""``POST /explain/grounds``."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from konkyo.models.grounds.proofs import Grounds, Position, Status, grounds
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Network
from konkyo.service import drawing
from konkyo.service.handling import openapi
from konkyo.service.handling.answers import Answer, Class, EmptyAnswer, ModelReference
from konkyo.service.handling.handler import Envelope, Handler, Operation, Subject
from konkyo.service.handling.queries import ExactRegion, Fill, FillAnswer, ImageQuery, Region, check_region
from konkyo.service.http.uploads import MAX_BODY
from konkyo.service.imaging.decoding import PreprocessingReport

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)

_Place = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
_Box = tuple[int, int, int, int]


class GroundsQuery(ImageQuery):
    """Parameters of `POST /explain/grounds`, which explains the prediction and has no target."""

    region: ExactRegion = None
    fill: Fill = 0.0

    def check(self, network: Network) -> None:
        """Regions that are not in such images."""
        check_region(self.region, None, network)


class RegionSet(BaseModel):
    """Some regions."""

    regions: list[_Place] = Field(description="[row, column] on the grid.")
    boxes: list[_Box] = Field(description="[left, top, right, bottom] of each in pixels, the last two excluded.")


class SufficientAnswer(RegionSet):
    """Regions with which the predicted class is kept under every hiding of the other regions."""

    margin: float = Field(
        ge=0, description="The least lead of the predicted class over any other, over all these hidings, in logits."
    )
    combinations: int = Field(
        ge=1, description="Number of hidings that the proof covers: 2 to the power of the number of other regions."
    )
    status: Status = Field(
        description="`smallest`: no sufficient set has fewer regions. `irreducible`: no region can be removed."
    )


class ContrastAnswer(RegionSet):
    """A smallest set of regions whose hiding changes the predicted class."""

    predicted: Class = Field(description="The class that is predicted with these regions hidden.")
    label: str = Field(description="Its name.")


class GroundsAnswer(Answer):
    """The regions that prove the prediction, for every combination of hidden regions."""

    region: Region
    fill: FillAnswer
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    players: list[_Place] = Field(description="[row, column]: the regions that hiding changes.")
    sufficient: SufficientAnswer
    contrast: ContrastAnswer | None = Field(description="Null if no hiding changes the class.")
    empty: EmptyAnswer
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/grounds",
    summary="Which regions prove the prediction, and which fewest change it?",
    response_model=GroundsAnswer,
    **openapi.operation(GroundsQuery, "grounds", "/explain/grounds"),
)
async def explain(request: Request) -> Response:
    """Proven for every combination of hidden regions, without sampling. With the sufficient regions visible, the class
    is kept under every hiding of the others; another set may be sufficient too. The picture outlines them, and strikes
    out a smallest set of regions whose hiding changes the class.
    """
    return await Handler(request).respond(_OPERATION)


def _explain(subject: Subject, query: GroundsQuery) -> Grounds:
    region = query.region or usual_side(subject.network.architecture, proofs=True)
    return grounds(subject.network, subject.image, region, query.fill)


def _serialise(result: Grounds, _: GroundsQuery, envelope: Envelope) -> GroundsAnswer:
    regions, proof, contrast, empty = result.hiding.regions, result.sufficient, result.contrast, result.empty
    return GroundsAnswer(
        predicted=result.predicted,
        label=result.label,
        region=regions.region,
        fill=result.hiding.fill,
        grid=regions.grid,
        players=list(result.players),
        sufficient=SufficientAnswer(
            regions=list(proof.regions),
            boxes=_boxes(regions, proof.regions),
            margin=proof.margin,
            combinations=proof.combinations,
            status=proof.status,
        ),
        contrast=contrast
        and ContrastAnswer(
            regions=list(contrast.regions),
            boxes=_boxes(regions, contrast.regions),
            predicted=contrast.predicted,
            label=result.name(contrast.predicted),
        ),
        empty=EmptyAnswer(
            predicted=empty.predicted,
            label=result.name(empty.predicted),
            probability=empty.probability,
            logit=float(empty.logits[result.predicted]),
        ),
        input=envelope.input,
        model=envelope.model,
    )


def _boxes(regions: Regions, places: Sequence[Position]) -> list[_Box]:
    return [regions.box(row, column) for row, column in places]


_OPERATION = Operation(GroundsQuery, _explain, _serialise, drawing.grounds)
