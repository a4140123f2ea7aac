"""The values of every layer under a family of hidings, exact (docs/mathematics.md, 4).

``counting.py`` says how many rows each layer has. A row is made from rows of the cells below. Which ones these are
follows from the regions alone, and not from weights. Multiplying by a kernel and gathering rows commute; so where the
rows below are fewer and kernels have several inputs, they are multiplied before they are gathered.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from konkyo.models import steps, ties
from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture
from konkyo.models.hiding.counting import MOST_KEPT, BoolArray, Counts, Family, left
from konkyo.models.hiding.regions import Regions
from konkyo.models.kept import Kept
from konkyo.models.network import Array, IntArray, Network

# Makes rows of rows below (width², J), of each source, and of their cells (J,).
_Make = Callable[[list[IntArray], IntArray], Array]


# Of cells that see as many regions: the cells, their regions (n, m), and the rows below (width², n · 2ᵐ), by source.
_Part = tuple[IntArray, IntArray, list[IntArray]]


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
class Plan(Counts):
    """The rows of each layer, and how they are made: ``Plan.cost`` counts the work and ``Plan.run`` does it.

    Parameters
    ----------
    order
        The numbers of the regions, in the order in which they are hidden (``NESTED``).
    """

    order: IntArray | None = None
    # Where the rows below each row are, by stage: of all rows; with ``EVERY``, of some cells at a time.
    _indices: dict[int, list[IntArray]] = field(default_factory=dict, init=False, repr=False)
    _every: dict[int, list[_Part]] = field(default_factory=dict, init=False, repr=False)

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
        layers = {0: pixel_columns(network, images, fills)}
        # Of the whole image, and of the regions that are asked for.
        asked = None if changed is None else np.concatenate([[True], changed])
        for number in range(self.last + 1):
            make = self._maker(network, number, [layers[source] for source in shape.sources(number)])
            rows = self._layers[number + 1]
            if self.family is Family.EVERY:
                parts = self._parts(number)
                if number == self.last:
                    for cells, players, index in parts:
                        values = make(index, np.repeat(cells, 1 << players.shape[1]))
                        del index
                        yield Made(cells, players, values.reshape(len(values), *rows.block(players), -1))
                    return
            # Behind the rows is one of zeros, for padding. Nobody asks for rows of regions that hiding does not change.
            # They may be multiplied: they are 0.
            made = np.zeros((self.values(number), rows.count + 1, len(images)), network.dtype)
            if self.family is Family.EVERY:
                for cells, players, index in parts:
                    made[:, rows.slice(cells, players)] = make(index, np.repeat(cells, 1 << players.shape[1]))
            elif asked is None:
                made[:, :-1] = make(self._index(number), rows.cell)
            else:
                kept = np.flatnonzero(asked.take(rows.hiding))
                made[:, kept] = make([each.take(kept, axis=1) for each in self._index(number)], rows.cell[kept])
            layers[number + 1] = made
            layers = {layer: kept for layer, kept in layers.items() if self._ends.get(layer, self.last + 1) > number}
        yield Made(np.arange(len(rows.sees)), np.empty((0, 0), np.intp), made[:, :-1])

    @cached_property
    def at(self) -> IntArray:
        """(1 + regions, cells): the row of each cell of the last layer in each hiding, without ``EVERY``.

        Hiding 0 is the whole image. In hiding 1 + p the region at position p of the order is hidden; with ``NESTED``
        those before it are too.
        """
        table: IntArray = self._layers[-1].table[:-1].T
        return table

    @cached_property
    def _layers(self) -> list["_Rows"]:
        seen = self.seen if self.order is None else [each[:, self.order] for each in self.seen]
        return [_Rows(each, self.family, pixels=not number) for number, each in enumerate(seen)]

    def _index(self, stage: int) -> list[IntArray]:
        """For each source (width², J): the rows below that each row of a stage sees."""
        if (kept := self._indices.get(stage)) is not None:
            return kept
        rows = self._layers[stage + 1]
        seen = self.shape.near(stage).take(rows.cell, axis=1)
        made = [self._layers[source].find(seen, rows.hiding) for source in self.shape.sources(stage)]
        if self.keeps:
            self._indices[stage] = made
        return made

    def _parts(self, stage: int) -> Iterable[_Part]:
        """With ``EVERY``: where the rows below a stage's rows are."""
        if (kept := self._every.get(stage)) is not None:
            return kept
        below = [self._layers[source] for source in self.shape.sources(stage)]
        made = self._layers[stage + 1].every(self.shape.near(stage), below, self._at_once(stage))
        if not self.keeps:
            return made
        self._every[stage] = list(made)
        return self._every[stage]

    @cached_property
    def _kinds(self) -> list[tuple[Callable[["_Step", list[Array]], _Make], int]]:
        """For each stage how its rows are made, and how many values a row has."""

        def kind(stage: int) -> Callable[["_Step", list[Array]], _Make]:
            if self.split(stage):
                return _Step.split_by_pair
            return _Step.multiplied_first if self.factored(stage) else _Step.gathered_first

        return [(kind(stage), self.values(stage)) for stage in range(self.last + 1)]

    @cached_property
    def _ends(self) -> dict[int, int]:
        """For each layer the last stage that takes it."""
        return {source: number for number in range(self.last + 1) for source in self.shape.sources(number)}

    def _maker(self, network: Network, stage: int, below: list[Array]) -> _Make:
        """The function that makes rows of a stage: (width², J) of each source, (J,) their cells → (V, J, N)."""
        step, images = network.once(_Step, stage), below[0].shape[2]
        kind, values = self._kinds[stage]
        some, size = kind(step, below), self._chunk(stage, images)
        work = images * step.groups * step.filters * step.stage.places**2
        if step.stage.kernel:
            work *= step.inputs * step.stage.width**2

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
                steps.done(work * len(cells[chunk]))
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

    def every(self, near: IntArray, below: list["_Rows"], batch: int) -> Iterator[_Part]:
        """Where the rows below those of cells are, some cells at a time."""
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


