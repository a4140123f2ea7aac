"""Predictions with a region hidden, computed from what the region changes alone. Exact (docs/mathematics.md, 3).

Hiding a region changes few outputs of a convolution. The change is a linear function of the hidden pixels, so one small
matrix product on a window updates the convolution. The window is then pooled again.

All windows of a layer have one size. A window at the edge of a map reaches into a margin of zeros around the map. No
cell of the margin contributes to a logit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE, POOL, Architecture
from konkyo.models.network import Array, IntArray, Network, max_pool
from konkyo.models.regions import Regions

# Number of hidden images in one batch. Their windows must fit into the cache.
CHUNK = 1024


@dataclass(frozen=True)
class ReceptiveRange:
    """The pool cells that a change of the inputs can affect, along one axis.

    Between the inputs and the cells are a valid convolution and a 2×2 pool.

    Attributes
    ----------
    first
        (R,): the first affected cell of each region. It is negative where that cell is in the margin before the map.
    cells
        Number of affected cells: the maximum over the regions.
    shift
        (R,), 0 or 1: index of the first changed output of the convolution within the window.
    """

    first: IntArray
    cells: int
    shift: IntArray

    @classmethod
    def of(cls, start: IntArray, width: int, kernel: int) -> "ReceptiveRange":
        """The range of a change in ``width`` inputs from ``start`` (R,) on."""
        changed = start - (kernel - 1)
        first = changed // POOL
        last = (start + width - 1) // POOL
        return cls(first, int((last - first).max()) + 1, changed - POOL * first)


class Stage:
    """A convolution with its pool, updated on the window of each region.

    Parameters
    ----------
    kernels
        (I, O, k, k): one kernel for each input map and output map.
    maps
        Number of output maps: O, or a multiple of O where groups of input maps share the kernels.
    affected
        The windows, which are the same along rows and columns.
    width
        Side of the square of changed inputs.
    side
        Side of the pooled map.
    """

    def __init__(self, kernels: Array, maps: int, affected: ReceptiveRange, width: int, side: int) -> None:
        self.cells, self.maps = affected.cells, maps
        self._margin = max(0, -int(affected.first.min()))
        self._inner = slice(self._margin, self._margin + side)
        self._side = self._margin + max(side, int(affected.first.max()) + affected.cells)
        self._corner: IntArray = affected.first + self._margin
        self._within = {scale: self._cells_within(scale) for scale in (1, POOL)}
        # The index of each cell in the map without its margin. All cells of the margin get one index behind the last.
        unpadded = np.full((maps, self._side, self._side), maps * side**2)
        unpadded[:, self._inner, self._inner] = np.arange(maps * side**2).reshape(maps, side, side)
        self._unpadded = unpadded.ravel()
        # The alignment of a region is its shift along both axes, as one number: 0…3.
        self.alignment = (affected.shift[:, None] * POOL + affected.shift).ravel()
        self._responses = {
            int(alignment): _impulse_responses(kernels, width, divmod(int(alignment), POOL), POOL * affected.cells)
            for alignment in np.unique(self.alignment)
        }

    def with_margin(self, maps: Array) -> Array:
        """Add the margin of zeros to maps before or after pooling: (N, maps, s, s) → (N, maps · S · S)."""
        scale = POOL if maps.shape[-1] > self._inner.stop - self._margin else 1
        inner = slice(self._inner.start * scale, self._inner.stop * scale)
        wide = np.zeros((*maps.shape[:2], self._side * scale, self._side * scale), maps.dtype)
        wide[:, :, inner, inner] = maps
        return wide.reshape(len(maps), maps.shape[1] * (self._side * scale) ** 2)

    def pooled(self, change: Array, conv: Array, image: IntArray, region: IntArray) -> Array:
        """The pooled window of each hidden image, after ReLU.

        Parameters
        ----------
        change
            (J, …): the change of the inputs in each of J hidden images.
        conv
            (N, …): the convolution of the whole images, with its margin.
        image, region
            (J,): the whole image and the region of each hidden image.

        Returns
        -------
        Array
            (J, maps · cells²).
        """
        window = np.take(conv, self._window_indices(POOL, region, image * conv.shape[1]))
        for jobs, alignment in _runs(self.alignment[region]):
            responses = self._responses[alignment]
            grouped = change[jobs].reshape(-1, len(responses))
            window[jobs] += (grouped @ responses).reshape(window[jobs].shape)
        side = POOL * self.cells
        pooled = max_pool(window.reshape(len(window), self.maps, side, side))
        return np.maximum(pooled, 0, out=pooled).reshape(len(window), -1)

    def gather(self, pool: Array, image: IntArray, region: IntArray) -> Array:
        """Take each window out of the pool of the whole images, which has its margin: (J, maps · cells²)."""
        windows: Array = np.take(pool, self._window_indices(1, region, image * pool.shape[1]))
        return windows

    def scatter(self, windows: Array, pool: Array, image: IntArray, region: IntArray) -> Array:
        """Put each window into a copy of its image's pool (N, maps · s²), which has no margin: (J, maps · s²)."""
        features = np.empty((len(region), pool.shape[1] + 1), pool.dtype)
        features[:, :-1] = pool[image]
        features[np.arange(len(region))[:, None], self._unpadded[self._window_indices(1, region)]] = windows
        return features[:, :-1]

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self._unpadded.nbytes + sum(responses.nbytes for responses in self._responses.values())

    def _window_indices(self, scale: int, region: IntArray, start: IntArray | int = 0) -> IntArray:
        """(J, maps · (scale · cells)²): flat indices of each region's window, counted from ``start``."""
        row, column = np.divmod(region, len(self._corner))
        corner = (self._corner[row] * (self._side * scale) + self._corner[column]) * scale + start
        indices: IntArray = corner[:, None] + self._within[scale]
        return indices

    def _cells_within(self, scale: int) -> IntArray:
        """(maps · (scale · cells)²,): flat indices of a window's cells, relative to its corner."""
        side, extent = self._side * scale, np.arange(self.cells * scale)
        within: IntArray = np.arange(self.maps)[:, None, None] * side**2 + extent[:, None] * side + extent
        return within.ravel()


