"""How well a network reads. numpy in float64, so that no machine's rounding changes a count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.architecture import CLASSES
from models.network import Network
from trainer.data import Digits


@dataclass(frozen=True)
class Reading:
    """What a network made of labelled pictures.

    Attributes
    ----------
    confusion
        (10, 10): pictures that show the row and are read as the column.
    """

    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of pictures read correctly, 0…1."""
        return float(self.confusion.trace() / self.confusion.sum())

    @property
    def per_class(self) -> list[float]:
        """The same for each digit, among the pictures that show it."""
        shown = self.confusion.sum(1)
        return [float(share) for share in self.confusion.diagonal() / np.maximum(shown, 1)]


def read_all(network: Network, digits: Digits) -> Reading:
    """Read every picture."""
    predicted = network.astype(np.float64).logits(digits.scaled(np.float64)).argmax(-1)
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (digits.labels, predicted), 1)
    return Reading(confusion)
