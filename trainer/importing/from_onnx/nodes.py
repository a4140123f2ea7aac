"""What each kind of ONNX node does to the image that goes through it: a layer, or a move of its values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray

from konkyo.models.activations import ACTIVATIONS, NAMES
from konkyo.models.architecture import MAX_FILTERS, MAX_STRIDE, MAX_WIDTH, PoolKind
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import (
    F64,
    HARD_SIGMOID,
    Activation,
    Affine,
    Convolution,
    Layer,
    Padding,
    Place,
    Pool,
    Scaling,
    clip,
    dilated,
    spelled,
    wrong_pool,
    wrong_sum,
)
from konkyo.trainer.importing.from_onnx import constants
from konkyo.trainer.importing.from_onnx.constants import Attributes, Constant

# Bytes of all arrays that the reading makes beside the weights, and values of the images of one batch.
ROOM = 2**29
MOST_BATCH = 2**22
# In ONNX's evaluator, the multiply-adds that take as long as gathering a value that a convolution sees, and as making a
# value of a pool, which is a step of Python.
GATHERED, POOLED = 64, 20_000

FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16}
FITTING = (
    "Conv, activations, MaxPool, AveragePool, BatchNormalization, Gemm or MatMul and Add, and what moves values, fit"
)
_OTHER = f"is another activation; {NAMES} fit"
# What would fit in the place of what is often met.
INSTEAD = {
    **dict.fromkeys(("Celu", "Selu", "Gelu", "Mish", "Softplus", "Softsign", "ThresholdedRelu"), _OTHER),
    "Erf": f"is another activation (GELU); {NAMES} fit",
    "Concat": "puts maps of two layers side by side; a layer that takes one layer's maps fits",
    "ArgMax": "keeps the class alone; a graph that ends with the logits or with softmax fits",
    "ConvTranspose": "makes maps larger; Conv fits",
    "InstanceNormalization": "normalises by the image itself; batch normalisation fits",
    "GroupNormalization": "normalises by the image itself; batch normalisation fits",
    "LayerNormalization": "normalises by the image itself; batch normalisation fits",
    "LRN": "normalises by the image itself; batch normalisation fits",
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
    place
        Behind that layer.
    ends
        The ``softmax`` or ``log_softmax`` that they went through; else ``logits``.
    """

    numbers: NDArray[np.int32]
    shape: tuple[int, ...]
    place: Place = field(default_factory=Place)
    ends: str = "logits"

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
    room
        Bytes that arrays may still take.
    work
        What ONNX's evaluator does for one batch, in multiply-adds.
    kept
        Values that it makes for one batch. It keeps all of them to the end.
    """

    room: int = ROOM
    work: int = 0
    kept: int = 0


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
        place = self.flow.place.then(layer)
        if shape is None:
            return replace(self.flow, place=place)
        batch = self.flow.batch
        if batch * prod(shape) > MOST_BATCH:
            raise self.refuse(f"makes {batch * prod(shape):,} values; fewer images in a batch, or smaller layers, fit")
        numbers = np.arange(batch * prod(shape), dtype=np.int32).reshape(array or (batch, *shape))
        return Flow(numbers, shape, place)


def _convolution(step: Step) -> Flow:
    maps, rows, _ = step.maps()
    weight, groups = step.floats(1), int(step.attributes.get("group", 1))
    if weight.ndim != 4:
        raise step.refuse(f"has weights of {weight.ndim} axes; (filters, inputs, side, side) fits")
    filters, inputs, kernel, width = weight.shape
    if kernel != width:
        raise step.refuse(f"has kernels of {kernel}×{width}; squares fit")
    if inputs * groups != maps:
        raise step.refuse(f"takes {inputs * groups} maps, and gets {maps}; as many fit")
    if filters > MAX_FILTERS or filters % groups:
        raise step.refuse(f"has {filters} filters; at most {MAX_FILTERS}, as many in each group, fit")
    stride, apart = _both(step, "strides"), _both(step, "dilations")
    if not 1 <= stride <= MAX_STRIDE:
        raise step.refuse(f"has a stride of {stride}×{stride}; 1 to {MAX_STRIDE} fit")
    if not 1 <= apart <= rows:
        raise step.refuse(f"has kernels whose cells are {apart} apart; 1 to {rows} fit")
    weight = dilated(weight, apart)
    kernel = weight.shape[-1]
    padding, behind = _padding(step, rows, kernel, stride)
    if not 0 <= padding < kernel or not behind < kernel:
        raise step.refuse(
            f"has a padding of {padding if padding >= kernel else behind} for kernels of {kernel}×{kernel}; 0 to "
            f"{kernel - 1} fit"
        )
    bias = None if step.given(2) is None else step.floats(2)
    if bias is not None and bias.shape != (filters,):
        raise step.refuse(f"has a bias of shape {bias.shape}; {(filters,)} fits")
    made = Convolution(step.name, weight, bias, padding, behind, stride, groups)
    side = made.side(rows)
    if side < 1:
        raise step.refuse(f"has kernels of {kernel}×{kernel} on maps of {rows}×{rows}; smaller ones fit")
    columns = step.flow.batch * maps * (kernel * side) ** 2
    step.state.work += columns * (GATHERED + filters // groups)
    return step.layer(made, (filters, side, side))


def _both(step: Step, attribute: str) -> int:
    """An attribute that must be the same for rows and columns."""
    found = list(step.attributes.get(attribute, (1, 1)))
    if len(found) != 2 or found[0] != found[1]:
        raise step.refuse(f"has {attribute} of {'×'.join(map(str, found))}; the same for rows and columns fit")
    return int(found[0])


def _padding(step: Step, rows: int, kernel: int, stride: int) -> tuple[int, int]:
    """The padding of a convolution or pool before the first row and column, and behind the last."""
    auto = step.attributes.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        whole = max((-(-rows // stride) - 1) * stride + kernel - rows, 0)
        return (whole // 2, whole - whole // 2) if auto == "SAME_UPPER" else (whole - whole // 2, whole // 2)
    pads = [0] * 4 if auto == "VALID" else list(step.attributes.get("pads", (0, 0, 0, 0)))
    if len(pads) != 4 or pads[:2] != [pads[0]] * 2 or pads[2:] != [pads[2]] * 2:
        raise step.refuse(f"has a padding of {', '.join(map(str, pads))}; the same for rows and columns fits")
    return int(pads[0]), int(pads[2])


def _pad(step: Step) -> Flow:
    """Zeros around the maps, which are part of the convolution behind it."""
    numbers = step.flow.numbers
    found = step.attributes.get("pads", step.attributes.get("paddings")) or np.asarray(step.given(1)).reshape(-1)
    pads = np.zeros((2, numbers.ndim), int)
    where = constants.axes([*[None] * 3, step.given(3)], step.attributes, 3) or tuple(range(numbers.ndim))
    pads[:, list(where)] = np.asarray(found, int).reshape(2, -1)
    value = step.given(2)
    if step.attributes.get("mode", "constant") != "constant" or (value is not None and np.any(value)):
        raise step.refuse("pads with other values than 0; zeros fit")
    if not pads.any():
        return step.flow
    order = _maps_order(step)
    before, behind = (tuple(int(one) for one in row[list(order)]) for row in pads)
    if before[:2] + behind[:2] != (0,) * 4 or before[2] != before[3] or behind[2] != behind[3]:
        raise step.refuse("pads rows and columns differently; the same fits")
    maps, rows, _ = step.flow.shape
    made = Padding(step.name, before[2], behind[2])
    side = made.side(rows)
    if side < 1:
        raise step.refuse("leaves nothing of its maps; less fits")
    array = tuple(np.array((step.flow.batch, maps, side, side))[np.argsort(order)])
    flow = step.layer(made, (maps, side, side))
    return replace(flow, numbers=flow.numbers.transpose(np.argsort(order)).reshape(array))


def _maps_order(step: Step) -> tuple[int, ...]:
    """The axes of images, maps, rows and columns in the array as it stands."""
    numbers = step.flow.numbers
    for order in ((0, 1, 2, 3), (0, 3, 1, 2)):
        if numbers.ndim == 4 and len(step.flow.shape) == 3 and step.moved(numbers.transpose(order)).in_order:
            return order
    raise step.refuse(f"takes an array of {numbers.shape}; (images, maps, rows, columns) as they were made fits")


def _pool(kind: PoolKind) -> Callable[[Step], Flow]:
    def applied(step: Step) -> Flow:
        _, rows, _ = step.maps()
        given = step.attributes
        if "kernel_shape" not in given:
            raise step.refuse("does not say its size; kernel_shape fits")
        kernel, stride = _both(step, "kernel_shape"), _both(step, "strides")
        if _both(step, "dilations") != 1:
            raise step.refuse("pools cells that are apart; a pool without dilations fits")
        padding = _padding(step, rows, kernel, stride)
        if any(padding):
            said = ", ".join(map(str, padding))
            raise step.refuse(f"pads by {said} before it pools; a pool without padding fits")
        if (rows - kernel) % stride and given.get("ceil_mode", 0):
            raise step.refuse(f"keeps a part of a square at the end of maps of {rows}×{rows}; one that drops it fits")
        return _pooled(step, kernel, stride, kind)

    return applied


def _pooled(step: Step, side: int, stride: int, kind: PoolKind) -> Flow:
    """Behind a pool; one of a single cell is none."""
    maps, rows, _ = step.flow.shape
    if side == 1 and stride == 1:
        return step.flow
    wrong = wrong_pool(rows, side, stride)
    if wrong:
        raise step.refuse(wrong)
    made = Pool(step.name, side, stride, kind)
    flow = step.layer(made, (maps, made.side(rows), made.side(rows)))
    step.state.work += POOLED * flow.numbers.size
    return flow


def _whole(kind: PoolKind) -> Callable[[Step], Flow]:
    return lambda step: _pooled(step, step.maps()[1], step.maps()[1], kind)


def _mean(step: Step) -> Flow:
    """ReduceMean over rows and columns: a pool of the whole map."""
    numbers = step.flow.numbers
    where = constants.axes([one if not isinstance(one, Flow) else None for one in step.inputs], step.attributes)
    order = _maps_order(step)
    if {axis % numbers.ndim for axis in where or ()} != {*order[2:]}:
        raise step.refuse("averages other axes than rows and columns; these two fit")
    flow = _pooled(step, step.flow.shape[1], step.flow.shape[1], PoolKind.MEAN)
    # Each map has one value, so any axes of length 1 keep the order.
    maps, kept = step.flow.shape[0], step.attributes.get("keepdims", 1)
    array = [maps if axis == order[1] else 1 for axis in range(1, 4)] if kept else [maps]
    return replace(flow, numbers=flow.numbers.reshape(flow.batch, *array))


def _activation(kind: str) -> Callable[[Step], Flow]:
    return lambda step: step.layer(Activation(step.name, kind))


def _parameter(name: str, attribute: str) -> Callable[[Step], Flow]:
    """An activation with a parameter, which is spelled as ``--stages`` does."""
    return lambda step: step.layer(Activation(step.name, spelled(name, step.attributes.get(attribute))))


def _prelu(step: Step) -> Flow:
    slopes = np.unique(step.floats(1))
    if len(slopes) != 1:
        raise step.refuse("has a slope for each map; one for all fits, as of LeakyRelu")
    return step.layer(Activation(step.name, spelled("leaky", slopes[0])))


def _clip(step: Step) -> Flow:
    least, most = (
        step.attributes.get(name, default) if step.given(place) is None else float(step.floats(place).reshape(-1)[0])
        for name, place, default in (("min", 1, -np.inf), ("max", 2, np.inf))
    )
    kind = clip(least, most)
    if kind is None:
        raise step.refuse(f"keeps values between {least:g} and {most:g}; from 0, from 0 to 6 and from -1 to 1 fit")
    return step.layer(Activation(step.name, kind)) if kind != "none" else step.flow


def _hard_sigmoid(step: Step) -> Flow:
    """It is no activation of a stage: the values times it are, hard swish."""
    usual = np.allclose((step.attributes.get("alpha", 0.2), step.attributes.get("beta", 0.5)), (1 / 6, 0.5))
    return step.layer(Activation(step.name, HARD_SIGMOID if usual else "hard sigmoid"))


def _gated(name: str, one: Flow, two: Flow) -> Flow | None:
    """The product of values and of an activation of them as one activation; None if it is no such product."""
    for values, gate in ((one, two), (two, one)):
        kind = gate.place.gated if gate.place.given == (values.place,) else None
        if kind and np.array_equal(values.numbers, gate.numbers):
            return replace(values, place=values.place.then(Activation(name, kind)))
    return None


def _sum(name: str, one: Flow, two: Flow) -> Flow:
    """The sum of maps of two layers."""
    wrong = wrong_sum(one.shape, two.shape)
    if wrong is None and not np.array_equal(one.numbers, two.numbers):
        wrong = "adds up maps in two orders; maps in the order in which they were made fit"
    if wrong:
        raise NetworkFileError(f"{name}: {wrong}")
    return replace(one, place=one.place.plus(name, two.place))


def together(operation: str, name: str, flows: Sequence[Flow]) -> Flow:
    """What an operation makes of several results of the network."""
    if len(flows) == 2 and operation == "Add":
        return _sum(name, *flows)
    made = _gated(name, *flows) if len(flows) == 2 and operation == "Mul" else None
    if made is None:
        raise NetworkFileError(
            f"{name}: takes two results of the network at once; Add of two, or layers one behind the other, fit"
        )
    return made


def _batch_normalisation(step: Step) -> Flow:
    if step.attributes.get("training_mode", 0):
        raise step.refuse("was exported while it trained; call eval() before the export")
    scale, shift, mean, variance = (step.floats(place) for place in (1, 2, 3, 4))
    factor = scale / np.sqrt(variance + step.attributes.get("epsilon", 1e-5))
    along = (1, -1, *[1] * (step.flow.numbers.ndim - 2))
    return _scaling(step, factor.reshape(along), (shift - mean * factor).reshape(along))


def _scaling(step: Step, scale: F64, shift: F64) -> Flow:
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
    return step.layer(Scaling(step.name, made[0], made[1]))


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
    step.state.work += step.flow.batch * placed.size
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
        return replace(step.flow, ends=ends)

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
    **{one.onnx: _activation(one.name) for one in ACTIVATIONS.values() if one.onnx},
    "AveragePool": _pool(PoolKind.MEAN),
    "BatchNormalization": _batch_normalisation,
    "Cast": _cast,
    "Clip": _clip,
    "Conv": _convolution,
    "Dropout": _dropout,
    "Elu": _parameter("elu", "alpha"),
    "Flatten": _flatten,
    "Gemm": _gemm,
    "GlobalAveragePool": _whole(PoolKind.MEAN),
    "GlobalMaxPool": _whole(PoolKind.MAX),
    "HardSigmoid": _hard_sigmoid,
    "Identity": lambda step: step.flow,
    "LeakyRelu": _parameter("leaky", "alpha"),
    "LogSoftmax": _softmax("log_softmax"),
    "MatMul": _product,
    "MaxPool": _pool(PoolKind.MAX),
    "PRelu": _prelu,
    "Pad": _pad,
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Softmax": _softmax("softmax"),
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
