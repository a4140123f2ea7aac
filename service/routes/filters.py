"""``POST /explain/filters``."""

from pydantic import MISSING, Field

from konkyo.models.architecture import Factor
from konkyo.models.filters.contributions import Others, RankedPair
from konkyo.models.filters.usage import MOST_PAIRS, Typicality
from konkyo.models.question import FiltersQuestion
from konkyo.service.routes.answers import ClassAnswer, Matrix, PerClassMatrix
from konkyo.service.routes.operation import operation


class FiltersAnswer(ClassAnswer):
    """The exact ledger: logit = Σ contributions + Σ filter_bias + class_bias + residual."""

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


router = operation("/explain/filters", FiltersQuestion, FiltersAnswer, json_only=("maps", "top"))
