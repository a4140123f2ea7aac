"""How classes use the filter pairs, and whether an image is like those of its class."""

from typing import Any

import numpy as np
import pytest

from konkyo.models.filters.usage import (
    ClassUsage,
    Distinct,
    Likeness,
    PlacedPair,
    Typicality,
    Usage,
    axes_of,
    mahalanobis,
    ridged,
)
from konkyo.models.network import Array
from konkyo.trainer.studies.filters import chosen, measure


def tally(firsts: list[list[int]], mean: list[list[float]] | None = None) -> ClassUsage:
    """A class of which only the counts and the means matter."""
    counts = np.array(firsts)
    means = np.zeros(counts.shape) if mean is None else np.array(mean)
    return ClassUsage(int(counts.sum()), counts, means, np.zeros(counts.shape), np.arange(101.0))


def ten(*values: list[list[float]]) -> list[Array]:
    """Ten classes of 1×2 pairs: those that are given, and for the others two images."""
    first = [np.array(rows)[:, None, :] for rows in values]
    return first + [np.array([[[1.0, 0.0]], [[3.0, 0.0]]])] * (10 - len(first))


def test_on_paper() -> None:
    usage: Any = measure(ten([[3, 1], [2, 5], [4, 0]]), searched=60, per_class=7)
    one = usage.classes[0]
    assert (usage.searched, usage.per_class, one.images) == (60, 7, 3)
    assert one.firsts.tolist() == [[2, 1]]
    assert one.mean.tolist() == [[3, 2]]
    # Deviations 0, −1, 1 and −1, 3, −2.
    assert one.deviation[0].tolist() == pytest.approx([(2 / 3) ** 0.5, (14 / 3) ** 0.5], rel=1e-5)
    assert one.first == PlacedPair(0, 0, 2 / 3, 3.0)
    assert one.second == PlacedPair(0, 1, 1 / 3, 2.0)
    # The other nine classes add 18 images with deviations ±1 and 0. Sums of squares: 2 + 18, −5, 14.
    a, b, d = 20 / 21, -5 / 21, 14 / 21
    assert usage.covariance.ravel().tolist() == pytest.approx([a, b, b, d], rel=1e-5)
    ridge = 0.001 * (a + d) / 2
    a, d = a + ridge, d + ridge

    def distance(x: float, y: float) -> float:
        return float(((d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b)) ** 0.5)

    near, middle, far = sorted([distance(0, -1), distance(-1, 3), distance(1, -2)])
    assert one.distances[[0, 50, 100]].tolist() == pytest.approx([near, middle, far], rel=1e-5)
    assert one.distances[25] == pytest.approx((near + middle) / 2, rel=1e-5)
    images = np.tile([[4.0, 0.0]], (10, 1, 1))
    assert usage.typicality(images)[0].distance == pytest.approx(distance(1, -2), rel=1e-4)
    assert usage.typicality(images)[1].distance == pytest.approx(distance(2, 0), rel=1e-4)


def test_the_percentile_is_the_part_that_is_further_away() -> None:
    usage: Any = Usage(1, 1, (tally([[1]]),) * 10, np.array([[1 / 1.001]]))
    images = np.zeros((10, 1, 1))
    images[:, 0, 0] = [0, 1, 25, 62.5, 99, 100, 200, -25, -300, 50]
    shares = [one.percentile for one in usage.typicality(images)]
    assert shares == pytest.approx([100, 99, 75, 37.5, 1, 0, 0, 75, 0, 50])
    assert [one.distance for one in usage.typicality(images)] == pytest.approx(np.abs(images.ravel()))


