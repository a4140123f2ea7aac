"""Intervals, rank correlations, areas and corrected comparisons, by their definitions."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from konkyo.models.network import Array
from konkyo.trainer.studies.statistics import Estimate, auroc, p_values, spearman


@pytest.mark.parametrize(("count", "quantile"), [(2, 12.7062), (4, 3.18245), (20, 2.09302), (1000, 1.96234)])
def test_an_interval_is_students(count: int, quantile: float) -> None:
    """Quantiles as in printed tables."""
    values = np.random.default_rng(count).normal(size=count)
    estimate = Estimate.of(values)
    assert estimate.mean == pytest.approx(values.mean())
    assert estimate.interval == pytest.approx(quantile * values.std(ddof=1) / count**0.5, rel=1e-5)


def mean_rank(values: Array, value: float) -> float:
    below, equal = int((values < value).sum()), int((values == value).sum())
    return below + (equal + 1) / 2


@pytest.mark.parametrize("ties", [False, True])
def test_spearman_is_pearson_of_mean_ranks(ties: bool) -> None:
    rng = np.random.default_rng(91)
    first = rng.normal(size=40)
    second = first + rng.normal(size=40)
    if ties:
        first, second = first.round(), second.round()
    ranks = [[mean_rank(values, value) for value in values] for values in (first, second)]
    assert spearman(first, second) == pytest.approx(float(np.asarray(np.corrcoef(ranks))[0, 1]), abs=1e-12)


def test_spearman_on_paper() -> None:
    rising = np.array([1.0, 2.0, 5.0, 9.0])
    assert spearman(rising, rising**3) == pytest.approx(1, abs=1e-15)
    assert spearman(rising, -rising) == pytest.approx(-1, abs=1e-15)
    assert spearman(rising, np.array([1.0, 1.0, 0.0, 2.0])) == pytest.approx(1.5 / np.sqrt(22.5), abs=1e-15)
    assert spearman(rising, np.ones(4)) == 0


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(3)
    warning, wrong = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.3
    pairs = [(bad > good) + 0.5 * (bad == good) for bad in warning[wrong] for good in warning[~wrong]]
    assert auroc(warning, wrong) == pytest.approx(np.mean(pairs))


def test_no_pair_no_area() -> None:
    assert auroc(np.ones(3), np.zeros(3, bool)) is None
    assert auroc(np.ones(3), np.ones(3, bool)) is None


def test_holm_multiplies_by_what_is_left() -> None:
    """Of three tests, by hand: the smallest p three times, the next twice, the last once; never falling."""
    rng = np.random.default_rng(5)
    differences = [rng.normal(mean, 1, 8) for mean in (2.0, 0.1, 1.0)]
    [first, second, third] = [p_values([one])[0] for one in differences]
    assert first < third < second
    # One test is not corrected: Student's t, both sides, by its own definition.
    assert p_values([[1.0, 2.0, 3.0]]) == [pytest.approx(0.0741799, abs=1e-6)]
    expected = [3 * first, max(3 * first, 2 * third, second), max(3 * first, 2 * third)]
    assert p_values(differences) == pytest.approx([min(1, one) for one in expected])
