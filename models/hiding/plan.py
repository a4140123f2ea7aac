"""The values of every layer under a family of hidings, exact (docs/mathematics.md, 4).

A cell of a layer sees few regions. Under a *family* of hidings it therefore has few values: its *rows*, one for each
way in which the family restricts to the regions that the cell sees. The first row is that of the whole image. A row is
made from rows of the cells below. Which ones these are follows from the regions alone, and not from weights.

A ``Plan`` says from shapes alone how many rows each layer has, and from which rows below each is made. The same plan
counts the work (``Plan.cost``) and does it (``Plan.run``). Multiplying by a kernel and gathering rows commute; so where
the rows below are fewer and kernels have several inputs, they are multiplied before they are gathered.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property, lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from konkyo.models import steps, ties
from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture, Stage
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, IntArray, Network

# Number of values that are gathered at once. More would leave the cache.
CHUNK = 2**16
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


@dataclass(frozen=True)
class Made:
    """Rows of the last layer.

    Attributes
    ----------
    cells
        (n,): of the last layer.
    players
        (n, m): with ``EVERY``, the regions in which each cell sees pixels that hiding changes, in rising order.
    values
        With ``EVERY`` (V, n, 2ᵐ, N). Otherwise (V, J, N) for all cells at once; ``Plan.at`` has their rows.
    """

    cells: IntArray
    players: IntArray
    values: Array


@dataclass(frozen=True, eq=False)
class Plan:
    """The rows of each layer of a network under a family of hidings, and how they are made.

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
    order
        The numbers of the regions, in the order in which they are hidden (``NESTED``).
    pairs
        Whether the last layer's values are split by pair: see ``Plan.values``.
    """

    architecture: Architecture
    regions: Regions
    family: Family
    differs: BoolArray | None = None
    order: IntArray | None = None
    pairs: bool = False
    # Where the rows below each row are: by stage. With ``EVERY`` they are too many to be kept.
    _indices: dict[int, list[IntArray]] = field(default_factory=dict, init=False, repr=False)

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
            index = taps * batch * len(shape.sources(number))
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
        return 4 * CHUNK // self.shape.stages[stage].width ** 2

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
        given, (groups, inputs, filters) = self.shape.stages[stage], self.shape.groups(stage)
        if self.factored(stage):
            return max(1, CHUNK // (4 * images * filters))
        widest = max(given.width**2, given.places**2 * filters if self.split(stage) else 0)
        return max(1, CHUNK // (groups * inputs * widest * images))

    # Doing it.

    def run(self, network: Network, images: Array, fills: Array, changed: BoolArray | None = None) -> Iterator[Made]:
        """Make the rows of the last layer.

        Parameters
        ----------
        network
            Of this architecture.
        images, fills
            (N, channels, side, side): the images, and the pixels that replace hidden ones.
        changed
            (R²,): with ``SINGLE``, the regions whose rows are made; by default all.

        Yields
        ------
        Made
            With ``EVERY`` cells that see as many regions, together; otherwise all rows at once.
        """
        shape = self.shape
        layers: dict[int, tuple[Array, _Rows]] = {0: (pixel_columns(network, images, fills), self._layers[0])}
        ends = {source: number for number in range(self.last + 1) for source in shape.sources(number)}
        for number in range(self.last + 1):
            sources = [layers[source] for source in shape.sources(number)]
            make = self._maker(network, number, [columns for columns, _ in sources])
            below, rows = [rows for _, rows in sources], self._layers[number + 1]
            if self.family is Family.EVERY:
                parts = rows.every(shape.near(number), below, self._at_once(number))
                if number == self.last:
                    for cells, players, index in parts:
                        values = make(index, np.repeat(cells, 1 << players.shape[1]))
                        del index
                        yield Made(cells, players, values.reshape(len(values), *rows.block(players), -1))
                    return
                made = self._empty(number, rows.count + 1, len(images), network)
                for cells, players, index in parts:
                    made[:, rows.slice(cells, players)] = make(index, np.repeat(cells, 1 << players.shape[1]))
            else:
                made = self._empty(number, rows.count + 1, len(images), network)
                index = self._index(number, below)
                if changed is None:
                    made[:, :-1] = make(index, rows.cell)
                else:
                    # Nobody asks for rows of regions that hiding does not change. They may be multiplied: they are 0.
                    made[:] = 0
                    kept = np.flatnonzero(rows.kept(changed))
                    made[:, kept] = make([each.take(kept, axis=1) for each in index], rows.cell[kept])
            layers[number + 1] = made, rows
            layers = {layer: kept for layer, kept in layers.items() if ends.get(layer, self.last + 1) > number}
        values, rows = layers[self.last + 1]
        yield Made(np.arange(len(rows.sees)), np.empty((0, 0), np.intp), values[:, :-1])

    @cached_property
    def at(self) -> IntArray:
        """(1 + regions, cells): the row of each cell of the last layer in each hiding, without ``EVERY``.

        Hiding 0 is the whole image. In hiding 1 + p the region at position p of the order is hidden; with ``NESTED``
        those before it are too.
        """
        table: IntArray = self._layers[-1].table[:-1].T
        return table

    def _empty(self, stage: int, rows: int, images: int, network: Network) -> Array:
        """For a stage's rows, and behind them one of zeros, for padding."""
        made = np.empty((self.values(stage), rows, images), network.dtype)
        made[:, -1] = 0
        return made

    @cached_property
    def _layers(self) -> list["_Rows"]:
        seen = self.seen if self.order is None else [each[:, self.order] for each in self.seen]
        return [_Rows(each, self.family, pixels=not number) for number, each in enumerate(seen)]

    def _index(self, stage: int, below: list["_Rows"]) -> list[IntArray]:
        """For each source (width², J): the rows below that each row of a stage sees."""
        if (kept := self._indices.get(stage)) is not None:
            return kept
        rows = self._layers[stage + 1]
        seen = self.shape.near(stage).take(rows.cell, axis=1)
        made = [each.find(seen, rows.hiding) for each in below]
        if self.keeps:
            self._indices[stage] = made
        return made

    @cached_property
    def keeps(self) -> bool:
        """Whether the indices are kept for the next images."""
        return self.family is Family.SINGLE and self.kept_size <= MOST_KEPT

    @cached_property
    def kept_size(self) -> int:
        """Bytes that are kept of it, at most."""
        cells, regions = sum(side**2 for side in self.shape.sides), self.regions.count
        taps = [stage.width**2 * len(self.shape.sources(n)) for n, stage in enumerate(self.shape.stages)]
        index = sum(rows * each for rows, each in zip(self.rows[1:], taps, strict=True))
        return NUMBER * (index + 2 * cells * (regions + 1) + 2 * sum(self.rows))

    def _maker(self, network: Network, stage: int, below: list[Array]) -> Callable[[list[IntArray], IntArray], Array]:
        """The function that makes rows of a stage: (width², J) of each source, (J,) their cells → (V, J, N)."""
        images = below[0].shape[2]
        kind = _split_by_pair if self.split(stage) else _multiplied_first if self.factored(stage) else _gathered_first
        some, size, values = kind(network, self.shape, stage, below), self._chunk(stage, images), self.values(stage)
        given, (groups, inputs, filters) = self.shape.stages[stage], self.shape.groups(stage)
        work = images * groups * filters * given.places**2 * (inputs * given.width**2 if given.kernel else 1)

        def make(index: list[IntArray], cells: IntArray) -> Array:
            count = index[0].shape[1]
            if count <= size:
                steps.done(work * count)
                return some(index, cells).reshape(values, count, images)
            made = np.empty((values, count, images), network.dtype)
            for at in range(0, count, size):
                chunk = slice(at, at + size)
                part = some([each[:, chunk] for each in index], cells[chunk])
                made[:, chunk] = part.reshape(values, -1, images)
                steps.done(work * part.shape[1])
            return made

        return make


