"""What the network predicts when a region is hidden, recomputing only what the region can change.

Exact; docs/mathematics.md, 3.

Hiding a region changes few outputs of a convolution, and these by a linear function of the hidden pixels. So each
convolution is brought up to date by one small matrix product on a window, and each pool by pooling its window again.
Windows are as wide for a region at the edge as for one in the middle; the maps get a margin for that, and no cell of
the margin reaches a logit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from models.architecture import CLASSES, IMAGE_SIDE, POOL, Architecture
from models.network import Array, IntArray, Network, max_pool
from models.regions import Regions

# Hidden pictures that are worked on at once: few enough for their windows to stay in the cache.
CHUNK = 1024


@dataclass(frozen=True)
class Reach:
    """The pool cells that a change can reach through a valid convolution and a 2×2 pool, along one axis.

    Attributes
    ----------
    first
        (R,): the first such cell for each region; below 0 where it lies before the map.
    cells
        How many cells: the most that any region needs.
    shift
        (R,), 0 or 1: how far the first output that changes lies behind the first output of the window.
    """

    first: IntArray
    cells: int
    shift: IntArray

    @classmethod
    def of(cls, start: IntArray, width: int, kernel: int) -> "Reach":
        """Of changes in ``width`` inputs from ``start`` (R,) on."""
        changed = start - (kernel - 1)
        first = changed // POOL
        last = (start + width - 1) // POOL
        return cls(first, int((last - first).max()) + 1, changed - POOL * first)


class Stage:
    """A convolution and its pool, brought up to date on the window of each region.

    Parameters
    ----------
    kernels
        (I, O, k, k): from each input map to each output map.
    maps
        Output maps in all: O, or more where groups of input maps share the kernels.
    reach
        Where the windows are; rows and columns alike.
    width
        Side of the square of inputs that change.
    side
        Side of the pooled map.
    """

    def __init__(self, kernels: Array, maps: int, reach: Reach, width: int, side: int) -> None:
        self.cells, self.maps = reach.cells, maps
        self._margin = max(0, -int(reach.first.min()))
        self._inner = slice(self._margin, self._margin + side)
        self._side = self._margin + max(side, int(reach.first.max()) + reach.cells)
        self._corner: IntArray = reach.first + self._margin
        self._within = {scale: self._cells_within(scale) for scale in (1, POOL)}
        # Where the cells of a pool with its margin stand in one without; those of the margin share a place at the end.
        bare = np.full((maps, self._side, self._side), maps * side**2)
        bare[:, self._inner, self._inner] = np.arange(maps * side**2).reshape(maps, side, side)
        self._bare = bare.ravel()
        # What a change adds to a window depends on how the two lie to each other: four ways at most.
        self.lies = (reach.shift[:, None] * POOL + reach.shift).ravel()
        self._spread = {
            int(way): _spread(kernels, width, divmod(int(way), POOL), POOL * reach.cells)
            for way in np.unique(self.lies)
        }

    def with_margin(self, maps: Array) -> Array:
        """(N, maps, s, s), pooled or not yet, → (N, maps · S · S) with a margin of zeros."""
        scale = POOL if maps.shape[-1] > self._inner.stop - self._margin else 1
        inner = slice(self._inner.start * scale, self._inner.stop * scale)
        wide = np.zeros((*maps.shape[:2], self._side * scale, self._side * scale), maps.dtype)
        wide[:, :, inner, inner] = maps
        return wide.reshape(len(maps), maps.shape[1] * (self._side * scale) ** 2)

    def pooled(self, change: Array, conv: Array, image: IntArray, region: IntArray) -> Array:
        """What the pool holds in each window after a change of the inputs, ReLU applied.

        Parameters
        ----------
        change
            (J, …): of the inputs, for J hidden pictures.
        conv
            (N, …): the whole pictures' convolution, with its margin.
        image, region
            (J,): which whole picture, which region.

        Returns
        -------
        Array
            (J, maps · cells²).
        """
        window = np.take(conv, self._places(POOL, region, image * conv.shape[1]))
        for jobs, way in _runs(self.lies[region]):
            spread = self._spread[way]
            grouped = change[jobs].reshape(-1, len(spread))
            window[jobs] += (grouped @ spread).reshape(window[jobs].shape)
        side = POOL * self.cells
        pooled = max_pool(window.reshape(len(window), self.maps, side, side))
        return np.maximum(pooled, 0, out=pooled).reshape(len(window), -1)

    def look(self, pool: Array, image: IntArray, region: IntArray) -> Array:
        """(J, maps · cells²): what the whole picture's pool, with its margin, holds in each window."""
        held: Array = np.take(pool, self._places(1, region, image * pool.shape[1]))
        return held

    def placed(self, windows: Array, pool: Array, image: IntArray, region: IntArray) -> Array:
        """(J, maps · s²): the whole picture's pool (N, maps · s²), without margin, with each window put into it."""
        features = np.empty((len(region), pool.shape[1] + 1), pool.dtype)
        features[:, :-1] = pool[image]
        features[np.arange(len(region))[:, None], self._bare[self._places(1, region)]] = windows
        return features[:, :-1]

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self._bare.nbytes + sum(spread.nbytes for spread in self._spread.values())

    def _places(self, scale: int, region: IntArray, start: IntArray | int = 0) -> IntArray:
        """(J, maps · (scale · cells)²): where each region's window lies in a row of maps, after ``start``."""
        row, column = np.divmod(region, len(self._corner))
        corner = (self._corner[row] * (self._side * scale) + self._corner[column]) * scale + start
        places: IntArray = corner[:, None] + self._within[scale]
        return places

    def _cells_within(self, scale: int) -> IntArray:
        """(maps · (scale · cells)²,): where the cells of a window lie, from its corner."""
        side, extent = self._side * scale, np.arange(self.cells * scale)
        within: IntArray = np.arange(self.maps)[:, None, None] * side**2 + extent[:, None] * side + extent
        return within.ravel()


