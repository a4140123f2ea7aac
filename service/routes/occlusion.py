"""``POST /explain/occlusion``."""

from typing import ClassVar

import numpy as np
from fastapi import APIRouter, Request, Response
from PIL import Image
from pydantic import MISSING, BaseModel, Field

from konkyo.models.architecture import Architecture
from konkyo.models.hiding.cost import singles, usual_single_side
from konkyo.models.hiding.occlusion import Faithfulness, OcclusionExplanation, Score, explain_occlusion
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Network
from konkyo.models.result import check_pairs
from konkyo.service import drawing
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.handling import openapi
from konkyo.service.handling.answers import Class, ClassAnswer, Matrix, ModelReference
from konkyo.service.handling.handler import CHEAP_ROWS, CHEAP_WORK, Envelope, Handler, Operation, Subject
from konkyo.service.handling.queries import ClassQuery, Fill, FillAnswer, Region
from konkyo.service.http.uploads import MAX_BODY
from konkyo.service.imaging.decoding import PreprocessingReport

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)


class OcclusionQuery(ClassQuery):
    """Parameters of `POST /explain/occlusion`."""

    JSON_ONLY: ClassVar[frozenset[str]] = frozenset({"faithfulness"})

    region: Region | None = Field(
        None,
        description="Side of a region in pixels, from 1 to half the image's side; if absent, as the model's `explains` "
        "says: 2 for images of up to 32 pixels a side, else 4.",
    )
    stride: Region | None = Field(None, description="1…region; the region's side, if absent.")
    fill: Fill = 0.0
    score: Score = Field(Score.LOGIT, description="What is compared before and after hiding.")
    pairs: bool = Field(False, description="Add the drop of each filter pair's contribution. Not for a probability.")
    faithfulness: bool = Field(False, description="Measure the explanation against random orders. Not for pictures.")

    def check(self, network: Network) -> None:
        """Regions that are not in such images, and pairs of a network whose pairs differ from hiding to hiding."""
        self.hiding(network.architecture)
        if self.pairs:
            check_pairs(network)

    def hiding(self, architecture: Architecture) -> Hiding:
        """The regions and the fill value."""
        side = architecture.side
        return Hiding(Regions(self.region or usual_single_side(architecture), self.stride, side), self.fill)


class CriticalRegion(BaseModel):
    """A region whose hiding changes the prediction."""

    row: int = Field(ge=0)
    column: int = Field(ge=0)
    box: tuple[int, int, int, int] = Field(description="(left, top, right, bottom) in pixels, the last two excluded.")
    predicted: Class = Field(description="The predicted class with it hidden.")
    label: str = Field(description="Its name.")


class OcclusionAnswer(ClassAnswer):
    """The effect of hiding each region by itself."""

    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
    score: Score
    whole: float = Field(description="The score of the whole image; with `versus`, the difference of the two scores.")
    region: Region
    stride: Region
    fill: FillAnswer
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    drop: Matrix = Field(
        description="[row][column]: whole − the score with the region hidden; a positive drop supports the target."
    )
    prediction: list[list[Class]] = Field(description="[row][column]: the predicted class with the region hidden.")
    critical: list[CriticalRegion] = Field(description="The regions whose hiding changes the prediction.")
    pairs: list[list[Matrix]] | MISSING = Field(MISSING, description="[row][column][map][filter], with `pairs=true`.")
    faithfulness: Faithfulness | MISSING = Field(MISSING, description="With `faithfulness=true`.")
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/occlusion",
    summary="Which regions of the image change the answer when they are hidden?",
    response_model=OcclusionAnswer,
    **openapi.operation(OcclusionQuery, "occlusion", "/explain/occlusion?region=7"),
)
async def explain(request: Request) -> Response:
    """Each region is hidden by itself, and the image is predicted again. The picture is a heatmap of the drops. It
    outlines the critical regions, whose hiding changes the prediction. With `pairs=true` it has a heatmap for each
    filter pair.
    """
    return await Handler(request).respond(_OPERATION)


def _explain(subject: Subject, query: OcclusionQuery) -> OcclusionExplanation:
    return explain_occlusion(
        subject.network,
        subject.image,
        subject.target,
        subject.versus,
        query.hiding(subject.network.architecture),
        query.score,
        pairs=query.pairs,
        faithful=query.faithfulness,
    )


def _serialise(result: OcclusionExplanation, _: OcclusionQuery, envelope: Envelope) -> OcclusionAnswer:
    found = result.occlusion
    regions = found.hiding.regions
    critical = [
        CriticalRegion(
            row=row,
            column=column,
            box=regions.box(row, column),
            predicted=int(found.prediction[row, column]),
            label=result.name(int(found.prediction[row, column])),
        )
        for row, column in np.argwhere(found.critical).tolist()
    ]
    return OcclusionAnswer(
        predicted=result.predicted,
        label=result.label,
        target=result.target,
        versus=MISSING if result.versus is None else result.versus,
        score=found.score,
        whole=float(found.whole),
        region=regions.region,
        stride=regions.step,
        fill=found.hiding.fill,
        grid=regions.grid,
        drop=found.drop.tolist(),
        prediction=found.prediction.tolist(),
        critical=critical,
        pairs=MISSING if result.pairs is None else result.pairs.tolist(),
        faithfulness=MISSING if result.faithfulness is None else result.faithfulness,
        input=envelope.input,
        model=envelope.model,
    )


def _draw(result: OcclusionExplanation, style: Style) -> Image.Image:
    return drawing.occlusion(result, style) if result.pairs is None else drawing.pair_drops(result, style)


def _is_cheap(query: OcclusionQuery, architecture: Architecture) -> bool:
    """Whether hiding each region by itself is little work, and neither pairs nor faithfulness are asked for."""
    if query.pairs or query.faithfulness:
        return False
    cost = singles(architecture, query.hiding(architecture).regions)
    return cost.multiply_adds <= CHEAP_WORK and cost.rows <= CHEAP_ROWS


_OPERATION = Operation(OcclusionQuery, _explain, _serialise, _draw, _is_cheap)
