"""Which filter pairs each class uses: the paper's 1,000 correctly predicted images a class, counted (3.2, Fig. 4)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from konkyo.models.classes import Names
from konkyo.models.contributions import class_maps
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Array, IntArray, Network
from konkyo.models.usage import Likeness, PlacedPair, Usage, axes_of
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.markdown import table
from konkyo.trainer.studies.usage import chosen, measure

PER_CLASS = 1000
# With fewer there is no spread to compare an image with.
_FEWEST = 2
# Axes of the subspace of a class, and the share of training images that are told to be unlike them.
AXES = 15
FLAGGED = 0.01
# Images that are looked at together, and values of their maps.
IMAGES, VALUES = 256, 2**22


@dataclass(frozen=True)
class FilterStudy:
    """What was found.

    Attributes
    ----------
    usage
        The count.
    maps
        (C, A, B, s, s): the mean of each class's maps, whose sums are the usage's mean contributions.
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
    usage = measure(totals, len(digits), per_class)
    return FilterStudy(replace(usage, likeness=likeness(network, images, which)), np.stack(maps))


def likeness(network: Network, images: Array, which: Sequence[IntArray]) -> Likeness:
    """The subspaces of the images of each class, ``which`` of all images, and the threshold.

    The threshold is the 99 % quantile over the images that made no subspace; over all where each of them did.
    """
    axes = np.stack([axes_of(_last_maps(network, images[some]), AXES) for some in which])
    # As they are stored: in float16.
    bare = Likeness(axes.astype(np.float16).astype(np.float64), 1.0)
    others = np.setdiff1d(np.arange(len(images)), np.concatenate(which))
    searched = images[others] if len(others) else images
    distances = [
        bare.distance(_last_maps(network, searched[start : start + IMAGES]))
        for start in range(0, len(searched), IMAGES)
    ]
    return replace(bare, threshold=round(float(np.quantile(np.concatenate(distances), 1 - FLAGGED)), 4))


def _last_maps(network: Network, images: Array) -> Array:
    """(N, maps, s, s): the output of the last stage."""
    parts = [network.trace(images[start : start + IMAGES]).layers[-1] for start in range(0, len(images), IMAGES)]
    return np.concatenate(parts)


def _class(network: Network, images: Array, number: int, advance: Callable[[int], None]) -> tuple[Array, Array]:
    """The contributions of each image, (n, A, B), and the mean maps, (A, B, s, s): not all maps at once."""
    totals, sums = [], []
    at_once = max(1, min(IMAGES, VALUES // (prod(network.architecture.pairs) * network.architecture.cells)))
    for start in range(0, len(images), at_once):
        maps = class_maps(network, images[start : start + at_once], number)
        totals.append(maps.sum((-2, -1)))
        sums.append(maps.sum(0))
        advance(len(maps))
    mean: Array = np.sum(sums, axis=0) / len(images)
    return np.concatenate(totals), mean


def told(classes: Names, usage: Usage) -> Iterator[str]:
    """What was counted, in Markdown, and what the paper says: with second place, no two classes use the same pairs."""
    distinct, count = usage.distinct, len(classes)
    yield (
        f"By first place alone, the {count} classes use {distinct.first} different pairs. Of their combinations of "
        f"first and second place, {distinct.unordered} are different"
        + (", as in the paper" if distinct.unordered == count else "; in the paper, all are")
        + f". With first told apart from second, {distinct.ordered} are."
    )
    yield ""
    rows = [
        (name, f"{one.images:,}", *_placed(one.first), *_placed(one.second))
        for name, one in zip(classes, usage.classes, strict=True)
    ]
    yield from table(("class", "images", "first", "of images", "mean", "second", "of images", "mean"), rows)


def _placed(pair: PlacedPair | None) -> tuple[str, str, str]:
    if pair is None:
        return "–", "", ""
    return f"map {pair.map} × filter {pair.filter}", f"{pair.share:.1%}", f"{pair.mean:.2f}"
