"""How each class uses the filter pairs, over correctly predicted training images (section 3.2, Fig. 4)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from konkyo.models import ties
from konkyo.models.network import Array, IntArray

# Maps without anything in them are near nothing; this stands in the place of a division by zero.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Likeness:
    """What a network finds in the training images of each class: a subspace of the last stage's maps.

    Attributes
    ----------
    axes
        (C, K, D): orthonormal axes of the subspace of each class; D is the number of
        values that reach the head.
    threshold
        An image is unlike the training images if its distance exceeds this: one in a hundred of them does.
    """

    axes: Array
    threshold: float

    def distance(self, maps: Array) -> Array:
        """The share of what was found that the nearest subspace has no part of: ``min_c 1 − ‖U_c f‖² / ‖f‖²``.

        Parameters
        ----------
        maps
            (..., maps, s, s): the output of the last stage, as in ``Trace``.

        Returns
        -------
        Array
            (...): 0…1.
        """
        classes, axes, features = self.axes.shape
        found = maps.reshape(*maps.shape[:-3], features)
        parts = found @ self.axes.reshape(classes * axes, features).T
        within = (parts.reshape(*parts.shape[:-1], classes, axes) ** 2).sum(-1).max(-1)
        distance: Array = 1 - within / ((found**2).sum(-1) + _NOTHING)
        return distance

    def is_unlike(self, maps: Array) -> bool:
        """Whether one image, with these maps (maps, s, s), is unlike the training images."""
        return bool(self.distance(maps) > self.threshold)


def axes_of(maps: Array, count: int) -> Array:
    """(K, D): the axes of the subspace that holds most of what was found in images of one class, (n, maps, s, s).

    Where there are fewer than ``count`` images, the other axes are zero.
    """
    found = maps.reshape(len(maps), -1)
    axes = np.zeros((count, found.shape[1]))
    vectors = np.linalg.svd(found, full_matrices=False)[2][:count]
    axes[: len(vectors)] = vectors
    return axes


# The first pair dominates if its share of the class's images is at least this. A pair in second place then contributes
# most in at most a tenth of them; with 1,000 images, the standard error of such a share is 0.01.
DOMINATES = 0.9
# The quantiles of a class's distances that are stored, in percent.
PERCENT = np.arange(101)
_RISING = PERCENT[::-1].astype(float)
# Typicality is there for at most this many pairs: the covariance has a number for every two.
MOST_PAIRS = 256
# Added to the covariance's diagonal, as a part of the mean variance. A pair that no class uses has zero variance.
RIDGE = 1e-3


@dataclass(frozen=True)
class PlacedPair:
    """A filter pair in first or second place.

    Attributes
    ----------
    map
        Number of the map that enters the last stage, from 0.
    filter
        Number of the filter of the last stage, from 0.
    share
        Share of the class's images in which this pair contributes most, 0…1.
    mean
        Mean contribution to the class's logit.
    """

    map: int
    filter: int
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
        (101,): quantiles, from 0 % to 100 %, of the images' distances from the mean; see ``mahalanobis``. None where
        there are too many pairs.
    """

    images: int
    firsts: IntArray
    mean: Array
    deviation: Array
    distances: Array | None

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
        """The first and the second pair, if there is a second: ``((map, filter), …)``."""
        return tuple((pair.map, pair.filter) for pair in (self.first, self.second) if pair)

    def _place(self, place: int) -> PlacedPair:
        by_mean = ties.order(self.mean.ravel())
        pair = by_mean[np.argsort(-self.firsts.ravel()[by_mean], kind="stable")[place]]
        row, column = divmod(int(pair), self.firsts.shape[1])
        return PlacedPair(row, column, float(self.firsts[row, column] / self.images), float(self.mean[row, column]))


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
        None where there are more than 256 pairs.
    likeness
        What tells an image that is unlike the training images; None in older studies.
    """

    searched: int
    per_class: int
    classes: tuple[ClassUsage, ...]
    covariance: Array | None
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

    def typicality(self, contributions: Array, target: int | None = None) -> list[Typicality] | None:
        """For each class, how typical a ledger is; None where that was not studied.

        Parameters
        ----------
        contributions
            (C, A, B), as in the ``Ledger`` of one image.
        target
            The only class that is asked for.
        """
        if self._precision is None:
            return None
        distances = mahalanobis(contributions - self._means, self._precision).tolist()
        asked = slice(None) if target is None else slice(target, target + 1)
        return [
            Typicality(float(np.interp(distance, one.distances, _RISING)), distance)
            for distance, one in zip(distances[asked], self.classes[asked], strict=True)
            if one.distances is not None
        ]

    @cached_property
    def _means(self) -> Array:
        """(C, A, B)."""
        return np.stack([one.mean for one in self.classes])

    @cached_property
    def _precision(self) -> Array | None:
        return None if self.covariance is None else np.linalg.inv(ridged(self.covariance))


def mahalanobis(deviations: Array, precision: Array) -> Array:
    """The Mahalanobis distance ``√(dᵀ C⁻¹ d)`` of each image from the mean.

    Parameters
    ----------
    deviations
        (..., A, B): contributions to a class minus the class's mean.
    precision
        (A·B, A·B): the inverse of the ridged covariance C.

    Returns
    -------
    Array
        (...): the mean of the squares is A·B over the studied images.
    """
    flat = deviations.reshape(*deviations.shape[:-2], -1)
    distances: Array = np.sqrt(((flat @ precision) * flat).sum(-1))
    return distances


def ridged(covariance: Array) -> Array:
    """The covariance with ``RIDGE`` times the mean variance added to each variance, so that it can be inverted."""
    mean_variance = float(np.trace(covariance)) / len(covariance)
    ridge: Array = np.eye(len(covariance)) * (RIDGE * mean_variance or 1.0)
    return covariance + ridge
