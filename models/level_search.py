"""The smallest set of hidden regions that brings a value down to a limit.

Sets of one region are searched first, then sets of two, and so on. A bound on the effect of further regions prunes the
search.
"""

import numpy as np
from numpy.typing import NDArray

from konkyo.models.budget import Budget
from konkyo.models.games import LocalGames
from konkyo.models.network import Array, IntArray

# Number of sets in one batch.
CHUNK = 512


def fewest_hidden(games: LocalGames, most: int, limit: float, budget: Budget) -> int | None:
    """The smallest set of regions whose hiding brings any quantity down to the limit.

    Of several smallest sets, the one with the least value. Hiding a region lowers a quantity at most by its greatest
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
    order = np.argsort(-drops.max(1), kind="stable")
    players, drops = games.players[order], drops[order]
    visible = np.ones((1, games.regions.grid[0] * games.regions.grid[1]), np.bool_)
    last: IntArray = np.array([-1])
    values = games.values(visible)
    for level in range(1, most + 1):
        possible = drops + _greatest_sums(drops, most - level)
        extensions = []
        for start in range(0, len(values), CHUNK):
            some = slice(start, start + CHUNK)
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
            return sum(1 << int(region) for region in np.flatnonzero(~visible[lowest.argmin()]))
    return None


def _values(games: LocalGames, visible: NDArray[np.bool_]) -> Array:
    """The values of many hidings, computed in batches."""
    values = np.empty((len(visible), len(games.constant)), games.constant.dtype)
    for start in range(0, len(visible), CHUNK):
        values[start : start + CHUNK] = games.values(visible[start : start + CHUNK])
    return values


def _greatest_drops(games: LocalGames) -> Array:
    """(N, Q): an upper bound, at least 0, of each player's drop of each quantity over all hidings of the others."""
    drops = np.zeros((games.regions.grid[0] * games.regions.grid[1], len(games.constant)))
    for game in games.games:
        for player, number in enumerate(game.players):
            pairs = game.table.reshape(-1, 2, 2**player, len(games.constant))
            drops[number] += np.maximum((pairs[:, 1] - pairs[:, 0]).max((0, 1)), 0)
    return drops[games.players]


def _greatest_sums(drops: Array, count: int) -> Array:
    """(N, Q): the sum of the ``count`` greatest drops of the players after each one."""
    sums = np.zeros_like(drops)
    for player in range(len(drops) - 1):
        after = np.sort(drops[player + 1 :], axis=0)
        sums[player] = after[len(after) - min(count, len(after)) :].sum(0)
    return sums
