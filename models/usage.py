"""How each class uses the filter pairs, over training images that are predicted correctly (section 3.2, Fig. 4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from models.architecture import CLASSES
from models.network import Array, IntArray

# First place dominates from this share of a class's images on; the paper gives no number. Whichever pair comes second
# is then first in fewer than one image of ten; with 1,000 images chance moves such a share by one part in a hundred.
DOMINATES = 0.9
# A class's distances are kept as their 0 %, 1 %, … 100 % quantiles.
PERCENT = np.arange(101)
# Significant digits that are kept: more than chance leaves to a thousand images, and the same on every processor.
DIGITS = 6
# Added to the covariance's diagonal, as a part of the mean variance: a pair that no class uses has none at all.
RIDGE = 1e-3


@dataclass(frozen=True)
class PlacedPair:
    """A filter pair in first or second place.

    Attributes
    ----------
    conv1, conv2
        Filter numbers, from 0.
    share
        Of the class's images, those in which no pair contributes more: 0…1.
    mean
        What the pair adds to the class's logit, on average.
    """

    conv1: int
    conv2: int
    share: float
    mean: float


@dataclass(frozen=True)
class ClassUsage:
    """One class's use of the pairs.

    Attributes
    ----------
    images
        How many images were looked at.
    firsts
        (A, B): in how many of them the pair contributes most; of equal ones, the lower filter numbers.
    mean, deviation
        (A, B): of the pairs' contributions to the class's logit, mean and standard deviation.
    distances
        (101,): quantiles, from 0 % to 100 %, of how far the images are from the mean; see ``Usage.distances``.
    """

    images: int
    firsts: IntArray
    mean: Array
    deviation: Array
    distances: Array

    @property
    def first(self) -> PlacedPair:
        """The pair that contributes most in the most images, framed red in Fig. 4.

        The paper finds the pair that contributes most in each image and counts; so places go by count, and only
        between equal counts by mean contribution.
        """
        return self._place(0)

    @property
    def second(self) -> PlacedPair | None:
        """The next pair, framed blue unless the first dominates; None only where there is a single pair."""
        return self._place(1) if self.firsts.size > 1 else None

    @property
    def dominated(self) -> bool:
        """Whether the first is first in 90 % of the images or more: then the paper leaves out the second's frame."""
        return self.first.share >= DOMINATES

    @property
    def combination(self) -> tuple[tuple[int, int], ...]:
        """The pairs of first and second place, in this order: ``((conv1, conv2), …)``."""
        return tuple((pair.conv1, pair.conv2) for pair in (self.first, self.second) if pair)

    def _place(self, place: int) -> PlacedPair:
        pair = np.lexsort((-self.mean.ravel(), -self.firsts.ravel()))[place]
        conv1, conv2 = divmod(int(pair), self.firsts.shape[1])
        share = float(self.firsts[conv1, conv2] / self.images)
        return PlacedPair(conv1, conv2, share, float(self.mean[conv1, conv2]))


@dataclass(frozen=True)
class Distinct:
    """How many of the ten classes' combinations are different.

    The paper says that, with second place, the combinations (組み合わせ) of filters that classes use all differ. A
    combination has no order: the paper's ten is to be compared with ``unordered``.

    Attributes
    ----------
    first
        Counting first place alone.
    unordered
        With second place, whichever of the two comes first.
    ordered
        With second place, told apart from first.
    """

    first: int
    unordered: int
    ordered: int


@dataclass(frozen=True)
class Typicality:
    """How usual an image's use of the filters is for a class.

    Attributes
    ----------
    percentile
        Percent of the class's correctly predicted training images whose use is *less* usual: 100 is as usual as can
        be, 0 odder than all of them.
    distance
        From the class's mean; see ``Usage.distances``.
    """

    percentile: float
    distance: float


