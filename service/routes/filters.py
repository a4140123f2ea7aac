"""``POST /explain/filters``."""

from enum import StrEnum
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, Field

from konkyo.models.architecture import Factor
from konkyo.models.filters.contributions import MOST_TOP, FilterExplanation, Others, RankedPair
from konkyo.models.filters.usage import MOST_PAIRS, Typicality, Usage
from konkyo.models.network import Network
from konkyo.models.question import FiltersQuestion
from konkyo.service.http import openapi
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import Class, ClassAnswer, Matrix, ModelReference, PerClassMatrix
from konkyo.service.routes.asking import Operation, PlainRoute, service_of
from konkyo.service.routes.queries import ClassQuery

router = APIRouter(tags=["questions"], route_class=PlainRoute)


class MapDetail(StrEnum):
    """The parts of the ledger that the answer contains beside the contributions to the target."""

    NONE = "none"
    TOTALS = "totals"
    FULL = "full"


class FiltersQuery(ClassQuery):
    """Parameters of `POST /explain/filters`."""

    JSON_ONLY: ClassVar[frozenset[str]] = frozenset({"maps", "top"})

    maps: MapDetail = Field(
        MapDetail.NONE,
        description="`totals`: the contributions to all classes. `full`: the target's maps as well. Not for pictures.",
    )
    top: int | None = Field(
        None,
        ge=1,
        le=MOST_TOP,
        description="Rank only so many pairs, which add most in absolute value, and sum up the others. Not with "
        "`maps`, and not for pictures.",
    )

    def question(self, network: Network, usage: Usage | None) -> FiltersQuestion:
        """The question about a network."""
        return FiltersQuestion(
            network=network,
            usage=usage,
            target=self.target,
            versus=self.versus,
            top=self.top,
            maps=self.maps is MapDetail.FULL,
            totals=self.maps is not MapDetail.NONE,
        )


class FiltersAnswer(ClassAnswer):
    """The exact ledger: logit = Σ contributions + Σ filter_bias + class_bias + residual."""

    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
    logit: float = Field(description="Of the target; with `versus`, the difference of the two logits.")
    class_bias: float
    filter_bias: list[float] = Field(
        description="[filter]: contribution of the biases that several pairs share; zeros with paired wiring."
    )
    contributions: Matrix | MISSING = Field(MISSING, description="[map][filter], without `top`.")
    ranking: list[RankedPair] = Field(description="All pairs, or the `top`, the greatest contribution first.")
    others: Others | MISSING = Field(MISSING, description="With `top`: the pairs that are not in the ranking.")
    residual: float = Field(description="The rounding error of the sum.")
    factor: Factor = Field(
        description="What splits an activation's output among the pairs: a `gate`, with which the parts are the "
        "network's local linear map, or the slope of a `secant`."
    )
    typicality: Typicality | None = Field(
        description="How typical this use of the filters is among images that are correctly predicted as the target. "
        "The percentile is the percentage of these images that are farther from their mean: 100 is the most typical. "
        "The distance is the Mahalanobis distance from the mean. Null if that was not studied, as of more than "
        f"{MOST_PAIRS} pairs."
    )
    totals: PerClassMatrix | MISSING = Field(MISSING, description="[class][map][filter], with `maps=totals` or `full`.")
    maps: list[list[Matrix]] | MISSING = Field(MISSING, description="[map][filter][row][column], with `maps=full`.")
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/filters",
    summary="How much did each filter pair add to the class's logit?",
    response_model=FiltersAnswer,
    **openapi.operation(FiltersQuery, "filters", "/explain/filters"),
)
async def explain(request: Request) -> Response:
    """Exact: the contributions and the biases add up to the logit. A pair is a map that enters the last stage, and a
    filter of the last stage, both numbered from 0; for a single stage, a channel of the image and a filter. The picture
    frames the pair that adds most in red, the second in blue.
    """
    return await service_of(request).answer(request, _OPERATION)


def _to_dict(result: FilterExplanation, query: FiltersQuery) -> dict[str, Any]:
    maps = query.maps
    return result.to_dict(query.top, totals=maps is not MapDetail.NONE, maps=maps is MapDetail.FULL)


_OPERATION = Operation(FiltersQuery, _to_dict)
