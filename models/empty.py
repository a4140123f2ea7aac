"""The empty image, in which everything is hidden, and its prediction."""

from dataclasses import dataclass

import numpy as np

from konkyo.models.network import Array, Network, softmax


@dataclass(frozen=True)
class Empty:
    """The image in which every pixel has the fill value.

    Attributes
    ----------
    logits
        (C,): one for each class.
    """

    logits: Array

    @property
    def predicted(self) -> int:
        """The class with the largest logit."""
        return int(self.logits.argmax())

    @property
    def probability(self) -> float:
        """The probability of the predicted class."""
        return float(softmax(self.logits).max())


def empty_image(network: Network, fill: float = 0.0) -> Empty:
    """Predict the image of which every pixel is ``fill``, 0…1."""
    return Empty(network.logits(np.full(network.architecture.image_shape, fill)))
