"""Contrasts: sets of regions whose hiding changes the class (docs/mathematics.md, 4).

A set of regions is an int whose bit r stands for region r.
"""

import numpy as np
from numpy.typing import NDArray

from konkyo.models import steps, ties
from konkyo.models.grounds.budget import SearchBudget
from konkyo.models.grounds.elimination import Least, entries, least, members, plan, set_of
from konkyo.models.hiding.games import LocalGames
from konkyo.models.network import Array, IntArray

# (R²,): which regions are visible; (N, R²) for several hidings.
Visible = NDArray[np.bool_]


class Contrasts:
    """Finds contrasts of a class.

    The margin of a hiding is the least lead of the class over another one. It is above 0 where the class is predicted,
    also in a tie (``LocalGames.margins``). A contrast is a set of regions that has a margin of at most 0 when it is
    hidden, and one above 0 when any of its regions is shown again.

    Parameters
    ----------
    margins
        The lead of the class over each other class, which is above 0 in the whole image.
    budget
        The work that the search may take.

    Attributes
    ----------
    found
        The contrasts found so far, in the order of the search.
    """

    def __init__(self, margins: LocalGames, budget: SearchBudget) -> None:
        self._margins, self.budget = margins, budget
        self.players = set_of(margins.players)
        rows, columns = margins.regions.grid
        self._single = np.eye(rows * columns, dtype=np.bool_)
        self.found: list[int] = []

    def margin(self, kept: int) -> float | None:
        """The least margin over all hidings of the regions that are not kept.

        None if that is at most 0. Then contrasts among these regions have been added to ``found``.

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
            if lowest.values[other] > 0:
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
        return fewest_hidden(self._margins, min(map(int.bit_count, self.found)), 0, self.budget)

    def _descend(self, free: int) -> list[Visible]:
        """Find hidings that change the class by greedy descent; the empty list does not prove that there are none.

        Each step hides the free region that leaves the least margin. The search ends at the first step at which some
        region brings the margin to 0 or less, and returns one hiding for each such region.
        """
        visible = np.ones(len(self._single), np.bool_)
        waiting = np.array(list(members(free)), np.intp)
        while len(waiting):
            values = self._values(visible, waiting)
            taken = values <= 0
            if taken.any():
                return list(visible ^ self._single[waiting[taken]])
            least_margin = ties.first(-values)
            visible = visible ^ self._single[waiting[least_margin]]
            waiting = np.delete(waiting, least_margin)
        return []

    def _minimal(self, visible: Visible) -> int:
        """Shrink a hiding that changes the class to a contrast: show regions again while the class stays changed."""
        while True:
            hidden = np.flatnonzero(~visible)
            values = self._values(visible, hidden)
            if values.min() > 0:
                return set_of(hidden)
            visible = visible ^ self._single[hidden[ties.first(-values)]]

    def _values(self, visible: Visible, turned: IntArray) -> Array:
        """(N,): the margin of a hiding with one of N regions turned."""
        self.budget.spend(hidings=len(turned))
        values: Array = self._margins.values_beside(visible, turned).min(-1)
        return values

    def _least(self, free: int) -> Least:
        """The least lead over each other class over all hidings of the free regions."""
        buckets = plan(self._margins, free)
        self.budget.spend(entries=entries(buckets) * len(self._margins.constant))
        return least(self._margins, buckets)


# Number of sets in one batch.
SETS_AT_ONCE = 512


def fewest_hidden(games: LocalGames, most: int, limit: float, budget: SearchBudget) -> int | None:
    """The smallest set of regions whose hiding brings any quantity down to the limit.

    Of several smallest sets, the one with the least value. Visible a region lowers a quantity at most by its greatest
    drop over all hidings of the others. A set is extended only if such drops could bring it down to the limit.

    Parameters
    ----------
    games
        The games. The least of their quantities counts.
    most
        Maximum number of hidden regions.
    limit
        The limit, in units of the quantities.
    budget
        The work that the search may take.

    Returns
    -------
    int or None
        Bit r is set for region r. None if no set of at most ``most`` regions reaches the limit.

    Raises
    ------
    BudgetError
        The search exceeds the budget.
    """
    drops = _greatest_drops(games)
    # Regions with the greatest drops come first, so that sets are found and pruned early.
    order = ties.order(drops.max(1))
    players, drops = games.players[order], drops[order]
    visible = np.ones((1, games.regions.grid[0] * games.regions.grid[1]), np.bool_)
    last: IntArray = np.array([-1])
    values = games.values(visible)
    for level in range(1, most + 1):
        possible = drops + _greatest_sums(drops, most - level)
        extensions = []
        for start in range(0, len(values), SETS_AT_ONCE):
            some = slice(start, start + SETS_AT_ONCE)
            worth = (values[some, None] - possible <= limit).any(-1) & (np.arange(len(players)) > last[some, None])
            row, added = np.nonzero(worth)
            budget.spend(hidings=len(row))
            extensions.append(np.stack([row + start, added]))
        row, last = np.concatenate(extensions, axis=1)
        if not len(row):
            return None
        visible = visible[row]
        visible[np.arange(len(row)), players[last]] = False
        values = _values(games, visible)
        lowest = values.min(1)
        if (lowest <= limit).any():
            # Of ties the set that comes first where sets are compared by their lowest region, then by the next.
            by_set = np.lexsort(visible.T[::-1])
            return set_of(np.flatnonzero(~visible[by_set[ties.first(-lowest[by_set])]]))
    return None


def _values(games: LocalGames, visible: NDArray[np.bool_]) -> Array:
    """The values of many hidings, computed in batches."""
    values = np.empty((len(visible), len(games.constant)), games.constant.dtype)
    for start in range(0, len(visible), SETS_AT_ONCE):
        values[start : start + SETS_AT_ONCE] = games.values(visible[start : start + SETS_AT_ONCE])
    return values


def _greatest_drops(games: LocalGames) -> Array:
    """(N, Q): an upper bound, at least 0, of each player's drop of each quantity over all hidings of the others."""
    drops = np.zeros((games.regions.grid[0] * games.regions.grid[1], len(games.constant)))
    for batch in games.batches():
        (count, players), quantities = batch.players.shape, len(games.constant)
        most = np.empty((count, players, quantities))
        for player in range(players):
            pairs = batch.tables.reshape(count, -1, 2, 2**player, quantities)
            most[:, player] = (pairs[:, :, 1] - pairs[:, :, 0]).max((1, 2))
        np.add.at(drops, batch.players, np.maximum(most, 0))
        steps.done(batch.tables.size * players)
    return drops[games.players]


def _greatest_sums(drops: Array, count: int) -> Array:
    """(N, Q): the sum of the ``count`` greatest drops of the players after each one."""
    sums = np.zeros_like(drops)
    for player in range(len(drops) - 1):
        after = np.sort(drops[player + 1 :], axis=0)
        sums[player] = after[len(after) - min(count, len(after)) :].sum(0)
        steps.done(after.size)
    return sums
