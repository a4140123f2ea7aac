"""How well a network classifies. numpy in float64, so that no machine's rounding changes a count."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.files.card import AccuracyCard
from konkyo.models.network import Network
from konkyo.trainer.data import Labelled


@dataclass(frozen=True)
class Evaluation:
    """What a network predicted for labelled images.

    Attributes
    ----------
    confusion
        (C, C): images that show the row and are predicted as the column.
    """

    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of images predicted correctly, 0…1."""
        return float(self.confusion.trace() / self.confusion.sum())

    @property
    def per_class(self) -> list[float]:
        """The same for each class, among the images that show it."""
        shown = self.confusion.sum(1)
        return [float(share) for share in self.confusion.diagonal() / np.maximum(shown, 1)]

    def card(self, validation: float | None) -> AccuracyCard:
        """What a card says of it; ``validation`` is the accuracy on the images that the network was chosen by."""
        return AccuracyCard(
            validation=validation,
            test=self.accuracy,
            test_images=int(self.confusion.sum()),
            per_class=tuple(self.per_class),
            confusion=tuple(map(tuple, self.confusion.tolist())),
        )


def evaluate(network: Network, labelled: Labelled) -> Evaluation:
    """Predict every image."""
    predicted = ties.predicted(network.astype(np.float64).logits(labelled.scaled(np.float64)))
    classes = network.architecture.classes
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labelled.labels, predicted), 1)
    return Evaluation(confusion)
