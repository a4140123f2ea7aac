"""Explanations compared on the same images: by which criteria one is better than another, beyond the interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from konkyo.models.network import Array
from konkyo.trainer.studies.curves import CURVES, REPLACEMENTS, SCORES
from konkyo.trainer.studies.explanations import OURS
from konkyo.trainer.studies.statistics import Estimate

# What an explanation is judged by, and whether more is better.
CRITERIA = {f"{curve}, {base}": curve == "insertion" for base in REPLACEMENTS for curve in CURVES} | {
    "infidelity": False
}
# What is reported beside them.
BESIDE = {"sensitivity": False, "agreement": True}


@dataclass(frozen=True)
class Measured:
    """One explanation, measured on N images.

    Attributes
    ----------
    name, kind
        Of the explanation.
    areas
        (N, 2, 2, 2): each image's areas, for each of ``REPLACEMENTS``, ``SCORES`` and ``CURVES``.
    points
        For each replacement the mean curves of the probability, (2, ``POINTS``).
    infidelity, agreement
        (N,).
    sensitivity
        (n,): of the first images.
    """

    name: str
    kind: str
    areas: Array
    points: Mapping[str, Array]
    infidelity: Array
    agreement: Array
    sensitivity: Array

    def area(self, score: str, base: str, curve: str) -> Array:
        """(N,): the areas under one kind of curve."""
        found: Array = self.areas[:, REPLACEMENTS.index(base), SCORES.index(score), CURVES.index(curve)]
        return found

    def values(self, criterion: str) -> Array:
        """(N,): by one of ``CRITERIA`` or of what stands beside them. Areas are those of the probability."""
        if criterion in BESIDE or criterion == "infidelity":
            found: Array = getattr(self, criterion)
            return found
        curve, base = criterion.split(", ")
        return self.area("probability", base, curve)

    def beats(self, other: "Measured", criterion: str) -> bool:
        """Whether it is better by a criterion, beyond the 95 % interval of the difference."""
        difference = self.values(criterion) - other.values(criterion)
        gain = Estimate.of(difference if CRITERIA[criterion] else -difference)
        return gain.mean > gain.interval

    def beats_everywhere(self, other: "Measured") -> bool:
        """Whether it is better by every criterion."""
        return all(self.beats(other, criterion) for criterion in CRITERIA)


def ranks(measured: Sequence[Measured]) -> dict[str, list[int]]:
    """For each criterion and what stands beside them, the rank of every explanation by its mean, from 1."""
    found = {}
    for criterion, more in (CRITERIA | BESIDE).items():
        means = np.array([one.values(criterion).mean() for one in measured])
        order = np.argsort(-means if more else means, kind="stable")
        found[criterion] = (order.argsort() + 1).tolist()
    return found


def best(measured: Sequence[Measured]) -> Measured:
    """The one of ours with the least sum of ranks over the criteria, the first of equal ones."""
    by_criterion = ranks(measured)
    sums = [sum(by_criterion[criterion][number] for criterion in CRITERIA) for number in range(len(measured))]
    return measured[min((s, number) for number, s in enumerate(sums) if measured[number].kind == OURS)[1]]
