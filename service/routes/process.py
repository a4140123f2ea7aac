"""``POST /explain/process``."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from konkyo.models.classes import FEWEST, MOST
from konkyo.models.contributions import Process, explain_process
from konkyo.models.usage import Typicality
from konkyo.service import drawing
from konkyo.service.handling import openapi
from konkyo.service.handling.answers import Answer, ImageMatrix, Matrix, ModelReference, PerClass, PerClassMatrix
from konkyo.service.handling.handler import Envelope, Handler, Operation, Subject
from konkyo.service.handling.queries import ImageQuery
from konkyo.service.http.uploads import MAX_BODY
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.imaging.input_warnings import UNLIKE

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)

_PerClassRows = Annotated[list[list[float]], Field(min_length=FEWEST, max_length=MOST)]
_PerClassMaps = Annotated[list[list[list[Matrix]]], Field(min_length=FEWEST, max_length=MOST)]
_PerClassTypicality = Annotated[list[Typicality], Field(min_length=FEWEST, max_length=MOST)]


class ProcessAnswer(Answer):
    """All intermediate results from the image to the prediction (Fig. 2)."""

    image: ImageMatrix = Field(description="[row][column] in [0, 1]: the input of the network.")
    logits: PerClass
    conv1_filters: list[Matrix] = Field(description="[conv1 filter][row][column]: the weights.")
    conv2_filters: list[list[Matrix]] = Field(
        description="[conv2 filter][input][row][column]: the weights; with paired wiring there is one input."
    )
    conv1: list[Matrix] = Field(description="[conv1 filter][row][column], before ReLU.")
    pool1: list[Matrix] = Field(description="[conv1 filter][row][column], after ReLU.")
    conv2: list[Matrix] = Field(
        description="[map][row][column], before ReLU; with paired wiring pair (i, j) is map i·B + j."
    )
    pool2: list[Matrix] = Field(description="[map][row][column], after ReLU.")
    maps: _PerClassMaps = Field(description="[class][conv1 filter][conv2 filter][row][column].")
    contributions: PerClassMatrix = Field(description="[class][conv1 filter][conv2 filter]: each map's sum.")
    filter_bias: _PerClassRows = Field(description="[class][conv2 filter].")
    class_bias: PerClass
    typicality: _PerClassTypicality | None = Field(
        description="For each class, how typical this use of the filters is; see `POST /explain/filters`. Null if the "
        "network has no study."
    )
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/explain/process",
    summary="What happens on the way from the image to the prediction?",
    response_model=ProcessAnswer,
    **openapi.operation(
        ImageQuery,
        "process",
        "/explain/process",
        ", with only the first entry of each list of lists, and lists of ten whole",
    ),
)
async def explain(request: Request) -> Response:
    """The maps of each layer, the maps of every filter pair for every class, their sums, and the winner. The picture is
    a slide for a lecture, after the paper's Fig. 2. `input` has one more warning, `unlike-training-images`, if the maps
    of pool2 are farther from those of the training images than 99 of 100 of these are.
    """
    return await Handler(request).respond(_OPERATION)


def _explain(subject: Subject, _: ImageQuery) -> Process:
    return explain_process(subject.network, subject.image, subject.usage)


def _serialise(result: Process, _: ImageQuery, envelope: Envelope) -> ProcessAnswer:
    weights, trace, ledger = result.network.weights, result.trace, result.ledger
    return ProcessAnswer(
        predicted=result.predicted,
        label=result.label,
        image=result.image.tolist(),
        logits=result.logits.tolist(),
        conv1_filters=weights["conv1.weight"][:, 0].tolist(),
        conv2_filters=weights["conv2.weight"].tolist(),
        conv1=trace.conv1.tolist(),
        pool1=trace.pool1.tolist(),
        conv2=trace.conv2.tolist(),
        pool2=trace.pool2.tolist(),
        maps=ledger.maps.tolist(),
        contributions=ledger.contributions.tolist(),
        filter_bias=ledger.filter_bias.tolist(),
        class_bias=ledger.class_bias.tolist(),
        typicality=None if result.typicality is None else list(result.typicality),
        input=_report(envelope.input, result.unlike),
        model=envelope.model,
    )


def _report(report: PreprocessingReport, unlike: bool | None) -> PreprocessingReport:
    """The report, with one more warning where the image is unlike the training images. An empty one needs no other."""
    if not unlike or any(one.code == "empty" for one in report.warnings):
        return report
    return replace(report, warnings=(*report.warnings, UNLIKE))


_OPERATION = Operation(ImageQuery, _explain, _serialise, drawing.process)
