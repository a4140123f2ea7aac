"""Means with their 95 % intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, mean, stdev

import numpy as np

from konkyo.models.network import Array

# Half of a normal distribution's 95 % in standard deviations.
NORMAL = 1.96
# The 97.5 % quantiles of Student's t from one degree of freedom on.
_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


@dataclass(frozen=True)
class Estimate:
    """A mean, and half of its 95 % interval by the normal approximation."""

    mean: float
    interval: float

    @classmethod
    def of(cls, values: Array) -> "Estimate":
        """Of two values at least."""
        return cls(float(values.mean()), float(NORMAL * values.std(ddof=1) / np.sqrt(len(values))))

    def document(self) -> list[float]:
        """[mean, half of the interval]."""
        return [self.mean, self.interval]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """(mean, half of the 95 % interval), of two values or more, by Student's distribution."""
    return mean(values), student(len(values) - 1) * stdev(values) / sqrt(len(values))


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t; beyond the table by its expansion in 1/freedom, to 0.001."""
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
