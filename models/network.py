"""The network in numpy: the forward pass, and the forward pass with all intermediate results."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konkyo.models import ties
from konkyo.models.architecture import POOL, Architecture, Stage
from konkyo.models.classes import Names, numbered, wrong_names
from konkyo.models.errors import ImageError

Array = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]

# Number of values in one batch of a forward pass. Larger batches leave the cache, smaller ones make products slow.
CHUNK = 2**18
# The first convolution is one product with a band matrix if the image's side is at most this many kernels.
BAND = 8


@dataclass(frozen=True)
class Trace:
    """All intermediate results of a forward pass. ``...`` is the shape of the batch, empty for one image.

    ReLU is applied after the pools. The two commute, and explanations need the winners before ReLU.

    Attributes
    ----------
    stages
        The stages of the network.
    convolutions
        For each stage (..., maps, s, s), before ReLU, with bias.
    layers
        For each stage its output (..., maps, s, s), after ReLU.
    hidden
        For each hidden affine layer its output (..., width), before ReLU.
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
            logits[chunk] = self.after(0, self.convolve(0, flat[chunk]))
        return logits.reshape(*batch, len(self.classes))

    def after(self, stage: int, convolved: Array) -> Array:
        """The logits (N, C) for the outputs (N, maps, o, o) of a stage's convolution before ReLU."""
        maps = pooled(self.architecture.stages[stage], convolved)
        for number in range(stage + 1, len(self.architecture.stages)):
            maps = pooled(self.architecture.stages[number], self.convolve(number, maps))
        return self.head(maps.reshape(len(maps), self.architecture.features))

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
        convolutions, layers, hidden = [], [], []
        for number, stage in enumerate(self.architecture.stages):
            convolutions.append(self.convolve(number, maps))
            maps = pooled(stage, convolutions[-1])
            layers.append(maps)
        values = maps.reshape(len(maps), self.architecture.features)
        for name, *_ in self.architecture.head[:-1]:
            hidden.append(self._affine(name, values))
            values = np.maximum(hidden[-1], 0)
        return Trace(
            self.architecture.stages,
            tuple(convolutions),
            tuple(layers),
            tuple(hidden),
            self._affine("affine", values),
        )

    def flatten(self, images: Array) -> tuple[Array, tuple[int, ...]]:
        """Check images; return them as (N, channels, side, side) in the network's precision, and their batch's shape.

        Raises
        ------
        ImageError
            Of another shape, not floats, or not finite.
        """
        array, shape = np.asarray(images), self.architecture.image_shape
        if array.shape[-len(shape) :] != shape:
            raise ImageError(f"an image must be {'×'.join(map(str, shape))}; got an array of shape {array.shape}")
        if array.dtype.kind != "f":
            raise ImageError(f"an image must hold floats in [0, 1], not {array.dtype}; divide bytes by 255")
        if not np.isfinite(array).all():
            raise ImageError("an image must be finite: it holds NaN or infinity")
        batch = array.shape[: array.ndim - len(shape)]
        flat = array.reshape(prod(batch), self.architecture.channels, *shape[-2:])
        return flat.astype(self.dtype, copy=False), batch

    def convolve(self, stage: int, maps: Array) -> Array:
        """The convolution of a stage, with bias, before ReLU: (N, n, s, s) → (N, maps, o, o)."""
        given, below = self.architecture.stages[stage], maps.shape[1]
        outputs = given.sides(maps.shape[-1])[0]
        bias = self.bias(stage)[:, None, None]
        if stage == 0 and below == 1 and maps.shape[-1] <= BAND * given.kernel:
            wide = self._padded_first(maps)[:, 0]
            seen = np.stack([wide[:, row : row + outputs] for row in range(given.kernel)], axis=2)
            rows = seen.reshape(len(maps) * outputs, len(self._band)) @ self._band
            made = rows.reshape(len(maps), outputs, given.filters, outputs).swapaxes(1, 2)
            return np.add(made, bias, order="C")
        windows = self.windows(stage, maps)
        kernels = self.kernels(stage).reshape(given.filters, -1)
        if given.paired:
            windows = windows.reshape(len(maps) * below, given.kernel**2, outputs**2)
        else:
            windows = windows.reshape(len(maps), below * given.kernel**2, outputs**2)
        made = (kernels @ windows).reshape(-1 if windows.size else 0, given.filters, outputs, outputs) + bias
        return made.reshape(len(maps), self.architecture.layer_maps[stage + 1], outputs, outputs)

    def windows(self, stage: int, maps: Array) -> Array:
        """What each output of a stage's convolution sees of each map: (N, n, s, s) → (N, n, k², o²)."""
        given, near = self.architecture.stages[stage], self.architecture.near(stage, pooled=False)
        flat = maps.reshape(*maps.shape[:2], maps.shape[2] ** 2)
        if given.padding:
            border = self.border[:, None] if stage == 0 else np.zeros((1, 1), self.dtype)
            flat = np.concatenate([flat, np.broadcast_to(border, (*flat.shape[:2], 1))], axis=2)
        taken: Array = flat.take(near, axis=2)
        return taken

    def head(self, features: Array) -> Array:
        """The logits for what reaches the head: (..., maps · cells) → (..., C)."""
        return self.after_first(features @ self.first_affine.T)

    def after_first(self, values: Array) -> Array:
        """The logits for products (..., h) with the first affine layer's weights, without its bias."""
        (first, *_), *others = self.architecture.head
        values = values + self.weights[f"{first}.bias"]
        for name, *_ in others:
            values = self._affine(name, np.maximum(values, 0))
        return values

    def linear_head(self, hidden: tuple[Array, ...]) -> tuple[Array, Array]:
        """The weights (N, C, maps · cells) and biases (N, C) that the head amounts to with gates fixed.

        Parameters
        ----------
        hidden
            The hidden layers' outputs (N, width) before ReLU, which decide the gates. Without hidden layers N is 1.
        """
        # From the classes down: the products are never wider than a layer.
        weight, bias = self.weights["affine.weight"][None], self.weights["affine.bias"][None]
        for (name, *_), values in zip(self.architecture.head[-2::-1], hidden[::-1], strict=True):
            gated = weight * (values > 0)[:, None]
            bias = bias + gated @ self.weights[f"{name}.bias"]
            weight = gated @ self.weights[f"{name}.weight"]
        return weight, bias

    def kernels(self, stage: int) -> Array:
        """(filters, inputs, k, k): the kernels of a stage; with paired wiring there is one input."""
        return self.weights[f"conv{stage + 1}.weight"]

    def bias(self, stage: int) -> Array:
        """(filters,): the bias of a stage's filters; zeros if it has none."""
        zeros = np.zeros(self.architecture.stages[stage].filters, self.dtype)
        return self.weights.get(f"conv{stage + 1}.bias", zeros)

    @property
    def pair_bias(self) -> Array:
        """(A, B): the last stage's bias with paired wiring, where each pair has its own; zeros with summed wiring."""
        bias = self.bias(len(self.architecture.stages) - 1)
        return np.broadcast_to(bias * self.architecture.stages[-1].paired, self.architecture.pairs)

    @property
    def filter_bias(self) -> Array:
        """(B,): the last stage's bias with summed wiring, where a filter's pairs share it; zeros with paired wiring."""
        return self.bias(len(self.architecture.stages) - 1) * (not self.architecture.stages[-1].paired)

    @cached_property
    def first_affine(self) -> Array:
        """(h, maps · cells): the first affine layer; without hidden layers, that of the classes."""
        return self.weights[f"{self.architecture.head[0][0]}.weight"]

    def cell_kernels(self, stage: int, *, by_input: bool = False) -> Array:
        """From the square that a cell of a stage sees to each place of its pool.

        Returns
        -------
        Array
            (1, step² · filters, n · width²); (1, step² · filters, width²) with paired wiring, where each of the n input
            maps has the same kernels. ``by_input`` splits the first by input map: (n, step² · filters, width²).
        """
        if (stage, by_input) not in self._cell_kernels:
            given, weight = self.architecture.stages[stage], self.kernels(stage)
            k, width = given.kernel, given.width
            kernels: Array = np.zeros(
                (weight.shape[1], given.step, given.step, given.filters, width, width), self.dtype
            )
            for row, column in np.ndindex(given.step, given.step):
                kernels[:, row, column, :, row : row + k, column : column + k] = weight.swapaxes(0, 1)
            kernels = kernels.reshape(weight.shape[1], -1, width**2)
            if not by_input:
                kernels = kernels.swapaxes(0, 1).reshape(1, kernels.shape[1], -1)
            self._cell_kernels[stage, by_input] = kernels
        return self._cell_kernels[stage, by_input]

    @cached_property
    def _cell_kernels(self) -> dict[tuple[int, bool], Array]:
        return {}

    @cached_property
    def cell_weights(self) -> Array:
        """(cells, maps, h): the first affine layer, by cell of the last stage."""
        by_cell = self.first_affine.reshape(len(self.first_affine), self.architecture.maps, -1)
        return np.ascontiguousarray(by_cell.transpose(2, 1, 0))

    def _affine(self, name: str, values: Array) -> Array:
        made: Array = values @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]
        return made

    def _padded_first(self, maps: Array) -> Array:
        padding = self.architecture.stages[0].padding
        if not padding:
            return maps
        around = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
        return np.pad(maps, around, constant_values=self.border[0])

    @cached_property
    def _chunk(self) -> int:
        """Images in one batch of a forward pass."""
        shape = self.architecture
        widest = max(
            stage.sides(side)[0] ** 2 * max(maps, stage.kernel**2 * (below if number else 1))
            for number, (stage, side, below, maps) in enumerate(
                zip(shape.stages, shape.sides, shape.layer_maps, shape.layer_maps[1:], strict=False)
            )
        )
        return max(1, min(32, CHUNK // widest))

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
    """The output of a stage for its convolution: (..., o, o) → (..., s, s), after ReLU."""
    if not stage.pool:
        return np.maximum(convolved, 0)
    even = convolved.shape[-1] // POOL * POOL
    rows = np.maximum(convolved[..., 0:even:POOL, :even], convolved[..., 1:even:POOL, :even])
    cells = np.maximum(rows[..., 0::POOL], rows[..., 1::POOL])
    return np.maximum(cells, 0, out=cells)


def winners(stage: Stage, convolved: Array) -> IntArray:
    """Where a stage's outputs come from: (..., o, o) → (..., s, s), as in ``Trace.winners``."""
    side = convolved.shape[-1]
    cells = side // stage.step
    corner = stage.step * (np.arange(cells)[:, None] * side + np.arange(cells))
    if not stage.pool:
        return np.broadcast_to(corner, convolved.shape)
    even = cells * POOL
    values = np.stack([convolved[..., y:even:POOL, x:even:POOL] for y in range(POOL) for x in range(POOL)])
    choice = ties.first(values, 0)
    found: IntArray = corner + choice // POOL * side + choice % POOL
    return found
