"""Every combination of hidden regions through the ordinary forward pass: slow, and without tables or bounds."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from konkyo.models.network import Network
from konkyo.trainer.data import Labelled
from tests.helpers.oracles import F64

Position = tuple[int, int]


def cut(
    digits: Labelled, number: int, fill: float = 0.0, rows: slice = slice(8, 20), columns: slice = slice(8, 20)
) -> F64:
    """A digit of which only a part is there, on a background of the fill value: few regions differ from it."""
    image = np.full((28, 28), fill)
    image[rows, columns] = digits[number : number + 1].scaled(np.float64)[0][rows, columns]
    return image


def boxes(region: int) -> Iterator[tuple[Position, tuple[slice, slice]]]:
    """Places on the grid, row by row, with their pixels."""
    for row, top in enumerate(range(0, 28, region)):
        for column, left in enumerate(range(0, 28, region)):
            yield (row, column), (slice(top, top + region), slice(left, left + region))


@dataclass(frozen=True)
class Combinations:
    """All hidings of an image. Bit p of a hiding's number is set where player p is hidden."""

    players: list[Position]
    logits: F64

    @property
    def hidden(self) -> NDArray[np.bool_]:
        """(2ⁿ, n)."""
        bits = [[number >> p & 1 for p in range(len(self.players))] for number in range(len(self.logits))]
        return np.array(bits, np.bool_)

    def margins(self) -> F64:
        """By how much the class of the whole image leads the best other one; in a tie, the lower class by 1e-9."""
        lowered = self.logits - 1e-9 * np.arange(self.logits.shape[1])
        predicted = int(lowered[0].argmax())
        margins: F64 = lowered[:, predicted] - np.delete(lowered, predicted, axis=1).max(1)
        return margins

    def worst(self, kept: int) -> float:
        """The least margin over all hidings in which these players stay visible."""
        margins = self.margins()
        return float(margins[np.arange(len(margins)) & kept == 0].min())

    def smallest(self) -> int:
        """How many players the smallest sufficient set has."""
        n = len(self.players)
        for size in range(n + 1):
            for some in combinations(range(n), size):
                if self.worst(sum(1 << p for p in some)) > 0:
                    return size
        raise AssertionError("not even the whole image is enough")

    def set_of(self, places: tuple[Position, ...]) -> int:
        """Places as a number."""
        return sum(1 << self.players.index(place) for place in places)


def every_combination(network: Network, image: F64, region: int, fill: float) -> Combinations:
    """Hide every set of regions that differ from the fill value."""
    some = [(place, box) for place, box in boxes(region) if (image[box] != fill).any()]
    assert len(some) <= 12, "too many for a forward pass each"
    images = np.repeat(image[None], 2 ** len(some), axis=0)
    for number, hidden in enumerate(images):
        for p, (_, box) in enumerate(some):
            if number >> p & 1:
                hidden[box] = fill
    return Combinations([place for place, _ in some], network.logits(images).astype(np.float64))


def shapley_by_definition(values: dict[frozenset[int], F64], players: int) -> F64:
    """(n, …) for the value of every set of visible players."""
    found = []
    for player in range(players):
        total: F64 = np.zeros_like(values[frozenset()])
        for shown, value in values.items():
            if player not in shown:
                share = factorial(len(shown)) * factorial(players - len(shown) - 1) / factorial(players)
                total = total + share * (values[shown | {player}] - value)
        found.append(total)
    return np.array(found)


def interactions_by_definition(values: dict[frozenset[int], F64], players: int) -> dict[tuple[int, int], F64]:
    """The pairwise Shapley interaction index of every two players."""
    found = {}
    for one, two in combinations(range(players), 2):
        total: F64 = np.zeros_like(values[frozenset()])
        for shown, value in values.items():
            if one not in shown and two not in shown:
                share = factorial(len(shown)) * factorial(players - len(shown) - 2) / factorial(players - 1)
                both = values[shown | {one, two}] - values[shown | {one}] - values[shown | {two}] + value
                total = total + share * both
        found[one, two] = total
    return found