class Occluder:
    """Reads pictures with each region hidden in turn.

    Parameters
    ----------
    network
        Its precision is that of the logits.
    regions
        What is hidden.
    """

    def __init__(self, network: Network, regions: Regions) -> None:
        self.network, self.regions = network, regions
        shape = network.architecture
        first = network.weights["conv1.weight"].swapaxes(0, 1)
        second = network.weights["conv2.weight"].swapaxes(0, 1)
        reach1, reach2 = _reaches(shape, regions)
        self._stage1 = Stage(first, shape.conv1_filters, reach1, regions.region, shape.pool1_side)
        self._stage2 = Stage(second, shape.maps, reach2, reach1.cells, shape.pool2_side)
        self._affine = np.ascontiguousarray(network.weights["affine.weight"].T)
        # Hidden pictures whose windows lie alike are brought up to date together.
        self._order = np.lexsort((self._stage2.lies, self._stage1.lies))

    def logits(self, images: Array, fill: float | Array) -> tuple[Array, Array, Array]:
        """The scores of whole pictures, and of each with every region hidden.

        Parameters
        ----------
        images
            (N, 28, 28) in [0, 1].
        fill
            The grey that hides, or pictures (N, 28, 28) that are seen in the regions instead: what is hidden with
            another picture shows it.

        Returns
        -------
        whole
            (N, 10).
        hidden
            (N, R², 10), regions row by row. Where a region already has the fill value, exactly ``whole``.
        changed
            (N, R²): whether hiding changed any pixel.

        Raises
        ------
        ImageError
            Not 28×28, or not finite.
        """
        flat, _ = self.network.flatten(images)
        conv1, pool1, _, conv2 = self.network.layers(flat)
        pool2 = np.maximum(max_pool(conv2), 0).reshape(len(flat), len(self._affine))
        whole = pool2 @ self._affine + self.network.weights["affine.bias"]
        conv1, pool1 = self._stage1.with_margin(conv1), self._stage1.with_margin(pool1)
        conv2 = self._stage2.with_margin(conv2)
        change = self._changes(images, fill)
        changed = (change != 0).any(-1)
        hidden = np.repeat(whole[:, None], change.shape[1], axis=1)

        position, image = np.nonzero(changed[:, self._order].T)
        region = self._order[position]
        for start in range(0, len(region), CHUNK):
            i, r = image[start : start + CHUNK], region[start : start + CHUNK]
            pooled = self._stage1.pooled(change[i, r], conv1, i, r)
            pooled = self._stage2.pooled(pooled - self._stage1.look(pool1, i, r), conv2, i, r)
            features = self._stage2.placed(pooled, pool2, i, r)
            hidden[i, r] = features @ self._affine + self.network.weights["affine.bias"]
        return whole, hidden, changed

    @property
    def nbytes(self) -> int:
        """Memory held."""
        return self._stage1.nbytes + self._stage2.nbytes + self._affine.nbytes

    def _changes(self, images: Array, fill: float | Array) -> Array:
        """(N, R², region²): what hiding adds to each pixel of each region; 0 past the edge."""
        side = IMAGE_SIDE + self.regions.region
        wide = np.zeros((len(images), side, side), self.network.dtype)
        wide[:, :IMAGE_SIDE, :IMAGE_SIDE] = np.asarray(fill, self.network.dtype) - images
        changes: Array = wide.reshape(len(images), side * side)[:, self._pixels]
        return changes

    @cached_property
    def _pixels(self) -> IntArray:
        side, start = IMAGE_SIDE + self.regions.region, np.array(self.regions.starts)
        corners: IntArray = (start[:, None] * side + start).reshape(-1, 1)
        extent = np.arange(self.regions.region)
        return corners + (extent[:, None] * side + extent).ravel()


