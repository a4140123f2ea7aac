"""How many rows each layer has under a family of hidings, and what they cost (docs/mathematics.md, 4).

A cell of a layer sees few regions. Under a *family* of hidings it therefore has few values: its *rows*, one for each
way in which the family restricts to the regions that the cell sees. How many there are follows from shapes alone.
``plan.py`` makes them.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture
from konkyo.models.hiding.regions import Regions

# Number of values that are gathered at once. More would leave the cache.
GATHERED_AT_ONCE = 2**16
# Multiply-adds in the time in which a number is gathered, about.
GATHERED = 10
# Bytes of a number in float64, and of an index.
NUMBER = 8
# Bytes of the plans that are kept.
MOST_KEPT = 8 * 2**20

BoolArray = NDArray[np.bool_]


class Family(Enum):
    """The hidings that are asked for.

    ``SINGLE``: no region, or one. ``NESTED``: the first ones of an order. A cell that sees m regions has m + 1 rows.
    ``EVERY``: every set of regions. A cell has 2ᵐ rows; bit p of a row's number is set if region p of the cell is
    hidden.
    """

    SINGLE = auto()
    NESTED = auto()
    EVERY = auto()

    def rows(self, seen: int) -> int:
        """Rows of a cell that sees so many regions, in Python's integers, which do not overflow."""
        return 1 << seen if self is Family.EVERY else seen + 1


@dataclass(frozen=True)
class Cost:
    """What a question costs.

    Attributes
    ----------
    players
        Regions that a cell of the last layer sees at most; with hidden affine layers, all of them.
    rows
        Rows of all layers.
    multiply_adds
        Products, and numbers that are gathered and added.
    size
        Bytes at the peak, in float64.
    answer
        Numbers in the answer.
    """

    players: int
    rows: int
    multiply_adds: int
    size: int
    answer: int


