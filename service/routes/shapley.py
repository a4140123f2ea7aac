"""``POST /explain/shapley``."""

from typing import ClassVar

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, Field

from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.occlusion import Faithfulness
from konkyo.models.hiding.shapley import ShapleyExplanation, explain_shapley
from konkyo.models.network import Network
from konkyo.models.result import check_pairs
from konkyo.service import drawing
from konkyo.service.handling import openapi
from konkyo.service.handling.answers import Class, ClassAnswer, EmptyAnswer, Matrix, ModelReference
from konkyo.service.handling.handler import Envelope, Handler, Operation, Subject
from konkyo.service.handling.queries import ClassQuery, ExactRegion, Fill, FillAnswer, Region, check_region
from konkyo.service.http.uploads import MAX_BODY
from konkyo.service.imaging.decoding import PreprocessingReport

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)


class ShapleyQuery(ClassQuery):
    """Parameters of `POST /explain/shapley`."""

    JSON_ONLY: ClassVar[frozenset[str]] = frozenset({"faithfulness"})

    region: ExactRegion = None
    fill: Fill = 0.0
    pairs: bool = Field(False, description="Split the values by filter pairs.")
    faithfulness: bool = Field(False, description="Measure the explanation against random orders. Not for pictures.")

    def check(self, network: Network) -> None:
        """Regions that are not in such images, and pairs of a network whose pairs differ from hiding to hiding."""
        check_region(self.region, None, network)
        if self.pairs:
            check_pairs(network)


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
    with `pairs=true` a heatmap for each filter pair.
    """
    return await Handler(request).respond(_OPERATION)


def _explain(subject: Subject, query: ShapleyQuery) -> ShapleyExplanation:
    return explain_shapley(
        subject.network,
        subject.image,
        subject.target,
        subject.versus,
        query.region or usual_side(subject.network.architecture),
        query.fill,
        pairs=query.pairs,
        faithful=query.faithfulness,
    )


def _serialise(result: ShapleyExplanation, _: ShapleyQuery, envelope: Envelope) -> ShapleyAnswer:
    regions, values, empty = result.hiding.regions, result.values, result.empty
    return ShapleyAnswer(
        predicted=result.predicted,
        label=result.label,
        target=result.target,
        versus=MISSING if result.versus is None else result.versus,
        logit=values.logit,
        empty=EmptyAnswer(
            predicted=empty.predicted,
            label=result.name(empty.predicted),
            probability=empty.probability,
            logit=values.empty_logit,
        ),
        region=regions.region,
        fill=result.hiding.fill,
        grid=regions.grid,
        values=values.values.tolist(),
        residual=values.residual,
        pairs=MISSING if result.pairs is None else result.pairs.pairs.tolist(),
        filter_bias=MISSING if result.pairs is None else result.pairs.filter_bias.tolist(),
        faithfulness=MISSING if result.faithfulness is None else result.faithfulness,
        input=envelope.input,
        model=envelope.model,
    )


_OPERATION = Operation(ShapleyQuery, _explain, _serialise, drawing.shapley)
