"""Which filter pairs each class uses: the paper's 1,000 correctly predicted images a class, counted (3.2, Fig. 4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from konkyo.models import ties
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import USAGE_SUFFIX, Checkpoint
from konkyo.models.filters.contributions import class_maps
from konkyo.models.filters.usage import (
    MOST_PAIRS,
    PERCENT,
    ClassUsage,
    Likeness,
    PlacedPair,
    Usage,
    axes_of,
    mahalanobis,
    ridged,
)
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.document import between, table
from konkyo.trainer.errors import RunError
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study

# The first so many correctly predicted images of each class; all there are, where a class has fewer. The test set has
# fewer of five classes, and an image that is looked at later should not be compared with itself: these train.
PER_CLASS = 1000
# With fewer there is no spread to compare an image with.
FEWEST = 2
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


def _parts(asked: Asked) -> dict[str, Compute]:
    network, images = asked.checkpoint.precise, asked.labelled.scaled(np.float64)
    labels, classes = asked.labelled.labels.astype(np.intp), network.classes
    which = chosen(labels, ties.predicted(network.logits(images)), PER_CLASS, len(classes))
    for number, some in enumerate(which):
        if len(some) < FEWEST:
            raise RunError(
                f"{asked.checkpoint.name} predicts {len(some)} of the {(labels == number).sum()} images of class "
                f"{classes[number]} correctly; the study needs {FEWEST} at least. Take more --images, or a "
                "more accurate network"
            )
    parts: dict[str, Compute] = {
        f"class {number}": partial(_part, network, images[some], number) for number, some in enumerate(which)
    }
    return {**parts, "likeness": partial(_likeness, network, images, which)}


def _part(network: Network, images: Array, number: int) -> Arrays:
    """The contributions of each image, (n, A, B), and the mean maps, (A, B, s, s): not all maps at once."""
    totals, sums = [], []
    at_once = max(1, min(IMAGES, VALUES // (prod(network.architecture.pairs) * network.architecture.cells)))
    for start in range(0, len(images), at_once):
        maps = class_maps(network, images[start : start + at_once], number)
        totals.append(maps.sum((-2, -1)))
        sums.append(maps.sum(0))
    return {"contributions": np.concatenate(totals), "maps": np.sum(sums, axis=0) / len(images)}


def _likeness(network: Network, images: Array, which: Sequence[IntArray]) -> Arrays:
    found = likeness(network, images, which)
    return {"axes": found.axes, "threshold": np.array([found.threshold])}


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


def _gather(asked: Asked, done: Sequence[Arrays]) -> FilterStudy:
    *parts, alike = done
    usage = measure([part["contributions"] for part in parts], len(asked.labelled), PER_CLASS)
    unlike = Likeness(alike["axes"], float(alike["threshold"][0]))
    return FilterStudy(replace(usage, likeness=unlike), np.stack([part["maps"] for part in parts]))


def summarised(checkpoint: Checkpoint, usage: Usage) -> dict[str, Any]:
    """What was counted, for the report."""
    classes = zip(checkpoint.network.classes, usage.classes, strict=True)
    return {
        "distinct": asdict(usage.distinct),
        "classes": {name: {"images": one.images, "places": (one.first, one.second)} for name, one in classes},
    }


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    """What was counted, and what the paper says: with second place, no two classes use the same pairs."""
    distinct, classes = found["distinct"], found["classes"]
    yield (
        f"By first place alone, the {len(classes)} classes use {distinct['first']} different pairs. Of their "
        f"combinations of first and second place, {distinct['unordered']} are different"
        + (", as in the paper" if distinct["unordered"] == len(classes) else "; in the paper, all are")
        + f". With first told apart from second, {distinct['ordered']} are."
    )
    yield ""
    rows = []
    for name, one in classes.items():
        first, second = map(_placed, one["places"])
        rows.append((name, f"{one['images']:,}", *first, *second))
    yield from table(("class", "images", "first", "of images", "mean", "second", "of images", "mean"), rows)


def _placed(pair: PlacedPair | None) -> tuple[str, str, str]:
    if pair is None:
        return "–", "", ""
    return f"map {pair.map} × filter {pair.filter}", f"{pair.share:.1%}", f"{pair.mean:.2f}"


def _row(found: Mapping[str, Any]) -> dict[str, str]:
    distinct, classes = found["distinct"], found["classes"].values()
    return {
        "classes": f"{len(classes)}",
        "images a class": between([one["images"] for one in classes], ",d"),
        "different pairs in first place": f"{distinct['first']}",
        "different combinations of first and second": f"{distinct['unordered']}",
        "the same with their order": f"{distinct['ordered']}",
    }


def _answer(all_found: Sequence[Mapping[str, Any]]) -> str:
    first, both = (between([one["distinct"][kind] for one in all_found], "d") for kind in ("first", "unordered"))
    classes = between([len(one["classes"]) for one in all_found], "d")
    return (
        f"Of {classes} classes, {first} different pairs come first, and {both} combinations of first and second place "
        "differ; in the paper, all do."
    )


def _save(models: Path, asked: Asked, found: FilterStudy) -> Path:
    usage_file.save(models, asked.checkpoint, found.usage)
    return models / f"{asked.checkpoint.name}{USAGE_SUFFIX}"


def _load(models: Path, checkpoint: Checkpoint) -> dict[str, Any] | None:
    usage = usage_file.load(models, checkpoint)
    return None if usage is None else summarised(checkpoint, usage)


STUDY = Study(
    name="filters",
    heading="Which filter pairs a class uses",
    about="Count which filter pair contributes most, in 1,000 correctly predicted training images a class (3.2, Fig. "
    "4). Writes NAME.usage.json beside the checkpoint, which the service serves and measures typicality by.",
    parts=_parts,
    gather=_gather,
    summary=lambda asked, found: summarised(asked.checkpoint, found.usage),
    told=_told,
    row=_row,
    answer=_answer,
    settings={"per_class": PER_CLASS, "axes": AXES, "flagged": FLAGGED, "images": IMAGES, "values": VALUES},
    caption="The pairs that each class uses",
    part="train",
    save=_save,
    load=_load,
)


# Significant digits that are kept. The rest is noise with 1,000 images, and differs between processors.
DIGITS = 6


def measure(contributions: Sequence[Array], searched: int, per_class: int) -> Usage:
    """Summarise the contributions of the pairs, class by class.

    Parameters
    ----------
    contributions
        For each class, (n, A, B): the contributions to its logit in each of its n ≥ 1 correctly predicted images.
    searched, per_class
        As in ``Usage``.

    Returns
    -------
    Usage
        Rounded to ``DIGITS`` significant digits.
    """
    means = [_rounded(values.mean(0)) for values in contributions]
    deviations = [values - mean for values, mean in zip(contributions, means, strict=True)]
    flat = np.concatenate([values.reshape(len(values), -1) for values in deviations])
    covariance = _rounded(flat.T @ flat / len(flat)) if flat.shape[1] <= MOST_PAIRS else None
    precision = None if covariance is None else np.linalg.inv(ridged(covariance))
    classes = tuple(
        ClassUsage(
            images=len(values),
            firsts=_firsts(values),
            mean=mean,
            deviation=_rounded(values.std(0)),
            distances=None if precision is None else _rounded(np.percentile(mahalanobis(around, precision), PERCENT)),
        )
        for values, mean, around in zip(contributions, means, deviations, strict=True)
    )
    return Usage(searched, per_class, classes, covariance)


def chosen(labels: IntArray, predicted: IntArray, per_class: int, classes: int) -> list[IntArray]:
    """Choose the first ``per_class`` correctly predicted images of each class.

    Parameters
    ----------
    labels, predicted
        (N,): the true and the predicted class of each image.
    classes
        How many there are.

    Returns
    -------
    list of IntArray
        For each class, the numbers of its images, ascending.
    """
    return [np.flatnonzero((labels == one) & (predicted == one))[:per_class] for one in range(classes)]


def _firsts(contributions: Array) -> IntArray:
    """(A, B): the number of images, of n, in which each pair contributes most."""
    pairs = contributions.shape[1:]
    winners = ties.order(contributions.reshape(len(contributions), -1))[:, 0]
    return np.bincount(winners, minlength=pairs[0] * pairs[1]).reshape(pairs)


def _rounded(values: Array) -> Array:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel().tolist()]).reshape(values.shape)
