"""Hiding regions as a game, and the small games that it is a sum of: one for each cell of pool2 (DESIGN 4.2).

The regions are the players. For a set S of visible players, ``v_c(S)`` is the logit of class c with every other region
hidden. A cell of pool2 sees few regions, so a table over the subsets of these holds all that it can ever hold:

    v_c(S) = b_c + Σ_s Σ_m W[c, m, s] · T_s[S ∩ window(s), m]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from models.architecture import POOL, Wiring
from models.checks import check_class, check_fill, check_single
from models.errors import ParameterError
from models.network import Array, IntArray, Network
from models.regions import Regions
from models.windows import Windows, windows

# Responses of conv2 that are worked on at once: enough to fill the matrix products, few enough to stay in the cache.
CHUNK = 2**19


@dataclass(frozen=True)
class LocalGame:
    """What one cell of pool2 adds under every hiding of the regions that it sees.

    Attributes
    ----------
    players
        (n,): the numbers of the regions of which the cell sees pixels that hiding changes, in rising order.
    table
        (2ⁿ, Q): bit p of a row's number is set where ``players[p]`` is visible.
    """

    players: IntArray
    table: Array


@dataclass(frozen=True)
class LocalGames:
    """A game whose value is a sum of local ones, for Q quantities at once: classes, or what a class is made of.

    Attributes
    ----------
    regions
        The grid. Regions are numbered row by row.
    games
        One for each cell of pool2.
    constant
        (Q,): what no hiding changes.
    """

    regions: Regions
    games: tuple[LocalGame, ...]
    constant: Array

    @cached_property
    def players(self) -> IntArray:
        """(N,): the regions that hiding changes, in rising order."""
        return np.unique(np.concatenate([game.players for game in self.games]))

    def values(self, visible: NDArray[np.bool_]) -> Array:
        """The value where these regions are visible and all others hidden: (..., R²) → (..., Q)."""
        rows = (visible @ self._steps).astype(np.intp) + self._starts
        values: Array = self.constant + np.einsum("...sq->...q", self._table[rows])
        return values

    def margins(self, target: int) -> "LocalGames":
        """By how much a class leads each other one, in their order; for games whose quantities are classes."""
        others = np.delete(np.arange(len(self.constant)), target)

        def lead(values: Array) -> Array:
            difference: Array = values[..., target, None] - values[..., others]
            return difference

        games = tuple(LocalGame(game.players, lead(game.table)) for game in self.games)
        return LocalGames(self.regions, games, lead(self.constant))

    @cached_property
    def _table(self) -> Array:
        """(J, Q): the tables of all games, one under the other."""
        return np.concatenate([game.table for game in self.games])

    @cached_property
    def _starts(self) -> IntArray:
        """(25,): where each game's table starts in it."""
        lengths = [0, *(len(game.table) for game in self.games[:-1])]
        return np.cumsum(lengths, dtype=np.intp)

    @cached_property
    def _steps(self) -> Array:
        """(R², 25): by how many rows of it each game moves on when a region becomes visible."""
        rows, columns = self.regions.grid
        steps = np.zeros((rows * columns, len(self.games)))
        for number, game in enumerate(self.games):
            steps[game.players, number] = 1 << np.arange(len(game.players))
        return steps


@lru_cache(maxsize=16)
def subsets(players: int) -> NDArray[np.bool_]:
    """(n, 2ⁿ): which subsets each player is in; bit p of a subset's number stands for player p."""
    members: NDArray[np.bool_] = (np.arange(2**players) >> np.arange(players)[:, None]) & 1 == 1
    members.flags.writeable = False
    return members


def class_games(network: Network, image: Array, region: int = 4, fill: float = 0.0) -> LocalGames:
    """The game of every class: its value is the logit.

    Parameters
    ----------
    network
        Its precision is that of the tables.
    image
        (28, 28) in [0, 1].
    region
        Side of the regions in pixels; one of ``exact_sides``.
    fill
        The grey that hides, 0…1.

    Returns
    -------
    LocalGames
        Q is the number of classes.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    ParameterError
        A fill out of range, or a side that is not exact.
    """
    architecture, class_bias = network.architecture, network.weights["affine.bias"]
    affine = network.weights["affine.weight"].reshape(len(class_bias), architecture.maps, -1).transpose(2, 1, 0)
    rows, filters = architecture.map_grid
    kernels = _placed_kernels(network)
    kernels = kernels.swapaxes(0, 1).reshape(POOL**2 * filters, -1)
    games = []
    for chunk, patches in _patches(network, image, windows(architecture, region), fill):
        # With summed wiring one product adds up the input maps; with paired wiring each map has a product of its own.
        conv2 = kernels @ patches.reshape(rows, kernels.shape[1], -1)
        conv2 = conv2.reshape(rows, POOL**2, filters, -1)
        pool2 = np.maximum(conv2.max(1) + _conv2_bias(network)[:, None], 0).reshape(architecture.maps, -1)
        games += [LocalGame(here.players, pool2[:, here.columns].T @ affine[here.cell]) for here in chunk]
    return LocalGames(Regions(region), tuple(games), class_bias)


