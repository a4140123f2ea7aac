"""What each kind of ONNX node does to the image that goes through it: a layer, or a move of its values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray

from konkyo.models.architecture import MAX_FILTERS, MAX_WIDTH
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import F64, Affine, Convolution, Layer, Pool, Relu, Scaling
from konkyo.trainer.importing.from_onnx import constants
from konkyo.trainer.importing.from_onnx.constants import Attributes, Constant

# Bytes of all arrays that the reading makes beside the weights, and values of the images of one batch.
ROOM = 2**29
MOST_BATCH = 2**22

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16}
FITTING = "Conv, Relu, MaxPool, BatchNormalization, Gemm or MatMul and Add, and what moves values, fit"
# What would fit in the place of what is often met.
INSTEAD = {
    "AveragePool": "averages; max-pools 2×2 fit",
    "GlobalAveragePool": "averages each map; flatten and an affine layer fit",
    "ReduceMean": "averages; max-pools 2×2, then flatten and an affine layer fit",
    "GlobalMaxPool": "takes one value of each map; max-pools 2×2, then flatten and an affine layer fit",
    "LeakyRelu": "is another activation; ReLU fits",
    "PRelu": "is another activation; ReLU fits",
    "Elu": "is another activation; ReLU fits",
    "Selu": "is another activation; ReLU fits",
    "Gelu": "is another activation; ReLU fits",
    "Tanh": "is another activation; ReLU fits",
    "Erf": "is another activation (GELU); ReLU fits",
    "HardSwish": "is another activation; ReLU fits",
    "Softplus": "is another activation; ReLU fits",
    "Sigmoid": "is another activation; ReLU fits, and behind the last layer softmax or nothing",
    "ArgMax": "keeps the class alone; a graph that ends with the logits or with softmax fits",
    "ConvTranspose": "makes maps larger; convolutions of stride 1 fit",
    "InstanceNormalization": "normalises by the image itself; batch normalisation fits",
    "GroupNormalization": "normalises by the image itself; batch normalisation fits",
    "LayerNormalization": "normalises by the image itself; batch normalisation fits",
    "LRN": "normalises by the image itself; batch normalisation fits",
    "Pad": "pads by itself; the padding of the convolution, the same on all sides, fits",
    "Resize": "changes the size; images that have it before fit",
    "Loop": "runs a graph of its own; a list of layers, one behind the other, fits",
    "If": "runs a graph of its own; a list of layers, one behind the other, fits",
    "Scan": "runs a graph of its own; a list of layers, one behind the other, fits",
    "QLinearConv": "holds whole numbers; the network before it was quantised fits",
    "DequantizeLinear": "holds whole numbers; the network before it was quantised fits",
}


@dataclass(frozen=True)
class Flow:
    """The values of the network at one place.

    Attributes
    ----------
    numbers
        (N, …): which of the N · size values that the last layer made stands where; image n has those from n · size on.
    shape
        Of one image's values as that layer made them: (maps, rows, columns) or (outputs,).
    layers
        How many layers there were before.
    """

    numbers: NDArray[np.int32]
    shape: tuple[int, ...]
    layers: int

    @property
    def size(self) -> int:
        """Number of values of one image."""
        return prod(self.shape)

    @property
    def batch(self) -> int:
        """N."""
        return self.numbers.size // self.size

    @property
    def in_order(self) -> bool:
        """Whether the values stand as the layer made them."""
        right = self.numbers.shape == (self.batch, *self.shape)
        return right and bool((self.numbers.reshape(-1) == np.arange(self.numbers.size)).all())

    def order(self) -> NDArray[np.int32] | None:
        """(size,): the place of each value in its image's row; None if images are mixed."""
        rows = self.numbers.reshape(self.batch, self.size)
        first = rows[0]
        apart = (rows == first + self.size * np.arange(self.batch)[:, None]).all()
        return first if apart and first.max(initial=0) < self.size else None


@dataclass
class State:
    """What has been read so far.

    Attributes
    ----------
    layers
        The layers that the image went through.
    ends
        Whether the last was ``softmax`` or ``log_softmax``; else ``logits``.
    room
        Bytes that arrays may still take.
    """

    layers: list[Layer] = field(default_factory=list)
    ends: str = "logits"
    room: int = ROOM


