"""``POST /predict``."""

from pydantic import Field

from konkyo.models.files.card import Share
from konkyo.models.question import PredictQuestion
from konkyo.service.routes.answers import Answer, PerClass
from konkyo.service.routes.operation import operation


class PredictionAnswer(Answer):
    """The predicted class."""

    probability: Share = Field(description="Of the predicted class.")
    probabilities: PerClass = Field(description="The softmax of the logits.")
    logits: PerClass = Field(description="The score of each class.")


router = operation("/predict", PredictQuestion, PredictionAnswer, name="predict_image")
