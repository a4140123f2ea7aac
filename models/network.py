"""The network in numpy: the forward pass, and the forward pass with all intermediate results."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konkyo.models import steps, ties
from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture, Pool, PoolKind, Stage
from konkyo.models.classes import Names, numbered, wrong_names
from konkyo.models.errors import ImageError

Array = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]
T = TypeVar("T")

# Number of values in one batch of a forward pass. Larger batches leave the cache, smaller ones make products slow.
VALUES_AT_ONCE = 2**18
# Number of values that the cells of a convolution see, which are gathered at once.
STRIP = 2**21
# The first convolution is one product with a band matrix if the image's side is at most this many kernels.
BAND = 8


@dataclass(frozen=True)
class Trace:
    """All intermediate results of a forward pass. ``...`` is the shape of the batch, empty for one image.

    Attributes
    ----------
    stages
        The stages of the network.
    convolutions
        For each stage (..., maps, s, s), before the activation, with bias; without a convolution its input.
    layers
        For each stage its output (..., maps, s, s).
    hidden
        For each hidden affine layer its output (..., width), before the activation.
    logits
        (..., C).
    """

    stages: tuple[Stage, ...]
    convolutions: tuple[Array, ...]
    layers: tuple[Array, ...]
    hidden: tuple[Array, ...]
    logits: Array

    def batched(self, batch: tuple[int, ...]) -> "Trace":
        """The trace of N images as that of a batch of another shape."""
        if batch == self.logits.shape[:-1]:
            return self

        def shaped(arrays: tuple[Array, ...]) -> tuple[Array, ...]:
            return tuple(array.reshape(*batch, *array.shape[1:]) for array in arrays)

        [logits] = shaped((self.logits,))
        return Trace(self.stages, shaped(self.convolutions), shaped(self.layers), shaped(self.hidden), logits)

    @property
    def winners(self) -> IntArray:
        """(..., maps, s, s): where the last stage's outputs come from, as flat indices in its convolution's maps.

        A tie within rounding goes to the first.
        """
        return winners(self.stages[-1], self.convolutions[-1])


class Network:
    """A trained network.

    Parameters
    ----------
    architecture
        The architecture.
    weights
        One array for each name in ``architecture.tensor_shapes``, all float32 or all float64. They are copied. Their
        precision is that of all results.
    classes
        The names of the classes, in the order of the logits; by default their numbers.
    border
        (channels,): the value of the first stage's padding. It is not 0 where a network was trained on images whose
        mean was subtracted.

    Raises
    ------
    ValueError
        Names, shapes or dtypes do not match the architecture, or there are no such names of classes.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Mapping[str, Array],
        classes: Names | None = None,
        border: ArrayLike = 0.0,
    ) -> None:
        shapes = {name: array.shape for name, array in weights.items()}
        if shapes != architecture.tensor_shapes:
            raise ValueError(f"weights {shapes} do not match {architecture.tensor_shapes}")
        dtypes = {array.dtype for array in weights.values()}
        if len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
            raise ValueError("weights must be all float32 or all float64")
        self.classes = numbered(architecture.classes) if classes is None else classes
        wrong = wrong_names(self.classes)
        if wrong or len(self.classes) != architecture.classes:
            raise ValueError(f"classes: {wrong or f'must be {architecture.classes} names'}")
        self.architecture = architecture
        self.weights = {name: np.array(array) for name, array in weights.items()}
        for array in self.weights.values():
            array.flags.writeable = False
        self.dtype = self.weights["affine.weight"].dtype
        self.border = np.array(np.broadcast_to(np.asarray(border, self.dtype), architecture.channels))
        if not np.isfinite(self.border).all():
            raise ValueError("border must be finite")
        self.border.flags.writeable = False

    def astype(self, dtype: type[np.floating[Any]]) -> "Network":
        """The same network in another precision."""
        weights = {name: array.astype(dtype) for name, array in self.weights.items()}
        return Network(self.architecture, weights, self.classes, self.border)

    def logits(self, images: Array) -> Array:
        """The logits of each image.

        Parameters
        ----------
        images
            (..., 28, 28) in [0, 1], light ink on dark; (..., 3, side, side) for a network that takes colour.

        Returns
        -------
        Array
            (..., C).

        Raises
        ------
        ImageError
            Of another shape, or not finite.
        """
        flat, batch = self.flatten(images)
        logits = np.empty((len(flat), len(self.classes)), self.dtype)
        for start in range(0, len(flat), self._chunk):
            chunk = slice(start, start + self._chunk)
            *_, last = self._layers(flat[chunk])
            logits[chunk] = self.head(last[1].reshape(len(last[1]), self.architecture.features))
        return logits.reshape(*batch, len(self.classes))

    def trace(self, images: Array) -> Trace:
        """The forward pass with all intermediate results.

        Parameters
        ----------
        images
            As in ``logits``. The result takes about 20 kB for each image with 3 and 3 filters in float32.

        Raises
        ------
        ImageError
            Of another shape, or not finite.
        """
        flat, batch = self.flatten(images)
        return self.run(flat).batched(batch)

    def run(self, maps: Array) -> Trace:
        """As ``trace``, for checked images (N, channels, side, side)."""
        convolutions, layers = map(tuple, zip(*self._layers(maps), strict=True))
        values, hidden = layers[-1].reshape(len(maps), self.architecture.features), []
        for name, *_ in self.architecture.head[:-1]:
            hidden.append(self._affine(name, values))
            values = self._between(hidden[-1])
        logits = self._affine("affine", values)
        return Trace(self.architecture.stages, convolutions, layers, tuple(hidden), logits)

    def _layers(self, images: Array) -> Iterator[tuple[Array, Array]]:
        """The convolution and the output of each stage for images (N, channels, side, side)."""
        shape, made = self.architecture, {0: images}
        for number, stage in enumerate(shape.stages):
            maps, *others = [made[source] for source in shape.sources(number)]
            for other in others:
                maps = maps + other
            convolved = self.convolve(number, maps)
            made[number + 1] = pooled(stage, convolved)
            # A layer is kept as long as a later stage takes it.
            made = {layer: kept for layer, kept in made.items() if layer == number + 1 or layer in self._later[number]}
            yield convolved, made[number + 1]

    @cached_property
    def _later(self) -> list[set[int]]:
        """For each stage the layers that a later stage takes."""
        shape = self.architecture
        taken = [set(shape.sources(number)) for number in range(len(shape.stages))]
        return [set().union(*taken[number + 1 :]) for number in range(len(taken))]

    def check_shape(self, images: Array) -> None:
        """Raise ImageError for images of another shape."""
        shape = self.architecture.image_shape
        if images.shape[-len(shape) :] != shape:
            raise ImageError(f"an image must be {'×'.join(map(str, shape))}; got an array of shape {images.shape}")

    def flatten(self, images: Array) -> tuple[Array, tuple[int, ...]]:
        """Check images; return them as (N, channels, side, side) in the network's precision, and their batch's shape.

        Raises
        ------
        ImageError
            Of another shape, not floats, or not finite.
        """
        array, shape = np.asarray(images), self.architecture.image_shape
        self.check_shape(array)
        if array.dtype.kind != "f":
            raise ImageError(f"an image must hold floats in [0, 1], not {array.dtype}; divide bytes by 255")
        if not np.isfinite(array).all():
            raise ImageError("an image must be finite: it holds NaN or infinity")
        batch = array.shape[: array.ndim - len(shape)]
        flat = array.reshape(prod(batch), self.architecture.channels, *shape[-2:])
        return flat.astype(self.dtype, copy=False), batch

    def convolve(self, stage: int, maps: Array) -> Array:
        """The convolution of a stage, with bias, before the activation: (N, n, s, s) → (N, maps, o, o).

        Without a convolution these are the maps, with padding.
        """
        given, outputs = self.architecture.stages[stage], self.architecture.stages[stage].sides(maps.shape[-1])[0]
        padded = self._padded(stage, maps)
        if not given.kernel:
            return padded[..., : outputs * given.stride : given.stride, : outputs * given.stride : given.stride]
        bias = self.bias(stage)
        bias = bias if given.bias_map else bias[:, None, None]
        if stage == 0 and maps.shape[1] == given.stride == 1 and maps.shape[-1] <= BAND * given.kernel:
            # (N, o, k · side): the rows of pixels that each row of outputs sees stand one after another in the image.
            padded = np.ascontiguousarray(padded)
            image, _, row, pixel = padded.strides
            shape = (len(maps), outputs, len(self._band))
            seen: Array = np.ndarray(shape, self.dtype, padded, strides=(image, row, pixel)).copy()
            by_row = seen.reshape(len(maps) * outputs, len(self._band)) @ self._band
            by_filter = by_row.reshape(len(maps), outputs, given.filters, outputs).swapaxes(1, 2)
            return np.add(by_filter, bias, order="C")
        groups, inputs, filters = self.architecture.groups(stage)
        kernels = self.kernels(stage).reshape(-1, filters, inputs * given.kernel**2)
        strips = [
            kernels @ windows.reshape(len(maps), groups, inputs * given.kernel**2, windows.shape[-1])
            for _, windows in self.windows(stage, maps)
        ]
        made = strips[0] if len(strips) == 1 else np.concatenate(strips, axis=3)
        shared = groups if given.paired else 1
        whole = made.reshape(len(maps), shared, groups // shared * filters, outputs, outputs)
        whole += bias
        return whole.reshape(len(maps), groups * filters, outputs, outputs)

    def windows(self, stage: int, maps: Array) -> Iterator[tuple[slice, Array]]:
        """What each output of a stage's convolution sees of each map, some rows of outputs at a time.

        Yields
        ------
        slice, Array
            Rows of outputs, and (N, n, k², rows · o) for maps (N, n, s, s).
        """
        given = self.architecture.stages[stage]
        kernel, stride = max(given.kernel, 1), given.stride
        outputs = given.sides(maps.shape[-1])[0]
        filters = max(1, given.filters // given.groups)
        padded = np.ascontiguousarray(self._padded(stage, maps))
        image, of_map, row, column = padded.strides
        # A view (N, n, k, k, o, o): the cells of each window, and behind them the windows.
        every: Array = np.ndarray(
            (*maps.shape[:2], kernel, kernel, outputs, outputs),
            self.dtype,
            padded,
            strides=(image, of_map, row, column, stride * row, stride * column),
        )
        at_once = max(1, STRIP // (max(1, len(maps)) * maps.shape[1] * kernel**2 * outputs))
        for first in range(0, outputs, at_once):
            rows = slice(first, min(first + at_once, outputs))
            steps.done(maps.shape[0] * maps.shape[1] * filters * kernel**2 * outputs * (rows.stop - first))
            yield rows, every[..., rows, :].reshape(*maps.shape[:2], kernel**2, (rows.stop - rows.start) * outputs)

    def _padded(self, stage: int, maps: Array) -> Array:
        """Maps with the stage's padding around them."""
        given = self.architecture.stages[stage]
        before, behind = given.padding, max(given.behind, 0)
        if not before and not behind:
            return maps
        count, n, side, _ = maps.shape
        padded = np.empty((count, n, before + side + behind, before + side + behind), self.dtype)
        padded[...] = self.border[:, None, None] if 0 in self.architecture.sources(stage) else 0
        padded[..., before : before + side, before : before + side] = maps
        return padded

    def head(self, features: Array) -> Array:
        """The logits for what reaches the head: (..., maps · cells) → (..., C)."""
        return self.after_first(features @ self.first_affine.T)

    def after_first(self, values: Array) -> Array:
        """The logits for products (..., h) with the first affine layer's weights, without its bias."""
        (first, *_), *others = self.architecture.head
        values = values + self.weights[f"{first}.bias"]
        for name, *_ in others:
            values = self._affine(name, self._between(values))
        return values

    def _between(self, values: Array) -> Array:
        """A hidden affine layer's outputs behind the activation."""
        return activation(self.architecture.activation)(values)

    def linear_head(self, hidden: tuple[Array, ...]) -> tuple[Array, Array]:
        """The weights (N, C, maps, cells) and biases (N, C) that the head amounts to with factors fixed.

        Parameters
        ----------
        hidden
            The hidden layers' outputs (N, width) before the activation, which decide the factors. Without hidden layers
            N is 1.
        """
        # From the classes down: the products are never wider than a layer.
        weight, bias = self.weights["affine.weight"][None], self.weights["affine.bias"][None]
        between = activation(self.architecture.activation)
        for (name, *_), values in zip(self.architecture.head[-2::-1], hidden[::-1], strict=True):
            if between.rest:
                bias = bias + between.rest * weight.sum(-1)
            weight = weight * between.factor(values)[:, None]
            bias = bias + weight @ self.weights[f"{name}.bias"]
            if name != "hidden1":
                weight = weight @ self.weights[f"{name}.weight"]
        if not hidden:
            return self.fine_affine[None], bias
        first = self.fine_affine
        by_map = weight @ first.reshape(len(first), -1)
        return by_map.reshape(*weight.shape[:2], *first.shape[1:]), bias

    def kernels(self, stage: int) -> Array:
        """(filters, inputs of a group, k, k): the kernels of a stage; with paired wiring there is one input.

        Without a convolution it is a kernel of one cell, 1.
        """
        if not self.architecture.stages[stage].kernel:
            return np.ones((1, 1, 1, 1), self.dtype)
        return self.weights[f"conv{stage + 1}.weight"]

    def bias(self, stage: int) -> Array:
        """(filters,): the bias of a stage's filters, or a map of it, (filters, o, o); zeros if it has none."""
        bias = self.weights.get(f"conv{stage + 1}.bias")
        return np.zeros(self.architecture.stages[stage].filters, self.dtype) if bias is None else bias

    @cached_property
    def first_affine(self) -> Array:
        """(h, maps · cells): the first affine layer; without hidden layers, that of the classes."""
        return self.weights[f"{self.architecture.head[0][0]}.weight"]

    @cached_property
    def fine_affine(self) -> Array:
        """(h, maps, cells): the first affine layer for the cells of ``Architecture.fine``."""
        shape, weight = self.architecture, self.first_affine.reshape(len(self.first_affine), self.architecture.maps, -1)
        if shape.fine is shape:
            return weight
        pool, places, pooled_side = shape.stages[-1].pool, shape.fine.sides[-1], shape.sides[-1]
        assert pool is not None  # noqa: S101 - a mean pool made the difference
        if pooled_side == 1:
            # Where the pool takes the whole map, all cells share one weight.
            inside = np.zeros((places, places), self.dtype)
            inside[: pool.side, : pool.side] = 1
            if inside.all():
                return np.broadcast_to(weight / self.dtype.type(places**2), (*weight.shape[:2], places**2))
        made = np.zeros((*weight.shape[:2], places, places), self.dtype)
        grid = weight.reshape(*weight.shape[:2], pooled_side, pooled_side) / self.dtype.type(pool.side**2)
        ends = pooled_side * pool.stride
        for row, column in np.ndindex(pool.side, pool.side):
            made[:, :, row : row + ends : pool.stride, column : column + ends : pool.stride][
                ..., :pooled_side, :pooled_side
            ] += grid
        return made.reshape(*weight.shape[:2], -1)

    @cached_property
    def cell_weights(self) -> Array:
        """(cells, maps, h): the first affine layer, by cell of ``Architecture.fine``; shared where cells share it."""
        by_cell = self.fine_affine.transpose(2, 1, 0)
        if by_cell.strides[0] == 0:
            return np.broadcast_to(np.ascontiguousarray(by_cell[0]), by_cell.shape)
        return np.ascontiguousarray(by_cell)

    def first(self, cells: slice, features: Array) -> Array:
        """What some cells (maps, cells, K) add to the first affine layer: (K, h)."""
        weights = self.fine_affine[:, :, cells]
        if weights.strides[2] == 0:
            added: Array = features.sum(1).T @ weights[:, :, 0].T
            return added
        made: Array = features.reshape(-1, features.shape[2]).T @ weights.reshape(len(weights), -1).T
        return made

    def once(self, make: Callable[["Network", int], T], stage: int) -> T:
        """What ``make`` makes of the network and a stage: it is made once, and kept with the network."""
        if (make, stage) not in self._made:
            self._made[make, stage] = make(self, stage)
        made: T = self._made[make, stage]
        return made

    @cached_property
    def _made(self) -> dict[tuple[Callable[..., Any], int], Any]:
        return {}

    def _affine(self, name: str, values: Array) -> Array:
        made: Array = values @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return made

    @cached_property
    def _chunk(self) -> int:
        """Images in one batch of a forward pass."""
        shape = self.architecture
        widest = 1
        for number, stage in enumerate(shape.stages):
            below, side = shape.below(number)
            seen = stage.kernel**2 * (below if number else 1)
            widest = max(widest, stage.sides(side)[0] ** 2 * max(shape.layer_maps[number + 1], seen))
        return max(1, min(32, VALUES_AT_ONCE // widest))

    @cached_property
    def _band(self) -> Array:
        """(k · side, A · o): the linear map from k rows of pixels to one row of every map of the first convolution.

        It is mostly zeros. Where kernels are large, one product with it is faster than gathering each output's pixels.
        """
        stage = self.architecture.stages[0]
        kernels, outputs = self.kernels(0)[:, 0], stage.sides(self.architecture.side)[0]
        filters, k, _ = kernels.shape
        band = np.zeros((k, outputs + k - 1, filters, outputs), self.dtype)
        for column in range(outputs):
            band[:, column : column + k, :, column] = kernels.transpose(1, 2, 0)
        return band.reshape(-1, filters * outputs)


def softmax(logits: Array) -> Array:
    """The probabilities (..., C) for logits (..., C)."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def pooled(stage: Stage, convolved: Array) -> Array:
    """The output of a stage for its convolution: (..., o, o) → (..., s, s)."""
    before, after = activation(stage.activation), activation(stage.after)
    if stage.pool is None:
        return after(before(convolved))
    values = convolved if stage.commutes else before(convolved)
    # First along rows, then along columns. A pool of 2 needs no more than its two places.
    for axis in (-2, -1):
        cells = (values.shape[axis] - stage.pool.side) // stage.pool.stride + 1
        some = [_every(values, axis, place, cells, stage.pool.stride) for place in range(stage.pool.side)]
        values = np.add(*some[:2]) if stage.mean else np.maximum(*some[:2])
        for other in some[2:]:
            (np.add if stage.mean else np.maximum)(values, other, out=values)
    if stage.mean:
        values *= values.dtype.type(1 / stage.pool.side**2)
    if stage.commutes:
        values = before(values, values)
    return after(values, values)


def winners(stage: Stage, convolved: Array) -> IntArray:
    """Where a stage's outputs come from: (..., o, o) → (..., s, s), as in ``Trace.winners``."""
    side, pool = convolved.shape[-1], stage.pool
    if pool is None or pool.kind is PoolKind.MEAN:
        return np.broadcast_to(np.arange(side**2).reshape(side, side), convolved.shape)
    cells = (side - pool.side) // pool.stride + 1
    values = convolved if stage.commutes else activation(stage.activation)(convolved)
    places = np.empty((pool.side**2, *values.shape[:-2], cells, cells), values.dtype)
    for number, (row, column) in enumerate(np.ndindex(pool.side, pool.side)):
        places[number] = _every(_every(values, -2, row, cells, pool.stride), -1, column, cells, pool.stride)
    corner, place = _places(side, cells, pool)
    found: IntArray = corner + place[ties.first(places, 0)]
    return found


@lru_cache(maxsize=64)
def _places(side: int, cells: int, pool: Pool) -> tuple[IntArray, IntArray]:
    """The corner of each cell's pool (cells, cells), and its places from there, as flat indices in a map."""
    corner = pool.stride * (np.arange(cells)[:, None] * side + np.arange(cells))
    along = np.arange(pool.side)
    return corner, (along[:, None] * side + along).ravel()


def _every(values: Array, axis: int, start: int, count: int, stride: int) -> Array:
    """Of an axis ``count`` places, ``stride`` apart."""
    places = slice(start, start + (count - 1) * stride + 1, stride)
    return values[(..., places, slice(None))] if axis == -2 else values[..., places]