class _Step:
    """A stage of a network as rows are made of it; it is kept with the network (``Network.once``)."""

    def __init__(self, network: Network, number: int) -> None:
        shape = network.architecture.fine
        self.stage, (self.groups, self.inputs, self.filters) = shape.stages[number], shape.groups(number)
        self.before, self.after = activation(self.stage.activation), activation(self.stage.after)
        self.weight, self.bias = network.kernels(number), network.bias(number)
        # Values that no pair has, of the last stage.
        self.remains = left(shape)
        self._places = _places(shape, number)

    @cached_property
    def biases(self) -> Array:
        """(G or 1, places, F, cells) with a bias map, else (G or 1, 1, F, 1)."""
        shared = 1 if self.stage.paired else self.groups
        if not self.stage.bias_map:
            return self.bias.reshape(shared, 1, self.filters, 1)
        return np.moveaxis(self.bias.reshape(shared, self.filters, -1)[..., self._places], 1, 2)

    @cached_property
    def kernels(self) -> Array:
        """(G, places · F, I · width²): from the square that a cell sees to each place of its pool.

        G is 1 if all groups have the same kernels.
        """
        by_input = self.kernels_by_input
        return by_input.swapaxes(1, 2).reshape(len(by_input), by_input.shape[2], -1)

    @cached_property
    def kernels_by_input(self) -> Array:
        """(G, I, places · F, width²): ``kernels``, by input map."""
        k, width, places, stride = max(self.stage.kernel, 1), self.stage.width, self.stage.places, self.stage.stride
        weight = self.weight.reshape(-1, self.filters, self.inputs, k, k).swapaxes(1, 2)
        made = np.zeros((len(weight), self.inputs, places, places, self.filters, width, width), weight.dtype)
        for row, column in np.ndindex(places, places):
            rows, columns = (slice(stride * at, stride * at + k) for at in (row, column))
            made[:, :, row, column, :, rows, columns] = weight
        return made.reshape(len(weight), self.inputs, -1, width**2)

    def gathered_first(self, below: list[Array]) -> _Make:
        """Rows of a stage that are gathered and then multiplied."""
        images = below[0].shape[2]

        def make(index: list[IntArray], cells: IntArray) -> Array:
            seen = _taken(below, index).reshape(self.groups, self.inputs * len(index[0]), -1)
            places = (self.kernels @ seen if self.stage.kernel else seen).reshape(
                self.groups, self.stage.places**2, self.filters, -1
            )
            early = self.stage.bias_map or not self.stage.commutes
            if early:
                places = places + self._bias_of(cells, images)
            if not self.stage.commutes:
                places = self.before(places, places)
            made = places[:, 0] if self.stage.places == 1 else places.mean(1) if self.stage.mean else places.max(1)
            if not early:
                made += self._bias_of(cells, images)[:, 0]
            if self.stage.commutes:
                made = self.before(made, made)
            return self.after(made, made)

        return make

    def multiplied_first(self, below: list[Array]) -> _Make:
        """The layer below has fewer rows. They are multiplied by every tap; the products are gathered and added."""
        [columns], stage, k = below, self.stage, self.stage.kernel
        inputs, rows, images = columns.shape
        # (k², rows below, N · filters)
        weight = self.weight.transpose(2, 3, 1, 0).reshape(-1, inputs, self.filters)
        taps: Array = (columns.reshape(inputs, -1).T @ weight).reshape(-1, rows, images * self.filters)
        bias = np.tile(self.bias, images)

        def make(index: list[IntArray], _: IntArray) -> Array:
            [seen] = index
            term = np.empty((seen.shape[1], taps.shape[2]), taps.dtype)
            whole: Array | None = None
            for row, column in np.ndindex(stage.places, stage.places):
                total = np.zeros_like(term)
                for (y, x), product in zip(np.ndindex(k, k), taps, strict=True):
                    cell = (stage.stride * row + y) * stage.width + stage.stride * column + x
                    total += product.take(seen[cell], 0, term, "clip")
                if not stage.commutes:
                    total += bias
                    total = self.before(total, total)
                if whole is None:
                    whole = total
                else:
                    (np.add if stage.mean else np.maximum)(whole, total, out=whole)
            assert whole is not None  # noqa: S101 - a stage has a place
            if stage.mean:
                whole *= whole.dtype.type(1 / stage.places**2)
            if stage.commutes:
                whole += bias
                whole = self.before(whole, whole)
            return self.after(whole, whole).reshape(-1, images, self.filters).transpose(2, 0, 1)

        return make

    def split_by_pair(self, below: list[Array]) -> _Make:
        """The last stage, split by pair: ψ · Σ φ · u of each pair over the places of the pool, then what no pair has.

        With z(p) = bias + Σ u_i(p), the stage's output is rest + Σ over places p of φ(p) · ψ · z(p): see
        ``konkyo.models.filters.contributions``.
        """
        stage, images = self.stage, below[0].shape[2]

        def make(index: list[IntArray], cells: IntArray) -> Array:
            seen = _taken(below, index).reshape(self.groups, self.inputs, len(index[0]), -1)
            responses: Array = (self.kernels_by_input @ seen).reshape(
                self.groups, self.inputs, stage.places**2, self.filters, -1
            )
            own = self._bias_of(cells, images)
            if self.inputs == 1:
                # The bias belongs to its only pair.
                responses += own[:, None]
                own = np.zeros((1, 1, 1, 1), own.dtype)
            whole = responses.sum(1) + own
            if not stage.mean and stage.places > 1:
                # Only the winner counts.
                best = ties.first(whole if stage.commutes else self.before(whole), 1)[:, None]
                whole = np.take_along_axis(whole, best, 1)
                responses = np.take_along_axis(responses, best[:, None], 2)
                if own.shape[1] > 1:
                    own = np.take_along_axis(np.broadcast_to(own, (self.groups, *own.shape[1:])), best, 1)
            factors, outer = self._factors(whole)
            pairs = (responses * factors[:, None]).sum(2) if responses.shape[2] > 1 else responses[:, :, 0] * factors
            pairs = pairs.reshape(-1, whole.shape[-1])
            if not self.remains:
                return pairs
            rest = (factors * own).sum(1) + outer * self.before.rest + self.after.rest
            return np.concatenate([pairs, rest.reshape(self.remains, -1)])

        return make

    def _bias_of(self, cells: IntArray, images: int) -> Array:
        """The biases of rows of these cells: (G or 1, places or 1, F, J · N or 1)."""
        return np.repeat(self.biases[..., cells], images, axis=-1) if self.stage.bias_map else self.biases

    def _factors(self, whole: Array) -> tuple[Array | BoolArray, Array | float]:
        """(φ · ψ / n at each place, ψ) for the convolution (G, places, F, …) at the places that count."""
        factors = self.before.factor(whole)
        if whole.shape[1] > 1:
            factors = factors * whole.dtype.type(1 / whole.shape[1])
        if self.after.name == "none":
            return factors, 1.0
        outer = self.after.factor(self.before(whole).mean(1))
        return factors * outer[:, None], outer


