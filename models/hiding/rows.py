"""The values of every layer under a family of hidings, exact (docs/mathematics.md, 4).

A cell of a layer sees few regions. Under a *family* of hidings it therefore has few values: its *rows*, one for each
way in which the family restricts to the regions that the cell sees. The first row is that of the whole image. A row is
made from rows of the cells below. Which ones these are follows from the regions alone, and not from weights.

The families are: no region or one (``SINGLE``), the first ones of an order (``NESTED``), and every set (``every``).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.architecture import Architecture
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, IntArray, Network

# Number of values that are gathered at once. More would leave the cache.
CHUNK = 2**16
# Multiply-adds in the time in which a number is gathered, about.
GATHERED = 10


class Family(Enum):
    """The hidings that are asked for, where they have an order: a cell that sees m regions has m + 1 rows."""

    SINGLE = auto()
    NESTED = auto()


@dataclass(frozen=True)
class Rows:
    """The rows of the last layer, for N images at once.

    Attributes
    ----------
    at
        (1 + regions, cells): the row of each cell for each hiding. Hiding 0 is the whole image. In hiding 1 + p the
        region at position p of the order is hidden; with ``NESTED`` those before it are too.
    values
        (maps, J, N), after ReLU; or (A·B + B, J, N) split by pair, see ``pair_rows``.
    """

    at: IntArray
    values: Array

    def logits(self, network: Network) -> Array:
        """(N, 1 + regions, C): the logits of each image under each hiding."""
        features = self.values.take(self.at.T, axis=1)
        maps, cells, hidings, images = features.shape
        first = network.first_affine @ features.reshape(maps * cells, hidings * images)
        return network.after_first(first.T).reshape(hidings, images, -1).swapaxes(0, 1)


def pixel_columns(network: Network, images: Array, fills: Array) -> Array:
    """(channels, 2 · side² + 1, N): the pixels of each image, the pixels that replace them, and the border."""
    count, channels = images.shape[:2]
    border = np.broadcast_to(network.border[:, None], (count, channels, 1))
    parts = [images.reshape(count, channels, -1), fills.reshape(count, channels, -1), border]
    joined = np.concatenate(parts, axis=2).astype(network.dtype, copy=False)
    return np.ascontiguousarray(joined.transpose(1, 2, 0))


def hidden_pixels(regions: Regions, order: IntArray) -> NDArray[np.bool_]:
    """(n, side²): the pixels of each of n regions."""
    row, column = np.divmod(order, regions.grid[1])
    hidden: NDArray[np.bool_] = regions.covers[row][:, :, None] & regions.covers[column][:, None]
    return hidden.reshape(len(order), regions.side**2)


def ordered(
    network: Network,
    images: Array,
    fills: Array,
    regions: Regions,
    order: IntArray,
    family: Family,
    *,
    pairs: bool = False,
) -> Rows:
    """The rows of the last layer for no hidden region and one (``SINGLE``), or the first ones of an order (``NESTED``).

    Parameters
    ----------
    images, fills
        (N, channels, side, side): the images, and the pixels that replace hidden ones.
    regions
        The grid; regions may overlap.
    order
        The numbers of the regions, in their order.
    family
        ``SINGLE`` or ``NESTED``.
    pairs
        Whether the values are split by pair.
    """
    shape, hidings, pixels = network.architecture, len(order) + 1, network.architecture.side**2
    # Whether a pixel is hidden in each hiding: ``columns`` has it as many places later. The border stands last.
    hidden = np.zeros((hidings, pixels + 1), np.bool_)
    hidden[1:, :-1], hidden[:, -1] = hidden_pixels(regions, order), True
    if family is Family.NESTED:
        np.logical_or.accumulate(hidden, axis=0, out=hidden)
    # (hidings, cells + 1): where ``columns`` has a cell of the layer below, for each hiding.
    below = np.empty((0, pixels + 1), np.intp)
    columns = pixel_columns(network, images, fills)
    for number in range(len(shape.stages)):
        cells = shape.sides[number + 1] ** 2
        seen = np.ones((hidings, cells), np.bool_)
        regions.seen(shape, number + 1).take(order, axis=0, out=seen[1:])
        hiding, cell = np.divmod(np.flatnonzero(seen), cells)
        index = shape.near(number).take(cell, axis=1)
        at = index + hiding * below.shape[1]
        index = below.ravel().take(at) if number else index + pixels * hidden.ravel().take(at)
        last = number == len(shape.stages) - 1
        columns = (pair_rows if pairs and last else stage_rows)(network, number, columns, len(cell))(index)
        below = np.full((hidings, cells + 1), len(cell), np.intp)  # the last row is padding
        rows = seen.cumsum(dtype=np.intp).reshape(seen.shape) - 1
        if family is Family.NESTED:
            np.maximum.accumulate(np.where(seen, rows, 0), axis=0, out=below[:, :-1])
        else:
            below[:, :-1] = np.where(seen, rows, rows[0])
        if not last:
            columns = _with_padding(columns)
    return Rows(below[:, :-1], columns)


def every(
    network: Network, image: Array, fill: Array, regions: Regions, *, pairs: bool = False
) -> Iterator[tuple[IntArray, Array]]:
    """Each cell of the last layer under every set of hidden regions.

    Parameters
    ----------
    image, fill
        (channels, side, side): the image, and the pixels that replace hidden ones.
    regions
        The grid; its regions do not overlap.
    pairs
        As in ``ordered``.

    Yields
    ------
    IntArray, Array
        The numbers of the regions in which a cell sees a pixel that hiding changes, and the cell's values (maps, 2ⁿ).
        Bit p of a column's number is set if region p of these is *visible*.
    """
    shape = network.architecture
    differs = (image != fill).any(0)
    pixels = shape.side**2
    # Where a cell below is when nothing is hidden: (cells + 1,), and what hiding a region adds to it: (cells + 1, R²).
    start = np.append(np.arange(pixels, dtype=np.intp), 2 * pixels)
    step = np.zeros((pixels + 1, regions.count), np.intp)
    step[:-1] = pixels * hidden_pixels(regions, np.arange(regions.count)).T
    columns = pixel_columns(network, image[None], fill[None])
    for number in range(len(shape.stages)):
        sees = regions.seen_changes(shape, number + 1, differs)
        counts = sees.sum(1)
        first = np.append(0, (2**counts).cumsum())
        last = number == len(shape.stages) - 1
        made = np.zeros((0 if last else shape.layer_maps[number + 1], int(first[-1]) + 1, 1), network.dtype)
        make = (pair_rows if pairs and last else stage_rows)(network, number, columns, int(first[-1]))
        for cells in _batches(first, shape.near(number).shape[0]):
            index = _subsets(start, step, shape.near(number)[:, cells], sees[cells])
            part = make(index)
            if last:
                for cell in range(cells.start, cells.stop):
                    own = slice(first[cell] - first[cells.start], first[cell + 1] - first[cells.start])
                    # Rows count hidden regions and tables visible ones: the last row is the first column.
                    yield np.flatnonzero(sees[cell]), part[:, own, 0][:, ::-1]
            else:
                made[:, first[cells.start] : first[cells.stop]] = part
        if not last:
            # The row behind the last is padding, 0.
            columns, start = made, first
            # The bit of a region in a cell that sees it: 1, 2, 4, …
            step = np.append((sees << sees.cumsum(1)) >> 1, np.zeros((1, regions.count), np.intp), axis=0)


def _with_padding(columns: Array) -> Array:
    """With a further row of zeros, for padding."""
    return np.concatenate([columns, np.zeros((len(columns), 1, columns.shape[2]), columns.dtype)], axis=1)


def _batches(first: IntArray, taps: int) -> Iterator[slice]:
    """Cells whose rows are gathered together."""
    start, cells = 0, len(first) - 1
    while start < cells:
        full = int(np.searchsorted(first, first[start] + CHUNK * 4 // taps, "right")) - 1
        stop = min(max(start + 1, full), cells)
        yield slice(start, stop)
        start = stop


def _subsets(start: IntArray, step: IntArray, near: IntArray, sees: NDArray[np.bool_]) -> IntArray:
    """Where the cells below have each row of some cells: (taps, Σ 2ⁿ). Bit p of a row's number: region p is hidden.

    The rows with region p hidden are those before, once more, with what its hiding adds to each place.
    """
    cell, region = np.nonzero(sees)
    counts = sees.sum(1)
    steps = step[near[:, cell], region]
    rows = 2**counts
    first, player = rows.cumsum() - rows, counts.cumsum() - counts
    index = np.empty((len(near), int(rows.sum())), np.intp)
    index[:, first] = start[near]
    for p in range(int(counts.max(initial=0))):
        some = counts > p
        without = (first[some, None] + np.arange(2**p)).ravel()
        index[:, without + 2**p] = index[:, without] + np.repeat(steps[:, player[some] + p], 2**p, axis=1)
    return index


def stage_rows(network: Network, stage: int, columns: Array, rows: int) -> Callable[[IntArray], Array]:
    """The function that makes rows of a stage, after ReLU: (width², J) → (maps, J, N).

    It takes the rows below that each row sees. Multiplying by a kernel and gathering rows commute. The layer below has
    fewer rows. So if kernels have many inputs, its rows are multiplied by every tap, and the products are gathered and
    added.

    Parameters
    ----------
    columns
        (n, K, N): the values of the rows below.
    rows
        How many rows will be made in all.
    """
    shape, given = network.architecture, network.architecture.stages[stage]
    inputs, below, images = columns.shape
    # With paired wiring each input map has a product of its own; otherwise one product adds them up.
    products = inputs if given.paired else 1
    bias = network.bias(stage)[:, None, None]

    def finished(made: Array) -> Array:
        made += bias
        np.maximum(made, 0, out=made)
        return made.reshape(products * given.filters, -1, images)

    def gathered_first(index: IntArray) -> Array:
        made = np.empty((products, given.filters, index.shape[1], images), network.dtype)
        kernels = network.cell_kernels(stage)
        size = max(1, CHUNK // (inputs * len(index) * images))
        for at in range(0, index.shape[1], size):
            taken = columns.take(index[:, at : at + size], axis=1, mode="clip").reshape(products, kernels.shape[2], -1)
            places = (kernels @ taken).reshape(products, given.step**2, given.filters, -1, images)
            places.max(1, out=made[:, :, at : at + size])
        return finished(made)

    if not factored(shape, stage, below, rows):
        return gathered_first

    # (k², K, N · filters): the rows below, multiplied by each tap of every kernel.
    weight = network.weights[f"conv{stage + 1}.weight"].transpose(2, 3, 1, 0).reshape(-1, inputs, given.filters)
    taps = (columns.reshape(inputs, -1).T @ weight).reshape(-1, below, images * given.filters)

    def multiplied_first(index: IntArray) -> Array:
        made = np.empty((1, given.filters, index.shape[1], images), network.dtype)
        size = max(1, CHUNK // (4 * images * given.filters))
        for at in range(0, index.shape[1], size):
            chunk = index[:, at : at + size]
            term = np.empty((chunk.shape[1], taps.shape[2]), network.dtype)
            best = np.full_like(term, -np.inf)
            for row, column in np.ndindex(given.step, given.step):
                total = np.zeros_like(term)
                for (y, x), product in zip(np.ndindex(given.kernel, given.kernel), taps, strict=True):
                    total += product.take(chunk[(row + y) * given.width + column + x], 0, term, "clip")
                np.maximum(best, total, out=best)
            made[0, :, at : at + size] = best.reshape(-1, images, given.filters).transpose(2, 0, 1)
        return finished(made)

    return multiplied_first


def factored(architecture: Architecture, stage: int, below: int, rows: int) -> bool:
    """Whether the rows below a stage are multiplied before they are gathered: whether that is less work.

    Parameters
    ----------
    below, rows
        Number of rows of the layer below, and of the stage.
    """
    given, inputs = architecture.stages[stage], architecture.layer_maps[stage]
    if given.paired:
        return False
    taps = given.step**2 * given.kernel**2 * given.filters
    gathered = rows * inputs * given.width**2 * (GATHERED + given.step**2 * given.filters)
    return rows * taps * GATHERED + below * inputs * given.kernel**2 * given.filters < gathered


def pair_rows(network: Network, stage: int, columns: Array, rows: int) -> Callable[[IntArray], Array]:  # noqa: ARG001
    """As ``stage_rows`` for the last stage, split by pair: g · u(s*) of each pair, then g · bias of each filter.

    Rows are (A·B + B, J, N). With paired wiring the bias belongs to its pair, and the last B are 0.
    """
    given, (inputs, filters) = network.architecture.stages[stage], network.architecture.pairs
    bias, shared = network.bias(stage)[:, None], network.filter_bias[:, None]
    kernels = network.cell_kernels(stage, by_input=True)
    images = columns.shape[2]

    def make(index: IntArray) -> Array:
        count = index.shape[1]
        made = np.empty((inputs * filters + filters, count, images), network.dtype)
        size = max(1, CHUNK // (inputs * images * max(len(index), given.step**2 * filters)))
        for at in range(0, count, size):
            taken = columns.take(index[:, at : at + size], axis=1, mode="clip").reshape(inputs, len(index), -1)
            responses = (kernels @ taken).reshape(inputs, given.step**2, filters, -1)
            if given.paired:
                responses += bias
                convolved = responses
            else:
                convolved = responses.sum(0, keepdims=True) + bias
            gates = convolved.max(1) > 0
            winners = np.broadcast_to(ties.first(convolved, 1)[:, None], (inputs, 1, *convolved.shape[2:]))
            passed = gates * np.take_along_axis(responses, winners, 1)[:, 0]
            made[: inputs * filters, at : at + size] = passed.reshape(inputs * filters, -1, images)
            made[inputs * filters :, at : at + size] = (gates[0] * shared).reshape(filters, -1, images)
        return made

    return make
