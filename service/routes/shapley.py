"""``POST /explain/shapley``."""

from pydantic import MISSING, BaseModel, Field

from konkyo.models.hiding.occlusion import Faithfulness
from konkyo.models.question import ShapleyQuestion
from konkyo.service.routes.answers import (
    ClassAnswer,
    EmptyAnswer,
    Matrix,
    Position,
)
from konkyo.service.routes.operation import operation
from konkyo.service.routes.queries import Fill, Region


class Interaction(BaseModel):
    """How two regions work together."""

    regions: tuple[Position, Position] = Field(description="[row, column] of both, on the grid.")
    value: float = Field(
        description="The pairwise Shapley interaction index, in units of the logit: positive if together they add more "
        "than each alone, negative if less."
    )


class ShapleyAnswer(ClassAnswer):
    """The Shapley value of each region: logit = empty.logit + Σ values + residual."""

    logit: float = Field(description="Of the whole image; with `versus`, the difference of the two logits.")
    empty: EmptyAnswer
    region: Region
    fill: Fill
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


router = operation(
    "/explain/shapley",
    ShapleyQuestion,
    ShapleyAnswer,
    json_only=("faithfulness",),
    one_picture=("interactions", "pairs"),
)
