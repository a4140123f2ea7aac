"""What goes in as a query and comes out as JSON: the contract, DESIGN 5."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.contributions import Pair
from models.faithfulness import Faithfulness
from models.occlusion import Score
from models.regions import MAX_REGION
from models.usage import Distinct, PlacedPair, Typicality
from models.verification import Verification
from service.negotiation import Format
from service.overlays.canvas import MAX_SCALE, Theme
from service.pictures import Fit, Polarity, Receipt
from service.search import Search

Class = Annotated[int, Field(ge=0, le=9)]
Matrix = list[list[float]]


class MapDetail(StrEnum):
    """How much of the ledger comes beyond the target's nine numbers."""

    NONE = "none"
    TOTALS = "totals"
    FULL = "full"


class Mode(StrEnum):
    """How regions are hidden."""

    GROUNDS = "grounds"
    INDEPENDENT = "independent"
    CUMULATIVE = "cumulative"


FormParameter = Annotated[Format | None, Field(description="The form of the answer; goes before the `Accept` header.")]
ScaleParameter = Annotated[int, Field(ge=1, le=MAX_SCALE, description="Size of the PNG.")]
ThemeParameter = Annotated[Theme, Field(description="Colours of the PNG.")]


class StrictQuery(BaseModel):
    """A misspelt parameter would be answered with another question's explanation: it is refused."""

    model_config = ConfigDict(extra="forbid")


class DrawingQuery(StrictQuery):
    """Parameters of what is answered as JSON or as a picture."""

    format: FormParameter = None
    scale: ScaleParameter = 1
    theme: ThemeParameter = Theme.LIGHT


class PredictQuery(StrictQuery):
    """Parameters that every operation on a picture takes."""

    fit: Fit = Field(Fit.EXACT, description="`exact` takes 28×28 as it is; `mnist` crops, scales and centres any size.")
    polarity: Polarity = Field(Polarity.AUTO, description="`auto` inverts a picture with a bright border.")
    model: str | None = Field(None, description="A checkpoint's name; see `GET /models`.")
    format: FormParameter = None
    scale: ScaleParameter = 1
    theme: ThemeParameter = Theme.LIGHT


class ExplainQuery(PredictQuery):
    """What an explanation takes besides."""

    target: Class | None = Field(None, description="The class to explain; the one that is read, if absent.")


class FiltersQuery(ExplainQuery):
    """`POST /explain/filters`."""

    versus: Class | None = Field(None, description="A rival: every number becomes the difference target − versus.")
    maps: MapDetail = Field(
        MapDetail.NONE,
        description="`totals`: the contributions for all ten classes. `full`: the target's maps as well.",
    )


class OcclusionQuery(ExplainQuery):
    """`POST /explain/occlusion`."""

    region: int = Field(2, ge=1, le=MAX_REGION, description="Side of a region in pixels.")
    stride: int | None = Field(None, ge=1, le=MAX_REGION, description="1…region; the region's side, if absent.")
    fill: float = Field(0.0, ge=0, le=1, description="The grey that hides; 0 is the background.")
    score: Score = Field(Score.LOGIT, description="What is compared before and after.")
    mode: Mode = Field(
        Mode.GROUNDS,
        description="`independent`: each region by itself. `grounds`, besides: the order in which regions speak for "
        "the target, and how few of them are read as it alone, with another digit left without them. `cumulative`, "
        "besides: one after another for as long as the reading stays the same, which leaves the sufficient region.",
    )
    verify: bool = Field(False, description="Read every hidden picture whole as well, and say the largest difference.")
    pairs: bool = Field(False, description="What each filter pair loses with each region.")
    receipt: bool = Field(False, description="Measure the explanation against random orders of hiding.")


class ModelReference(BaseModel):
    """Which network answered."""

    name: str
    sha256: str


class Prediction(BaseModel):
    """What the network reads."""

    digit: int
    probability: float
    probabilities: list[float]
    logits: list[float]
    input: Receipt
    model: ModelReference


class FilterContributions(BaseModel):
    """The exact ledger: logit = Σ contributions + Σ filter_bias + class_bias + residual."""

    predicted: int
    target: int
    versus: int | None
    logit: float
    class_bias: float
    filter_bias: list[float] = Field(description="One entry a conv2 filter.")
    contributions: Matrix = Field(description="[conv1 filter][conv2 filter].")
    ranking: list[Pair]
    residual: float = Field(description="What rounding leaves unexplained.")
    typicality: Typicality | None = Field(
        description="How usual this use of the filters is among pictures that are rightly read as the target, whatever "
        "the rival. The percentile is how many percent of them use the filters less usually: 100 is as usual as can "
        "be, 0 odder than all. The distance is that from their mean. Null where the network was not studied."
    )
    totals: list[Matrix] | None = Field(None, description="[class][conv1 filter][conv2 filter].")
    maps: list[list[Matrix]] | None = Field(None, description="[conv1 filter][conv2 filter][row][column].")
    input: Receipt
    model: ModelReference


class CriticalRegion(BaseModel):
    """A region without which another digit is read."""

    row: int
    column: int
    box: tuple[int, int, int, int] = Field(description="(left, top, right, bottom) in pixels, the last two excluded.")
    digit: int


class Reading(BaseModel):
    """What is read in a part of the picture."""

    digit: int
    probability: float


class GroundsProof(BaseModel):
    """That little ink is enough, and needed."""

    regions: int = Field(description="How many: the first of the order.")
    alone: Reading = Field(description="In these regions alone the target is read.")
    without: Reading = Field(description="In the picture without them it is not.")


