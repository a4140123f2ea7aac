"""The prediction of one image."""

from dataclasses import dataclass

from konkyo.models.checks import check_single
from konkyo.models.network import Array, Network, softmax
from konkyo.models.result import Result


@dataclass(frozen=True, kw_only=True)
class Prediction(Result):
    """The prediction of one image.

    Attributes
    ----------
    probabilities
        (C,): the softmax of the logits.
    """

    probabilities: Array


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
    logits = network.logits(image)
    return Prediction(network=network, image=image, logits=logits, probabilities=softmax(logits))