class _Rows:
    """The rows of one layer: where the row of a cell is in a hiding.

    Parameters
    ----------
    sees
        (cells, R): whether a cell sees a region, in the order of hiding.
    family
        The hidings.
    pixels
        Whether the layer is the image: pixel p has row p, hidden row p + side², and the border is behind them all.
    """

    def __init__(self, sees: BoolArray, family: Family, *, pixels: bool) -> None:
        self.sees, self.family, self.pixels = sees, family, pixels

    # SINGLE and NESTED: first the rows of the whole image, then those of each hiding, cell by cell.

    @cached_property
    def _hidden(self) -> tuple[IntArray, IntArray]:
        """The regions, by their place in the order, and the cells that see them."""
        regions, cells = np.nonzero(self.sees.T)
        return regions, cells

    @cached_property
    def cell(self) -> IntArray:
        """(J,): the cell of each row."""
        return np.concatenate([np.arange(len(self.sees)), self._hidden[1]])

    @cached_property
    def hiding(self) -> IntArray:
        """(J,): the hiding of each row, of which 0 is none."""
        return np.concatenate([np.zeros(len(self.sees), np.intp), self._hidden[0] + 1])

    def find(self, cells: IntArray, hiding: IntArray) -> IntArray:
        """The rows of cells (width², J), where the last is padding, each in its hiding (J,)."""
        places = cells * (1 + self.sees.shape[1])
        places += hiding
        if not self.pixels:
            found: IntArray = self.table.ravel().take(places)
            return found
        gone = self._gone.ravel().take(places)
        self.start.take(cells, out=places, mode="clip")
        places[gone] += len(self.sees)
        return np.asarray(places)

    @cached_property
    def _gone(self) -> BoolArray:
        """(pixels + 1, 1 + R): whether a pixel is hidden in each hiding."""
        pixels, regions = self.sees.shape
        gone = np.zeros((pixels + 1, 1 + regions), np.bool_)
        gone[:-1, 1:] = self.sees if self.family is Family.SINGLE else np.logical_or.accumulate(self.sees, axis=1)
        return gone

    @cached_property
    def table(self) -> IntArray:
        """(cells + 1, 1 + R): the row of each cell of a layer of maps in each hiding; the last is padding."""
        cells, regions = self.sees.shape
        table = np.repeat(np.append(np.arange(cells), self.count)[:, None], 1 + regions, axis=1)
        table[self._hidden[1], self._hidden[0] + 1] = np.arange(cells, self.count)
        if self.family is Family.NESTED:
            np.maximum.accumulate(table, axis=1, out=table)
        return table

    def kept(self, changed: BoolArray) -> BoolArray:
        """(J,): the rows of the whole image, and of these regions."""
        return np.append(True, changed)[self.hiding]

    @cached_property
    def count(self) -> int:
        """Rows of all cells."""
        if self.family is Family.EVERY:
            return int(self.start[-1])
        return len(self.sees) + int(np.count_nonzero(self.sees))

    # EVERY: the rows of a cell one after another; cells that see as many regions stand together.

    @cached_property
    def _counts(self) -> IntArray:
        counts: IntArray = self.sees.sum(1)
        return counts

    @cached_property
    def start(self) -> IntArray:
        """(cells + 1,): the first row of each cell; the last is padding."""
        cells = len(self.sees)
        if self.pixels:
            return np.append(np.arange(cells), 2 * cells)
        order = self._counts.argsort(kind="stable")
        ends = (1 << self._counts[order]).cumsum()
        start = np.empty(cells + 1, np.intp)
        start[order], start[-1] = ends - (1 << self._counts[order]), ends[-1]
        return start

    @cached_property
    def step(self) -> IntArray:
        """(cells + 1, R): what hiding a region adds to the row of a cell: 1, 2, 4, … for those that it sees.

        To that of a pixel it adds their number, ``unit``.
        """
        cells, regions = self.sees.shape
        step = np.zeros((cells + 1, regions), np.bool_ if self.pixels else np.intp)
        step[:-1] = self.sees if self.pixels else (self.sees << self.sees.cumsum(1)) >> 1
        return step

    @property
    def unit(self) -> int:
        """By what ``step`` is multiplied."""
        return len(self.sees) if self.pixels else 1

    def every(
        self, near: IntArray, below: list["_Rows"], batch: int
    ) -> Iterator[tuple[IntArray, IntArray, list[IntArray]]]:
        """For cells that see as many regions: the cells, their regions (n, m), and the rows below (width², n · 2ᵐ)."""
        order = self._counts.argsort(kind="stable")
        counts = self._counts[order]
        behind = 0
        for count in np.unique(counts).tolist():
            first, behind = behind, int(np.searchsorted(counts, count, "right"))
            size = max(1, batch >> count)
            for at in range(first, behind, size):
                cells = order[at : min(at + size, behind)]
                players = self.sees[cells].nonzero()[1].reshape(len(cells), count)
                seen = near[:, cells]
                yield cells, players, [_subsets(each, seen, players) for each in below]

    def slice(self, cells: IntArray, players: IntArray) -> slice:
        """The rows of cells that stand together."""
        first = int(self.start[cells[0]])
        return slice(first, first + (len(cells) << players.shape[1]))

    @staticmethod
    def block(players: IntArray) -> tuple[int, int]:
        """(cells, rows of each) of those that see these regions."""
        return len(players), 1 << players.shape[1]


