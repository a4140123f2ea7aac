"""``POST /explain/filters``."""

from enum import StrEnum
from math import prod
from typing import ClassVar

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, Field

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import MOST_TOP, FilterExplanation, Others, Pair, explain_filters
from konkyo.models.errors import ParameterError
from konkyo.models.network import Network
from konkyo.models.usage import MOST_PAIRS, Typicality
from konkyo.service import drawing
from konkyo.service.handling import openapi
from konkyo.service.handling.answers import Class, ClassAnswer, Matrix, ModelReference, PerClassMatrix
from konkyo.service.handling.handler import Envelope, Handler, Operation, Subject, passes_cheaply
from konkyo.service.handling.queries import ClassQuery
from konkyo.service.http.uploads import MAX_BODY
from konkyo.service.imaging.decoding import PreprocessingReport

# Pairs that are listed in less than a millisecond.
CHEAP_PAIRS = 256

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)


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

    def check(self, _: Network) -> None:
        """A short ranking beside all maps."""
        if self.top is not None and self.maps is not MapDetail.NONE:
            raise ParameterError("top", "is not for maps, which are of all pairs; leave one of them out")


class FiltersAnswer(ClassAnswer):
    """The exact ledger: logit = Σ contributions + Σ filter_bias + class_bias + residual."""

    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
    logit: float = Field(description="Of the target; with `versus`, the difference of the two logits.")
    class_bias: float
    filter_bias: list[float] = Field(
        description="[filter]: contribution of the biases that several pairs share; zeros with paired wiring."
    )
    contributions: Matrix | MISSING = Field(MISSING, description="[map][filter], without `top`.")
    ranking: list[Pair] = Field(description="All pairs, or the `top`, the greatest contribution first.")
    others: Others | MISSING = Field(MISSING, description="With `top`: the pairs that are not in the ranking.")
    residual: float = Field(description="The rounding error of the sum.")
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
    return await Handler(request).respond(_OPERATION)


def _explain(subject: Subject, _: FiltersQuery) -> FilterExplanation:
    return explain_filters(subject.network, subject.image, subject.target, subject.versus, subject.usage)


def _serialise(result: FilterExplanation, query: FiltersQuery, envelope: Envelope) -> FiltersAnswer:
    account = result.account
    return FiltersAnswer(
        predicted=result.predicted,
        label=result.label,
        target=result.target,
        versus=MISSING if result.versus is None else result.versus,
        logit=account.logit,
        class_bias=account.class_bias,
        filter_bias=account.filter_bias.tolist(),
        contributions=account.contributions.tolist() if query.top is None else MISSING,
        ranking=account.ranking(query.top),
        others=MISSING if query.top is None else account.others(query.top),
        residual=account.residual,
        typicality=result.typicality,
        totals=MISSING if query.maps is MapDetail.NONE else result.totals.tolist(),
        maps=account.maps.tolist() if query.maps is MapDetail.FULL else MISSING,
        input=envelope.input,
        model=envelope.model,
    )


def _is_cheap(query: FiltersQuery, architecture: Architecture) -> bool:
    """Whether a forward pass is cheap, and few pairs are listed."""
    return prod(architecture.pairs) <= CHEAP_PAIRS and passes_cheaply(query, architecture)


_OPERATION = Operation(FiltersQuery, _explain, _serialise, drawing.ledger, _is_cheap)