class Occluder:
    """Predicts images with each region hidden in turn.

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
        range1, range2 = _receptive_ranges(shape, regions)
        self._stage1 = Stage(first, shape.conv1_filters, range1, regions.region, shape.pool1_side)
        self._stage2 = Stage(second, shape.maps, range2, range1.cells, shape.pool2_side)
        self._affine = np.ascontiguousarray(network.weights["affine.weight"].T)
        # Regions with the same alignments come one after another, so that one matrix product updates them.
        self._order = np.lexsort((self._stage2.alignment, self._stage1.alignment))

    def logits(self, images: Array, fill: float | Array) -> tuple[Array, Array, Array]:
        """The logits of whole images, and of each image with each region hidden.

        Parameters
        ----------
        images
            (N, 28, 28) in [0, 1].
        fill
            The grey value that replaces hidden pixels; or images (N, 28, 28) whose pixels replace them.

        Returns
        -------
        whole
            (N, C).
        hidden
            (N, R², C), regions row by row. Exactly ``whole`` for a region that already has the fill value.
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
            pooled = self._stage2.pooled(pooled - self._stage1.gather(pool1, i, r), conv2, i, r)
            features = self._stage2.scatter(pooled, pool2, i, r)
            hidden[i, r] = features @ self._affine + self.network.weights["affine.bias"]
        return whole, hidden, changed

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return self._stage1.nbytes + self._stage2.nbytes + self._affine.nbytes

    def _changes(self, images: Array, fill: float | Array) -> Array:
        """(N, R², region²): the change of each pixel of each region; 0 beyond the edge of the image."""
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
    """Number of multiply-adds for one hidden image: 5,598 for paired 3×3 and 2×2 regions; a forward pass has 53,550."""
    range1, range2 = _receptive_ranges(architecture, regions)
    conv1 = architecture.conv1_filters * (regions.region * POOL * range1.cells) ** 2
    conv2 = architecture.maps * architecture.kernels_per_filter * (range1.cells * POOL * range2.cells) ** 2
    return conv1 + conv2 + architecture.classes * architecture.maps * architecture.pool2_side**2


def _receptive_ranges(architecture: Architecture, regions: Regions) -> tuple[ReceptiveRange, ReceptiveRange]:
    """The cells of pool1 and of pool2 that each region affects."""
    first = ReceptiveRange.of(np.array(regions.starts), regions.region, architecture.conv1_kernel)
    return first, ReceptiveRange.of(first.first, first.cells, architecture.conv2_kernel)


def _impulse_responses(kernels: Array, width: int, shift: tuple[int, int], window: int) -> Array:
    """The response of a window of outputs to each of the inputs: (I · width², O · window²).

    Input (y, x) contributes to the output at (y, x) + shift + (k − 1) − tap, for each tap of the k×k kernel.
    """
    inputs, outputs, k, _ = kernels.shape
    responses = np.zeros((inputs, width, width, outputs, window, window), kernels.dtype)
    flipped = kernels[:, :, ::-1, ::-1]
    for y in range(width):
        for x in range(width):
            top, left = y + shift[0], x + shift[1]
            responses[:, y, x, :, top : top + k, left : left + k] = flipped[:, :, : window - top, : window - left]
    return responses.reshape(inputs * width**2, -1)


def _runs(values: IntArray) -> Iterator[tuple[slice, int]]:
    """The slice and the value of each run of equal values; there is at least one value."""
    bounds = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for start, stop in pairwise(bounds):
        yield slice(start, stop), int(values[start])
