"""How each class uses the filter pairs, over correctly predicted training images (section 3.2, Fig. 4)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from konkyo.models.network import Array, IntArray

# Maps without anything in them are near nothing; this stands in the place of a division by zero.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Likeness:
    """What a network finds in the training images of each class: a subspace of the maps of pool2.

    Attributes
    ----------
    axes
        (C, K, D): orthonormal axes of the subspace of each class; D is the number of cells of pool2.
    threshold
        An image is unlike the training images if its distance exceeds this: one in a hundred of them does.
    """

    axes: Array
    threshold: float

    def distance(self, pool2: Array) -> Array:
        """The share of what was found that the nearest subspace has no part of: ``min_c 1 − ‖U_c f‖² / ‖f‖²``.

        Parameters
        ----------
        pool2
            (..., maps, 5, 5), as in ``Trace``.

        Returns
        -------
        Array
            (...): 0…1.
        """
        classes, axes, cells = self.axes.shape
        found = pool2.reshape(*pool2.shape[:-3], cells)
        parts = found @ self.axes.reshape(classes * axes, cells).T
        within = (parts.reshape(*parts.shape[:-1], classes, axes) ** 2).sum(-1).max(-1)
        distance: Array = 1 - within / ((found**2).sum(-1) + _NOTHING)
        return distance

    def is_unlike(self, pool2: Array) -> bool:
        """Whether one image, with pool2 (maps, 5, 5), is unlike the training images."""
        return bool(self.distance(pool2) > self.threshold)


def axes_of(pool2: Array, count: int) -> Array:
    """(K, D): the axes of the subspace that holds most of what was found in images of one class, pool2 (n, maps, 5, 5).

    Where there are fewer than ``count`` images, the other axes are zero.
    """
    found = pool2.reshape(len(pool2), -1)
    axes = np.zeros((count, found.shape[1]))
    vectors = np.linalg.svd(found, full_matrices=False)[2][:count]
    axes[: len(vectors)] = vectors
    return axes


# The first pair dominates if its share of the class's images is at least this. A pair in second place then contributes
# most in at most a tenth of them; with 1,000 images, the standard error of such a share is 0.01.
DOMINATES = 0.9
# The quantiles of a class's distances that are stored, in percent.
PERCENT = np.arange(101)
# Added to the covariance's diagonal, as a part of the mean variance. A pair that no class uses has zero variance.
RIDGE = 1e-3


@dataclass(frozen=True)
class PlacedPair:
    """A filter pair in first or second place.

    Attributes
    ----------
    conv1, conv2
        Filter numbers, from 0.
    share
        Share of the class's images in which this pair contributes most, 0…1.
    mean
        Mean contribution to the class's logit.
    """

    conv1: int
    conv2: int
    share: float
    mean: float


@dataclass(frozen=True)
class ClassUsage:
    """How one class uses the pairs.

    Attributes
    ----------
    images
        Number of images.
    firsts
        (A, B): number of images in which the pair contributes most. A tie goes to the lower filter numbers.
    mean, deviation
        (A, B): mean and standard deviation of the pairs' contributions to the class's logit.
    distances
        (101,): quantiles, from 0 % to 100 %, of the images' distances from the mean; see ``Usage.distances``.
    """

    images: int
    firsts: IntArray
    mean: Array
    deviation: Array
    distances: Array

    @property
    def first(self) -> PlacedPair:
        """The pair with the highest count in ``firsts``, framed red in Fig. 4. A tie goes to the higher mean."""
        return self._place(0)

    @property
    def second(self) -> PlacedPair | None:
        """The pair with the second highest count, framed blue unless the first dominates; None for a single pair."""
        return self._place(1) if self.firsts.size > 1 else None

    @property
    def dominated(self) -> bool:
        """Whether the first pair contributes most in at least 90 % of the images: then no second pair is framed."""
        return self.first.share >= DOMINATES

    @property
    def combination(self) -> tuple[tuple[int, int], ...]:
        """The first and the second pair, if there is a second: ``((conv1, conv2), …)``."""
        return tuple((pair.conv1, pair.conv2) for pair in (self.first, self.second) if pair)

    def _place(self, place: int) -> PlacedPair:
        pair = np.lexsort((-self.mean.ravel(), -self.firsts.ravel()))[place]
        conv1, conv2 = divmod(int(pair), self.firsts.shape[1])
        share = float(self.firsts[conv1, conv2] / self.images)
        return PlacedPair(conv1, conv2, share, float(self.mean[conv1, conv2]))


@dataclass(frozen=True)
class Distinct:
    """The number of different combinations of pairs among the classes.

    The paper says that, with second place, the combinations (組み合わせ) of filters that classes use all differ. A
    combination has no order: the paper's ten is to be compared with ``unordered``.

    Attributes
    ----------
    first
        First pairs alone.
    ordered
        First and second pair, in this order.
    unordered
        First and second pair, in any order.
    """

    first: int
    unordered: int
    ordered: int


@dataclass(frozen=True)
class Typicality:
    """How typical an image's use of the filters is for a class.

    Attributes
    ----------
    percentile
        Percent of the class's correctly predicted images that are farther from the mean: 100 is the most typical, 0
        the least. The mean over these images is 50.
    distance
        Mahalanobis distance from the class's mean.
    """

    percentile: float
    distance: float


@dataclass(frozen=True)
class Usage:
    """The study of one network.

    Attributes
    ----------
    searched
        Number of training images, from the first one on, that were searched for correctly predicted ones.
    per_class
        Maximum number of images of a class.
    classes
        One entry for each class.
    covariance
        (A·B, A·B): covariance of the pairs' contributions around their class's mean, pooled over all images.
    likeness
        What tells an image that is unlike the training images; None in older studies.
    """

    searched: int
    per_class: int
    classes: tuple[ClassUsage, ...]
    covariance: Array
    likeness: Likeness | None = None

    @property
    def distinct(self) -> Distinct:
        """How many classes differ in their pairs. In the paper all ten differ once second place counts."""
        combinations = [one.combination for one in self.classes]
        return Distinct(
            first=len({combination[0] for combination in combinations}),
            unordered=len({frozenset(combination) for combination in combinations}),
            ordered=len(set(combinations)),
        )

    def typicality(self, contributions: Array) -> list[Typicality]:
        """For each class, how typical a ledger is.

        Parameters
        ----------
        contributions
            (C, A, B), as in the ``Ledger`` of one image.
        """
        distances = self.distances(contributions - np.stack([one.mean for one in self.classes]))
        return [
            Typicality(float(np.interp(distance, one.distances, PERCENT[::-1])), float(distance))
            for distance, one in zip(distances, self.classes, strict=True)
        ]

    def distances(self, deviations: Array) -> Array:
        """The Mahalanobis distance ``√(dᵀ C⁻¹ d)`` of each image from the mean.

        Parameters
        ----------
        deviations
            (..., A, B): contributions to a class minus the class's mean.

        Returns
        -------
        Array
            (...): the mean of the squares is A·B over the studied images.
        """
        flat = deviations.reshape(*deviations.shape[:-2], -1)
        distances: Array = np.sqrt(((flat @ self._precision) * flat).sum(-1))
        return distances

    @cached_property
    def _precision(self) -> Array:
        return np.linalg.inv(ridged(self.covariance))


def ridged(covariance: Array) -> Array:
    """The covariance with ``RIDGE`` times the mean variance added to each variance, so that it can be inverted."""
    mean_variance = float(np.trace(covariance)) / len(covariance)
    ridge: Array = np.eye(len(covariance)) * (RIDGE * mean_variance or 1.0)
    return covariance + ridge
