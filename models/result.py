"""The fields that all explanations of one image share."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from konkyo.models.classes import Names
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.network import Array, Network, softmax

# Why a network with hidden affine layers has no values by pair under hidings.
HIDDEN_PAIRS = "with hidden affine layers the head differs from hiding to hiding"


@dataclass(frozen=True, kw_only=True)
class Result:
    """The answer to one question about one image. It contains everything that is needed to serialise or draw it.

    Attributes
    ----------
    network
        The network that answered.
    image
        (28, 28) in [0, 1].
    logits
        (C,): the logits of the whole image.
    """

    network: Network
    image: Array
    logits: Array

    @property
    def predicted(self) -> int:
        """The class with the largest logit. A tie goes to the lowest class."""
        return int(self.logits.argmax())

    @property
    def label(self) -> str:
        """The name of the predicted class."""
        return self.name(self.predicted)

    def name(self, number: int) -> str:
        """The name of a class."""
        return self.network.classes[number]

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON has it, without what only a service knows: ``docs/http.md`` describes its fields."""
        return {"predicted": self.predicted, "label": self.label, **self._fields()}

    def _fields(self) -> dict[str, Any]:
        """The fields that only this result has."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ClassResult(Result):
    """The explanation of one class.

    Attributes
    ----------
    target
        The explained class.
    versus
        The class to compare with, if any: every number is the difference target − versus.
    """

    target: int
    versus: int | None

    def to_dict(self) -> dict[str, Any]:
        """As ``Result.to_dict``, with the class that is explained."""
        compared = {} if self.versus is None else {"versus": self.versus}
        common = {"predicted": self.predicted, "label": self.label, "target": self.target, **compared}
        return {**common, **self._fields()}


def check_class(parameter: str, value: int, count: int) -> None:
    """Raise ParameterError unless ``value`` is the number of one of ``count`` classes."""
    if not 0 <= value < count:
        raise ParameterError(parameter, f"must be a class from 0 to {count - 1}, not {value}")


def check_question(target: int | None, versus: int | None, classes: Names) -> None:
    """Raise ParameterError unless both are numbers of classes or None, and differ."""
    for parameter, value in (("target", target), ("versus", versus)):
        if value is not None:
            check_class(parameter, value, len(classes))
    if versus is not None and versus == target:
        raise ParameterError("versus", f"must differ from the target; both are {classes[versus]}")


def check_pairs(network: Network) -> None:
    """Raise ParameterError for a network whose pairs have other weights in each hiding."""
    if network.architecture.hidden:
        raise ParameterError("pairs", f"{HIDDEN_PAIRS}; ask without pairs")


def check_single(image: Array, network: Network) -> None:
    """Raise ImageError for a batch."""
    if np.ndim(image) != len(network.architecture.image_shape):
        raise ImageError(f"one image at a time; got an array of shape {np.shape(image)}")


@dataclass(frozen=True, kw_only=True)
class Prediction(Result):
    """The prediction of one image.

    Attributes
    ----------
    probabilities
        (C,): the softmax of the logits.
    """

    probabilities: Array

    @classmethod
    def of(cls, network: Network, image: Array, logits: Array) -> "Prediction":
        """The prediction of an image with these logits (C,)."""
        return cls(network=network, image=image, logits=logits, probabilities=softmax(logits))

    def _fields(self) -> dict[str, Any]:
        return {
            "probability": self.probabilities[self.predicted].item(),
            "probabilities": self.probabilities.tolist(),
            "logits": self.logits.tolist(),
        }


def predict(network: Network, image: Array) -> Prediction:
    """Predict one image.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image
        (28, 28) in [0, 1], light ink on dark.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    """
    check_single(image, network)
    return Prediction.of(network, image, network.logits(image))
