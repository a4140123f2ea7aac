"""Means with their 95 % intervals."""

from dataclasses import dataclass

import numpy as np

from models.network import Array

# Half of a normal distribution's 95 % in standard deviations.
NORMAL = 1.96


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
