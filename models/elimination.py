"""Bucket elimination: the least value of a sum of local games over all hidings, exactly (DESIGN 4.2).

To eliminate a region is to add up all tables in which it stands and to keep, for every choice of the other regions in
them, the less of its two cases: visible or hidden. What is kept is a table over these others. The regions are
eliminated along a chain: each bucket adds its tables to the one that the bucket before has left. How large that one
gets depends on the windows and on the order alone, so the work is known before it begins.

A set of regions is an int here: bit r stands for region r.

Source: Dechter, "Bucket elimination: a unifying framework for reasoning", Artificial Intelligence 113, 1999.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.local_games import LocalGame, LocalGames
from models.network import Array


@dataclass(frozen=True)
class Bucket:
    """The step that eliminates one region.

    Attributes
    ----------
    scope
        The regions that its table is over, in the order in which they are eliminated; its own region is the first.
    games
        The games whose tables are added.
    """

    scope: tuple[int, ...]
    games: tuple[LocalGame, ...]


@dataclass(frozen=True)
class Least:
    """The least value of each quantity over all hidings of the free regions.

    Attributes
    ----------
    values
        (Q,).
    buckets
        As they were worked through.
    hides
        For each bucket, whether hiding its region is less: (2, 2, …, Q), one axis for each other region in scope.
    """

    values: Array
    buckets: tuple[Bucket, ...]
    hides: tuple[NDArray[np.bool_], ...]

    def hidden(self, quantity: int) -> int:
        """The regions whose hiding gives the least value of a quantity; of several such sets, always the same."""
        hidden = 0
        for bucket, hides in zip(reversed(self.buckets), reversed(self.hides), strict=True):
            region, *others = bucket.scope
            if hides[(*(1 - (hidden >> other & 1) for other in others), quantity)]:
                hidden |= 1 << region
        return hidden


def members(regions: int) -> Iterator[int]:
    """The regions in a set, in rising order."""
    while regions:
        yield (regions & -regions).bit_length() - 1
        regions &= regions - 1


def set_of(regions: NDArray[np.intp]) -> int:
    """The set of these regions."""
    return sum(1 << region for region in regions.tolist())


def plan(games: LocalGames, free: int) -> tuple[Bucket, ...]:
    """The buckets, one for each free region; the others stay visible. Next comes always the smallest table.

    Parameters
    ----------
    games
        What is added up.
    free
        The regions that may be hidden, all of them players.
    """
    scopes = [(set_of(game.players) & free, game) for game in games.games]
    reach = dict.fromkeys(members(free), 0)
    for scope, _ in scopes:
        for region in members(scope):
            reach[region] |= scope
    left, table = free, 0
    order: list[tuple[int, int]] = []
    while left:
        region = min(members(left), key=lambda one: ((table | reach[one]) & left).bit_count())
        scope = (table | reach[region]) & left
        order.append((region, scope))
        left ^= 1 << region
        table = scope & left
    rank = {region: place for place, (region, _) in enumerate(order)}
    added: dict[int, list[LocalGame]] = {region: [] for region in rank}
    for scope, game in scopes:
        if scope:
            added[min(members(scope), key=rank.__getitem__)].append(game)
    return tuple(
        Bucket(tuple(sorted(members(scope), key=rank.__getitem__)), tuple(added[region])) for region, scope in order
    )


def entries(buckets: tuple[Bucket, ...]) -> int:
    """Numbers in the tables of all buckets, for one quantity."""
    return sum(2 ** len(bucket.scope) for bucket in buckets)


def least(games: LocalGames, buckets: tuple[Bucket, ...]) -> Least:
    """The least value of each quantity over all hidings of the regions that have a bucket, all others visible.

    Parameters
    ----------
    games
        What is added up.
    buckets
        As ``plan`` has made them for these games.
    """
    free = sum(1 << bucket.scope[0] for bucket in buckets)
    fixed = [game.table[-1] for game in games.games if not set_of(game.players) & free]
    table: Array = games.constant + sum(fixed)
    over: tuple[int, ...] = ()
    hides = []
    for bucket in buckets:
        added = sum(_laid_out(game, free, bucket.scope) for game in bucket.games)
        hidden, visible = table.reshape(*(2 if region in over else 1 for region in bucket.scope), -1) + added
        hides.append(hidden < visible)
        table, over = np.minimum(hidden, visible), bucket.scope[1:]
    return Least(table, buckets, tuple(hides))


def _laid_out(game: LocalGame, free: int, scope: tuple[int, ...]) -> Array:
    """A game's table with what is not free visible: an axis for each region in scope, of length 1 where it has none."""
    players = game.players.tolist()[::-1]
    cube = game.table.reshape(*[2] * len(players), -1)
    cube = cube[tuple(slice(None) if free >> player & 1 else 1 for player in players)]
    own = [player for player in players if free >> player & 1]
    axes = [own.index(region) for region in scope if region in own]
    shape = [2 if region in own else 1 for region in scope]
    return np.ascontiguousarray(cube.transpose(*axes, len(own))).reshape(*shape, -1)