class AnswerGrounds(BaseModel):
    """The order in which regions speak for the target, and how many are enough."""

    turn: list[list[int]] = Field(
        description="28 rows of 28: with which region, from 1, the pixel was moved from the picture to an empty sheet; "
        "0 where it has the fill value."
    )
    regions: int = Field(description="How many were moved in all.")
    evidence: int = Field(description="How many of the first speak for the target; the others are better left out.")
    proof: GroundsProof | None = Field(description="Null where no beginning of the order is enough.")


class SufficientRegion(BaseModel):
    """The ink that alone still makes the network read the same digit."""

    kept: list[list[int]] = Field(description="28 rows of 28: 1 where the pixel is kept.")
    regions: int = Field(description="Regions that are kept.")
    probability: float = Field(description="Of the digit, in the kept part alone.")


class OcclusionMap(BaseModel):
    """What hiding each region does."""

    predicted: int
    target: int
    score: Score
    baseline: float
    region: int
    stride: int
    fill: float
    grid: tuple[int, int] = Field(description="(rows, columns).")
    drop: Matrix = Field(description="baseline − the score without the region; above 0 it speaks for the target.")
    prediction: list[list[int]]
    critical: list[CriticalRegion]
    grounds: AnswerGrounds | None = Field(None, description="With `mode=grounds`, the default.")
    sufficient: SufficientRegion | None = Field(None, description="With `mode=cumulative`.")
    verification: Verification | None = Field(None, description="With `verify=true`.")
    pairs: list[list[Matrix]] | None = Field(None, description="With `pairs=true`: [row][column][conv1][conv2].")
    receipt: Faithfulness | None = Field(None, description="With `receipt=true`.")
    input: Receipt
    model: ModelReference


class Process(BaseModel):
    """Everything on the way from the picture to the digit (Fig. 2)."""

    predicted: int
    image: Matrix = Field(description="28 rows of 28 in [0, 1]: what the network sees.")
    logits: list[float]
    conv1_filters: list[Matrix] = Field(description="[conv1 filter][row][column]: the weights.")
    conv2_filters: list[list[Matrix]] = Field(
        description="[conv2 filter][input][row][column]: the weights; with paired wiring there is one input."
    )
    conv1: list[Matrix] = Field(description="[conv1 filter], before ReLU.")
    pool1: list[Matrix] = Field(description="[conv1 filter], after ReLU.")
    conv2: list[Matrix] = Field(description="[map], before ReLU; with paired wiring pair (i, j) is map i·B + j.")
    pool2: list[Matrix] = Field(description="[map], after ReLU.")
    maps: list[list[list[Matrix]]] = Field(description="[class][conv1 filter][conv2 filter][row][column].")
    contributions: list[Matrix] = Field(description="[class][conv1 filter][conv2 filter]: each map's sum.")
    filter_bias: Matrix = Field(description="[class][conv2 filter].")
    class_bias: list[float]
    typicality: list[Typicality] | None = Field(
        description="For each class, how usual this use of the filters would be; see `POST /explain/filters`."
    )
    input: Receipt
    model: ModelReference


class ModelSummary(BaseModel):
    """One line of the catalogue."""

    name: str
    architecture: dict[str, str | int | bool]
    parameters: int
    accuracy: float = Field(description="Share of MNIST's 10,000 test images that it reads correctly.")
    sha256: str


class ModelList(BaseModel):
    """All networks that can be asked."""

    default: str
    models: list[ModelSummary]
    search: Search | None = Field(description="The trainer's search for the smallest network; null if there was none.")


class ClassFilterUsage(BaseModel):
    """Which filter pairs the network uses for a class, over training images that it predicts correctly."""

    digit: int
    images: int = Field(description="How many pictures were looked at.")
    first: PlacedPair = Field(description="The pair that contributes most in the most pictures.")
    second: PlacedPair | None = Field(description="The next; null only where there is a single pair.")
    dominated: bool = Field(description="Whether the first contributes most in at least 90 % of the pictures.")
    firsts: list[list[int]] = Field(description="[conv1 filter][conv2 filter]: pictures in which it contributes most.")
    mean: Matrix = Field(description="[conv1 filter][conv2 filter]: mean contribution to the class's logit.")
    deviation: Matrix = Field(description="[conv1 filter][conv2 filter]: its standard deviation.")


class FilterUsage(BaseModel):
    """The study of one network: the paper's Fig. 4 in numbers."""

    searched: int = Field(description="MNIST training images searched for correctly predicted ones, from the first on.")
    per_class: int = Field(description="How many of a class were taken at most, in their order.")
    distinct: Distinct = Field(description="How many different combinations the ten classes use.")
    classes: list[ClassFilterUsage]


class ModelFilters(BaseModel):
    """A network's filters, and which pairs of them it uses for which class."""

    conv1_shape: tuple[int, int, int] = Field(description="(filters, rows, columns).")
    conv1_filters: list[Matrix] = Field(description="[conv1 filter][row][column]: the weights.")
    conv2_shape: tuple[int, int, int, int] = Field(description="(filters, inputs, rows, columns).")
    conv2_filters: list[list[Matrix]] = Field(
        description="[conv2 filter][input][row][column]: the weights; with paired wiring there is one input."
    )
    usage: FilterUsage | None = Field(description="Null where the network was not studied.")
    model: ModelReference


class Health(BaseModel):
    """The process is alive."""

    status: Literal["alive"]


class Readiness(BaseModel):
    """The service can answer, with these models."""

    status: Literal["ready"]
    models: list[str]
