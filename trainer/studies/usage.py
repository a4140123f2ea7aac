"""How a network uses its filter pairs, measured over the images that it predicts correctly."""

from collections.abc import Sequence

import numpy as np

from konkyo.models.network import Array, IntArray
from konkyo.models.usage import MOST_PAIRS, PERCENT, ClassUsage, Usage, mahalanobis, ridged

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
    winners = contributions.reshape(len(contributions), -1).argmax(-1)
    return np.bincount(winners, minlength=pairs[0] * pairs[1]).reshape(pairs)


def _rounded(values: Array) -> Array:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel().tolist()]).reshape(values.shape)