def pair_games(
    network: Network, image: Array, target: int, versus: int | None = None, region: int = 4, fill: float = 0.0
) -> LocalGames:
    """The game of every filter pair, and of every bias that pairs share: its value is what they add to the logit.

    Gates and winners are those of each hiding, as in the ledger of the hidden image (``models.contributions``). All
    quantities together are the target's logit less its class bias.

    Parameters
    ----------
    target
        The class.
    versus
        Another class: then every number is the difference of the two.
    network, image, region, fill
        As for ``class_games``.

    Returns
    -------
    LocalGames
        Q is A·B + B: pair (i, j) is i·B + j, and then comes each conv2 filter's shared bias (0 with paired wiring).

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    ParameterError
        A class or fill out of range, a class against itself, or a side that is not exact.
    """
    architecture = network.architecture
    affine = class_weights(network, target, versus).reshape(*architecture.map_grid, -1)
    filters1, filters2 = architecture.conv1_filters, architecture.conv2_filters
    kernels = _placed_kernels(network)
    games = []
    for chunk, patches in _patches(network, image, windows(architecture, region), fill):
        responses = (kernels @ patches).reshape(filters1, POOL**2, filters2, -1)
        conv2 = responses.sum(0, keepdims=True) if architecture.wiring is Wiring.SUMMED else responses
        conv2 = conv2 + _conv2_bias(network)[:, None]
        winners = np.broadcast_to(conv2.argmax(1)[:, None], (filters1, 1, *conv2.shape[2:]))
        gates = conv2.max(1) > 0
        passed = gates * (np.take_along_axis(responses, winners, 1)[:, 0] + network.pair_bias[..., None])
        shared = gates * network.filter_bias[:, None]
        for here in chunk:
            weights = affine[:, :, here.cell, None]
            pairs = (weights * passed[:, :, here.columns]).reshape(filters1 * filters2, -1)
            biases = (weights * shared[:, :, here.columns]).sum(0)
            games.append(LocalGame(here.players, np.concatenate([pairs, biases]).T))
    return LocalGames(Regions(region), tuple(games), np.zeros(filters1 * filters2 + filters2, network.dtype))


def class_weights(network: Network, target: int, versus: int | None) -> Array:
    """The affine weights of a class, or of the difference of two: (maps · 25,).

    Raises
    ------
    ParameterError
        A class out of range, or a class against itself.
    """
    check_class("target", target)
    weights = network.weights["affine.weight"]
    if versus is None:
        alone: Array = weights[target]
        return alone
    check_class("versus", versus)
    if versus == target:
        raise ParameterError("versus", f"must differ from the target; both are {target}")
    difference: Array = weights[target] - weights[versus]
    return difference


@dataclass(frozen=True)
class _Columns:
    """Which columns of a chunk hold the subsets of a cell's players."""

    cell: int
    players: IntArray
    columns: slice


def _patches(network: Network, image: Array, view: Windows, fill: float) -> Iterator[tuple[list[_Columns], Array]]:
    """What each cell of pool2 sees of pool1 under every hiding: (A, P, J) for the J hidings of some cells at a time."""
    check_single(image)
    check_fill(fill)
    network.flatten(image)
    pool1 = _pool1(network, image, view, fill)
    changed = view.seen(np.asarray(image) != fill)
    most = CHUNK // (POOL**2 * network.architecture.conv1_filters * network.architecture.conv2_filters)
    chunk: list[_Columns] = []
    places: list[IntArray] = []
    start = 0
    for cell, seen in enumerate(changed):
        players = np.flatnonzero(seen)
        stop = start + 2 ** len(players)
        if chunk and stop > most:
            yield chunk, np.take(pool1, np.concatenate(places, axis=1), axis=1)
            chunk, places, start, stop = [], [], 0, 2 ** len(players)
        chunk.append(_Columns(cell, players, slice(start, stop)))
        moved = view.places[cell][:, None] + view.steps[cell][players].T @ subsets(len(players))
        places.append(moved.astype(np.intp))
        start = stop
    yield chunk, np.take(pool1, np.concatenate(places, axis=1), axis=1)


def _pool1(network: Network, image: Array, view: Windows, fill: float) -> Array:
    """(A, K · 144): pool1 of the images in which each set of colours is visible, one after another."""
    flat, _ = network.flatten(np.where(view.visible, image, fill))
    _, pool1, _, _ = network.layers(flat)
    return np.ascontiguousarray(pool1.swapaxes(0, 1)).reshape(pool1.shape[1], -1)


def _placed_kernels(network: Network) -> Array:
    """(A or 1, 4 · B, P): from the patch of an input map to the four outputs of each filter in a cell of pool2."""
    weight = network.weights["conv2.weight"]
    filters, inputs, side, _ = weight.shape
    reach = side + POOL - 1
    placed = np.zeros((inputs, POOL, POOL, filters, reach, reach), weight.dtype)
    for row in range(POOL):
        for column in range(POOL):
            placed[:, row, column, :, row : row + side, column : column + side] = weight.swapaxes(0, 1)
    return placed.reshape(inputs, POOL**2 * filters, reach**2)


def _conv2_bias(network: Network) -> Array:
    """(B,): conv2's bias, whichever wiring it belongs to."""
    bias: Array = network.pair_bias[0] + network.filter_bias
    return bias