@dataclass(frozen=True)
class Usage:
    """The study of one network.

    Attributes
    ----------
    searched
        How many of MNIST's training images, from the first one on, were searched for correctly predicted ones.
    per_class
        How many of a class's were taken at most, in their order.
    classes
        Ten.
    covariance
        (A·B, A·B): of the pairs' contributions around their class's mean, pooled over all images.
    """

    searched: int
    per_class: int
    classes: tuple[ClassUsage, ...]
    covariance: Array

    @property
    def distinct(self) -> Distinct:
        """Whether the classes differ in the pairs they use."""
        combinations = [one.combination for one in self.classes]
        return Distinct(
            first=len({combination[0] for combination in combinations}),
            unordered=len({frozenset(combination) for combination in combinations}),
            ordered=len(set(combinations)),
        )

    def typicality(self, contributions: Array) -> list[Typicality]:
        """For each class, how usual it would be for a image with this ledger.

        Parameters
        ----------
        contributions
            (10, A, B), those of a ``Ledger`` of one image.
        """
        distances = self.distances(contributions - np.stack([one.mean for one in self.classes]))
        return [
            Typicality(float(np.interp(distance, one.distances, PERCENT[::-1])), float(distance))
            for distance, one in zip(distances, self.classes, strict=True)
        ]

    def distances(self, deviations: Array) -> Array:
        """How far from usual: ``√(dᵀ C⁻¹ d)``, Mahalanobis' distance.

        It counts deviations in standard deviations, and counts less what usually goes up and down together.

        Parameters
        ----------
        deviations
            (..., A, B): contributions to a class less the class's mean.

        Returns
        -------
        Array
            (...): √(A·B) on average, in the mean square.
        """
        flat = deviations.reshape(*deviations.shape[:-2], -1)
        distances: Array = np.sqrt(((flat @ self._precision) * flat).sum(-1))
        return distances

    @cached_property
    def _precision(self) -> Array:
        return np.linalg.inv(ridged(self.covariance))


def ridged(covariance: Array) -> Array:
    """The covariance as it is inverted: with ``RIDGE`` times the mean variance on top of each variance."""
    mean_variance = float(np.trace(covariance)) / len(covariance)
    ridge: Array = np.eye(len(covariance)) * (RIDGE * mean_variance or 1.0)
    return covariance + ridge


def measure(contributions: Sequence[Array], searched: int, per_class: int) -> Usage:
    """The usage behind ten arrays of contributions.

    Parameters
    ----------
    contributions
        For each class, (n, A, B): what the pairs add to its logit in each of its n ≥ 1 correctly predicted images.
    searched, per_class
        How the images were chosen.

    Returns
    -------
    Usage
        Rounded to ``DIGITS`` significant digits, as it is kept.
    """
    means = [_rounded(values.mean(0)) for values in contributions]
    deviations = [values - mean for values, mean in zip(contributions, means, strict=True)]
    flat = np.concatenate([values.reshape(len(values), -1) for values in deviations])
    bare = Usage(searched, per_class, (), _rounded(flat.T @ flat / len(flat)))
    classes = tuple(
        ClassUsage(
            images=len(values),
            firsts=_firsts(values),
            mean=mean,
            deviation=_rounded(values.std(0)),
            distances=_rounded(np.percentile(bare.distances(around), PERCENT)),
        )
        for values, mean, around in zip(contributions, means, deviations, strict=True)
    )
    return replace(bare, classes=classes)


def chosen(labels: IntArray, predicted: IntArray, per_class: int) -> list[IntArray]:
    """Which images the study looks at: of each class the first ``per_class`` that are predicted correctly.

    Parameters
    ----------
    labels, predicted
        (N,): what each image shows, and what is predicted.

    Returns
    -------
    list of IntArray
        Ten arrays of image numbers, ascending; nothing is drawn at random.
    """
    return [np.flatnonzero((labels == digit) & (predicted == digit))[:per_class] for digit in range(CLASSES)]


def _firsts(contributions: Array) -> IntArray:
    """(A, B): in how many of the images (n, A, B) each pair contributes most."""
    pairs = contributions.shape[1:]
    winners = contributions.reshape(len(contributions), -1).argmax(-1)
    return np.bincount(winners, minlength=pairs[0] * pairs[1]).reshape(pairs)


def _rounded(values: Array) -> Array:
    return np.array([float(f"{value:.{DIGITS}g}") for value in values.ravel().tolist()]).reshape(values.shape)