@dataclass(frozen=True, eq=False)
class Counts:
    """The rows of each layer of a network under a family of hidings, counted.

    Parameters
    ----------
    architecture
        Of the network. A mean pool at its end belongs to the head (``Architecture.fine``).
    regions
        The grid; for ``EVERY`` its regions do not overlap.
    family
        The hidings.
    differs
        (side, side): the pixels that hiding changes; by default all.
    pairs
        Whether the last layer's values are split by pair: see ``values``.
    """

    architecture: Architecture
    regions: Regions
    family: Family
    differs: BoolArray | None = None
    pairs: bool = False

    @cached_property
    def shape(self) -> Architecture:
        """The architecture without a mean pool at its end."""
        return self.architecture.fine

    @property
    def last(self) -> int:
        """Number of the last stage."""
        return len(self.shape.stages) - 1

    @cached_property
    def seen(self) -> list[BoolArray]:
        """For each layer (cells, R²): whether a cell sees a pixel of a region that hiding changes."""
        layers = range(len(self.shape.sides))
        if self.differs is None:
            return [_seen(self.regions, self.shape, layer) for layer in layers]
        return [_seen_changes(self.regions, self.shape, layer, self.differs) for layer in layers]

    @cached_property
    def counts(self) -> list[Counter[int]]:
        """For each layer, how many cells see how many regions."""
        if self.differs is not None:
            return [Counter(seen.sum(1).tolist()) for seen in self.seen]
        found = []
        for layer in range(len(self.shape.sides)):
            along = Counter((_lines(self.regions, self.shape, layer).any(-1)).sum(1).tolist())
            counts: Counter[int] = Counter()
            for rows, many in along.items():
                for columns, times in along.items():
                    counts[rows * columns] += many * times
            found.append(counts)
        return found

    @cached_property
    def rows(self) -> list[int]:
        """Rows of each layer. Each pixel has two, and the image's border is behind them."""
        made = [sum(self.family.rows(seen) * cells for seen, cells in counts.items()) for counts in self.counts[1:]]
        return [2 * self.shape.side**2, *made]

    @cached_property
    def gathered(self) -> int:
        """Rows of the last layer where those of a cell are added to those of one that sees all of its regions too."""
        lines = np.unique(_lines(self.regions, self.shape, self.last + 1).any(-1), axis=0)
        widest = [int(line.sum()) for line in lines if lines[:, line].all(1).sum() == 1]
        return sum(self.family.rows(rows * columns) for rows in widest for columns in widest)

    @property
    def players(self) -> int:
        """Regions that a cell of the last layer sees at most."""
        return max(self.counts[-1])

    def split(self, stage: int) -> bool:
        """Whether a stage's values are split by pair."""
        return self.pairs and stage == self.last

    def values(self, stage: int) -> int:
        """Values of a row of a stage: one for each map.

        Of the last stage, split by pair: ``A·B``, pair (i, j) has number i·B + j; then what no pair has, for each map,
        if there is anything (``left``).
        """
        maps = self.shape.layer_maps[stage + 1]
        return prod(self.shape.pairs) + left(self.shape) if self.split(stage) else maps

    def factored(self, stage: int) -> bool:
        """Whether the rows below a stage are multiplied before they are gathered: whether that is less work."""
        given, (groups, inputs, filters) = self.shape.stages[stage], self.shape.groups(stage)
        sources = self.shape.sources(stage)
        if groups > 1 or given.paired or given.bias_map or self.split(stage) or len(sources) > 1:
            return False
        below, rows, places = self.rows[sources[0]], self.rows[stage + 1], given.places**2
        gathered = rows * inputs * given.width**2 * (GATHERED + places * filters)
        taps = given.kernel**2 * filters
        return rows * places * taps * GATHERED + below * inputs * taps < gathered

    @cached_property
    def cost(self) -> Cost:
        """Of ``run`` for one image. The answer, the head and what is made of the rows are for the caller to add."""
        shape, work, sizes = self.shape, 0, [0]
        indices = 0
        for number, stage in enumerate(shape.stages):
            rows, (groups, inputs, filters) = self.rows[number + 1], shape.groups(number)
            below = sum(self.rows[source] for source in shape.sources(number))
            places, taps = stage.places**2, stage.width**2
            products = groups * inputs * filters * (taps if stage.kernel else 1)
            if self.factored(number):
                work += (below * inputs + rows * places) * stage.kernel**2 * filters
            else:
                work += rows * places * products
            batch = self.batch(number)
            made = (batch if (self.family is Family.EVERY and number == self.last) else rows) * self.values(number)
            index = taps * (rows if self.keeps else batch) * len(shape.sources(number))
            # While an index is made, others of its size are there; with ``EVERY`` it is filled in place.
            making = index if self.family is Family.EVERY else 3 * index
            sizes.append(self.held(number) + made + indices + max(making, index + self._scratch(number, batch)))
            if self.keeps:
                indices += index
        return Cost(self.players, sum(self.rows), work, NUMBER * max(sizes), 0)

    def held(self, stage: int) -> int:
        """Numbers that are there while a stage is made: layers that it or a later one takes, and their tables."""
        ends = {source: number for number in range(self.last + 1) for source in self.shape.sources(number)}
        layers = [layer for layer in range(stage + 1) if ends.get(layer, -1) >= stage]
        return sum(self.rows[layer] * self.shape.layer_maps[layer] for layer in layers) + self.bookkeeping(stage)

    def bookkeeping(self, stage: int) -> int:
        """Numbers that say which cells of the layers up to a stage see which region, and where their rows are."""
        sees = [self.regions.count * side**2 for side in self.shape.sides]
        # A byte for each cell and region, of pixels two; where other rows are is a number, and one more meanwhile.
        known = (sum(sees) + sees[0]) // NUMBER + sum(sees[1 : stage + 1]) + max([0, *sees[1 : stage + 1]])
        return known + (0 if self.family is Family.EVERY else 4 * self.rows[stage + 1])

    @property
    def finding(self) -> int:
        """Bytes while it is found which cells see a pixel that differs: two numbers in float32 for each region."""
        return NUMBER * self.regions.count * max(side**2 for side in self.shape.sides)

    def batch(self, stage: int) -> int:
        """Rows of a stage whose index is made at once, at most; of the last stage they are yielded together."""
        if self.family is not Family.EVERY:
            return self.rows[stage + 1]
        return max(cells << seen for seen, cells in self._batches(stage))

    def cells(self, stage: int) -> int:
        """Cells of a stage whose rows are made at once, at most, with ``EVERY``."""
        return max(cells for _, cells in self._batches(stage))

    def _batches(self, stage: int) -> list[tuple[int, int]]:
        """With ``EVERY``: how many regions the cells of a batch see, and how many cells it has at most."""
        counts = self.counts[stage + 1].items()
        return [(seen, min(cells, max(1, self._at_once(stage) >> seen))) for seen, cells in counts]

    def _at_once(self, stage: int) -> int:
        """Rows of a stage that are made together if their cells have fewer each."""
        return 4 * GATHERED_AT_ONCE // self.shape.stages[stage].width ** 2

    def products(self, stage: int) -> int:
        """Products that are there while a stage is made, if rows are multiplied before they are gathered."""
        given, (source, *_) = self.shape.stages[stage], self.shape.sources(stage)
        return self.rows[source] * given.kernel**2 * given.filters if self.factored(stage) else 0

    def _scratch(self, stage: int, batch: int) -> int:
        """Numbers that are held while a batch of a stage's rows is made, beside the index and what is made."""
        given, (groups, inputs, filters) = self.shape.stages[stage], self.shape.groups(stage)
        some, maps, places = min(batch, self._chunk(stage, 1)), groups * filters, given.places**2
        made = (batch + some) * self.values(stage)
        if self.factored(stage):
            return made + self.products(stage) + 3 * some * filters
        # Responses, and a copy of them with the bias or the factors.
        responses = 2 * inputs + 2 if self.split(stage) else 2
        return made + some * (groups * inputs * given.width**2 + responses * maps * places)

    def _chunk(self, stage: int, images: int) -> int:
        """Rows that are made at once."""
        return max(1, GATHERED_AT_ONCE // (self._widths[stage] * images))

    @cached_property
    def _widths(self) -> list[int]:
        """For each stage the numbers that are there for a row while it is made."""

        def width(stage: int) -> int:
            given, (groups, inputs, filters) = self.shape.stages[stage], self.shape.groups(stage)
            if self.factored(stage):
                return 4 * filters
            return groups * inputs * max(given.width**2, given.places**2 * filters if self.split(stage) else 0)

        return [width(stage) for stage in range(self.last + 1)]

    @cached_property
    def keeps(self) -> bool:
        """Whether the indices are kept for the next images; with ``EVERY``, for those that differ in these pixels."""
        most = {Family.SINGLE: MOST_KEPT, Family.EVERY: MOST_KEPT // 2}
        return self.kept_size <= most.get(self.family, 0)

    @cached_property
    def kept_size(self) -> int:
        """Bytes that are kept of it, at most."""
        cells, regions = sum(side**2 for side in self.shape.sides), self.regions.count
        taps = [stage.width**2 * len(self.shape.sources(n)) for n, stage in enumerate(self.shape.stages)]
        index = sum(rows * each for rows, each in zip(self.rows[1:], taps, strict=True))
        return NUMBER * (index + 2 * cells * (regions + 1) + 2 * sum(self.rows))


def left(architecture: Architecture) -> int:
    """Values that no pair has, one for each map of the last stage, or none: biases that pairs share, and f(0)."""
    stage, (_, inputs, _) = architecture.stages[-1], architecture.groups(len(architecture.stages) - 1)
    constant = activation(stage.activation).rest or activation(stage.after).rest
    return architecture.maps if inputs > 1 or constant else 0


@lru_cache(maxsize=64)
def _lines(regions: Regions, architecture: Architecture, layer: int) -> BoolArray:
    """(cells, R, side): the pixel rows that a row of cells sees of a row of regions. The same for columns."""
    lines: BoolArray = architecture.sight(layer)[:, None] & regions.covers
    return lines


@lru_cache(maxsize=64)
def _weights(regions: Regions, architecture: Architecture, layer: int) -> NDArray[np.float32]:
    """(cells · R, side): ``_lines`` as numbers."""
    return _lines(regions, architecture, layer).reshape(-1, regions.side).astype(np.float32)


def _seen(regions: Regions, architecture: Architecture, layer: int) -> BoolArray:
    """(cells, R²): whether a cell of a layer sees a region."""
    along: BoolArray = np.logical_or.reduce(_lines(regions, architecture, layer), axis=-1)
    cells, rows = along.shape
    return (along[:, None, :, None] & along[None, :, None, :]).reshape(cells**2, rows**2)


def _seen_changes(regions: Regions, architecture: Architecture, layer: int, differs: BoolArray) -> BoolArray:
    """(cells, R²): whether a cell of a layer sees a pixel of a region that differs, for pixels (side, side)."""
    if layer == 0:
        seen = _seen(regions, architecture, 0)
        return seen & differs.reshape(-1, 1)
    cells, rows, _ = _lines(regions, architecture, layer).shape
    flat = _weights(regions, architecture, layer)
    counts = (flat @ differs.astype(np.float32) @ flat.T).reshape(cells, rows, cells, rows)
    return counts.swapaxes(1, 2).reshape(cells**2, rows**2) > 0
