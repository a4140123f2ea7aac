"""What studies say of many numbers: means with their intervals, rank correlations, areas, corrected comparisons.

SciPy is imported where it is used: the command line starts without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konkyo.models.network import Array


@dataclass(frozen=True)
class Estimate:
    """A mean, and half of its 95 % interval by Student's t: what other draws of the values would give."""

    mean: float
    interval: float

    @classmethod
    def of(cls, values: ArrayLike) -> "Estimate":
        """Of two values at least."""
        from scipy import stats

        given = np.asarray(values, np.float64)
        quantile = stats.t.ppf(0.975, len(given) - 1)
        return cls(float(given.mean()), float(quantile * given.std(ddof=1) / np.sqrt(len(given))))

    def document(self) -> list[float]:
        """[mean, half of the interval]."""
        return [self.mean, self.interval]


def spearman(first: Array, second: Array) -> float:
    """The rank correlation of two lists (n,); equal values share their mean rank. 0 where one has no order."""
    from scipy import stats

    if len(first) < 2 or not np.ptp(first) or not np.ptp(second):
        return 0.0
    return float(stats.spearmanr(first, second).statistic)


def auroc(warning: Array, wrong: NDArray[np.bool_]) -> float | None:
    """The share of pairs, a wrong and a right prediction, of which the wrong one has the greater number; a tie is half.

    The area under the ROC curve, from Mann and Whitney's U. None where there are no such pairs.
    """
    from scipy import stats

    positives, negatives = warning[wrong], warning[~wrong]
    if not len(positives) or not len(negatives):
        return None
    # The p-value, which is not looked at, is not exact.
    statistic = stats.mannwhitneyu(positives, negatives, method="asymptotic").statistic
    return float(statistic / (len(positives) * len(negatives)))


def p_values(differences: Sequence[ArrayLike]) -> list[float]:
    """Of each list of paired differences, that their mean is 0 (Student's t), by Holm's correction for all lists."""
    from scipy import stats

    single = []
    for one in differences:
        given = np.asarray(one, np.float64)
        mean, error = abs(given.mean()), given.std(ddof=1) / np.sqrt(len(given))
        # Differences that are all the same, but for rounding, leave no doubt.
        doubtful = error > 1e-12 * mean or mean == 0
        single.append(float(2 * stats.t.sf(mean / error, len(given) - 1)) if doubtful and error else float(mean == 0))
    order = np.argsort(single, kind="stable")
    corrected, greatest = np.empty(len(single)), 0.0
    for rank, place in enumerate(order):
        greatest = max(greatest, min(1.0, (len(single) - rank) * single[place]))
        corrected[place] = greatest
    return corrected.tolist()
