"""The network as arrays: the forward pass, and the same pass with every intermediate kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models.architecture import CLASSES, IMAGE_SIDE, POOL, Architecture, Wiring
from models.errors import ImageError

Array = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]

# Images that go through the network at once: enough to fill the matrix products, few enough to stay in the cache.
CHUNK = 32


@dataclass(frozen=True)
class Trace:
    """Every intermediate of a forward pass. ``...`` is the shape of the batch, nothing for one image.

    ReLU comes after the pools here: the two commute, and what the winner was before ReLU is what an explanation needs.

    Attributes
    ----------
    conv1
        (..., A, 24, 24), before ReLU.
    pool1
        (..., A, 12, 12), after ReLU.
    responses
        (..., A, B, 10, 10): u_ji = w2[j, i] ⋆ pool1_i, what conv2 filter j makes of map i, without bias.
    conv2
        (..., maps, 10, 10), before ReLU, with bias.
    winners
        (..., maps, 5, 5): flat index into the 10×10 map of each pooling cell's winner s*; the first one wins a tie.
    pool2
        (..., maps, 5, 5), after ReLU.
    logits
        (..., 10).
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
        The shape.
    weights
        One array for each name in ``architecture.tensor_shapes``, all float32 or all float64; they set the precision
        of everything that is computed. Copied.

    Raises
    ------
    ValueError
        Names, shapes or dtypes that do not match the architecture. A checkpoint is checked before it gets here.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, Array]) -> None:
        shapes = {name: array.shape for name, array in weights.items()}
        if shapes != architecture.tensor_shapes:
            raise ValueError(f"weights {shapes} do not match {architecture.tensor_shapes}")
        dtypes = {array.dtype for array in weights.values()}
        if len(dtypes) != 1 or dtypes.pop() not in (np.float32, np.float64):
            raise ValueError("weights must be all float32 or all float64")
        self.architecture = architecture
        self.weights = {name: np.array(array) for name, array in weights.items()}
        for array in self.weights.values():
            array.flags.writeable = False
        self.dtype = self.weights["affine.weight"].dtype

    def astype(self, dtype: type[np.floating[Any]]) -> "Network":
        """The same network, computing in another precision."""
        return Network(self.architecture, {name: array.astype(dtype) for name, array in self.weights.items()})

    def logits(self, images: Array) -> Array:
        """The ten scores of each image.

        Parameters
        ----------
        images
            (..., 28, 28) in [0, 1], light ink on dark.

        Returns
        -------
        Array
            (..., 10).

        Raises
        ------
        ImageError
            Not 28×28, or not finite.
        """
        flat, batch = self.flatten(images)
        logits = np.empty((len(flat), CLASSES), self.dtype)
        for start in range(0, len(flat), CHUNK):
            chunk = slice(start, start + CHUNK)
            logits[chunk] = self.after_conv1(self._conv1(flat[chunk]))
        return logits.reshape(*batch, CLASSES)

    def after_conv1(self, conv1: Array) -> Array:
        """The ten scores, from conv1 on: (N, A, 24, 24), before ReLU, → (N, 10)."""
        conv2 = self._conv2(self._responses(np.maximum(max_pool(conv1), 0)))
        pooled = np.maximum(max_pool(conv2), 0).reshape(len(conv1), self._affine.shape[1])
        logits: Array = pooled @ self._affine.T + self.weights["affine.bias"]
        return logits

    def trace(self, images: Array) -> Trace:
        """The forward pass with every intermediate.

        Parameters
        ----------
        images
            (..., 28, 28) in [0, 1]. All intermediates of the whole batch are kept: about 20 kB an image for 3 and 3
            filters in float32.

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
        """(A, B): conv2's bias where it belongs to a pair of its own (paired wiring), else zeros."""
        bias = self._conv2_bias if self.architecture.wiring is Wiring.PAIRED else np.zeros_like(self._conv2_bias)
        return np.broadcast_to(bias, (self.architecture.conv1_filters, len(bias)))

    @property
    def filter_bias(self) -> Array:
        """(B,): conv2's bias where it is shared by the pairs of a filter (summed wiring), else zeros."""
        return np.zeros_like(self._conv2_bias) if self.architecture.wiring is Wiring.PAIRED else self._conv2_bias

    def layers(self, flat: Array) -> tuple[Array, Array, Array, Array]:
        """conv1, pool1, responses and conv2 as in ``Trace``, of images (N, 784) that ``flatten`` has checked."""
        conv1 = self._conv1(flat)
        pool1 = np.maximum(max_pool(conv1), 0)
        responses = self._responses(pool1)
        return conv1, pool1, responses, self._conv2(responses)

    def flatten(self, images: Array) -> tuple[Array, tuple[int, ...]]:
        """Images (..., 28, 28), checked and in the network's precision, as (N, 784), and the shape of their batch.

        Raises
        ------
        ImageError
            Not 28×28, or not finite.
        """
        array = np.asarray(images)
        if array.shape[-2:] != (IMAGE_SIDE, IMAGE_SIDE):
            raise ImageError(f"an image must be {IMAGE_SIDE}×{IMAGE_SIDE}; got an array of shape {array.shape}")
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
        bias = self._conv2_bias[:, None, None]
        if self.architecture.wiring is Wiring.SUMMED:
            summed: Array = responses.sum(axis=1)
            return summed + bias
        return (responses + bias).reshape(len(responses), self.architecture.maps, *responses.shape[-2:])

    @cached_property
    def _affine(self) -> Array:
        return self.weights["affine.weight"]

    @cached_property
    def _conv2_bias(self) -> Array:
        return self.weights.get("conv2.bias", np.zeros(self.architecture.conv2_filters, self.dtype))

    @cached_property
    def _conv2_kernels(self) -> Array:
        """(A or 1, B, 9): the kernel of each pair; with paired wiring one set serves every input map."""
        weight = self.weights["conv2.weight"]
        return np.ascontiguousarray(weight.reshape(*weight.shape[:2], -1).swapaxes(0, 1))

    @cached_property
    def _conv1_band(self) -> Array:
        """(5 · 28, A · 24): from the rows of pixels that it sees to a row of every map. Mostly zeros, and still faster
        than gathering the pixels of each output, which is what a matrix of the kernels alone would ask for.
        """
        kernels, side = self.weights["conv1.weight"][:, 0], self.architecture.conv1_side
        filters, k, _ = kernels.shape
        band = np.zeros((k, IMAGE_SIDE, filters, side), self.dtype)
        for column in range(side):
            band[:, column : column + k, :, column] = kernels.transpose(1, 2, 0)
        return band.reshape(k * IMAGE_SIDE, filters * side)

    @cached_property
    def _conv2_windows(self) -> IntArray:
        """(9, 100): where in a flattened pool1 map each output looks."""
        side = self.architecture.pool1_side
        views = sliding_window_view(np.arange(side**2).reshape(side, side), (self.architecture.conv2_kernel,) * 2)
        return np.ascontiguousarray(views.reshape(-1, self.architecture.conv2_kernel**2).T)


def softmax(logits: Array) -> Array:
    """Probabilities (..., 10) of logits (..., 10)."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Array = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def _pool_cells(maps: Array) -> Array:
    """(..., 2h, 2w) → (4, ..., h, w): the four candidates of each pooling cell, row by row."""
    return np.stack([maps[..., row::POOL, column::POOL] for row in range(POOL) for column in range(POOL)])


def max_pool(maps: Array) -> Array:
    """(..., 2h, 2w) → (..., h, w)."""
    rows = np.maximum(maps[..., 0::POOL, :], maps[..., 1::POOL, :])
    return np.maximum(rows[..., 0::POOL], rows[..., 1::POOL])
