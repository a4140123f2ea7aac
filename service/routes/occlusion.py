"""``POST /explain/occlusion``."""

from pydantic import MISSING, BaseModel, Field

from konkyo.models.hiding.occlusion import Faithfulness, Score
from konkyo.models.question import OcclusionQuestion
from konkyo.service.routes.answers import Class, ClassAnswer, Matrix
from konkyo.service.routes.operation import operation
from konkyo.service.routes.queries import Fill, Region


class CriticalRegion(BaseModel):
    """A region whose hiding changes the prediction."""

    row: int = Field(ge=0)
    column: int = Field(ge=0)
    box: tuple[int, int, int, int] = Field(description="(left, top, right, bottom) in pixels, the last two excluded.")
    predicted: Class = Field(description="The predicted class with it hidden.")
    label: str = Field(description="Its name.")


class OcclusionAnswer(ClassAnswer):
    """The effect of hiding each region by itself."""

    score: Score
    whole: float = Field(description="The score of the whole image; with `versus`, the difference of the two scores.")
    region: Region
    stride: Region
    fill: Fill
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    drop: Matrix = Field(
        description="[row][column]: whole − the score with the region hidden; a positive drop supports the target."
    )
    prediction: list[list[Class]] = Field(description="[row][column]: the predicted class with the region hidden.")
    critical: list[CriticalRegion] = Field(description="The regions whose hiding changes the prediction.")
    pairs: list[list[Matrix]] | MISSING = Field(MISSING, description="[row][column][map][filter], with `pairs=true`.")
    faithfulness: Faithfulness | MISSING = Field(MISSING, description="With `faithfulness=true`.")


router = operation(
    "/explain/occlusion", OcclusionQuestion, OcclusionAnswer, json_only=("faithfulness",), example="?region=7"
)