def _taken(below: list[Array], index: list[IntArray]) -> Array:
    """(inputs, width², J, N): the rows that a stage's rows see; of several sources their sum."""
    made = below[0].take(index[0], axis=1, mode="clip")
    for columns, each in zip(below[1:], index[1:], strict=True):
        made += columns.take(each, axis=1, mode="clip")
    return made


@lru_cache(maxsize=64)
def _places(shape: Architecture, number: int) -> IntArray:
    """(places, cells): the outputs of a stage's convolution that each of its cells' pool takes."""
    stage, cells = shape.stages[number], np.arange(shape.sides[number + 1])
    side, stride = stage.sides(shape.below(number)[1])[0], stage.pool.stride if stage.pool else 1
    along = stride * cells + np.arange(stage.places)[:, None]
    found: IntArray = (along[:, None, :, None] * side + along[None, :, None, :]).reshape(stage.places**2, -1)
    return found


KEPT: Kept[Plan] = Kept(MOST_KEPT, lambda plan: plan.kept_size)


def kept_plan(
    architecture: Architecture,
    regions: Regions,
    family: Family,
    differs: BoolArray | None = None,
    *,
    pairs: bool = False,
) -> Plan:
    """The plan for images in which hiding changes these pixels; kept, within ``MOST_KEPT`` bytes of all of them."""
    key = architecture, regions, family, pairs, None if differs is None else differs.tobytes()
    return KEPT.get(key, lambda: Plan(architecture, regions, family, differs, pairs=pairs))
