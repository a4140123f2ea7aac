"""``POST /explain/shapley``."""

from typing import ClassVar

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, BaseModel, Field

from konkyo.models.errors import ParameterError
from konkyo.models.filters.usage import Usage
from konkyo.models.hiding.occlusion import Faithfulness
from konkyo.models.hiding.shapley import ShapleyExplanation
from konkyo.models.network import Network
from konkyo.models.question import ShapleyQuestion
from konkyo.service.http import openapi
from konkyo.service.http.answer import AnyFormat, Format
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import (
    Class,
    ClassAnswer,
    EmptyAnswer,
    Matrix,
    ModelReference,
    Position,
)
from konkyo.service.routes.asking import Operation, PlainRoute, service_of
from konkyo.service.routes.queries import ClassQuery, ExactRegion, Fill, FillAnswer, Region

router = APIRouter(tags=["questions"], route_class=PlainRoute)


class ShapleyQuery(ClassQuery):
    """Parameters of `POST /explain/shapley`."""

    JSON_ONLY: ClassVar[frozenset[str]] = frozenset({"faithfulness"})

    region: ExactRegion = None
    fill: Fill = 0.0
    pairs: bool = Field(False, description="Split the values by filter pairs.")
    interactions: bool = Field(
        False, description="Add how every two regions work together, or draw it; no picture shows `pairs` too."
    )
    faithfulness: bool = Field(False, description="Measure the explanation against random orders. Not for pictures.")

    def check_form(self, form: AnyFormat) -> None:
        """As for every operation; and a picture shows either of the two."""
        super().check_form(form)
        if form is not Format.JSON and self.pairs and self.interactions:
            raise ParameterError("interactions", "has a picture of its own; ask for it without pairs")

    def question(self, network: Network, usage: Usage | None) -> ShapleyQuestion:
        """The question about a network."""
        return ShapleyQuestion(
            network=network,
            usage=usage,
            target=self.target,
            versus=self.versus,
            region=self.region,
            fill=self.fill,
            pairs=self.pairs,
            interactions=self.interactions,
            faithfulness=self.faithfulness,
        )


class Interaction(BaseModel):
    """How two regions work together."""

    regions: tuple[Position, Position] = Field(description="[row, column] of both, on the grid.")
    value: float = Field(
        description="The pairwise Shapley interaction index, in units of the logit: positive if together they add more "
        "than each alone, negative if less."
    )


class ShapleyAnswer(ClassAnswer):
    """The Shapley value of each region: logit = empty.logit + Σ values + residual."""

    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
    logit: float = Field(description="Of the whole image; with `versus`, the difference of the two logits.")
    empty: EmptyAnswer
    region: Region
    fill: FillAnswer
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    values: Matrix = Field(
        description="[row][column]: the region's Shapley value; a positive one supports the target. It is 0 if hiding "
        "changes no pixel."
    )
    residual: float = Field(description="The rounding error of the sum.")
    pairs: list[list[Matrix]] | MISSING = Field(
        MISSING,
        description="[row][column][map][filter], with `pairs=true`: the value for the pair's "
        "contribution. With `filter_bias` these add up to `values`.",
    )
    filter_bias: list[Matrix] | MISSING = Field(
        MISSING,
        description="[row][column][filter], with `pairs=true`: the value for the bias that several "
        "pairs share; zeros with paired wiring.",
    )
    interactions: list[Interaction] | MISSING = Field(
        MISSING,
        description="With `interactions=true`: every two regions that some cell of the last stage sees together, the "
        "greatest absolute value first. Any other two have exactly 0.",
    )
    faithfulness: Faithfulness | MISSING = Field(MISSING, description="With `faithfulness=true`.")
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/shapley",
    summary="How much does each region of the image add to the class's logit?",
    response_model=ShapleyAnswer,
    **openapi.operation(ShapleyQuery, "shapley", "/explain/shapley"),
)
async def explain(request: Request) -> Response:
    """The Shapley value of a region is what it adds when it is shown, averaged over all orders of showing the
    regions. Exact over all combinations of hidden regions, without sampling. The picture is a heatmap of the values;
    with `pairs=true` a heatmap for each filter pair, with `interactions=true` the regions with lines between them.
    """
    return await service_of(request).answer(request, _OPERATION)


_OPERATION = Operation[ShapleyQuery, ShapleyExplanation](ShapleyQuery)
