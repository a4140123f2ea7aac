"""``POST /explain/process``."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import MISSING, BaseModel, Field

from konkyo.models.architecture import MAX_STAGES
from konkyo.models.classes import FEWEST, MOST
from konkyo.models.filters.contributions import MOST_TOP
from konkyo.models.filters.process import USUAL_TOP, Process
from konkyo.models.filters.usage import Typicality, Usage
from konkyo.models.network import Network
from konkyo.models.preparation.doubts import UNLIKE
from konkyo.models.question import ProcessQuestion
from konkyo.service.http import openapi
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import (
    Class,
    ClassAnswer,
    ImageArray,
    Kernels,
    Matrix,
    ModelReference,
    PerClass,
    PerClassMatrix,
)
from konkyo.service.routes.asking import Operation, PlainRoute, service_of
from konkyo.service.routes.queries import ClassQuery

router = APIRouter(tags=["questions"], route_class=PlainRoute)

_PerClassRows = Annotated[list[list[float]], Field(min_length=FEWEST, max_length=MOST)]
_PerClassMaps = Annotated[list[list[Matrix]], Field(min_length=FEWEST, max_length=MOST)]
_PerClassTypicality = Annotated[list[Typicality], Field(min_length=FEWEST, max_length=MOST)]


class ProcessQuery(ClassQuery):
    """Parameters of `POST /explain/process`."""

    top: int | None = Field(
        None,
        ge=1,
        le=MOST_TOP,
        description="Maps of each stage, and pairs, that are shown at most: those that matter most to the target. "
        f"If absent {USUAL_TOP}, or fewer where the answer would be too large.",
    )

    def question(self, network: Network, usage: Usage | None) -> ProcessQuestion:
        """The question about a network."""
        return ProcessQuestion(network=network, usage=usage, target=self.target, versus=self.versus, top=self.top)


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

    versus: Class | MISSING = Field(MISSING, description="The class compared with, if one was asked for.")
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
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/process",
    summary="What happens on the way from the image to the prediction?",
    response_model=ProcessAnswer,
    **openapi.operation(
        ProcessQuery,
        "process",
        "/explain/process",
        ", with only the first entry of each list of lists, and other lists whole",
    ),
)
async def explain(request: Request) -> Response:
    """The maps of each stage, what each filter pair adds to every class, the maps of the pairs for the target, and the
    winner. The picture is a slide for a lecture, after the paper's Fig. 2. `input` has one more warning,
    `unlike-training-images`, if the maps of the last stage are farther from those of the training images than 99 of 100
    of these are.
    """
    return await service_of(request).answer(request, _OPERATION)


def _report(result: Process, report: PreprocessingReport) -> PreprocessingReport:
    """The report, with one more warning where the image is unlike the training images. An empty one needs no other."""
    if not result.unlike or any(one.code == "empty" for one in report.warnings):
        return report
    return replace(report, warnings=(*report.warnings, UNLIKE))


_OPERATION = Operation(ProcessQuery, report=_report)
