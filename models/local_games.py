"""Hiding regions as a game, which is a sum of local games: one for each cell of pool2 (docs/mathematics.md, 4).

The regions are the players. For a set S of visible players, ``v_c(S)`` is the logit of class c with every other region
hidden. A cell of pool2 sees few regions. A table over the subsets of these regions contains all its possible values:

    v_c(S) = b_c + Σ_s Σ_m W[c, m, s] · T_s[S ∩ window(s), m]
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import POOL, Wiring
from konkyo.models.checks import check_fill, check_question, check_single
from konkyo.models.network import Array, IntArray, Network
from konkyo.models.regions import Regions
from konkyo.models.windows import Windows, windows

# Number of conv2 responses in one batch. Larger batches leave the cache, smaller ones make matrix products slow.
CHUNK = 2**19


@dataclass(frozen=True)
class LocalGame:
    """The contribution of one cell of pool2 under every hiding of the regions that it sees.

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
        One for each cell of pool2.
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
        rows = (visible @ self._steps).astype(np.intp) + self._starts
        values: Array = self.constant + np.einsum("...sq->...q", self._table[rows])
        return values

    def margins(self, target: int) -> "LocalGames":
        """The lead of a class over each other class, for games whose quantities are classes."""
        others = np.delete(np.arange(len(self.constant)), target)

        def lead(values: Array) -> Array:
            difference: Array = values[..., target, None] - values[..., others]
            return difference

        games = tuple(LocalGame(game.players, lead(game.table)) for game in self.games)
        return LocalGames(self.regions, games, lead(self.constant))

    @cached_property
    def _table(self) -> Array:
        """(J, Q): the tables of all games, concatenated."""
        return np.concatenate([game.table for game in self.games])

    @cached_property
    def _starts(self) -> IntArray:
        """(25,): the first row of each game's table in ``_table``."""
        lengths = [0, *(len(game.table) for game in self.games[:-1])]
        return np.cumsum(lengths, dtype=np.intp)

    @cached_property
    def _steps(self) -> Array:
        """(R², 25): the distance in rows of ``_table`` for each game when a region becomes visible."""
        rows, columns = self.regions.grid
        steps = np.zeros((rows * columns, len(self.games)))
        for number, game in enumerate(self.games):
            steps[game.players, number] = 1 << np.arange(len(game.players))
        return steps


@lru_cache(maxsize=16)
def subsets(players: int) -> NDArray[np.bool_]:
    """(n, 2ⁿ): the subsets that contain each player. Bit p of a subset's number stands for player p."""
    members: NDArray[np.bool_] = (np.arange(2**players) >> np.arange(players)[:, None]) & 1 == 1
    members.flags.writeable = False
    return members


def class_games(network: Network, image: Array, region: int = 4, fill: float = 0.0) -> LocalGames:
    """The game whose values are the logits of all classes.

    Parameters
    ----------
    network
        Its precision is that of the tables.
    image, region, fill
        As in ``konkyo.models.shapley.shapley_values``.

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
    kernels = _cell_kernels(network)
    kernels = kernels.swapaxes(0, 1).reshape(POOL**2 * filters, -1)
    games = []
    for batch, patches in _patches(network, image, windows(architecture, region), fill):
        # With summed wiring one product adds up the input maps. With paired wiring each map has a product of its own.
        conv2 = kernels @ patches.reshape(rows, kernels.shape[1], -1)
        conv2 = conv2.reshape(rows, POOL**2, filters, -1)
        pool2 = np.maximum(conv2.max(1) + network.conv2_bias[:, None], 0).reshape(architecture.maps, -1)
        games += [LocalGame(here.players, pool2[:, here.columns].T @ affine[here.cell]) for here in batch]
    return LocalGames(Regions(region), tuple(games), class_bias)


def pair_games(
    network: Network, image: Array, target: int, versus: int | None = None, region: int = 4, fill: float = 0.0
) -> LocalGames:
    """The game whose values are the contributions of the filter pairs and of the biases that pairs share.

    Gates and winners are those of each hiding, as in the ledger of the hidden image
    (``konkyo.models.contributions``). The sum of all quantities is the target's logit minus its class bias.

    Parameters
    ----------
    target
        The explained class.
    versus
        The class to compare with: every number is the difference target − versus.
    network, image, region, fill
        As in ``class_games``.

    Returns
    -------
    LocalGames
        Q is A·B + B. Pair (i, j) has number i·B + j. The shared bias of each conv2 filter follows; it is 0 with
        paired wiring.

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
    kernels = _cell_kernels(network)
    games = []
    for batch, patches in _patches(network, image, windows(architecture, region), fill):
        responses = (kernels @ patches).reshape(filters1, POOL**2, filters2, -1)
        conv2 = responses.sum(0, keepdims=True) if architecture.wiring is Wiring.SUMMED else responses
        conv2 = conv2 + network.conv2_bias[:, None]
        winners = np.broadcast_to(conv2.argmax(1)[:, None], (filters1, 1, *conv2.shape[2:]))
        gates = conv2.max(1) > 0
        passed = gates * (np.take_along_axis(responses, winners, 1)[:, 0] + network.pair_bias[..., None])
        shared = gates * network.filter_bias[:, None]
        for here in batch:
            weights = affine[:, :, here.cell, None]
            pairs = (weights * passed[:, :, here.columns]).reshape(filters1 * filters2, -1)
            biases = (weights * shared[:, :, here.columns]).sum(0)
            games.append(LocalGame(here.players, np.concatenate([pairs, biases]).T))
    return LocalGames(Regions(region), tuple(games), np.zeros(filters1 * filters2 + filters2, network.dtype))


