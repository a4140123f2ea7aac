"""Hiding regions as a game: a sum of local games, one for each cell of the last layer (docs/mathematics.md, 4).

The regions are the players. For a set S of visible players, ``v_c(S)`` is the logit of class c with every other region
hidden. A cell of the last layer sees few regions. A table over the subsets of these regions contains all its values:

    v_c(S) = b_c + Σ_s Σ_m W[c, m, s] · T_s[S ∩ window(s), m]

With hidden affine layers the sum is the output of the first of them. Where hiding changes few regions in all, the
tables are then merged into the table of one game.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from math import prod

import numpy as np
from numpy.typing import NDArray

from konkyo.models import steps, ties
from konkyo.models.hiding.cost import MERGED_CHUNK, USUAL, Budget, planned_tables, usual_side
from konkyo.models.hiding.counting import left
from konkyo.models.hiding.plan import Made
from konkyo.models.hiding.regions import Fill, Regions, check_fill, filled
from konkyo.models.network import Array, IntArray, Network
from konkyo.models.result import check_pairs, check_question, check_single

# Values of tables that are stacked at once.
STACKED_AT_ONCE = 2**16
# Values of games that are looked up at once.
LOOKED_UP_AT_ONCE = 2**20


@dataclass(frozen=True)
class LocalGame:
    """The contribution of one cell of the last layer under every hiding of the regions that it sees.

    Attributes
    ----------
    players
        (n,): the numbers of the regions in which the cell sees pixels that hiding changes, in rising order.
    table
        (2ⁿ, Q): bit p of a row's number is set if ``players[p]`` is visible.
    """

    players: IntArray
    table: Array


@dataclass(frozen=True)
class LocalGames:
    """A game whose value is a sum of local games, for Q quantities at once: the classes, or the terms of a class.

    Attributes
    ----------
    regions
        The grid. Regions are numbered row by row.
    games
        One for each cell of the last layer.
    constant
        (Q,): the part of the value that no hiding changes.
    """

    regions: Regions
    games: tuple[LocalGame, ...]
    constant: Array

    @cached_property
    def players(self) -> IntArray:
        """(N,): the numbers of the regions that hiding changes, in rising order."""
        return np.unique(np.concatenate([game.players for game in self.games]))

    def values(self, visible: NDArray[np.bool_]) -> Array:
        """The value with these regions visible and all others hidden: (..., R²) → (..., Q)."""
        flat = visible.reshape(-1, visible.shape[-1])
        values = self._added(len(flat), lambda some: flat[some] @ self._steps)
        return values.reshape(*visible.shape[:-1], len(self.constant))

    def values_beside(self, visible: NDArray[np.bool_], turned: IntArray) -> Array:
        """(n, Q): the values with one of the regions ``turned`` (n,) shown if it is hidden, and hidden if it is shown.

        ``visible`` is (R²,).
        """
        rows, ways = visible @ self._steps, np.where(visible[turned], -1.0, 1.0)[:, None]
        return self._added(len(turned), lambda some: rows + ways[some] * self._steps[turned[some]])

    def _added(self, count: int, rows_of: Callable[[slice], Array]) -> Array:
        """(count, Q): the values for rows of each game's table, (…, games)."""
        values = np.empty((count, len(self.constant)), self.constant.dtype)
        size = max(1, LOOKED_UP_AT_ONCE // (len(self.games) * len(self.constant)))
        for start in range(0, count, size):
            some = slice(start, start + size)
            rows = rows_of(some).astype(np.intp) + self._starts
            values[some] = np.einsum("...sq->...q", self._table.take(rows, axis=0))
        return values + self.constant

    def margins(self, target: int) -> "LocalGames":
        """The lead of a class over each other class, for games whose quantities are classes.

        A tie within rounding is a lead of the lower class: the class is predicted where all its leads are above 0.
        """
        others = np.delete(np.arange(len(self.constant)), target)

        def lead(values: Array) -> Array:
            difference: Array = values[..., target, None] - values[..., others]
            return difference

        games = tuple(LocalGame(game.players, lead(game.table)) for game in self.games)
        lowered = self.constant - ties.class_steps(len(self.constant), self.constant.dtype)
        return LocalGames(self.regions, games, lead(lowered))

    def gathered(self) -> "LocalGames":
        """The same game as a sum of fewer: where a game's players are all in another one, the two are added up."""
        whole: list[tuple[IntArray, Array]] = []
        for game in sorted(self.games, key=lambda one: -len(one.players)):
            for players, table in whole:
                if np.isin(game.players, players).all():
                    places = np.searchsorted(players, game.players)
                    rows = (np.arange(len(table))[:, None] >> places & 1) @ (1 << np.arange(len(places)))
                    table += game.table[rows]
                    break
            else:
                whole.append((game.players, game.table.copy()))
        return LocalGames(self.regions, tuple(LocalGame(*one) for one in whole), self.constant)

    def of_class(self, target: int, versus: int | None = None) -> "LocalGames":
        """One class, or the difference of two, of games whose quantities are classes."""

        def entry(values: Array) -> Array:
            kept = values[..., target, None]
            return np.asarray(kept if versus is None else kept - values[..., versus, None])

        games = tuple(LocalGame(game.players, entry(game.table)) for game in self.games)
        return LocalGames(self.regions, games, entry(self.constant))

    def batches(self) -> Iterator["Batch"]:
        """Games of as many players each, some at a time."""
        for _, some in groupby(self.games, key=lambda game: len(game.players)):
            games = list(some)
            size = max(1, STACKED_AT_ONCE // games[0].table.size)
            for start in range(0, len(games), size):
                stacked = games[start : start + size]
                yield Batch(np.array([game.players for game in stacked]), np.array([game.table for game in stacked]))

    @cached_property
    def _table(self) -> Array:
        """(J, Q): the tables of all games, concatenated."""
        return np.ascontiguousarray(np.concatenate([game.table for game in self.games]))

    @cached_property
    def _starts(self) -> IntArray:
        """(games,): the first row of each game's table in ``_table``."""
        lengths = [0, *(len(game.table) for game in self.games[:-1])]
        return np.cumsum(lengths, dtype=np.intp)

    @cached_property
    def _steps(self) -> Array:
        """(R², games): the distance in rows of ``_table`` for each game when a region becomes visible."""
        steps = np.zeros((self.regions.count, len(self.games)))
        for number, game in enumerate(self.games):
            steps[game.players, number] = 1 << np.arange(len(game.players))
        return steps


@lru_cache(maxsize=16)
def subsets(players: int) -> NDArray[np.bool_]:
    """(n, 2ⁿ): the subsets that contain each player. Bit p of a subset's number stands for player p."""
    members: NDArray[np.bool_] = (np.arange(2**players) >> np.arange(players)[:, None]) & 1 == 1
    members.flags.writeable = False
    return members


@dataclass(frozen=True)
class Batch:
    """Local games of as many players each.

    Attributes
    ----------
    players
        (n, m): the players of each, as in ``LocalGame``.
    tables
        (n, 2ᵐ, Q).
    """

    players: IntArray
    tables: Array


@dataclass(frozen=True)
class Tables:
    """Every combination of hidden regions, for one image: made a few cells at a time, and not kept.

    Attributes
    ----------
    network
        Its precision is that of the tables.
    regions
        The grid.
    by_pair
        Whether the values of a cell are split by pair.
    made
        The cells of the last layer.
    """

    network: Network
    regions: Regions
    by_pair: bool
    made: Iterator[Made]

    def class_batches(self) -> Iterator[Batch]:
        """The games of the logits of all classes; with hidden affine layers, of the outputs of the first of them."""
        for made in self.made:
            yield self._classes(made)

    def split_batches(self, target: int, versus: int | None, *, classes: bool = True) -> Iterator[tuple[Batch, Batch]]:
        """As ``class_batches``, each with the games of the pairs' contributions, as ``pair_games`` describes them.

        Without ``classes`` the second stands for both.
        """
        weights = pair_weights(self.network, target, versus)
        for made in self.made:
            shown = made.values[:, :, ::-1, 0] * weights[:, made.cells, None]
            pairs = Batch(made.players, shown.transpose(1, 2, 0))
            yield self._classes(made) if classes else pairs, pairs

    def class_games(self) -> "LocalGames":
        """The game whose values are the logits of all classes."""
        network = self.network
        tables = [
            LocalGame(*game) for batch in self.class_batches() for game in zip(batch.players, batch.tables, strict=True)
        ]
        if not network.architecture.hidden:
            return LocalGames(self.regions, tuple(tables), network.weights["affine.bias"])
        return LocalGames(self.regions, (_merged(network, tables),), np.zeros(len(network.classes), network.dtype))

    def _classes(self, made: Made) -> Batch:
        values = made.values[..., 0]
        if self.by_pair:
            shape = self.network.architecture
            groups, inputs, filters = shape.groups(len(shape.stages) - 1)
            pairs = prod(shape.pairs)
            summed = values[:pairs].reshape(groups, inputs, filters, *values.shape[1:]).sum(1)
            values = summed.reshape(-1, *values.shape[1:])
            if left(shape):
                values = values + made.values[pairs:, ..., 0]
        # Rows count hidden regions and tables visible ones: the last row is the first of the table.
        return Batch(made.players, values[:, :, ::-1].transpose(1, 2, 0) @ self.network.cell_weights[made.cells])


def tables_of(
    network: Network,
    image: Array,
    region: int | None = None,
    fill: Fill | Array = 0.0,
    *,
    pairs: bool = False,
    kept: bool = True,
    budget: Budget | None = USUAL,
) -> Tables:
    """Every combination of hidden regions, of which all games are made.

    Parameters
    ----------
    network
        Its precision is that of the tables.
    image, region, fill
        As in ``konkyo.models.hiding.shapley.shapley_values``.
    pairs
        Whether values are split by pair.
    kept
        Whether all tables will be kept.
    budget
        What may be spent; None for no limit.

    Raises
    ------
    ImageError
        Not one image of the network's shape.
    ParameterError
        A fill out of range, or regions that take too much work; pairs of a network with hidden affine layers, whose
        head differs from hiding to hiding.
    """
    if pairs:
        check_pairs(network)
    check_single(image, network)
    check_fill(fill, network.architecture.image_shape)
    images, _ = network.flatten(image)
    side = usual_side(network.architecture) if region is None else region
    regions = Regions(side, side=network.architecture.side)
    fills = filled(images, fill)
    differs = (images[0] != fills[0]).any(0)
    plan = planned_tables(network.architecture, regions, differs, pairs=pairs, kept=kept, budget=budget)
    return Tables(network, regions, pairs, plan.run(network, images, fills))


def class_games(
    network: Network,
    image: Array,
    region: int | None = None,
    fill: Fill | Array = 0.0,
    budget: Budget | None = USUAL,
) -> LocalGames:
    """The game whose values are the logits of all classes: Q is the number of classes.

    Parameters and errors are those of ``tables_of``.
    """
    return tables_of(network, image, region, fill, budget=budget).class_games()


def pair_games(
    network: Network,
    image: Array,
    target: int,
    versus: int | None = None,
    region: int | None = None,
    fill: Fill | Array = 0.0,
) -> LocalGames:
    """The game whose values are the contributions of the pairs, and what no pair has.

    Gates and winners are those of each hiding, as in the ledger of the hidden image
    (``konkyo.models.filters.contributions``). The sum of all quantities is the target's logit minus its class bias.

    Parameters
    ----------
    target
        The explained class.
    versus
        The class to compare with: every number is the difference target − versus.
    network, image, region, fill
        As in ``tables_of``, whose errors it has.

    Returns
    -------
    LocalGames
        Pair (i, j) has number i·B + j. The biases that pairs share, and f(0), follow, for each map of the last stage;
        they are absent where there are none.

    Raises
    ------
    ParameterError
        Also: a class out of range, or a class against itself.
    """
    check_question(target, versus, network.classes)
    tables = tables_of(network, image, region, fill, pairs=True)
    games = tuple(
        LocalGame(*game)
        for _, batch in tables.split_batches(target, versus, classes=False)
        for game in zip(batch.players, batch.tables, strict=True)
    )
    return LocalGames(tables.regions, games, np.zeros(games[0].table.shape[1], network.dtype))


def pair_weights(network: Network, target: int, versus: int | None) -> Array:
    """(V, cells): the head's weights of a class, or the difference of two, for values split by pair (``Plan.values``).

    Raises
    ------
    ParameterError
        A class out of range, or a class against itself.
    """
    check_question(target, versus, network.classes)
    weights, shape = network.fine_affine, network.architecture
    chosen = np.asarray(weights[target] if versus is None else weights[target] - weights[versus])
    groups, inputs, filters = shape.groups(len(shape.stages) - 1)
    by_map = chosen.reshape(groups, 1, filters, shape.cells)
    by_pair = np.broadcast_to(by_map, (groups, inputs, filters, shape.cells)).reshape(-1, shape.cells)
    return np.concatenate([by_pair, chosen]) if left(shape) else by_pair


def by_filter(network: Network, values: Array) -> Array:
    """(..., B): what no pair has, by filter, for values split by pair (..., V)."""
    shape = network.architecture
    filters, rest = shape.stages[-1].filters, values[..., prod(shape.pairs) :]
    if not rest.shape[-1]:
        return np.zeros((*values.shape[:-1], filters), values.dtype)
    summed: Array = rest.reshape(*values.shape[:-1], -1, filters).sum(-2)
    return summed


def _merged(network: Network, tables: list[LocalGame]) -> LocalGame:
    """The one game of all players for the logits, from tables of the first affine layer."""
    players = np.unique(np.concatenate([game.players for game in tables]))
    shared: dict[bytes, LocalGame] = {}
    for game in tables:
        key = game.players.tobytes()
        table = shared[key].table + game.table if key in shared else game.table
        shared[key] = LocalGame(game.players, table)
    distances = [(1 << np.arange(len(game.players))) @ (game.players[:, None] == players) for game in shared.values()]
    logits = np.empty((2 ** len(players), len(network.classes)), network.dtype)
    for start in range(0, len(logits), MERGED_CHUNK):
        members = (np.arange(start, min(start + MERGED_CHUNK, len(logits)))[:, None] >> np.arange(len(players))) & 1
        first = np.zeros((len(members), network.cell_weights.shape[2]), network.dtype)
        for game, distance in zip(shared.values(), distances, strict=True):
            first += game.table[members @ distance]
        logits[start : start + MERGED_CHUNK] = network.after_first(first)
        steps.done(len(members) * first.shape[1] * len(shared))
    return LocalGame(players, logits)
