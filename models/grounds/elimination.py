"""Bucket elimination: the least value of a sum of local games over all hidings, exactly (docs/mathematics.md, 4).

Eliminating a region adds up all tables over it. Then it takes, for every choice of the other regions in these tables,
the minimum of the region's two cases: visible or hidden. The result is a table over the other regions, to which the
next bucket adds its own tables. The size of all tables follows from the windows and from the order of elimination, so
the work is known beforehand.

A set of regions is an int whose bit r stands for region r.

Source: Dechter, "Bucket elimination: a unifying framework for reasoning", Artificial Intelligence 113, 1999.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models import steps
from konkyo.models.hiding.games import LocalGame, LocalGames
from konkyo.models.network import Array

# Sums that differ by less are equal but for rounding; their error is about 1e-13.
TIE = 1e-11


@dataclass(frozen=True)
class Bucket:
    """The step that eliminates one region.

    Attributes
    ----------
    scope
        The regions of its table, in the order of elimination. The first is the region that it eliminates.
    games
        The games whose tables it adds.
    """

    scope: tuple[int, ...]
    games: tuple[LocalGame, ...]


@dataclass(frozen=True)
class Least:
    """The least value of each quantity over all hidings of the free regions.

    Attributes
    ----------
    values
        (Q,): the least values.
    buckets
        The buckets in the order of elimination.
    hides
        For each bucket, whether hiding its region gives the minimum: (2, 2, …, Q), one axis for each other region in
        its scope.
    """

    values: Array
    buckets: tuple[Bucket, ...]
    hides: tuple[NDArray[np.bool_], ...]

    def hidden(self, quantity: int) -> int:
        """A set of regions whose hiding gives the least value of a quantity. In a tie it hides less."""
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
    """One bucket for each free region; the others stay visible. Each step chooses the region with the smallest table.

    Parameters
    ----------
    games
        The games to add up.
    free
        The regions that may be hidden. All of them are players.
    """
    scopes = [(set_of(game.players) & free, game) for game in games.games]
    neighbours = dict.fromkeys(members(free), 0)
    for scope, _ in scopes:
        for region in members(scope):
            neighbours[region] |= scope
    left, table = free, 0
    order: list[tuple[int, int]] = []
    while left:
        region = min(members(left), key=lambda one: ((table | neighbours[one]) & left).bit_count())
        scope = (table | neighbours[region]) & left
        order.append((region, scope))
        left ^= 1 << region
        table = scope & left
    rank = {region: position for position, (region, _) in enumerate(order)}
    added: dict[int, list[LocalGame]] = {region: [] for region in rank}
    for scope, game in scopes:
        if scope:
            added[min(members(scope), key=rank.__getitem__)].append(game)
    return tuple(
        Bucket(tuple(sorted(members(scope), key=rank.__getitem__)), tuple(added[region])) for region, scope in order
    )


def entries(buckets: tuple[Bucket, ...]) -> int:
    """The number of table entries of all buckets, for one quantity."""
    return sum(2 ** len(bucket.scope) for bucket in buckets)


def least(games: LocalGames, buckets: tuple[Bucket, ...]) -> Least:
    """The least value of each quantity over all hidings of the regions with a bucket. All others stay visible.

    Parameters
    ----------
    games
        The games to add up.
    buckets
        The result of ``plan`` for these games.
    """
    free = sum(1 << bucket.scope[0] for bucket in buckets)
    fixed = [game.table[-1] for game in games.games if not set_of(game.players) & free]
    table: Array = games.constant + sum(fixed)
    over: tuple[int, ...] = ()
    hides = []
    for bucket in buckets:
        added = sum(_broadcastable(game, free, bucket.scope) for game in bucket.games)
        hidden, visible = table.reshape(*(2 if region in over else 1 for region in bucket.scope), -1) + added
        hides.append(hidden < visible - TIE)
        table, over = np.minimum(hidden, visible), bucket.scope[1:]
        steps.done(hides[-1].size)
    return Least(table, buckets, tuple(hides))


def _broadcastable(game: LocalGame, free: int, scope: tuple[int, ...]) -> Array:
    """A game's table with all regions visible that are not free, and one axis for each region of a bucket's scope."""
    players = game.players.tolist()[::-1]
    cube = game.table.reshape(*[2] * len(players), -1)
    cube = cube[tuple(slice(None) if free >> player & 1 else 1 for player in players)]
    own = [player for player in players if free >> player & 1]
    axes = [own.index(region) for region in scope if region in own]
    shape = [2 if region in own else 1 for region in scope]
    return np.ascontiguousarray(cube.transpose(*axes, len(own))).reshape(*shape, -1)