def _subsets(below: _Rows, seen: IntArray, players: IntArray) -> IntArray:
    """(width², n · 2ᵐ): the rows of the cells below (width², n) for every set of the regions (n, m) that are hidden."""
    count = players.shape[1]
    index = np.empty((*seen.shape, 1 << count), np.intp)
    index[..., 0] = below.start[seen]
    # The sets with region p are those of the regions before it, with p too.
    regions = below.step.shape[1]
    flat = seen * regions
    for p in range(count):
        added = below.step.ravel().take(flat + players[:, p]) * below.unit
        np.add(index[..., : 1 << p], added[..., None], out=index[..., 1 << p : 2 << p])
    return index.reshape(len(seen), -1)


def pixel_columns(network: Network, images: Array, fills: Array) -> Array:
    """(channels, 2 · side² + 1, N): the pixels of each image, the pixels that replace them, and the border."""
    count, channels = images.shape[:2]
    pixels = images[0, 0].size
    columns = np.empty((channels, 2 * pixels + 1, count), network.dtype)
    columns[:, :pixels] = images.reshape(count, channels, -1).transpose(1, 2, 0)
    columns[:, pixels:-1] = fills.reshape(count, channels, -1).transpose(1, 2, 0)
    columns[:, -1] = network.border[:, None]
    return columns


