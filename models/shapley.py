"""Shapley values of regions, exact: what each region adds, averaged over every order of showing them (DESIGN 4.2).

The game of hiding regions is a sum of local games, and Shapley values are linear. So each local game's values are taken
from its own table, which weighs at most 2⁹ hidings, and added up. No sampling, no order, no random numbers.

Source: Shapley, "A value for n-person games", 1953; axioms (efficiency, null player, symmetry, linearity) therein.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np

from models.checks import check_class
from models.empty import Empty, empty_image
from models.errors import ParameterError
from models.local_games import LocalGames, class_games, pair_games, subsets
from models.network import Array, Network
from models.regions import Regions


@dataclass(frozen=True)
class RegionValues:
    """What each region adds to one class, or to the difference of two: ``logit = empty_logit + Σ values``.

    Attributes
    ----------
    values
        (R, R), in units of the logit. Above 0 the region speaks for the class; 0 where hiding changes no pixel.
    logit
        Of the whole image, from a forward pass.
    empty_logit
        Of the image with everything hidden, from a forward pass.
    """

    values: Array
    logit: float
    empty_logit: float

    @property
    def residual(self) -> float:
        """``(logit − empty_logit) − Σ values``: nothing but rounding."""
        return float(self.logit - self.empty_logit - self.values.sum())


@dataclass(frozen=True)
class ShapleyValues:
    """The Shapley value of every region for every class, for one image.

    Attributes
    ----------
    regions
        The grid.
    fill
        The grey that hides.
    values
        (C, R, R): for each class as in ``RegionValues``.
    logits
        (C,): of the whole image, from a forward pass.
    empty
        What is predicted where everything is hidden.
    """

    regions: Regions
    fill: float
    values: Array
    logits: Array
    empty: Empty

    @property
    def predicted(self) -> int:
        """The class that is predicted for the whole image."""
        return int(self.logits.argmax())

    @property
    def residual(self) -> Array:
        """(C,): ``(logits − empty.logits) − Σ values``, nothing but rounding."""
        difference: Array = self.logits - self.empty.logits - self.values.sum((-2, -1))
        return difference

    def of(self, target: int, versus: int | None = None) -> RegionValues:
        """What the regions add to ``target``, or to ``target`` less ``versus``.

        Raises
        ------
        ParameterError
            A class out of range, or a class against itself.
        """
        check_class("target", target)
        if versus is not None:
            check_class("versus", versus)
            if versus == target:
                raise ParameterError("versus", f"must differ from the target; both are {target}")

        def entry(values: Array) -> Array:
            return np.asarray(values[target] if versus is None else values[target] - values[versus])

        return RegionValues(entry(self.values), float(entry(self.logits)), float(entry(self.empty.logits)))


@dataclass(frozen=True)
class PairValues:
    """What each region adds to each filter pair's contribution: ``values = Σ pairs + Σ filter_bias`` in each region.

    Summed over the regions, an entry is what the pair's contribution, or the shared bias, loses when everything is
    hidden: its value in the ledger of the whole image less that in the ledger of the empty one.

    Attributes
    ----------
    pairs
        (R, R, A, B).
    filter_bias
        (R, R, B): for the biases that pairs share with summed wiring; zeros with paired wiring.
    """

    pairs: Array
    filter_bias: Array


def shapley_values(network: Network, image: Array, region: int = 4, fill: float = 0.0) -> ShapleyValues:
    """The Shapley value of every region, for every class.

    With n players the value of player r is the mean of ``v(S ∪ r) − v(S)`` over all n! orders, S being the players that
    come before r. Regions that hiding does not change are no players; their value is 0, which the null-player axiom
    asks for.

    Parameters
    ----------
    network
        Its precision is that of the values: the residual is about 1e-14 in float64.
    image
        (28, 28) in [0, 1].
    region
        Side of the regions in pixels; one of ``models.windows.exact_sides``.
    fill
        The grey that hides, 0…1.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    ParameterError
        A fill out of range, or a side that is not exact.
    """
    games = class_games(network, image, region, fill)
    return ShapleyValues(games.regions, fill, additive_values(games), network.logits(image), empty_image(network, fill))


def pair_values(
    network: Network, image: Array, target: int, versus: int | None = None, region: int = 4, fill: float = 0.0
) -> PairValues:
    """The Shapley value of every region for every filter pair's contribution, and for every shared bias.

    In each hiding, gates and winners are those of the hiding, as in the ledger of the hidden image.

    Parameters
    ----------
    target
        The class.
    versus
        Another class: then every number is the difference of the two.
    network, image, region, fill
        As for ``shapley_values``.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    ParameterError
        A class or fill out of range, a class against itself, or a side that is not exact.
    """
    architecture = network.architecture
    pairs = architecture.conv1_filters, architecture.conv2_filters
    values = np.moveaxis(additive_values(pair_games(network, image, target, versus, region, fill)), 0, -1)
    biases = pairs[1]
    return PairValues(values[..., :-biases].reshape(*values.shape[:2], *pairs), values[..., -biases:])


def additive_values(games: LocalGames) -> Array:
    """The Shapley values of a sum of local games: (Q, R, R)."""
    rows, columns = games.regions.grid
    values = np.zeros((rows * columns, len(games.constant)), games.constant.dtype)
    for game in games.games:
        values[game.players] += _weights(len(game.players)) @ game.table
    return values.T.reshape(-1, rows, columns)


@lru_cache(maxsize=16)
def _weights(players: int) -> Array:
    """(n, 2ⁿ): by what a game's values are weighed in each player's Shapley value.

    A set of s players that r is in stands in (s − 1)! (n − s)! of the n! orders right behind r, and one of s players
    that r is not in stands in s! (n − 1 − s)! of them right before r.
    """
    members = subsets(players)
    size = members.sum(0)
    orders = np.array([factorial(s) * factorial(players - 1 - s) / factorial(players) for s in range(players)])
    orders = np.concatenate([[0.0], orders, [0.0]])
    weights: Array = np.where(members, orders[size], -orders[size + 1])
    weights.flags.writeable = False
    return weights
