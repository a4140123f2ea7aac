"""``POST /predict``."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from konkyo.models.files.card import Share
from konkyo.models.result import Prediction
from konkyo.service.http import openapi
from konkyo.service.imaging.decoding import PreprocessingReport
from konkyo.service.routes.answers import Answer, ModelReference, PerClass
from konkyo.service.routes.asking import Operation, PlainRoute, service_of
from konkyo.service.routes.queries import ImageQuery

router = APIRouter(tags=["questions"], route_class=PlainRoute)


class PredictionAnswer(Answer):
    """The predicted class."""

    probability: Share = Field(description="Of the predicted class.")
    probabilities: PerClass = Field(description="The softmax of the logits.")
    logits: PerClass = Field(description="The score of each class.")
    input: PreprocessingReport
    model: ModelReference


@router.post(
    "/predict",
    summary="Which class is it?",
    response_model=PredictionAnswer,
    **openapi.operation(ImageQuery, "predict", "/predict"),
)
async def predict_image(request: Request) -> Response:
    """The picture shows the image beside a bar for each class."""
    return await service_of(request).answer(request, _OPERATION)


_OPERATION = Operation[ImageQuery, Prediction](ImageQuery)
