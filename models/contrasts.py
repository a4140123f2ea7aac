"""Contrasts: regions whose hiding takes the class away (DESIGN 4.2). A set of regions is an int, bit r for region r."""

import numpy as np
from numpy.typing import NDArray

from models.budget import Budget
from models.elimination import Least, entries, least, members, plan, set_of
from models.level_search import fewest_hidden
from models.local_games import LocalGames
from models.network import Array

# (R²,): which regions are visible; (N, R²) for several hidings.
Hiding = NDArray[np.bool_]

# A class stays if it leads by more than this; rounding is about 1e-13.
TOLERANCE = 1e-9


class Contrasts:
    """The contrasts of a class that have been found so far, and whether a set of visible regions leaves another one.

    The margin of a hiding is by how much the class leads the best other one. A contrast is a set of regions with a
    margin of ``TOLERANCE`` or less where it is hidden, and of more where any one of it is shown again.

    Parameters
    ----------
    margins
        By how much the class leads each other one; more than ``TOLERANCE`` in the whole image.
    budget
        What the search may cost.

    Attributes
    ----------
    found
        In the order in which they were found.
    """

    def __init__(self, margins: LocalGames, budget: Budget) -> None:
        self._margins, self.budget = margins, budget
        self.players = set_of(margins.players)
        rows, columns = margins.regions.grid
        self._single = np.eye(rows * columns, dtype=np.bool_)
        self.found: list[int] = []

    def margin(self, kept: int) -> float | None:
        """The least margin over all hidings of the regions that are not kept.

        None where that is ``TOLERANCE`` or less: then contrasts among these regions have been added to those found.

        Raises
        ------
        BudgetError
            The budget is spent.
        """
        free = self.players & ~kept
        hidings = self._descend(free)
        if not hidings:
            lowest = self._least(free)
            rival = int(lowest.values.argmin())
            if lowest.values[rival] > TOLERANCE:
                return float(lowest.values[rival])
            visible = np.ones(len(self._single), np.bool_)
            visible[list(members(lowest.hidden(rival)))] = False
            hidings = [visible]
        self.found += dict.fromkeys(self._minimal(visible) for visible in hidings)
        return None

    def fewest(self) -> int | None:
        """The fewest regions whose hiding takes the class away; of several such sets, the one with the least margin.

        None where none does.

        Raises
        ------
        BudgetError
            The budget is spent.
        """
        if not self.found and self.margin(kept=0) is not None:
            return None
        return fewest_hidden(self._margins, min(map(int.bit_count, self.found)), TOLERANCE, self.budget)

    def _descend(self, free: int) -> list[Hiding]:
        """Hide one free region after another, always the one that leaves the least margin, until that is no more.

        Quick, and no proof. All last steps that take the margin away are returned; none where no step does.
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
        """Show one region after another again, always the one that leaves the least margin, while that stays away."""
        while True:
            hidings = visible ^ self._single[~visible]
            values = self._values(hidings)
            if values.min() > TOLERANCE:
                return set_of(np.flatnonzero(~visible))
            visible = hidings[values.argmin()]

    def _values(self, hidings: Hiding) -> Array:
        """The margin of each of these hidings."""
        self.budget.spend(hidings=len(hidings))
        values: Array = self._margins.values(hidings).min(-1)
        return values

    def _least(self, free: int) -> Least:
        """The least margins over all hidings of free regions, within the budget."""
        buckets = plan(self._margins, free)
        self.budget.spend(entries=entries(buckets) * len(self._margins.constant))
        return least(self._margins, buckets)
