"""``POST /explain/grounds``."""

from pydantic import MISSING, BaseModel, Field

from konkyo.models.files.card import Share
from konkyo.models.grounds.proofs import Status
from konkyo.models.question import GroundsQuestion
from konkyo.service.routes.answers import Answer, Class, EmptyAnswer, Position
from konkyo.service.routes.operation import operation
from konkyo.service.routes.queries import Fill, Region

_Box = tuple[int, int, int, int]


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
    fill: Fill
    grid: tuple[int, int] = Field(description="(rows, columns) of the regions.")
    players: list[Position] = Field(description="[row, column]: the regions that hiding changes.")
    sufficient: SufficientAnswer
    contrast: ContrastAnswer | None = Field(description="Null if no hiding changes the class.")
    hidden: HiddenAnswer | MISSING = Field(MISSING, description="With `hide`.")
    empty: EmptyAnswer


router = operation(
    "/explain/grounds",
    GroundsQuestion,
    GroundsAnswer,
    document=True,
    about="`format=html` is a document to keep: in it any regions can be hidden, and every answer is right without the "
    "service.",
)
