"""The smallest network (section 2.1) by cross-validation: every training image validates once.

The search validates with one set of held-out images, which may be harder or easier than others. Here the training
images are divided into folds. Each fold validates networks that are trained on the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np

from konkyo.models.architecture import Architecture, Wiring, written_stages
from konkyo.trainer.data import SPLIT_SEED, Digits
from konkyo.trainer.search import LENET, stages_of
from konkyo.trainer.studies.statistics import Estimate

# By the search, how far below the minimum accuracy a network may validate to be looked at again, and how far above.
BELOW, ABOVE = 0.007, 0.001
PER_WIRING = 4


@dataclass(frozen=True)
class CrossValidated:
    """A network with its accuracy in each fold.

    Attributes
    ----------
    architecture
        Of the network.
    folds
        The mean accuracy over the seeds in each fold, 0…1.
    """

    architecture: Architecture
    folds: Sequence[float]

    @property
    def accuracy(self) -> float:
        """The mean over the folds."""
        return mean(self.folds)

    @property
    def interval(self) -> float:
        """Half of the 95 % interval of the mean, by Student's t over the folds."""
        return Estimate.of(self.folds).interval

    def document(self) -> dict[str, Any]:
        """As it stands in the study's JSON."""
        shape = self.architecture
        return {
            "wiring": str(shape.stages[-1].wiring),
            "stages": written_stages(shape.stages),
            "parameters": shape.parameters,
            "share_of_lenet": shape.parameters / LENET.parameters,
            "accuracy": [self.accuracy, self.interval],
            "folds": list(self.folds),
        }


def near_the_border(searched: dict[str, Any]) -> list[Architecture]:
    """The networks of ``search.json`` to look at again: of each wiring the smallest that validate near the minimum."""
    low, high = searched["minimum_accuracy"] - BELOW, searched["minimum_accuracy"] + ABOVE
    found = []
    for wiring in Wiring:
        near = [
            Architecture(stages_of(one))
            for one in searched["networks"]
            if one["stages"][-1]["wiring"] == wiring and low <= one["validation"]["mean"] <= high
        ]
        found += sorted(near, key=lambda one: one.parameters)[:PER_WIRING]
    return sorted(found, key=lambda one: one.parameters)


def fold(digits: Digits, number: int, folds: int) -> Digits:
    """The images in an order in which ``split`` holds out another fold: all folds together hold out every image once.

    Parameters
    ----------
    digits
        The training images; their number must be a multiple of ``folds``.
    number
        Of the fold, from 0.
    folds
        How many there are.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(digits))
    which = np.empty_like(order)
    which[order] = np.roll(order, -number * (len(digits) // folds))
    return digits[which]


def smallest(networks: Sequence[CrossValidated], minimum_accuracy: float) -> Iterator[CrossValidated]:
    """For each wiring, the network with the fewest parameters whose mean accuracy reaches the minimum, if any."""
    for wiring in Wiring:
        ours = [
            one for one in networks if one.architecture.stages[-1].wiring is wiring and one.accuracy >= minimum_accuracy
        ]
        if ours:
            yield min(ours, key=lambda one: one.architecture.parameters)


def verdict(found: dict[str, Any]) -> Iterator[str]:
    """What the study's JSON says, a sentence for each wiring."""
    minimum = found["minimum_accuracy"]
    for one in found["smallest"]:
        centre, half = one["accuracy"]
        sure = "beyond" if centre - half >= minimum else "within"
        yield (
            f"{one['wiring']}: {one['stages']}, {one['parameters']:,} "
            f"parameters, {one['share_of_lenet']:.0%} of LeNet's {LENET.parameters:,}, are the fewest that reach "
            f"{minimum:.1%} in the mean: {100 * centre:.2f} ± {100 * half:.2f} %, {sure} the 95 % interval."
        )
    for wiring in Wiring:
        if not any(one["wiring"] == wiring for one in found["smallest"]):
            yield f"{wiring}: none of these networks reaches {minimum:.1%} in the mean."


def document(
    networks: Sequence[CrossValidated], minimum_accuracy: float, seeds: int, steps: int, images: int
) -> dict[str, Any]:
    """What was found, for the study's JSON. Accuracies are means with half of their 95 % interval."""
    return {
        "study": "smallest",
        "minimum_accuracy": minimum_accuracy,
        "seeds": seeds,
        "steps": steps,
        "images": images,
        "smallest": [one.document() for one in smallest(networks, minimum_accuracy)],
        "networks": [one.document() for one in networks],
    }