@dataclass(frozen=True)
class Step:
    """One node through which the image goes."""

    state: State
    name: str
    flow: Flow
    inputs: Sequence[Flow | Constant | None]
    attributes: Attributes

    def refuse(self, what: str) -> NetworkFileError:
        return NetworkFileError(f"{self.name}: {what}")

    def given(self, place: int) -> Constant | None:
        """The constant input at a place, if there is one."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if isinstance(found, Flow):
            raise self.refuse("takes the image where it takes weights; weights that stand in the file fit")
        return found

    def floats(self, place: int) -> F64:
        """A constant input as float64."""
        found = self.given(place)
        if found is None:
            raise self.refuse(f"lacks its input {place}")
        return found.astype(np.float64)

    def maps(self) -> tuple[int, ...]:
        """(maps, rows, columns) of a flow whose values stand in order."""
        if self.flow.numbers.ndim != 4:
            raise self.refuse(f"takes an array of {self.flow.numbers.ndim} axes; (images, maps, rows, columns) fits")
        if not self.flow.in_order:
            raise self.refuse("takes maps in another order than they were made; (images, maps, rows, columns) fits")
        return self.flow.shape

    def moved(self, numbers: NDArray[np.int32]) -> Flow:
        return replace(self.flow, numbers=numbers)

    def layer(self, layer: Layer, shape: tuple[int, ...] | None = None, array: tuple[int, ...] | None = None) -> Flow:
        """The flow behind a layer, which makes values of another shape or leaves it."""
        self.state.layers.append(layer)
        if shape is None:
            return replace(self.flow, layers=self.flow.layers + 1)
        batch = self.flow.batch
        if batch * prod(shape) > MOST_BATCH:
            raise self.refuse(f"makes {batch * prod(shape):,} values; fewer images in a batch, or smaller layers, fit")
        numbers = np.arange(batch * prod(shape), dtype=np.int32).reshape(array or (batch, *shape))
        return Flow(numbers, shape, self.flow.layers + 1)


def _convolution(step: Step) -> Flow:
    maps, rows, _ = step.maps()
    weight, given = step.floats(1), step.attributes
    if weight.ndim != 4:
        raise step.refuse(f"has weights of {weight.ndim} axes; (filters, inputs, side, side) fits")
    if given.get("group", 1) != 1:
        raise step.refuse(f"works in {given['group']} groups of maps; one group, an ordinary convolution, fits")
    filters, inputs, kernel, width = weight.shape
    if kernel != width:
        raise step.refuse(f"has kernels of {kernel}×{width}; squares fit")
    if inputs != maps:
        raise step.refuse(f"takes {inputs} maps, and gets {maps}; as many fit")
    if filters > MAX_FILTERS:
        raise step.refuse(f"has {filters} filters; at most {MAX_FILTERS} fit")
    _one(step, "strides", "a stride of", "stride 1, and max-pools 2×2 to make maps smaller, fit")
    _one(step, "dilations", "dilated kernels,", "kernels without dilation fit")
    padding = _padding(step, kernel)
    side = rows + 2 * padding - kernel + 1
    if side < 1:
        raise step.refuse(f"has kernels of {kernel}×{kernel} on maps of {rows}×{rows}; smaller ones fit")
    bias = None if step.given(2) is None else step.floats(2)
    if bias is not None and bias.shape != (filters,):
        raise step.refuse(f"has a bias of shape {bias.shape}; {(filters,)} fits")
    return step.layer(Convolution(step.name, weight, bias, padding), (filters, side, side))


def _one(step: Step, attribute: str, what: str, fit: str) -> None:
    found = list(step.attributes.get(attribute, (1, 1)))
    if found != [1, 1]:
        raise step.refuse(f"has {what} {'×'.join(map(str, found))}; {fit}")


def _padding(step: Step, kernel: int) -> int:
    """The padding of a convolution on each side."""
    auto = step.attributes.get("auto_pad", "NOTSET")
    pads = list(step.attributes.get("pads", (0, 0, 0, 0)))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        if kernel % 2 == 0:
            raise step.refuse(f"pads kernels of {kernel}×{kernel} more on one side; the same on all sides fits")
        return kernel // 2
    if auto == "VALID":
        return 0
    if auto != "NOTSET" or len({*pads}) != 1 or len(pads) != 4:
        raise step.refuse(f"has a padding of {', '.join(map(str, pads))}; the same on all sides fits")
    padding = int(pads[0])
    if not 0 <= padding < kernel:
        raise step.refuse(f"has a padding of {padding} for kernels of {kernel}×{kernel}; 0 to {kernel - 1} fit")
    return padding


def _pool(step: Step) -> Flow:
    maps, rows, _ = step.maps()
    given = step.attributes
    kernel, strides = list(given["kernel_shape"]), list(given.get("strides", (1, 1)))
    if kernel != [2, 2] or strides != [2, 2]:
        raise step.refuse(
            f"pools {'×'.join(map(str, kernel))} with a stride of {'×'.join(map(str, strides))}; 2×2 with a stride of "
            "2×2 fits"
        )
    _one(step, "dilations", "dilated pools,", "2×2 without dilation fits")
    same = given.get("auto_pad", "NOTSET") in ("SAME_UPPER", "SAME_LOWER")
    if any(given.get("pads", ())):
        raise step.refuse(f"pads by {', '.join(map(str, given['pads']))} before it pools; a pool without padding fits")
    if rows % 2 and (same or given.get("ceil_mode", 0)):
        raise step.refuse(f"keeps the odd row and column of maps of {rows}×{rows}; a pool that drops them fits")
    if rows < 2:
        raise step.refuse("pools maps of one cell; fewer pools fit")
    return step.layer(Pool(step.name), (maps, rows // 2, rows // 2))


def _average(step: Step) -> Flow:
    """An average over one cell, as PyTorch writes an adaptive pool of maps that have its size already."""
    alone = {"kernel_shape": [1, 1], "strides": [1, 1]}
    if any(list(step.attributes.get(name, [1, 1])) != right for name, right in alone.items()) or any(
        step.attributes.get("pads", ())
    ):
        raise step.refuse(INSTEAD["AveragePool"])
    return step.flow


def _relu(step: Step) -> Flow:
    return step.layer(Relu(step.name))


def _clip(step: Step) -> Flow:
    least, most = (
        step.attributes.get(name, default) if step.given(place) is None else float(step.floats(place).reshape(-1)[0])
        for name, place, default in (("min", 1, -np.inf), ("max", 2, np.inf))
    )
    if least != 0 or most < np.finfo(np.float32).max:
        raise step.refuse(f"keeps values between {least:g} and {most:g}; ReLU fits")
    return _relu(step)


def _batch_normalisation(step: Step) -> Flow:
    if step.attributes.get("training_mode", 0):
        raise step.refuse("was exported while it trained; call eval() before the export")
    scale, shift, mean, variance = (step.floats(place) for place in (1, 2, 3, 4))
    factor = scale / np.sqrt(variance + step.attributes.get("epsilon", 1e-5))
    along = (1, -1, *[1] * (step.flow.numbers.ndim - 2))
    return _scaling(step, factor.reshape(along), (shift - mean * factor).reshape(along), learned=True)


def _scaling(step: Step, scale: F64, shift: F64, *, learned: bool = False) -> Flow:
    """Each value by itself: ``scale`` and ``shift`` are broadcast over the array as it stands."""
    flow = step.flow
    if np.broadcast_shapes(flow.numbers.shape, scale.shape, shift.shape) != flow.numbers.shape:
        raise step.refuse(f"makes an array of {flow.numbers.shape} larger; a number for each map, or one, fits")
    if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
        raise step.refuse("holds NaN or infinity; train the network again")
    made = []
    for values in (scale, shift):
        placed = np.empty(flow.numbers.size)
        placed[flow.numbers] = np.broadcast_to(values, flow.numbers.shape)
        rows = placed.reshape(flow.batch, flow.size)
        if (rows != rows[0]).any():
            raise step.refuse("differs from image to image of a batch; the same for all fits")
        made.append(rows[0].reshape(flow.shape))
    step.state.room -= 2 * made[0].nbytes
    return step.layer(Scaling(step.name, made[0], made[1], learned))


def _arithmetic(operation: str) -> Callable[[Step], Flow]:
    def applied(step: Step) -> Flow:
        behind = isinstance(step.inputs[1], Flow)
        number = step.floats(0 if behind else 1)
        one, zero = np.ones(1), np.zeros(1)
        if operation == "Add":
            return _scaling(step, one, number)
        if operation == "Sub":
            return _scaling(step, -one, number) if behind else _scaling(step, one, -number)
        if operation == "Mul":
            return _scaling(step, number, zero)
        if behind:
            raise step.refuse("divides by the values of the network; numbers that stand in the file fit")
        with np.errstate(divide="ignore"):
            return _scaling(step, 1 / number, zero)

    return applied


def _affine(step: Step, weight: F64, bias: F64, array: tuple[int, ...]) -> Flow:
    """``weight`` is (inputs, outputs), and ``array`` the shape of what comes out."""
    inputs, outputs = weight.shape
    order = step.flow.order()
    if order is None:
        raise step.refuse("takes values of several images at once; each image by itself fits")
    if inputs != step.flow.size:
        raise step.refuse(f"takes {inputs:,} values, and gets {step.flow.size:,} an image; flatten all maps before it")
    if outputs > MAX_WIDTH:
        raise step.refuse(f"has {outputs:,} outputs; at most {MAX_WIDTH} fit")
    placed = np.empty((outputs, inputs))
    placed[:, order] = weight.T
    step.state.room -= placed.nbytes
    return step.layer(Affine(step.name, placed, bias), (outputs,), array)


def _gemm(step: Step) -> Flow:
    given = step.attributes
    if isinstance(step.inputs[1], Flow) or given.get("transA", 0):
        raise step.refuse("multiplies the values from the other side; values times weights fits")
    weight = step.floats(1) if not given.get("transB", 0) else step.floats(1).T
    if weight.ndim != 2 or step.flow.numbers.shape != (step.flow.batch, step.flow.size):
        raise step.refuse("takes an array that is not (images, values); flatten before it")
    bias = np.zeros(1) if step.given(2) is None else step.floats(2) * given.get("beta", 1.0)
    wide = np.broadcast_to(bias.reshape(-1) if bias.size == 1 else np.squeeze(bias), weight.shape[1])
    return _affine(step, weight * given.get("alpha", 1.0), np.array(wide), (step.flow.batch, weight.shape[1]))


def _product(step: Step) -> Flow:
    if isinstance(step.inputs[1], Flow):
        raise step.refuse("multiplies the values from the other side; values times weights fits")
    weight, shape = step.floats(1), step.flow.numbers.shape
    if weight.ndim != 2 or shape[-1] != step.flow.size:
        raise step.refuse(f"takes {shape} times {weight.shape}; all values of an image, flattened, times weights fit")
    return _affine(step, weight, np.zeros(weight.shape[1]), (*shape[:-1], weight.shape[1]))


def _softmax(ends: str) -> Callable[[Step], Flow]:
    def applied(step: Step) -> Flow:
        numbers = step.flow.numbers
        axis = step.attributes.get("axis", -1 if numbers.ndim != 2 else 1)
        if numbers.ndim != 2 or axis not in (1, -1):
            raise step.refuse("is not over the classes; softmax of the logits at the end fits")
        step.state.ends = ends
        return step.flow

    return applied


def _cast(step: Step) -> Flow:
    if step.attributes["to"] not in FLOATS:
        raise step.refuse("makes whole numbers of the values; floats fit")
    return step.flow


def _dropout(step: Step) -> Flow:
    training = step.given(2)
    if training is not None and bool(np.asarray(training).any()):
        raise step.refuse("was exported while it trained; call eval() before the export")
    return step.flow


def _reshape(step: Step) -> Flow:
    shape = np.asarray(step.given(1)).reshape(-1).tolist()
    return step.moved(constants.reshaped(step.flow.numbers, shape, bool(step.attributes.get("allowzero", 0))))


def _flatten(step: Step) -> Flow:
    numbers = step.flow.numbers
    axis = step.attributes.get("axis", 1) % (numbers.ndim + 1)
    return step.moved(numbers.reshape(prod(numbers.shape[:axis]), -1))


def _squeeze(step: Step) -> Flow:
    where = constants.axes([one if not isinstance(one, Flow) else None for one in step.inputs], step.attributes)
    return step.moved(np.squeeze(step.flow.numbers, where))


def _unsqueeze(step: Step) -> Flow:
    where = constants.axes([one if not isinstance(one, Flow) else None for one in step.inputs], step.attributes)
    return step.moved(constants.unsqueezed(step.flow.numbers, where or ()))


def _transpose(step: Step) -> Flow:
    return step.moved(np.transpose(step.flow.numbers, step.attributes.get("perm")))


STEPS: dict[str, Callable[[Step], Flow]] = {
    **{name: _arithmetic(name) for name in ("Add", "Sub", "Mul", "Div")},
    "AveragePool": _average,
    "BatchNormalization": _batch_normalisation,
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _convolution,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "Identity": lambda step: step.flow,
    "LogSoftmax": _softmax("log_softmax"),
    "MatMul": _product,
    "MaxPool": _pool,
    "Relu": _relu,
    "Reshape": _reshape,
    "Softmax": _softmax("softmax"),
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
