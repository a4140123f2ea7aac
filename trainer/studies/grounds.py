"""On how many regions predictions rest, over a whole data set: sufficient sets and fewest contrasts.

The grounds of every image are proven as the service proves them: with 4×4 regions, fill 0 and the same budget. Asked
besides: does the number of regions that change the class warn of a wrong prediction, as the softmax probability does?
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.errors import BudgetError, ImageError
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.grounds.proofs import OTHER, SMALLEST, Status, grounds
from konkyo.models.network import Array, IntArray, Network, softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.parts import Arrays, Parts

REGION = 4
# Images a part.
CHUNK = 100
# What became of the question: a set with its status; more work than the budget; two classes that lead alike.
OUTCOMES = (*(str(status) for status in Status), "over budget", "tied")
OVER_BUDGET, TIED = OUTCOMES.index("over budget"), OUTCOMES.index("tied")
# Stands for a number of regions where there is no answer.
UNKNOWN = -1


@dataclass(frozen=True)
class GroundsStudy:
    """The grounds of N images.

    Attributes
    ----------
    label, predicted
        (N,): the class that an image shows, and the one that is predicted.
    probability
        (N,): the softmax probability of the predicted class.
    players
        (N,): how many regions hiding changes.
    outcome
        (N,): an index into ``OUTCOMES``.
    sufficient
        (N,): how many regions the sufficient set has; ``UNKNOWN`` without an answer.
    fewest
        (N,): the fewest regions whose hiding changes the class; 0 where none do, ``UNKNOWN`` without an answer.
    becomes
        (N,): what is predicted then; ``UNKNOWN`` where nothing changes it, or without an answer.
    """

    label: IntArray
    predicted: IntArray
    probability: Array
    players: IntArray
    outcome: IntArray
    sufficient: IntArray
    fewest: IntArray
    becomes: IntArray

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, which: NDArray[np.bool_]) -> "GroundsStudy":
        return GroundsStudy(**{name: values[which] for name, values in vars(self).items()})

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,): whether the prediction is right."""
        right: NDArray[np.bool_] = self.predicted == self.label
        return right

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(N,): whether there are grounds."""
        answered: NDArray[np.bool_] = self.sufficient != UNKNOWN
        return answered

    def groups(self, classes: int) -> Iterator[tuple[str, "GroundsStudy"]]:
        """All images, those that are predicted right and wrong, and those of each predicted class."""
        yield "all", self
        yield "right", self[self.right]
        yield "wrong", self[~self.right]
        for number in range(classes):
            yield str(number), self[self.predicted == number]

    def warnings(self) -> dict[str, Array]:
        """For the images with an answer, numbers that ought to be greater where the prediction is wrong: (n,) each.

        An image whose class nothing changes stands behind all others.
        """
        some = self[self.answered]
        regions = np.where(some.fewest == 0, some.players + 1, some.fewest)
        return {"fewest regions": -regions.astype(np.float64), "softmax probability": -some.probability}

    def document(self) -> dict[str, Any]:
        """The numbers of a group, as they stand in the study's JSON; null where there is nothing to take a mean of."""
        some = self[self.answered]
        changed = some.fewest[some.fewest > 0]
        return {
            "images": len(self),
            "outcomes": {name: int((self.outcome == number).sum()) for number, name in enumerate(OUTCOMES)},
            "players": _spread(self.players),
            "sufficient": {**_spread(some.sufficient), "share_empty": _share(some.sufficient == 0)},
            "contrast": {
                **_spread(changed),
                "share_none": _share(some.fewest == 0),
                "share_single": _share(some.fewest == 1),
            },
        }


def study(checkpoint: Checkpoint, digits: Digits, runs: Path, advance: Callable[[], None]) -> GroundsStudy:
    """Prove the grounds of every image.

    Parameters
    ----------
    checkpoint
        Computed with in float64.
    digits
        The test images from the first one on.
    runs
        Where finished parts are kept: an interrupted study goes on, and ends with the same numbers.
    advance
        Called after each of ``parts(digits)`` parts.
    """
    budgets = [vars(budget) for budget in (SMALLEST, OTHER)]
    kept = Parts(runs / "studies", {"study": "grounds", "sha256": checkpoint.sha256, "budgets": budgets})
    done = []
    for start in range(0, len(digits), CHUNK):
        some = digits[start : start + CHUNK]
        done.append(kept.get(f"{start}-{some.sha256[:12]}", partial(_part, checkpoint.precise, some)))
        advance()
    return GroundsStudy(**{name: np.concatenate([part[name] for part in done]) for name in done[0]})


def parts(digits: Digits) -> int:
    """How many parts the study has."""
    return -(-len(digits) // CHUNK)


def auroc(warning: Array, wrong: NDArray[np.bool_]) -> float | None:
    """The share of pairs, a wrong and a right prediction, of which the wrong one has the greater number; a tie is half.

    The area under the ROC curve. None where there are no such pairs.
    """
    positives, negatives = warning[wrong], np.sort(warning[~wrong])
    if not len(positives) or not len(negatives):
        return None
    less, not_greater = (np.searchsorted(negatives, positives, side) for side in ("left", "right"))
    return float((less + not_greater).mean() / (2 * len(negatives)))


def document(checkpoint: Checkpoint, found: GroundsStudy) -> dict[str, Any]:
    """What was found, for the study's JSON."""
    answered = found[found.answered]
    classes = len(checkpoint.network.classes)
    changes = np.zeros((classes, classes), np.int64)
    changed = answered.fewest > 0
    np.add.at(changes, (answered.predicted[changed], answered.becomes[changed]), 1)
    return {
        "study": "grounds",
        "model": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "images": len(found),
        "region": REGION,
        "fill": 0,
        "groups": {name: group.document() for name, group in found.groups(classes)},
        "changes_from_to": changes.tolist(),
        "auroc_of_wrong": {name: auroc(values, ~answered.right) for name, values in found.warnings().items()},
    }


def _part(network: Network, digits: Digits) -> Arrays:
    images = digits.scaled(np.float64)
    logits = network.logits(images)
    answers = np.array([_counts(network, image) for image in images])
    names = "players", "outcome", "sufficient", "fewest", "becomes"
    return {
        "label": digits.labels.astype(np.intp),
        "predicted": logits.argmax(-1),
        "probability": softmax(logits).max(-1),
        **dict(zip(names, answers.T, strict=True)),
    }


def _counts(network: Network, image: Array) -> tuple[int, int, int, int, int]:
    """Players, outcome, size of the sufficient set, fewest regions, and the class that these change it to."""
    regions = image.reshape(len(image) // REGION, REGION, -1, REGION)
    players = int(regions.any((1, 3)).sum())
    try:
        found = grounds(network, image, REGION)
    except BudgetError:
        return players, OVER_BUDGET, UNKNOWN, UNKNOWN, UNKNOWN
    except ImageError:
        return players, TIED, UNKNOWN, UNKNOWN, UNKNOWN
    outcome, contrast = OUTCOMES.index(found.sufficient.status), found.contrast
    changed = (0, UNKNOWN) if contrast is None else (len(contrast.regions), contrast.predicted)
    return players, outcome, len(found.sufficient.regions), *changed


def _spread(values: IntArray) -> dict[str, Any]:
    """The mean, the median and the most, and how many there are of each number from 0 on."""
    if not len(values):
        return {"mean": None, "median": None, "most": None, "images_by_count": []}
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "most": int(values.max()),
        "images_by_count": np.bincount(values).tolist(),
    }


def _share(which: NDArray[np.bool_]) -> float | None:
    return float(which.mean()) if len(which) else None
