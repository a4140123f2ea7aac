"""Contrasts: sets of regions whose hiding changes the class (docs/mathematics.md, 4).

A set of regions is an int whose bit r stands for region r.
"""

import numpy as np
from numpy.typing import NDArray

from konkyo.models.budget import Budget
from konkyo.models.elimination import Least, entries, least, members, plan, set_of
from konkyo.models.games import LocalGames
from konkyo.models.level_search import fewest_hidden
from konkyo.models.network import Array

# (R²,): which regions are visible; (N, R²) for several hidings.
Hiding = NDArray[np.bool_]

# A class is kept if it leads by more than this. The rounding error of a lead is about 1e-13.
TOLERANCE = 1e-9


class Contrasts:
    """Finds contrasts of a class.

    The margin of a hiding is the logit of the class minus the largest other logit. A contrast is a set of regions that
    has a margin of at most ``TOLERANCE`` when it is hidden, and a larger one when any of its regions is shown again.

    Parameters
    ----------
    margins
        The lead of the class over each other class, which exceeds ``TOLERANCE`` in the whole image.
    budget
        The work that the search may take.

    Attributes
    ----------
    found
        The contrasts found so far, in the order of the search.
    """

    def __init__(self, margins: LocalGames, budget: Budget) -> None:
        self._margins, self.budget = margins, budget
        self.players = set_of(margins.players)
        rows, columns = margins.regions.grid
        self._single = np.eye(rows * columns, dtype=np.bool_)
        self.found: list[int] = []

    def margin(self, kept: int) -> float | None:
        """The least margin over all hidings of the regions that are not kept.

        None if that is at most ``TOLERANCE``. Then contrasts among these regions have been added to ``found``.

        Raises
        ------
        BudgetError
            The search exceeds the budget.
        """
        free = self.players & ~kept
        hidings = self._descend(free)
        if not hidings:
            lowest = self._least(free)
            other = int(lowest.values.argmin())
            if lowest.values[other] > TOLERANCE:
                return float(lowest.values[other])
            visible = np.ones(len(self._single), np.bool_)
            visible[list(members(lowest.hidden(other)))] = False
            hidings = [visible]
        self.found += dict.fromkeys(self._minimal(visible) for visible in hidings)
        return None

    def fewest(self) -> int | None:
        """The smallest set of regions whose hiding changes the class; None if there is none.

        Of several smallest sets, the one with the least margin.

        Raises
        ------
        BudgetError
            The search exceeds the budget.
        """
        if not self.found and self.margin(kept=0) is not None:
            return None
        return fewest_hidden(self._margins, min(map(int.bit_count, self.found)), TOLERANCE, self.budget)

    def _descend(self, free: int) -> list[Hiding]:
        """Find hidings that change the class by greedy descent; the empty list does not prove that there are none.

        Each step hides the free region that leaves the least margin. The search ends at the first step at which some
        region brings the margin to ``TOLERANCE`` or less, and returns one hiding for each such region.
        """
        visible = np.ones(len(self._single), np.bool_)
        waiting = np.array(list(members(free)), np.intp)
        while len(waiting):
            hidings = visible ^ self._single[waiting]
            values = self._values(hidings)
            taken = values <= TOLERANCE
            if taken.any():
                return list(hidings[taken])
            least_margin = values.argmin()
            visible, waiting = hidings[least_margin], waiting[waiting != waiting[least_margin]]
        return []

    def _minimal(self, visible: Hiding) -> int:
        """Shrink a hiding that changes the class to a contrast: show regions again while the class stays changed."""
        while True:
            hidings = visible ^ self._single[~visible]
            values = self._values(hidings)
            if values.min() > TOLERANCE:
                return set_of(np.flatnonzero(~visible))
            visible = hidings[values.argmin()]

    def _values(self, hidings: Hiding) -> Array:
        """(N,): the margin of each of N hidings."""
        self.budget.spend(hidings=len(hidings))
        values: Array = self._margins.values(hidings).min(-1)
        return values

    def _least(self, free: int) -> Least:
        """The least lead over each other class over all hidings of the free regions."""
        buckets = plan(self._margins, free)
        self.budget.spend(entries=entries(buckets) * len(self._margins.constant))
        return least(self._margins, buckets)
