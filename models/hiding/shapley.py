"""Exact Shapley values of regions (docs/mathematics.md, 4).

A region's Shapley value is its mean contribution over all orders of showing the regions. The game of hiding regions is
a sum of local games, and Shapley values are linear. So the values of each local game are computed from its own table,
and added up. Nothing is sampled.

Source: Shapley, "A value for n-person games", 1953, with the axioms of efficiency, null player, symmetry and linearity.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import factorial, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.classes import numbered
from konkyo.models.hiding.cost import USUAL, Budget
from konkyo.models.hiding.games import Batch, LocalGames, Tables, by_filter, pair_weights, subsets, tables_of
from konkyo.models.hiding.occlusion import Faithfulness, pair_heatmaps
from konkyo.models.hiding.regions import Empty, Fill, Hiding, OfRegions, Regions, empty_image
from konkyo.models.network import Array, IntArray, Network
from konkyo.models.result import ClassResult, check_question
from konkyo.models.rounding import Sum, decimals_of_sum, number, rounded_sum

# Players of a game up to which its weights are kept.
MOST_KEPT = 12


@dataclass(frozen=True)
class RegionValues:
    """The Shapley values for one class, or for the difference of two: ``logit = empty_logit + Σ values``.

    Attributes
    ----------
    values
        (R, R), in units of the logit. A positive value supports the class. It is 0 if hiding changes no pixel.
    logit
        Logit of the whole image, from a forward pass.
    empty_logit
        Logit with everything hidden, from a forward pass.
    """

    values: Array
    logit: float
    empty_logit: float

    @property
    def order(self) -> IntArray:
        """(R²,): the numbers of the regions, row by row, sorted by value, the greatest first; ties by number."""
        return ties.order(self.values.ravel(), max(abs(self.logit), abs(self.empty_logit)))

    @property
    def residual(self) -> float:
        """``(logit − empty_logit) − Σ values``: the rounding error."""
        return float(self.logit - self.empty_logit - self.values.sum())

    def rounded(self) -> Sum:
        """The sum as it is shown: all regions together, and the logit with everything hidden."""
        decimals = decimals_of_sum(float(np.abs(self.values).max()), self.logit)
        return rounded_sum(self.values, [self.empty_logit], self.logit, decimals)


@dataclass(frozen=True)
class ShapleyValues:
    """The Shapley value of every region for every class, for one image.

    Attributes
    ----------
    regions
        The grid.
    fill
        The grey value of hidden pixels.
    values
        (C, R, R): the values for each class, as in ``RegionValues``.
    logits
        (C,): logits of the whole image, from a forward pass.
    empty
        The prediction with everything hidden.
    """

    regions: Regions
    fill: Fill
    values: Array
    logits: Array
    empty: Empty

    @property
    def predicted(self) -> int:
        """The predicted class of the whole image."""
        return int(ties.predicted(self.logits))

    @property
    def residual(self) -> Array:
        """(C,): ``(logits − empty.logits) − Σ values``, the rounding error."""
        difference: Array = self.logits - self.empty.logits - self.values.sum((-2, -1))
        return difference

    def of(self, target: int, versus: int | None = None) -> RegionValues:
        """The values for ``target``, or for the difference ``target`` − ``versus``.

        Raises
        ------
        ParameterError
            A class out of range, or a class against itself.
        """
        check_question(target, versus, numbered(len(self.logits)))

        def entry(values: Array) -> Array:
            return np.asarray(values[target] if versus is None else values[target] - values[versus])

        return RegionValues(entry(self.values), float(entry(self.logits)), float(entry(self.empty.logits)))


@dataclass(frozen=True)
class PairValues:
    """The Shapley values split by filter pair: ``values = Σ pairs + Σ filter_bias`` for each region.

    The sum of an entry over the regions is its value in the ledger of the whole image minus that in the ledger of the
    empty image.

    Attributes
    ----------
    pairs
        (R, R, A, B): Shapley values for each pair's contribution.
    filter_bias
        (R, R, B): Shapley values for the biases that pairs share, with summed wiring; zeros with paired wiring.
    """

    pairs: Array
    filter_bias: Array


def shapley_values(
    network: Network,
    image: Array,
    region: int | None = None,
    fill: Fill = 0.0,
    budget: Budget | None = USUAL,
) -> ShapleyValues:
    """The Shapley value of every region, for every class.

    With n players, the value of player r is the mean of ``v(S ∪ r) − v(S)`` over all n! orders, where S are the players
    before r. Regions that hiding does not change are no players. Their value is 0, as the null-player axiom requires.

    Parameters
    ----------
    network
        The values have its precision: the residual is about 1e-14 in float64.
    image
        Of the network's shape, (28, 28) for the paper's, in [0, 1].
    region
        Side of the regions in pixels, from 1 to half the image's side; by default that of ``usual_side``.
    fill
        The grey value of hidden pixels, 0…1.
    budget
        What may be spent; None for no limit.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    ParameterError
        A fill out of range, or regions that take too much work.
    """
    return values_of(tables_of(network, image, region, fill, kept=False, budget=budget), image, fill)


def values_of(tables: Tables, image: Array, fill: Fill, *others: "InteractionSums") -> ShapleyValues:
    """As ``shapley_values``, for the tables of the logits; ``others`` take the same tables."""
    values = RegionSums(tables.regions, len(tables.network.classes), tables.network.dtype)
    for batch in _logit_batches(tables):
        values.add(batch)
        for other in others:
            other.add(batch)
    return _values(values, tables.network, image, fill)


def _values(values: "RegionSums", network: Network, image: Array, fill: Fill) -> ShapleyValues:
    empty = empty_image(network, image, fill)
    return ShapleyValues(values.regions, fill, values.on_grid, network.logits(image), empty)


def _logit_batches(tables: Tables) -> Iterator[Batch]:
    """The games of the logits. Where hidden affine layers follow, they are one game of all regions."""
    if not tables.network.architecture.hidden:
        return tables.class_batches()
    game = tables.class_games().games[0]
    return iter([Batch(game.players[None], game.table[None])])


def pair_values(
    network: Network,
    image: Array,
    target: int,
    versus: int | None = None,
    region: int | None = None,
    fill: Fill = 0.0,
    budget: Budget | None = USUAL,
) -> PairValues:
    """The Shapley value of every region for every filter pair's contribution, and for every shared bias.

    Gates and winners are those of each hiding, as in the ledger of the hidden image.

    Parameters
    ----------
    target
        The explained class.
    versus
        The class to compare with: every number is the difference target − versus.
    network, image, region, fill
        As in ``shapley_values``.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    ParameterError
        A class or fill out of range, a class against itself, regions that take too much work, or hidden affine layers.
    """
    tables = tables_of(network, image, region, fill, pairs=True, kept=False, budget=budget)
    return pair_values_of(tables, target, versus)


def pair_values_of(
    tables: Tables, target: int, versus: int | None = None, *others: "RegionSums | InteractionSums"
) -> PairValues:
    """As ``pair_values``, for tables that are split by pair; ``others`` take the tables of the logits."""
    network = tables.network
    sums = RegionSums(tables.regions, len(pair_weights(network, target, versus)), network.dtype)
    for of_classes, of_pairs in tables.split_batches(target, versus, classes=bool(others)):
        sums.add(of_pairs)
        for added in others:
            added.add(of_classes)
    pairs, grid = network.architecture.pairs, tables.regions.grid
    by_pair = sums.values[:, : prod(pairs)].reshape(*grid, *pairs)
    return PairValues(by_pair, by_filter(network, sums.values).reshape(*grid, -1))


class RegionSums:
    """The Shapley values of a sum of local games, added up as the games come.

    Attributes
    ----------
    values
        (R², Q).
    """

    def __init__(self, regions: Regions, quantities: int, dtype: np.dtype[Any]) -> None:
        self.regions = regions
        self.values: Array = np.zeros((regions.count, quantities), dtype)

    def add(self, batch: Batch) -> None:
        """Add games of as many players each."""
        if batch.players.shape[1]:
            np.add.at(self.values, batch.players, _of_games(batch.tables))

    @property
    def on_grid(self) -> Array:
        """(Q, R, R)."""
        return self.values.T.reshape(-1, *self.regions.grid)


def additive_values(games: LocalGames) -> Array:
    """The Shapley values of a sum of local games: (Q, R, R)."""
    sums = RegionSums(games.regions, len(games.constant), games.constant.dtype)
    for batch in games.batches():
        sums.add(batch)
    return sums.on_grid


class InteractionSums:
    """The pairwise Shapley interaction index of a sum of local games, added up as the games come.

    It is positive where two regions add more together than each alone, ``Σ_{T ∋ r, s} dividend(T) / (|T| − 1)``. The
    Harsanyi dividend of a set is what exactly its members make together. Two regions that no cell sees together have
    exactly 0.

    Source: Grabisch and Roubens, "An axiomatic approach to the concept of interaction among players in cooperative
    games", 1999; Muschalik et al., "Exact computation of any-order Shapley interactions for graph neural networks",
    2025, which uses the same locality.
    """

    def __init__(self, regions: Regions, target: int | None, versus: int | None, quantities: int, dtype: Any) -> None:
        self._target, self._versus = target, versus
        self._values = np.zeros((quantities, regions.count, regions.count), dtype)
        self._together = np.zeros((regions.count, regions.count), np.bool_)

    def add(self, batch: Batch) -> None:
        """Add games of as many players each."""
        players, tables = batch.players, batch.tables
        if self._target is not None:
            of = tables[..., self._target]
            tables = (of if self._versus is None else of - tables[..., self._versus])[..., None]
        count = players.shape[1]
        members, dividends = subsets(count).astype(tables.dtype), tables.copy()
        for player in range(count):
            cube = dividends.reshape(len(tables), -1, 2, 2**player, tables.shape[2])
            cube[:, :, 1] -= cube[:, :, 0]
        dividends /= np.maximum(members.sum(0) - 1, 1)[:, None]
        one, other = np.triu_indices(count, 1)
        both = members[one] * members[other]
        shares = both @ dividends  # (n, m · (m − 1) / 2, Q)
        for quantity in range(tables.shape[2]):
            np.add.at(self._values[quantity], (players[:, one], players[:, other]), shares[..., quantity])
        self._together[players[:, one], players[:, other]] = True

    @property
    def values(self) -> Array:
        """(Q, R², R²): symmetric, 0 on the diagonal."""
        made: Array = self._values + self._values.swapaxes(1, 2)
        return made

    @property
    def together(self) -> NDArray[np.bool_]:
        """(R², R²): whether some cell sees both regions, and hiding changes both."""
        made: NDArray[np.bool_] = self._together | self._together.T
        return made


def interactions(games: LocalGames) -> Array:
    """The pairwise Shapley interaction index of a sum of local games: (Q, R², R²), as ``InteractionSums``."""
    sums = InteractionSums(games.regions, None, None, len(games.constant), games.constant.dtype)
    for batch in games.batches():
        sums.add(batch)
    return sums.values


@dataclass(frozen=True)
class Interactions:
    """How the regions work together, for one class or for the difference of two, as in ``interactions``.

    Attributes
    ----------
    values
        (R², R²): symmetric, 0 on the diagonal; regions are numbered row by row.
    together
        (R², R²): whether some cell sees both regions, and hiding changes both. Elsewhere the value is exactly 0.
    """

    values: Array
    together: NDArray[np.bool_]

    def ranked(self) -> list[tuple[int, int, float]]:
        """Every two regions that some cell sees together, with their value, the greatest absolute value first."""
        one, other = np.nonzero(np.triu(self.together))
        values = self.values[one, other]
        ranks = ties.order(np.abs(values))
        return list(zip(one[ranks].tolist(), other[ranks].tolist(), values[ranks].tolist(), strict=True))


def _of_games(tables: Array) -> Array:
    """(n, m, Q): the Shapley values of games (n, 2ᵐ, Q)."""
    players = tables.shape[1].bit_length() - 1
    if players <= MOST_KEPT:
        return np.asarray(_weights(players).astype(tables.dtype, copy=False) @ tables)
    sizes = subsets(players - 1).sum(0)
    orders = np.array(
        [factorial(s) * factorial(players - 1 - s) / factorial(players) for s in range(players)], tables.dtype
    )[sizes]
    values = np.empty((len(tables), players, tables.shape[2]), tables.dtype)
    for player in range(players):
        cube = tables.reshape(len(tables), -1, 2, 2**player, tables.shape[2])
        values[:, player] = orders @ (cube[:, :, 1] - cube[:, :, 0]).reshape(len(tables), -1, tables.shape[2])
    return values


@lru_cache(maxsize=16)
def _weights(players: int) -> Array:
    """(n, 2ⁿ): the weights of a game's values in each player's Shapley value.

    Let S be a set of s players. If r is in S, then r completes S in (s − 1)! (n − s)! of the n! orders. If r is not in
    S, then r is added to S in s! (n − 1 − s)! of them.
    """
    members = subsets(players)
    size = members.sum(0)
    orders = np.array([factorial(s) * factorial(players - 1 - s) / factorial(players) for s in range(players)])
    orders = np.concatenate([[0.0], orders, [0.0]])
    weights: Array = np.where(members, orders[size], -orders[size + 1])
    weights.flags.writeable = False
    return weights


@dataclass(frozen=True, kw_only=True, repr=False)
class ShapleyExplanation(OfRegions, ClassResult):
    """The Shapley values of the regions for a class: ``logit = empty + Σ values``.

    Attributes
    ----------
    hiding
        The regions and the fill value.
    found
        The Shapley values of the regions, with the two logits between which they lie.
    empty
        The prediction with everything hidden.
    split
        The values split by filter pair; None unless requested.
    interactions
        How every two regions work together; None unless requested.
    faithfulness
        Faithfulness of the order of the values; None unless requested.
    """

    hiding: Hiding
    found: RegionValues
    empty: Empty
    split: PairValues | None
    interactions: Interactions | None = None
    faithfulness: Faithfulness | None

    @property
    def values(self) -> Array:
        """(R, R): the Shapley value of each region, in units of the logit."""
        return self.found.values

    @property
    def logit(self) -> float:
        """The logit of the target; with ``versus``, the difference of the two logits."""
        return self.found.logit

    @property
    def residual(self) -> float:
        """The rounding error of ``logit = logit of the empty image + Σ values``."""
        return self.found.residual

    @property
    def pairs(self) -> Array | None:
        """(R, R, A, B): the values of each filter pair's contribution; None unless requested."""
        return None if self.split is None else self.split.pairs

    @property
    def filter_bias(self) -> Array | None:
        """(R, R, B): the values of the biases that pairs share; None unless pairs are requested."""
        return None if self.split is None else self.split.filter_bias

    def _line(self) -> str:
        row, column = divmod(int(self.found.order[0]), self.grid[1])
        players, shown = np.count_nonzero(self.hiding.changed(self.image)), self.found.rounded()
        added, most = (number(value, shown.decimals, sign=True) for value in (shown.terms[0], shown.parts[row, column]))
        return (
            f": {players} regions add {added} to the logit of {self.asked}; row {row}, column {column} adds most, "
            f"{most}"
        )

    def _fields(self) -> dict[str, Any]:
        values = self.found
        fields: dict[str, Any] = {
            "logit": values.logit,
            "empty": self.empty.to_dict(self.network, values.empty_logit),
            **self.hiding.to_dict(),
            "values": values.values.tolist(),
            "residual": values.residual,
        }
        if self.split is not None:
            fields |= {"pairs": self.split.pairs.tolist(), "filter_bias": self.split.filter_bias.tolist()}
        if self.interactions is not None:
            columns = self.hiding.regions.grid[1]
            fields["interactions"] = [
                {"regions": [divmod(one, columns), divmod(other, columns)], "value": value}
                for one, other, value in self.interactions.ranked()
            ]
        if self.faithfulness is not None:
            fields["faithfulness"] = asdict(self.faithfulness)
        return fields

    def heatmap(self) -> Array:
        """(side, side): the value of the region that covers each pixel."""
        return self.hiding.regions.spread(self.values)

    def pair_heatmaps(self) -> Array:
        """(28, 28, A, B): for each pixel and filter pair, the value of the region that covers the pixel.

        Raises
        ------
        ValueError
            The pairs were not requested.
        """
        if self.pairs is None:
            raise ValueError("the result holds no pairs; ask with pairs=True")
        return pair_heatmaps(self.pairs, self.hiding.regions)


def explained_values(
    network: Network,
    image: Array,
    hiding: Hiding,
    target: int,
    versus: int | None,
    *,
    pairs: bool,
    interacting: bool,
    budget: Budget | None,
) -> tuple[ShapleyValues, PairValues | None, Interactions | None]:
    """The values of the regions, of each filter pair, and of every two regions, from one set of tables.

    The last two are None unless ``pairs`` and ``interacting`` ask for them. Errors are those of ``shapley_values``.
    """
    tables = tables_of(network, image, hiding.regions.region, hiding.fill, pairs=pairs, kept=False, budget=budget)
    together = InteractionSums(tables.regions, target, versus, 1, network.dtype)
    others, split = [together] if interacting else [], None
    if pairs:
        sums = RegionSums(tables.regions, len(network.classes), network.dtype)
        split = pair_values_of(tables, target, versus, sums, *others)
        found = _values(sums, network, image, hiding.fill)
    else:
        found = values_of(tables, image, hiding.fill, *others)
    return found, split, Interactions(together.values[0], together.together) if interacting else None
