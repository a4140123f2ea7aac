"""Which filter pairs each class uses: the paper's 1,000 correctly predicted images a class, counted (3.2, Fig. 4)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.checkpoint import Checkpoint
from models.contributions import class_maps
from models.network import CHUNK, Array, Network
from models.usage import Usage
from trainer.data import Digits
from trainer.errors import RunError
from trainer.studies.usage import chosen, measure

PER_CLASS = 1000
# With fewer there is no spread to compare an image with.
_FEWEST = 2


@dataclass(frozen=True)
class FilterStudy:
    """What was found.

    Attributes
    ----------
    usage
        The count.
    maps
        (C, A, B, 5, 5): the mean of each class's maps, whose sums are the usage's mean contributions.
    """

    usage: Usage
    maps: Array


def study(
    checkpoint: Checkpoint, digits: Digits, advance: Callable[[int], None], per_class: int = PER_CLASS
) -> FilterStudy:
    """Look at the first ``per_class`` correctly predicted images of each class: the same ones at every call.

    Parameters
    ----------
    checkpoint
        Computed with in float64.
    digits
        The training images, searched from the first one on. The test set has fewer than 1,000 of five classes, and an
        image that is looked at later should not be compared with itself.
    advance
        Told of every so many images that are done, of ``len(digits)`` in all.
    per_class
        All there are, where a class has fewer.

    Raises
    ------
    RunError
        A class has fewer than two images that are predicted correctly.
    """
    network = checkpoint.precise
    images = digits.scaled(np.float64)
    which = chosen(digits.labels.astype(np.intp), network.logits(images).argmax(-1), per_class, len(network.classes))
    for number, some in enumerate(which):
        if len(some) < _FEWEST:
            raise RunError(
                f"{checkpoint.name} predicts {len(some)} of the {digits.labels.tolist().count(number)} images of class "
                f"{network.classes[number]} correctly; the study needs {_FEWEST} at least. Take more --images, or a "
                "more accurate network"
            )
    totals, maps = zip(
        *(_class(network, images[some], number, advance) for number, some in enumerate(which)), strict=True
    )
    advance(len(digits) - sum(map(len, which)))
    return FilterStudy(measure(totals, len(digits), per_class), np.stack(maps))


def _class(network: Network, images: Array, number: int, advance: Callable[[int], None]) -> tuple[Array, Array]:
    """The contributions of each image, (n, A, B), and the mean maps, (A, B, 5, 5): not all maps at once."""
    totals, sums = [], []
    for start in range(0, len(images), CHUNK):
        maps = class_maps(network, images[start : start + CHUNK], number)
        totals.append(maps.sum((-2, -1)))
        sums.append(maps.sum(0))
        advance(len(maps))
    mean: Array = np.sum(sums, axis=0) / len(images)
    return np.concatenate(totals), mean