def left(architecture: Architecture) -> int:
    """Values that no pair has, one for each map of the last stage, or none: biases that pairs share, and f(0)."""
    stage, (_, inputs, _) = architecture.stages[-1], architecture.groups(len(architecture.stages) - 1)
    constant = activation(stage.activation).rest or activation(stage.after).rest
    return architecture.maps if inputs > 1 or constant else 0


_Make = Callable[[list[IntArray], IntArray], Array]


def _taken(below: list[Array], index: list[IntArray]) -> Array:
    """(inputs, width², J, N): the rows that a stage's rows see; of several sources their sum."""
    made = below[0].take(index[0], axis=1, mode="clip")
    for columns, each in zip(below[1:], index[1:], strict=True):
        made += columns.take(each, axis=1, mode="clip")
    return made


def _gathered_first(network: Network, shape: Architecture, number: int, below: list[Array]) -> _Make:
    stage, (groups, inputs, filters) = shape.stages[number], shape.groups(number)
    kernels, images = network.cell_kernels(number), below[0].shape[2]
    finish = _finisher(network, shape, number, images)

    def make(index: list[IntArray], cells: IntArray) -> Array:
        seen = _taken(below, index).reshape(groups, inputs * len(index[0]), -1)
        places = kernels @ seen if stage.kernel else seen
        return finish(places.reshape(groups, stage.places**2, filters, -1), cells)

    return make


