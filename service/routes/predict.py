"""``POST /predict``."""

from fastapi import APIRouter, Request, Response
from pydantic import Field

from konkyo.models.result import Prediction, predict
from konkyo.service import drawing
from konkyo.service.handling import openapi
from konkyo.service.handling.answers import Answer, ModelReference, PerClass, Share
from konkyo.service.handling.handler import Envelope, Handler, Operation, Subject, passes_cheaply
from konkyo.service.handling.queries import ImageQuery
from konkyo.service.http.uploads import MAX_BODY
from konkyo.service.imaging.decoding import PreprocessingReport

router = APIRouter(tags=["questions"], max_body_size=MAX_BODY)


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
    return await Handler(request).respond(_OPERATION)


def _explain(subject: Subject, _: ImageQuery) -> Prediction:
    return predict(subject.network, subject.image)


def _serialise(result: Prediction, _: ImageQuery, envelope: Envelope) -> PredictionAnswer:
    return PredictionAnswer(
        predicted=result.predicted,
        label=result.label,
        probability=float(result.probabilities[result.predicted]),
        probabilities=result.probabilities.tolist(),
        logits=result.logits.tolist(),
        input=envelope.input,
        model=envelope.model,
    )


_OPERATION = Operation(ImageQuery, _explain, _serialise, drawing.prediction, passes_cheaply)
