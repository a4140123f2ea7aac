"""The fewest hidden regions that bring a value down to a limit, found level by level: one region, two, three …

Few of the many regions matter, and a bound that holds in every hiding leaves the others out.
"""

import numpy as np
from numpy.typing import NDArray

from models.budget import Budget
from models.local_games import LocalGames
from models.network import Array, IntArray

# Sets whose next steps are weighed at once.
CHUNK = 512


def fewest_hidden(games: LocalGames, most: int, limit: float, budget: Budget) -> int | None:
    """The fewest regions whose hiding brings any quantity down to the limit; of several such sets, the least value.

    A set is looked at only if it could reach the limit together with regions that may still be hidden. Each of these
    takes away at most what it takes away where that is greatest, whatever else is hidden.

    Parameters
    ----------
    games
        Of which the least quantity counts.
    most
        How many regions may be hidden.
    limit
        The value that is low enough.
    budget
        What the search may cost.

    Returns
    -------
    int or None
        Bit r is set for region r. None where no set of so many regions does it.

    Raises
    ------
    BudgetError
        Not found within the budget's hidings.
    """
    drops = _greatest_drops(games)
    # What matters comes first, so that sets are found, and others given up, early.
    order = np.argsort(-drops.max(1), kind="stable")
    players, drops = games.players[order], drops[order]
    visible = np.ones((1, games.regions.grid[0] * games.regions.grid[1]), np.bool_)
    last: IntArray = np.array([-1])
    values = games.values(visible)
    for level in range(1, most + 1):
        possible = drops + _most_taken(drops, most - level)
        places = []
        for start in range(0, len(values), CHUNK):
            some = slice(start, start + CHUNK)
            worth = (values[some, None] - possible <= limit).any(-1) & (np.arange(len(players)) > last[some, None])
            row, added = np.nonzero(worth)
            budget.spend(hidings=len(row))
            places.append(np.stack([row + start, added]))
        row, last = np.concatenate(places, axis=1)
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
    """The values of many hidings, some at a time."""
    values = np.empty((len(visible), len(games.constant)), games.constant.dtype)
    for start in range(0, len(visible), CHUNK):
        values[start : start + CHUNK] = games.values(visible[start : start + CHUNK])
    return values


def _greatest_drops(games: LocalGames) -> Array:
    """(N, Q): the most that hiding each player ever takes from each quantity, or a little more, and never below 0."""
    drops = np.zeros((games.regions.grid[0] * games.regions.grid[1], len(games.constant)))
    for game in games.games:
        for player, number in enumerate(game.players):
            pairs = game.table.reshape(-1, 2, 2**player, len(games.constant))
            drops[number] += np.maximum((pairs[:, 1] - pairs[:, 0]).max((0, 1)), 0)
    return drops[games.players]


def _most_taken(drops: Array, count: int) -> Array:
    """(N, Q): the sum of the ``count`` greatest drops of the players after each one."""
    taken = np.zeros_like(drops)
    for player in range(len(drops) - 1):
        after = np.sort(drops[player + 1 :], axis=0)
        taken[player] = after[len(after) - min(count, len(after)) :].sum(0)
    return taken