@pytest.mark.parametrize(
    ("firsts", "mean", "places", "dominated"),
    [
        # Places go by count, not by mean.
        ([[5, 0], [2, 4]], [[1.0, 9.0], [8.0, 2.0]], [(0, 0, 5 / 11, 1.0), (1, 1, 4 / 11, 2.0)], False),
        # Of equal counts the greater mean comes first, then the lower number.
        ([[3, 3, 3]], [[1.0, 3.0, 2.0]], [(0, 1, 1 / 3, 3.0), (0, 2, 1 / 3, 2.0)], False),
        ([[3, 3, 3]], [[2.0, 2.0, 2.0]], [(0, 0, 1 / 3, 2.0), (0, 1, 1 / 3, 2.0)], False),
        # From 90 % on the first one dominates; the second one still counts.
        ([[1, 9]], None, [(0, 1, 0.9, 0.0), (0, 0, 0.1, 0.0)], True),
        ([[1, 8]], None, [(0, 1, 8 / 9, 0.0), (0, 0, 1 / 9, 0.0)], False),
        ([[0, 4]], None, [(0, 1, 1.0, 0.0), (0, 0, 0.0, 0.0)], True),
        ([[7]], None, [(0, 0, 1.0, 0.0)], True),
    ],
)
def test_places(
    firsts: list[list[int]], mean: list[list[float]] | None, places: list[tuple[Any, ...]], dominated: bool
) -> None:
    one = tally(firsts, mean)
    assert [one.first, one.second] == [*(PlacedPair(*place) for place in places), None][:2]
    assert one.combination == tuple(place[:2] for place in places)
    assert one.dominated is dominated


def test_how_many_combinations_are_different() -> None:
    first, both, other = [[9, 1, 0]], [[6, 4, 0]], [[4, 6, 0]]
    classes = [first, first, both, other, both, [[0, 6, 4]], *[[[5, 0, 4]]] * 4]
    usage: Any = Usage(1, 1, tuple(tally(one) for one in classes), np.eye(3))
    # In order: 0 and 1, also where 0 dominates, 1 and 0, 1 and 2, 0 and 2.
    assert usage.distinct == Distinct(first=2, unordered=3, ordered=4)


def test_which_pictures_are_chosen() -> None:
    labels, read = np.array([3, 3, 0, 3, 3, 9, 3]), np.array([3, 5, 0, 3, 3, 8, 3])
    picked = [some.tolist() for some in chosen(labels, read, 3, 10)]
    assert picked == [[2], [], [], [0, 3, 4], [], [], [], [], [], []]


def test_a_pair_that_nobody_uses_makes_its_use_odd_and_breaks_nothing() -> None:
    rng = np.random.default_rng(3)
    values = [np.concatenate([rng.normal(2, 1, (50, 1, 2)), np.zeros((50, 1, 1))], -1) for _ in range(10)]
    usage: Any = measure(values, 500, 50)
    assert usage.classes[4].deviation[0, 2] == 0
    usual = np.stack([one.mean for one in usage.classes])
    assert usage.typicality(usual)[4] == Typicality(100.0, 0.0)
    usual[4, 0, 2] += 1
    odd = usage.typicality(usual)[4]
    assert odd.percentile == 0
    assert 20 < odd.distance < 100


def test_pictures_that_are_all_alike() -> None:
    usage: Any = measure([np.full((3, 2, 2), 5.0)] * 10, 30, 3)
    assert not usage.covariance.any()
    assert mahalanobis(np.array([[3.0, 0.0], [0.0, 4.0]]), np.linalg.inv(ridged(usage.covariance))) == pytest.approx(5)
    assert usage.classes[0].distances.tolist() == [0] * 101


# Two classes in maps of 5×5: one finds something in the first cell, the other in the last two.
FIRST = np.zeros((1, 5, 5))
FIRST[0, 0, 0] = 1
LAST = np.zeros((2, 1, 5, 5))
LAST[0, 0, 4, 3] = LAST[1, 0, 4, 4] = 1


def test_the_distance_is_the_share_that_no_subspace_holds() -> None:
    likeness = Likeness(np.stack([axes_of(FIRST[None], 2), axes_of(LAST, 2)]), 0.3)
    # One image has one axis; the other is zero.
    assert np.abs(likeness.axes[0]).sum() == pytest.approx(1)
    assert likeness.axes[1] @ likeness.axes[1].T == pytest.approx(np.eye(2))
    mixed = LAST[0] + 0.5 * FIRST
    images = np.stack([FIRST, 7 * LAST.sum(0), mixed, np.roll(FIRST, 1), 0 * FIRST])
    assert likeness.distance(images) == pytest.approx([0, 0, 0.2, 1, 1], abs=1e-9)
    assert likeness.distance(FIRST).shape == ()
    assert [likeness.is_unlike(image) for image in images] == [False, False, False, True, True]
