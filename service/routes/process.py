"""``POST /explain/process``."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from PIL import Image

from models.contributions import contributions
from service import documentation, overlays
from service.doors import KeyRequired
from service.negotiation import Format
from service.routes.asking import DeskDependency, Question
from service.schemas import PredictQuery, Process
from service.uploads import MAX_BODY

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY, dependencies=[KeyRequired])


@router.post(
    **documentation.question("/explain/process", note=", with only the first entry of each list of lists"),
    summary="What happens on the way from the picture to the digit?",
    response_model=Process,
)
async def explain_process(query: Annotated[PredictQuery, Query()], desk: DeskDependency) -> Response:
    """The maps of each layer, the maps of every filter pair for every class, their sums, and the winner. The PNG is a
    slide for a lecture, after the paper's Fig. 2.
    """
    return await desk.answer(query, _think)


def _think(question: Question) -> Process | Image.Image:
    network = question.checkpoint.precise
    trace = network.trace(question.image)
    ledger = contributions(network, question.image)
    if question.form is Format.PNG:
        return overlays.process(question.image, network, trace, ledger, scale=question.scale, theme=question.theme)
    return Process(
        predicted=int(trace.logits.argmax()),
        image=question.image.tolist(),
        logits=trace.logits.tolist(),
        conv1_filters=network.weights["conv1.weight"][:, 0].tolist(),
        conv2_filters=network.weights["conv2.weight"].tolist(),
        conv1=trace.conv1.tolist(),
        pool1=trace.pool1.tolist(),
        conv2=trace.conv2.tolist(),
        pool2=trace.pool2.tolist(),
        maps=ledger.maps.tolist(),
        contributions=ledger.contributions.tolist(),
        filter_bias=ledger.filter_bias.tolist(),
        class_bias=ledger.class_bias.tolist(),
        typicality=None if question.usage is None else question.usage.typicality(ledger.contributions),
        input=question.receipt,
        model=question.reference,
    )
