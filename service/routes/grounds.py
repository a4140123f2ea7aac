"""``POST /explain/grounds``."""

import re
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, BaseModel, Field, PlainValidator
from pydantic_core import PydanticCustomError

from konkyo.models.files.card import Share
from konkyo.models.filters.usage import Usage
from konkyo.models.grounds.proofs import Grounds, Status
from konkyo.models.network import Network
from konkyo.models.question import GroundsQuestion
from konkyo.service.http import openapi
from konkyo.service.http.answer import HTML, GroundsFormat
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import Answer, Class, EmptyAnswer, ModelReference, Position
from konkyo.service.routes.asking import Operation, PlainRoute, service_of
from konkyo.service.routes.queries import ExactRegion, Fill, FillAnswer, ImageQuery, Region

router = APIRouter(tags=["questions"], route_class=PlainRoute)

_Box = tuple[int, int, int, int]
_HIDE = r"^[0-9]{1,2}\.[0-9]{1,2}(-[0-9]{1,2}\.[0-9]{1,2})*$"


def _hide(value: str) -> str:
    """Refuse with a message that says what would be right: pydantic's would show the pattern."""
    if not re.fullmatch(_HIDE, value):
        raise PydanticCustomError("hide", "must be regions as row.column, from 0, with - between them, such as 2.3-4.5")
    return value


Hide = Annotated[str, PlainValidator(_hide, json_schema_input_type=Annotated[str, Field(pattern=_HIDE)])]


class GroundsQuery(ImageQuery):
    """Parameters of `POST /explain/grounds`, which explains the prediction and has no target."""

    format: GroundsFormat | None = Field(  # type: ignore[assignment]
        None,
        description="The form of the answer; goes before the `Accept` header. Without either it is JSON. `html` is a "
        "document that works without the service: any regions can be hidden in it.",
    )
    region: ExactRegion = None
    fill: Fill = 0.0
    hide: Hide | None = Field(
        None,
        description="Regions to hide, as row.column, to see what is predicted then: `2.3-4.5` hides two. The picture "
        "shows them in place of the contrast.",
    )

    def question(self, network: Network, _: Usage | None) -> GroundsQuestion:
        """The question about a network."""
        places = [place.split(".") for place in (self.hide or "").split("-") if place]
        return GroundsQuestion(
            network=network,
            region=self.region,
            fill=self.fill,
            hide=tuple((int(row), int(column)) for row, column in places),
            tables=self.format is GroundsFormat.HTML,
        )


class RegionSet(BaseModel):
    """Some regions."""

    regions: list[Position] = Field(description="[row, column] on the grid.")
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


class HiddenAnswer(RegionSet):
    """What is predicted with regions hidden that were asked for."""

    predicted: Class = Field(description="The class that is predicted with these regions hidden.")
    label: str = Field(description="Its name.")
    probability: Share = Field(description="Of this class.")


class GroundsAnswer(Answer):
    """The regions that prove the prediction, for every combination of hidden regions."""

    region: Region
    fill: FillAnswer
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    players: list[Position] = Field(description="[row, column]: the regions that hiding changes.")
    sufficient: SufficientAnswer
    contrast: ContrastAnswer | None = Field(description="Null if no hiding changes the class.")
    hidden: HiddenAnswer | MISSING = Field(MISSING, description="With `hide`.")
    empty: EmptyAnswer
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/grounds",
    summary="Which regions prove the prediction, and which fewest change it?",
    response_model=GroundsAnswer,
    **openapi.operation(GroundsQuery, "grounds", "/explain/grounds", more=HTML),
)
async def explain(request: Request) -> Response:
    """Proven for every combination of hidden regions, without sampling. With the sufficient regions visible, the class
    is kept under every hiding of the others; another set may be sufficient too. The picture outlines them, and strikes
    out a smallest set of regions whose hiding changes the class. `format=html` is a document to keep: in it any regions
    can be hidden, and every answer is right without the service.
    """
    return await service_of(request).answer(request, _OPERATION)


_OPERATION = Operation[GroundsQuery, Grounds](GroundsQuery)