def _multiplied_first(network: Network, shape: Architecture, number: int, below: list[Array]) -> _Make:
    """The layer below has fewer rows. They are multiplied by every tap; the products are gathered and added."""
    stage, [columns], (_, _, filters) = shape.stages[number], below, shape.groups(number)
    (inputs, rows, images), k = columns.shape, stage.kernel
    before, after, bias = activation(stage.activation), activation(stage.after), network.bias(number)
    # (k², rows below, N · filters)
    weight = network.kernels(number).transpose(2, 3, 1, 0).reshape(-1, inputs, filters)
    taps = (columns.reshape(inputs, -1).T @ weight).reshape(-1, rows, images * filters)
    bias = np.tile(bias, images)

    def make(index: list[IntArray], _: IntArray) -> Array:
        [seen] = index
        term = np.empty((seen.shape[1], taps.shape[2]), network.dtype)
        whole: Array | None = None
        for row, column in np.ndindex(stage.places, stage.places):
            total = np.zeros_like(term)
            for (y, x), product in zip(np.ndindex(k, k), taps, strict=True):
                cell = (stage.stride * row + y) * stage.width + stage.stride * column + x
                total += product.take(seen[cell], 0, term, "clip")
            if not stage.commutes:
                total += bias
                total = before(total, total)
            if whole is None:
                whole = total
            else:
                (np.add if stage.mean else np.maximum)(whole, total, out=whole)
        assert whole is not None  # noqa: S101 - a stage has a place
        if stage.mean:
            whole *= whole.dtype.type(1 / stage.places**2)
        if stage.commutes:
            whole += bias
            whole = before(whole, whole)
        return after(whole, whole).reshape(-1, images, filters).transpose(2, 0, 1)

    return make


def _finisher(network: Network, shape: Architecture, number: int, images: int) -> Callable[[Array, IntArray], Array]:
    """Bias, activation, pool, activation of (G, places, F, J · N), for rows of these cells (J,)."""
    stage, (groups, _, filters) = shape.stages[number], shape.groups(number)
    before, after = activation(stage.activation), activation(stage.after)
    bias = _biases(network, shape, number)

    def finish(places: Array, cells: IntArray) -> Array:
        early = stage.bias_map or not stage.commutes
        if early:
            places = places + _bias_of(bias, cells, images)
        if not stage.commutes:
            places = before(places, places)
        made = places[:, 0] if stage.places == 1 else places.mean(1) if stage.mean else places.max(1)
        if not early:
            made += _bias_of(bias, cells, images)[:, 0]
        if stage.commutes:
            made = before(made, made)
        return after(made, made).reshape(groups * filters, -1, images)

    return finish


def _biases(network: Network, shape: Architecture, number: int) -> Array:
    """(G or 1, places, F, cells) with a bias map, else (G or 1, 1, F, 1)."""
    stage, (groups, _, filters) = shape.stages[number], shape.groups(number)
    bias, shared = network.bias(number), 1 if stage.paired else groups
    if not stage.bias_map:
        return bias.reshape(shared, 1, filters, 1)
    return np.moveaxis(bias.reshape(shared, filters, -1)[..., _places(shape, number)], 1, 2)


@lru_cache(maxsize=64)
def _places(shape: Architecture, number: int) -> IntArray:
    """(places, cells): the outputs of a stage's convolution that each of its cells' pool takes."""
    stage, cells = shape.stages[number], np.arange(shape.sides[number + 1])
    side, stride = stage.sides(shape.below(number)[1])[0], stage.pool.stride if stage.pool else 1
    along = stride * cells + np.arange(stage.places)[:, None]
    found: IntArray = (along[:, None, :, None] * side + along[None, :, None, :]).reshape(stage.places**2, -1)
    return found


