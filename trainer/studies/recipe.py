"""What each part of the recipe is worth: variants of it, trained from the same seeds, compared by validation.

``recipe.json`` holds every seed's accuracy. A variant is compared with its base seed by seed: both begin with the same
weights and see the same batches.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import NormalDist, mean, stdev

FILE = "recipe.json"


@dataclass(frozen=True)
class Variant:
    """A way to train a network, with what each seed gave; accuracies are shares, 0…1.

    Attributes
    ----------
    network, name
        What was trained, and what was changed.
    base
        Name of the variant it is compared with; None for a base.
    steps
        Batches of each training.
    validation
        On the held-out images, by which variants are compared.
    test
        On the test images, which take no part in any choice.
    empty
        The probability of the class that an empty image is predicted as.
    """

    network: str
    name: str
    base: str | None
    steps: int
    validation: Sequence[float]
    test: Sequence[float]
    empty: Sequence[float]


@dataclass(frozen=True)
class Experiments:
    """All that were made; ``how`` says how, and ``notes`` what else was seen."""

    how: str
    notes: Sequence[str]
    variants: Sequence[Variant]

    def gain(self, variant: Variant) -> tuple[float, float] | None:
        """By how much it validates better than its base: mean, half of the 95 % interval; None for a base."""
        for other in self.variants:
            if (other.network, other.name) == (variant.network, variant.base):
                pairs = zip(variant.validation, other.validation, strict=True)
                return interval([ours - theirs for ours, theirs in pairs])
        return None


def load(studies: Path) -> Experiments | None:
    """What stands in the studies' folder; None where nothing does."""
    path = studies / FILE
    if not path.exists():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    return Experiments(found["how"], found["notes"], [Variant(**entry) for entry in found["variants"]])


def interval(values: Sequence[float]) -> tuple[float, float]:
    """(mean, half of the 95 % interval), of two values or more, by Student's distribution."""
    return mean(values), student(len(values) - 1) * stdev(values) / sqrt(len(values))


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, by its expansion in 1/freedom: to 0.01 from 4 degrees of freedom on."""
    z = NormalDist().inv_cdf(0.975)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
