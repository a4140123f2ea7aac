"""``POST /explain/process``."""

from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from konkyo.models.architecture import MAX_STAGES
from konkyo.models.classes import FEWEST, MOST
from konkyo.models.filters.process import Process
from konkyo.models.filters.usage import Typicality
from konkyo.models.preparation.doubts import UNLIKE
from konkyo.models.question import ProcessQuestion
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import (
    ClassAnswer,
    ImageArray,
    Kernels,
    Matrix,
    PerClass,
    PerClassMatrix,
)
from konkyo.service.routes.operation import operation

_PerClassRows = Annotated[list[list[float]], Field(min_length=FEWEST, max_length=MOST)]
_PerClassMaps = Annotated[list[list[Matrix]], Field(min_length=FEWEST, max_length=MOST)]
_PerClassTypicality = Annotated[list[Typicality], Field(min_length=FEWEST, max_length=MOST)]


class StageProcess(BaseModel):
    """What happens in a stage: convolution, activation, and a pool where it has one."""

    count: int = Field(ge=1, description="Number of its maps.")
    shown: list[int] = Field(description="The numbers of the maps that follow, in ascending order; all, if few.")
    filters: list[Kernels] = Field(
        description="[shown map][input][row][column]: the weights of its filter; with paired wiring there is one input."
    )
    bias: list[float] | list[Matrix] = Field(
        description="[shown map]: of its filter; [shown map][row][column] where it differs from cell to cell."
    )
    convolution: list[Matrix] = Field(description="[shown map][row][column], before the activation.")
    maps: list[Matrix] = Field(description="[shown map][row][column], after activation and pool.")


class PairPlace(BaseModel):
    """A pair: a map that enters the last stage, and a filter of the last stage."""

    map: int = Field(ge=0, description="For a single stage, a channel of the image.")
    filter: int = Field(ge=0)


class ProcessAnswer(ClassAnswer):
    """All intermediate results from the image to the prediction (Fig. 2)."""

    image: ImageArray = Field(
        description="[row][column], or [channel][row][column] in colour, in [0, 1]: the input of the network."
    )
    logits: PerClass
    stages: list[StageProcess] = Field(min_length=1, max_length=MAX_STAGES, description="From the image to the head.")
    contributions: PerClassMatrix = Field(description="[class][map][filter]: of all pairs.")
    pairs: list[PairPlace] = Field(
        description="The pairs whose maps follow, by map and filter: all, if few, else those that add most in absolute "
        "value to the target; with `versus`, to the difference."
    )
    passed: list[Matrix] = Field(description="[pair][row][column]: what it passes to the head.")
    head: _PerClassMaps = Field(
        description="[class][k][row][column]: the weights of the head for the maps of the last stage that these pairs "
        "belong to; with hidden layers, with their gates as they are for this image. A pair's map for a class is the "
        "product with `passed`, cell by cell."
    )
    head_maps: list[int] = Field(
        description="[k]: the numbers of these maps, in ascending order. Pair (i, j) belongs to map j; with paired "
        "wiring and B filters to map i·B + j."
    )
    maps: list[Matrix] = Field(
        description="[pair][row][column]: its map for the target; with `versus`, the difference."
    )
    filter_bias: _PerClassRows = Field(description="[class][filter].")
    class_bias: PerClass
    typicality: _PerClassTypicality | None = Field(
        description="For each class, how typical this use of the filters is; see `POST /explain/filters`. Null if that "
        "was not studied."
    )


def _report(result: Process, report: PreprocessingReport) -> PreprocessingReport:
    """The report, with one more warning where the image is unlike the training images. An empty one needs no other."""
    if not result.unlike or any(one.code == "empty" for one in report.warnings):
        return report
    return replace(report, warnings=(*report.warnings, UNLIKE))


router = operation(
    "/explain/process",
    ProcessQuestion,
    ProcessAnswer,
    report=_report,
    about="`input` has one more warning, `unlike-training-images`, if the maps of the last stage are farther from "
    "those of the training images than 99 of 100 of these are.",
    note=", with only the first entry of each list of lists, and other lists whole",
)