def _bias_of(bias: Array, cells: IntArray, images: int) -> Array:
    """The biases of rows of these cells: (G or 1, places or 1, F, J · N or 1)."""
    return bias if bias.shape[-1] == 1 else np.repeat(bias[..., cells], images, axis=-1)


def _split_by_pair(network: Network, shape: Architecture, number: int, below: list[Array]) -> _Make:
    """The last stage, split by pair: ψ · Σ φ · u of each pair over the places of the pool, then what no pair has.

    With z(p) = bias + Σ u_i(p), the stage's output is rest + Σ over places p of φ(p) · ψ · z(p): see
    ``konkyo.models.filters.contributions``.
    """
    stage, (groups, inputs, filters), images = shape.stages[number], shape.groups(number), below[0].shape[2]
    before, after, bias = activation(stage.activation), activation(stage.after), _biases(network, shape, number)
    kernels, remains = network.cell_kernels(number, by_input=True), left(shape)

    def make(index: list[IntArray], cells: IntArray) -> Array:
        count = index[0].shape[1]
        seen = _taken(below, index).reshape(groups, inputs, len(index[0]), -1)
        responses = (kernels @ seen).reshape(groups, inputs, stage.places**2, filters, -1)
        own = _bias_of(bias, cells, images)
        if inputs == 1:
            # The bias belongs to its only pair.
            responses += own[:, None]
            own = np.zeros((1, 1, 1, 1), network.dtype)
        whole = responses.sum(1) + own
        if not stage.mean and stage.places > 1:
            # Only the winner counts.
            best = ties.first(whole if stage.commutes else before(whole), 1)[:, None]
            whole = np.take_along_axis(whole, best, 1)
            responses = np.take_along_axis(responses, best[:, None], 2)
            if own.shape[1] > 1:
                own = np.take_along_axis(np.broadcast_to(own, (groups, *own.shape[1:])), best, 1)
        factors, outer = _factors(stage, whole)
        pairs = (responses * factors[:, None]).sum(2) if responses.shape[2] > 1 else responses[:, :, 0] * factors
        made = np.empty((groups * inputs * filters + remains, count * images), network.dtype)
        made[: len(made) - remains] = pairs.reshape(-1, count * images)
        if remains:
            rest = (factors * own).sum(1) + outer * before.rest + after.rest
            made[len(made) - remains :] = rest.reshape(remains, -1)
        return made.reshape(-1, count, images)

    return make


def _factors(stage: Stage, whole: Array) -> tuple[Array | BoolArray, Array | float]:
    """(φ · ψ / n at each place, ψ) for the convolution (G, places, F, …) at the places that count."""
    before, after = activation(stage.activation), activation(stage.after)
    factors = before.factor(whole)
    if whole.shape[1] > 1:
        factors = factors * whole.dtype.type(1 / whole.shape[1])
    if after.name == "none":
        return factors, 1.0
    outer = after.factor(before(whole).mean(1))
    return factors * outer[:, None], outer


# What is seen.


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


# What is kept.

_kept: OrderedDict[tuple[Architecture, Regions, Family, bool], Plan] = OrderedDict()


def kept_plan(architecture: Architecture, regions: Regions, family: Family, *, pairs: bool = False) -> Plan:
    """The plan for images that hiding changes everywhere; it is kept, within ``MOST_KEPT`` bytes of all of them."""
    key = architecture, regions, family, pairs
    plan = _kept.get(key)
    if plan is not None:
        _kept.move_to_end(key)
        return plan
    plan = Plan(architecture, regions, family, pairs=pairs)
    if plan.keeps:
        _kept[key] = plan
        while sum(each.kept_size for each in list(_kept.values())) > MOST_KEPT:
            _kept.popitem(last=False)
    return plan
