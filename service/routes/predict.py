"""``POST /predict``."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from PIL import Image

from models.network import Array, softmax
from service import documentation, overlays
from service.doors import KeyRequired
from service.negotiation import Format
from service.routes.asking import DeskDependency, Question
from service.schemas import Prediction, PredictQuery
from service.uploads import MAX_BODY

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY, dependencies=[KeyRequired])


@router.post(**documentation.question("/predict"), summary="Which digit is it?", response_model=Prediction)
async def predict(query: Annotated[PredictQuery, Query()], desk: DeskDependency) -> Response:
    """The PNG shows the digit beside its ten bars."""
    return await desk.answer(query, _think)


def _think(question: Question) -> Prediction | Image.Image:
    logits = question.checkpoint.network.logits(question.image)
    probabilities = softmax(logits)
    digit = int(logits.argmax())
    if question.form is Format.PNG:
        return overlays.prediction(question.image, probabilities, digit, scale=question.scale, theme=question.theme)
    return Prediction(
        digit=digit,
        probability=_shortest(probabilities)[digit],
        probabilities=_shortest(probabilities),
        logits=_shortest(logits),
        input=question.receipt,
        model=question.reference,
    )


def _shortest(values: Array) -> list[float]:
    """The fewest decimals that still are these numbers: 17 digits of a float32 would be half invented."""
    return [float(str(value)) for value in values]