def class_weights(network: Network, target: int, versus: int | None) -> Array:
    """The affine weights of a class, or the difference of two classes' weights: (maps · 25,).

    Raises
    ------
    ParameterError
        A class out of range, or a class against itself.
    """
    check_question(target, versus, network.classes)
    weights = network.weights["affine.weight"]
    return np.asarray(weights[target] if versus is None else weights[target] - weights[versus])


@dataclass(frozen=True)
class _Columns:
    """The columns of a batch that belong to the subsets of a cell's players."""

    cell: int
    players: IntArray
    columns: slice


def _patches(network: Network, image: Array, view: Windows, fill: float) -> Iterator[tuple[list[_Columns], Array]]:
    """The patch of pool1 that each cell of pool2 sees, under every hiding.

    Yields batches of cells, each with the patches (A, P, J) of the J hidings of its cells.
    """
    check_single(image)
    check_fill(fill)
    network.flatten(image)
    pool1 = _pool1(network, image, view, fill)
    changed = view.seen(np.asarray(image) != fill)
    most = CHUNK // (POOL**2 * network.architecture.conv1_filters * network.architecture.conv2_filters)
    batch: list[_Columns] = []
    indices: list[IntArray] = []
    start = 0
    for cell, seen in enumerate(changed):
        players = np.flatnonzero(seen)
        stop = start + 2 ** len(players)
        if batch and stop > most:
            yield batch, np.take(pool1, np.concatenate(indices, axis=1), axis=1)
            batch, indices, start, stop = [], [], 0, 2 ** len(players)
        batch.append(_Columns(cell, players, slice(start, stop)))
        found = view.hidden_indices[cell][:, None] + view.steps[cell][players].T @ subsets(len(players))
        indices.append(found.astype(np.intp))
        start = stop
    yield batch, np.take(pool1, np.concatenate(indices, axis=1), axis=1)


def _pool1(network: Network, image: Array, view: Windows, fill: float) -> Array:
    """(A, K · 144): pool1 of the K images of ``Windows.visible``, concatenated."""
    flat, _ = network.flatten(np.where(view.visible, image, fill))
    _, pool1, _, _ = network.layers(flat)
    return np.ascontiguousarray(pool1.swapaxes(0, 1)).reshape(pool1.shape[1], -1)


def _cell_kernels(network: Network) -> Array:
    """(A or 1, 4 · B, P): the linear map from a patch of pool1 to the four outputs of each filter in a pooling cell."""
    weight = network.weights["conv2.weight"]
    filters, inputs, side, _ = weight.shape
    width = side + POOL - 1
    kernels = np.zeros((inputs, POOL, POOL, filters, width, width), weight.dtype)
    for row in range(POOL):
        for column in range(POOL):
            kernels[:, row, column, :, row : row + side, column : column + side] = weight.swapaxes(0, 1)
    return kernels.reshape(inputs, POOL**2 * filters, width**2)