def multiply_adds(architecture: Architecture, regions: Regions) -> int:
    """Of one hidden image this way: 5,598 for paired 3×3 and the paper's regions, where a forward pass has 53,550."""
    reach1, reach2 = _reaches(architecture, regions)
    conv1 = architecture.conv1_filters * (regions.region * POOL * reach1.cells) ** 2
    conv2 = architecture.maps * architecture.kernels_per_filter * (reach1.cells * POOL * reach2.cells) ** 2
    return conv1 + conv2 + CLASSES * architecture.maps * architecture.pool2_side**2


def _reaches(architecture: Architecture, regions: Regions) -> tuple[Reach, Reach]:
    """What each region changes in pool1, and in pool2."""
    first = Reach.of(np.array(regions.starts), regions.region, architecture.conv1_kernel)
    return first, Reach.of(first.first, first.cells, architecture.conv2_kernel)


def _spread(kernels: Array, width: int, shift: tuple[int, int], window: int) -> Array:
    """(I · width², O · window²): what a change of the inputs adds to a window of the outputs.

    Input (y, x) reaches the output at (y, x) + shift + (k − 1) − tap, for each tap of the k×k kernel.
    """
    inputs, outputs, k, _ = kernels.shape
    spread = np.zeros((inputs, width, width, outputs, window, window), kernels.dtype)
    turned = kernels[:, :, ::-1, ::-1]
    for y in range(width):
        for x in range(width):
            top, left = y + shift[0], x + shift[1]
            spread[:, y, x, :, top : top + k, left : left + k] = turned[:, :, : window - top, : window - left]
    return spread.reshape(inputs * width**2, -1)


def _runs(values: IntArray) -> Iterator[tuple[slice, int]]:
    """Where equal values stand together, and which; there is at least one."""
    bounds = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for start, stop in pairwise(bounds):
        yield slice(start, stop), int(values[start])
