"""The network in numpy: the forward pass, and the forward pass with all intermediate results."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE, POOL, Architecture, Wiring
from konkyo.models.classes import Names, numbered, wrong_names
from konkyo.models.errors import ImageError

Array = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]

# Number of images in one batch. Larger batches leave the cache, smaller ones make matrix products slow.
CHUNK = 32


@dataclass(frozen=True)
class Trace:
    """All intermediate results of a forward pass. ``...`` is the shape of the batch, empty for one image.

    ReLU is applied after the pools. The two commute, and explanations need the winners before ReLU.

    Attributes
    ----------
    conv1
        (..., A, 24, 24), before ReLU.
    pool1
        (..., A, 12, 12), after ReLU.
    responses
        (..., A, B, 10, 10): u_ji = w2[j, i] ⋆ pool1_i, the response of conv2 filter j to map i, without bias.
    conv2
        (..., maps, 10, 10), before ReLU, with bias.
    winners
        (..., maps, 5, 5): flat index in the 10×10 map of each pooling cell's winner s*. A tie goes to the first.
    pool2
        (..., maps, 5, 5), after ReLU.
    logits
        (..., C).
    """

    conv1: Array
    pool1: Array
    responses: Array
    conv2: Array
    winners: IntArray
    pool2: Array
    logits: Array


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

    Raises
    ------
    ValueError
        Names, shapes or dtypes do not match the architecture, or there are no such names of classes.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, Array], classes: Names | None = None) -> None:
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

    def astype(self, dtype: type[np.floating[Any]]) -> "Network":
        """The same network in another precision."""
        weights = {name: array.astype(dtype) for name, array in self.weights.items()}
        return Network(self.architecture, weights, self.classes)

    def logits(self, images: Array) -> Array:
        """The logits of each image.

        Parameters
        ----------
        images
            (..., 28, 28) in [0, 1], light ink on dark.

        Returns
        -------
        Array
            (..., C).

        Raises
        ------
        ImageError
            Not 28×28, or not finite.
        """
        flat, batch = self.flatten(images)
        logits = np.empty((len(flat), len(self.classes)), self.dtype)
        for start in range(0, len(flat), CHUNK):
            chunk = slice(start, start + CHUNK)
            logits[chunk] = self.after_conv1(self._conv1(flat[chunk]))
        return logits.reshape(*batch, len(self.classes))

    def after_conv1(self, conv1: Array) -> Array:
        """The logits (N, C) for the outputs (N, A, 24, 24) of conv1 before ReLU."""
        conv2 = self._conv2(self._responses(np.maximum(max_pool(conv1), 0)))
        pooled = np.maximum(max_pool(conv2), 0).reshape(len(conv1), self._affine.shape[1])
        logits: Array = pooled @ self._affine.T + self.weights["affine.bias"]
        return logits

    def trace(self, images: Array) -> Trace:
        """The forward pass with all intermediate results.

        Parameters
        ----------
        images
            (..., 28, 28) in [0, 1]. The result takes about 20 kB for each image with 3 and 3 filters in float32.

        Raises
        ------
        ImageError
            Not 28×28, or not finite.
        """
        flat, batch = self.flatten(images)
        conv1, pool1, responses, conv2 = self.layers(flat)
        cells = _pool_cells(conv2)
        choice = cells.argmax(axis=0)
        pool2 = np.maximum(cells.max(axis=0), 0)
        logits = pool2.reshape(len(flat), self._affine.shape[1]) @ self._affine.T + self.weights["affine.bias"]

        side, pooled_side = self.architecture.conv2_side, self.architecture.pool2_side
        top, left = np.indices((pooled_side, pooled_side)) * POOL
        winners = (top + choice // POOL) * side + left + choice % POOL

        def batched(array: Any) -> Any:
            return array.reshape(*batch, *array.shape[1:])

        return Trace(
            conv1=batched(conv1),
            pool1=batched(pool1),
            responses=batched(responses),
            conv2=batched(conv2),
            winners=batched(winners),
            pool2=batched(pool2),
            logits=batched(logits),
        )

    @property
    def pair_bias(self) -> Array:
        """(A, B): conv2's bias with paired wiring, where each pair has its own; zeros with summed wiring."""
        bias = self.conv2_bias if self.architecture.wiring is Wiring.PAIRED else np.zeros_like(self.conv2_bias)
        return np.broadcast_to(bias, (self.architecture.conv1_filters, len(bias)))

    @property
    def filter_bias(self) -> Array:
        """(B,): conv2's bias with summed wiring, where the pairs of a filter share it; zeros with paired wiring."""
        return np.zeros_like(self.conv2_bias) if self.architecture.wiring is Wiring.PAIRED else self.conv2_bias

    def layers(self, flat: Array) -> tuple[Array, Array, Array, Array]:
        """conv1, pool1, responses and conv2 as in ``Trace``, for images (N, 784) from ``flatten``."""
        conv1 = self._conv1(flat)
        pool1 = np.maximum(max_pool(conv1), 0)
        responses = self._responses(pool1)
        return conv1, pool1, responses, self._conv2(responses)

    def flatten(self, images: Array) -> tuple[Array, tuple[int, ...]]:
        """Check images (..., 28, 28); return them as (N, 784) in the network's precision, and the shape of their batch.

        Raises
        ------
        ImageError
            Not 28×28, not floats, or not finite.
        """
        array = np.asarray(images)
        if array.shape[-2:] != (IMAGE_SIDE, IMAGE_SIDE):
            raise ImageError(f"an image must be {IMAGE_SIDE}×{IMAGE_SIDE}; got an array of shape {array.shape}")
        if array.dtype.kind != "f":
            raise ImageError(f"an image must hold floats in [0, 1], not {array.dtype}; divide bytes by 255")
        if not np.isfinite(array).all():
            raise ImageError("an image must be finite: it holds NaN or infinity")
        return array.reshape(-1, IMAGE_SIDE * IMAGE_SIDE).astype(self.dtype, copy=False), array.shape[:-2]

    def _conv1(self, flat: Array) -> Array:
        """(N, 784) → (N, A, 24, 24)."""
        side, filters = self.architecture.conv1_side, self.architecture.conv1_filters
        images, band = flat.reshape(len(flat), IMAGE_SIDE, IMAGE_SIDE), self._conv1_band
        seen = np.stack([images[:, row : row + side] for row in range(self.architecture.conv1_kernel)], axis=2)
        rows = seen.reshape(len(flat) * side, len(band)) @ band
        maps = rows.reshape(len(flat), side, filters, side).swapaxes(1, 2)
        return np.add(maps, self.weights["conv1.bias"][:, None, None], order="C")

    def _responses(self, pool1: Array) -> Array:
        """(N, A, 12, 12) → (N, A, B, 10, 10)."""
        count, filters, side, _ = pool1.shape
        windows = np.take(pool1.reshape(count, filters, side * side), self._conv2_windows, axis=2)
        responses: Array = self._conv2_kernels @ windows
        outputs = self.architecture.conv2_side
        return responses.reshape(count, filters, self.architecture.conv2_filters, outputs, outputs)

    def _conv2(self, responses: Array) -> Array:
        """(N, A, B, 10, 10) → (N, maps, 10, 10)."""
        bias = self.conv2_bias[:, None, None]
        if self.architecture.wiring is Wiring.SUMMED:
            summed: Array = responses.sum(axis=1)
            return summed + bias
        return (responses + bias).reshape(len(responses), self.architecture.maps, *responses.shape[-2:])

    @cached_property
    def _affine(self) -> Array:
        return self.weights["affine.weight"]

    @cached_property
    def conv2_bias(self) -> Array:
        """(B,): conv2's bias; zeros if the architecture has none."""
        return self.weights.get("conv2.bias", np.zeros(self.architecture.conv2_filters, self.dtype))

    @cached_property
    def _conv2_kernels(self) -> Array:
        """(A or 1, B, 9): the kernel of each pair; with paired wiring one set serves every input map."""
        weight = self.weights["conv2.weight"]
        return np.ascontiguousarray(weight.reshape(*weight.shape[:2], -1).swapaxes(0, 1))

    @cached_property
    def _conv1_band(self) -> Array:
        """(5 · 28, A · 24): the linear map from five rows of pixels to one row of every conv1 map.

        It is mostly zeros. One product with it is faster than gathering the pixels of each output.
        """
        kernels, side = self.weights["conv1.weight"][:, 0], self.architecture.conv1_side
        filters, k, _ = kernels.shape
        band = np.zeros((k, IMAGE_SIDE, filters, side), self.dtype)
        for column in range(side):
            band[:, column : column + k, :, column] = kernels.transpose(1, 2, 0)
        return band.reshape(k * IMAGE_SIDE, filters * side)

    @cached_property
    def _conv2_windows(self) -> IntArray:
        """(9, 100): flat indices in a pool1 map of the inputs of each output."""
        side = self.architecture.pool1_side
        views = sliding_window_view(np.arange(side**2).reshape(side, side), (self.architecture.conv2_kernel,) * 2)
        return np.ascontiguousarray(views.reshape(-1, self.architecture.conv2_kernel**2).T)


def softmax(logits: Array) -> Array:
    """The probabilities (..., C) for logits (..., C)."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def _pool_cells(maps: Array) -> Array:
    """(..., 2h, 2w) → (4, ..., h, w): the four values of each pooling cell, row by row."""
    return np.stack([maps[..., row::POOL, column::POOL] for row in range(POOL) for column in range(POOL)])


def max_pool(maps: Array) -> Array:
    """The maximum of each 2×2 cell: (..., 2h, 2w) → (..., h, w)."""
    rows = np.maximum(maps[..., 0::POOL, :], maps[..., 1::POOL, :])
    return np.maximum(rows[..., 0::POOL], rows[..., 1::POOL])
