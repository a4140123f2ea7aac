"""What each layer, function and method of PyTorch does to the image that goes through it."""

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional as F

from konkyo.models.activations import ACTIVATIONS, NAMES
from konkyo.models.architecture import MAX_STRIDE, PoolKind
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

_FITTING = "Conv2d, activations, MaxPool2d, AvgPool2d, Flatten, Linear, batch normalisation and dropout fit"
# How a flow ends that is a sigmoid of one output.
SIGMOID = "a sigmoid"
_OTHER = f"is another activation; {NAMES} fit"
_BY_ITSELF = "normalises by the image itself; batch normalisation fits"
# What would fit in the place of what is often met.
_INSTEAD: dict[Any, str] = {
    (nn.GELU, nn.SELU, nn.CELU, nn.Mish, nn.Softplus, nn.Softsign, nn.LogSigmoid): _OTHER,
    (nn.GroupNorm, nn.LayerNorm, nn.InstanceNorm2d, nn.LocalResponseNorm): _BY_ITSELF,
    (nn.ConvTranspose2d, nn.Upsample): "makes maps larger; Conv2d fits",
    **dict.fromkeys((F.gelu, F.selu, F.celu, F.mish, F.softplus, F.softsign), _OTHER),
    **dict.fromkeys((F.layer_norm, F.group_norm, F.instance_norm), _BY_ITSELF),
    torch.cat: "puts maps of two layers side by side; a layer that takes one layer's maps fits",
}


@dataclass
class Flow:
    """The values of one image on their way.

    Attributes
    ----------
    shape
        Of the values as they stand.
    made
        Of the values as the last layer made them: (maps, rows, columns) also where they stand in a row.
    place
        Behind that layer.
    ends
        The softmax that it went through, if it did.
    """

    shape: tuple[int, ...]
    made: tuple[int, ...]
    place: Place = field(default_factory=Place)
    ends: str | None = None

    def then(self, layer: Layer, shape: tuple[int, ...] | None = None) -> "Flow":
        """Behind a layer, which makes values of another shape or leaves it."""
        place = self.goes_on(layer.name).then(layer)
        return replace(self, place=place) if shape is None else Flow(shape, shape, place)

    def goes_on(self, name: str) -> Place:
        """Where it stands, for a layer that takes it."""
        if self.ends:
            raise NetworkFileError(f"{name}: stands behind {self.ends}; a softmax fits at the end alone")
        return self.place


# What a node is called, the values that enter it, and its other arguments by name → what comes out.
_Step = Callable[[str, Flow, dict[str, Any]], Flow]


def step(node: fx.Node, module: nn.Module, given: Sequence[Any], named: dict[str, Any]) -> Any:
    """What comes out of a node: a flow, or a number such as the size of a batch."""
    name = str(node.target) if node.op == "call_module" else node.name
    flows = list(_flows((given, list(named.values()))))
    if node.op == "call_module":
        layer = module.get_submodule(str(node.target))
        kind = type(layer).__name__
        known = next((step for kinds, step in _MODULES.items() if isinstance(layer, kinds)), None)
        if known is None or len(given) != 1 or named:
            instead = next(
                (said for kinds, said in _INSTEAD.items() if isinstance(kinds, tuple) and isinstance(layer, kinds)),
                None,
            )
            raise NetworkFileError(f"{name} ({kind}): {instead}" if instead else f"{name}: is {kind}; {_FITTING}")
        return known(f"{name} ({kind})", _only(name, flows), {"layer": layer})
    target = node.target if node.op == "call_function" else f".{node.target}"
    if not flows or target in (getattr, operator.getitem, ".size", ".dim"):
        return _plain(name, target, given, named)
    if target in _ARITHMETIC:
        if named or len(given) != 2:
            raise NetworkFileError(f"{name}: has arguments beside two values; two alone, such as x + 1, fit")
        return _arithmetic(name, target, given, flows)
    if target not in _FUNCTIONS:
        if target in _INSTEAD:
            raise NetworkFileError(f"{name}: {_INSTEAD[target]}")
        called = getattr(target, "__name__", str(target))
        raise NetworkFileError(f"{name}: calls {called}; {_FITTING}")
    names, step = _FUNCTIONS[target]
    others = dict(zip(names, given[1:], strict=False)) | {key: one for key, one in named.items() if key != "input"}
    return step(name, _only(name, flows), others)


def _flows(values: Any) -> Iterator[Flow]:
    """Those among arguments, also in lists."""
    if isinstance(values, Flow):
        yield values
    elif isinstance(values, list | tuple):
        for one in values:
            yield from _flows(one)


def _only(name: str, flows: Sequence[Flow]) -> Flow:
    if len(flows) != 1:
        raise NetworkFileError(
            f"{name}: takes {len(flows)} arrays that depend on the image; one, or x + y of two, fits"
        )
    return flows[0]


def _plain(name: str, target: Any, given: Sequence[Any], named: dict[str, Any]) -> Any:
    """What is no value of the image: its shape, of which the batch is −1, and what is computed of that."""
    first = given[0] if given else None
    if isinstance(first, Flow):
        shape = (-1, *first.shape)
        if target == ".size":
            return shape[given[1]] if len(given) > 1 else shape
        if target == ".dim":
            return len(shape)
        if target is getattr and given[1] == "shape":
            return shape
        raise NetworkFileError(f"{name}: takes a part of the values; all of them fit")
    if callable(target):
        return target(*given, **named)
    raise NetworkFileError(f"{name}: calls {str(target)[1:]} of what is no image; {_FITTING}")


def _array(tensor: torch.Tensor) -> F64:
    return np.asarray(tensor.detach().double().numpy())


def _convolution(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    layer = said["layer"]
    maps, rows, _ = _maps(name, flow)
    (kernel, width), strides, dilation = layer.kernel_size, layer.stride, layer.dilation
    wide = dilation[0] * (kernel - 1) + 1
    # "same" pads more behind, where it does not pad alike.
    padding = {"same": ((wide - 1) // 2, wide // 2), "valid": (0, 0)}.get(layer.padding)
    alike = padding is not None or layer.padding[0] == layer.padding[1]
    before, behind = padding or (layer.padding[0],) * 2
    zeros = layer.padding_mode == "zeros" or not any((before, behind))
    for what, right, fits in (
        (f"kernels of {kernel}×{width}", kernel == width, "square ones fit"),
        (f"a stride of {strides}", strides[0] == strides[1] <= MAX_STRIDE, f"one of 1 to {MAX_STRIDE} fits"),
        (f"a dilation of {dilation}", dilation[0] == dilation[1], "the same for rows and columns fits"),
        (f"a padding of {layer.padding}", alike, "the same on all sides fits"),
        (f"padding with {layer.padding_mode}", zeros, "zeros fit"),
        (f"a padding of {behind}", behind < wide, f"0 to {wide - 1} fit"),
        (f"{layer.in_channels} inputs, and gets {maps} maps", layer.in_channels == maps, "as many fit"),
    ):
        if not right:
            raise NetworkFileError(f"{name}: has {what}; {fits}")
    bias = None if layer.bias is None else _array(layer.bias)
    weight = dilated(_array(layer.weight), dilation[0])
    made = Convolution(name, weight, bias, before, behind, strides[0], layer.groups)
    side = made.side(rows)
    if side < 1:
        raise NetworkFileError(f"{name}: has kernels of {wide}×{wide} for maps of {rows}×{rows}; smaller fit")
    return flow.then(made, (layer.out_channels, side, side))


def _maps(name: str, flow: Flow) -> tuple[int, ...]:
    if len(flow.shape) != 3:
        raise NetworkFileError(f"{name}: takes maps, and gets values in a row; before Flatten it fits")
    return flow.shape


def _pool(kind: PoolKind) -> _Step:
    def applied(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
        layer = said.get("layer")
        if layer is not None:
            said = {key: getattr(layer, key) for key in (*_POOL, "divisor_override") if hasattr(layer, key)}
        _, rows, _ = _maps(name, flow)
        kernel = _both(said["kernel_size"])
        stride = _both(said.get("stride") or kernel)
        if len({*kernel}) != 1 or len({*stride}) != 1:
            raise NetworkFileError(f"{name}: pools rows and columns differently; squares fit")
        if any(_both(said.get("padding", 0))) or {*_both(said.get("dilation", 1))} != {1}:
            raise NetworkFileError(f"{name}: pools with padding or dilation; without them it fits")
        if said.get("divisor_override"):
            raise NetworkFileError(f"{name}: divides by {said['divisor_override']}; by the number of cells fits")
        if said.get("ceil_mode") and (rows - kernel[0]) % stride[0]:
            raise NetworkFileError(
                f"{name}: keeps a part of a square at the end of maps of {rows}×{rows}; ceil_mode=False fits"
            )
        return _pooled(name, flow, kernel[0], stride[0], kind)

    return applied


def _pooled(name: str, flow: Flow, side: int, stride: int, kind: PoolKind) -> Flow:
    """Behind a pool; one of a single cell is none."""
    maps, rows, _ = _maps(name, flow)
    if side == stride == 1:
        return flow
    wrong = wrong_pool(rows, side, stride)
    if wrong:
        raise NetworkFileError(f"{name}: {wrong}")
    made = Pool(name, side, stride, kind)
    return flow.then(made, (maps, made.side(rows), made.side(rows)))


def _adaptive(kind: PoolKind) -> _Step:
    def applied(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
        asked = said["layer"].output_size if "layer" in said else said["output_size"]
        _, rows, _ = _maps(name, flow)
        cells = {rows if one is None else one for one in _both(asked)}
        if len(cells) != 1 or rows % (one := cells.pop()):
            raise NetworkFileError(f"{name}: makes {asked} of maps of {rows}×{rows}; a side that divides {rows} fits")
        return _pooled(name, flow, rows // one, rows // one, kind)

    return applied


def _mean(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    maps, rows, _ = _maps(name, flow)
    if {axis % 4 for axis in np.atleast_1d(said.get("dim", (1, 2, 3)))} != {2, 3}:
        raise NetworkFileError(f"{name}: averages other axes than rows and columns; dim=(2, 3) fits")
    made = _pooled(name, flow, rows, rows, PoolKind.MEAN)
    return made if said.get("keepdim") else replace(made, shape=(maps,))


def _padding(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    pad = list(said["layer"].padding if "layer" in said else said["pad"])
    maps, rows, _ = _maps(name, flow)
    if said.get("mode", "constant") != "constant" or said.get("value"):
        raise NetworkFileError(f"{name}: pads with other values than 0; zeros fit")
    if len(pad) != 4 or pad[:2] != pad[2:]:
        raise NetworkFileError(f"{name}: pads rows and columns differently; the same fits")
    made = Padding(name, pad[0], pad[1])
    if made.side(rows) < 1:
        raise NetworkFileError(f"{name}: leaves nothing of its maps; less fits")
    return flow.then(made, (maps, made.side(rows), made.side(rows))) if any(pad) else flow


def _both(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


def _activation(kind: str) -> _Step:
    return lambda name, flow, _: flow.then(Activation(name, kind))


def _parameter(kind: str, attribute: str) -> _Step:
    """An activation with a parameter, which is spelled as ``--stages`` does."""

    def applied(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
        value = getattr(said["layer"], attribute) if "layer" in said else said.get(attribute)
        return flow.then(Activation(name, spelled(kind, value)))

    return applied


def _prelu(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    slopes = np.unique(_array(said["layer"].weight))
    if len(slopes) != 1:
        raise NetworkFileError(f"{name}: has a slope for each map; one for all fits, as of LeakyReLU")
    return flow.then(Activation(name, spelled("leaky", slopes[0])))


def _clip(least: float, most: float) -> _Step:
    """What keeps values between two numbers, by default these."""

    def applied(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
        if "layer" in said:
            said = {"min": said["layer"].min_val, "max": said["layer"].max_val}
        found = [least, most]
        for place, keys in enumerate((("min", "min_val"), ("max", "max_val"))):
            found[place] = next((float(said[key]) for key in keys if said.get(key) is not None), found[place])
        kind = clip(*found)
        if kind is None:
            raise NetworkFileError(
                f"{name}: keeps values between {found[0]:g} and {found[1]:g}; from 0, from 0 to 6 and from -1 to 1 fit"
            )
        return flow if kind == "none" else flow.then(Activation(name, kind))

    return applied


def _gated(name: str, one: Flow, two: Flow) -> Flow | None:
    """The product of values and of an activation of them as one activation; None if it is no such product."""
    for values, gate in ((one, two), (two, one)):
        kind = gate.place.gated if gate.place.given == (values.place,) else None
        if kind and values.shape == gate.shape:
            return values.then(Activation(name, kind))
    return None


def _sum(name: str, one: Flow, two: Flow) -> Flow:
    """The sum of maps of two layers."""
    wrong = wrong_sum(one.made, two.made)
    if wrong is None and one.shape != two.shape:
        wrong = "adds up maps and values in a row; both before Flatten, or both behind it, fit"
    if wrong:
        raise NetworkFileError(f"{name}: {wrong}")
    return replace(one, place=one.goes_on(name).plus(name, two.goes_on(name)))


def _normalisation(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    layer = said["layer"]
    if layer.running_mean is None or layer.running_var is None:
        raise NetworkFileError(f"{name}: has no running mean, and so normalises by the batch; track_running_stats fits")
    if layer.num_features != flow.shape[0]:
        raise NetworkFileError(f"{name}: is for {layer.num_features} maps, and gets {flow.shape[0]}; as many fit")
    mean, deviation = _array(layer.running_mean), np.sqrt(_array(layer.running_var) + layer.eps)
    weight = np.ones_like(mean) if layer.weight is None else _array(layer.weight)
    bias = np.zeros_like(mean) if layer.bias is None else _array(layer.bias)
    scale = weight / deviation
    shift = bias - mean * scale
    return flow.then(_scaling(name, flow, scale.reshape(-1, 1, 1), shift.reshape(-1, 1, 1)))


def _scaling(name: str, flow: Flow, scale: F64, shift: F64) -> Scaling:
    """Numbers that are broadcast over the values of an image."""
    if len(flow.shape) == 1:
        scale, shift = (values.reshape(-1) for values in (scale, shift))
    numbers = np.broadcast_shapes(scale.shape, shift.shape)
    try:
        scale, shift = (np.broadcast_to(values, flow.shape) for values in (scale, shift))
    except ValueError as error:
        raise NetworkFileError(
            f"{name}: takes an array of {numbers} for values of {flow.shape}; one number for each map fits"
        ) from error
    return Scaling(name, scale.reshape(flow.made), shift.reshape(flow.made))


def _arithmetic(name: str, target: Any, given: Sequence[Any], flows: Sequence[Flow]) -> Flow:
    if len(flows) == 2:
        if _ARITHMETIC[target] == "add":
            return _sum(name, *flows)
        made = _gated(name, *flows) if _ARITHMETIC[target] == "mul" else None
        if made:
            return made
    behind = isinstance(given[1], Flow)
    flow = _only(name, [one for one in given[:2] if isinstance(one, Flow)])
    other = given[0 if behind else 1]
    numbers = _array(other) if torch.is_tensor(other) else np.asarray(other, np.float64)
    if numbers.ndim > len(flow.shape):  # with an axis for the batch
        numbers = numbers[0] if len(numbers) == 1 else numbers
    kind, one, zero = _ARITHMETIC[target], np.ones(()), np.zeros(())
    if kind == "div" and behind:
        raise NetworkFileError(f"{name}: divides by the values of the image; numbers fit")
    scale, shift = {
        "add": (one, numbers),
        "sub": (-one, numbers) if behind else (one, -numbers),
        "mul": (numbers, zero),
        "div": (1 / np.where(numbers == 0, np.nan, numbers), zero),
    }[kind]
    if not np.isfinite(scale).all() or not np.isfinite(shift).all():
        raise NetworkFileError(f"{name}: makes NaN or infinity; finite numbers fit")
    return flow.then(_scaling(name, flow, scale, shift))


def _flatten(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    layer = said.get("layer")
    start, end = (layer.start_dim, layer.end_dim) if layer else (said.get("start_dim", 0), said.get("end_dim", -1))
    if start != 1 or end not in (-1, len(flow.shape)):
        raise NetworkFileError(f"{name}: flattens axes {start} to {end}; all but that of the batch, from 1, fit")
    return replace(flow, shape=(int(np.prod(flow.shape)),))


def _view(name: str, flow: Flow, given: dict[str, Any]) -> Flow:
    sizes = [one for value in given.values() for one in (value if isinstance(value, list | tuple) else [value])]
    size = int(np.prod(flow.shape))
    # The first is that of the batch, which is −1 here.
    if len(sizes) == 2 and sizes[0] == -1 and sizes[1] in (-1, size):
        return replace(flow, shape=(size,))
    if tuple(sizes[1:]) == flow.shape:
        return flow
    raise NetworkFileError(f"{name}: makes an array of {tuple(sizes)}; all {size:,} values of an image in a row fit")


def _squeeze(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    """Without axes of length 1; that of the classes stays also where there is one output."""
    given = said.get("dim")
    where = [axis for axis in range(1, len(flow.shape)) if flow.shape[axis] == 1]
    axes = (
        [axis + 1 for axis in where]
        if given is None
        else [int(one) % (len(flow.shape) + 1) for one in np.atleast_1d(given)]
    )
    if 0 in axes:
        raise NetworkFileError(f"{name}: takes the axis of the batch; the others fit")
    kept = [length for axis, length in enumerate(flow.shape, 1) if axis == 1 or axis not in axes or length != 1]
    return replace(flow, shape=tuple(kept))


def _affine(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    layer = said["layer"]
    if len(flow.shape) != 1 or layer.in_features != flow.shape[0]:
        raise NetworkFileError(
            f"{name}: takes {layer.in_features:,} values, and gets {'×'.join(map(str, flow.shape))} of an image of "
            "this side; flatten all maps before it"
        )
    bias = np.zeros(layer.out_features) if layer.bias is None else _array(layer.bias)
    return flow.then(Affine(name, _array(layer.weight), bias), (layer.out_features,))


def _softmax(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    dim = said["layer"].dim if "layer" in said else said.get("dim")
    if len(flow.shape) != 1 or dim not in (1, -1, None):
        raise NetworkFileError(f"{name}: is not over the classes; softmax of the logits, dim=1, fits")
    return replace(flow, ends=name)


def _dropout(name: str, flow: Flow, said: dict[str, Any]) -> Flow:
    if said.get("training", True):
        raise NetworkFileError(f"{name}: drops values of the trained network, too; training=self.training fits")
    return flow


def _same(_: str, flow: Flow, __: dict[str, Any]) -> Flow:
    return flow


_ADAPTIVE = {kind: _adaptive(kind) for kind in PoolKind}
_RELU6, _UNIT, _ANY = _clip(0, 6), _clip(-1, 1), _clip(-np.inf, np.inf)
_LEAKY, _ELU = _parameter("leaky", "negative_slope"), _parameter("elu", "alpha")
_MODULES: dict[type[nn.Module] | tuple[type[nn.Module], ...], _Step] = {
    nn.Conv2d: _convolution,
    **{getattr(nn, one.torch): _activation(one.name) for one in ACTIVATIONS.values() if one.name != "none"},
    nn.Hardtanh: _UNIT,
    nn.Hardsigmoid: _activation(HARD_SIGMOID),
    nn.LeakyReLU: _LEAKY,
    nn.ELU: _ELU,
    nn.PReLU: _prelu,
    nn.MaxPool2d: _pool(PoolKind.MAX),
    nn.AvgPool2d: _pool(PoolKind.MEAN),
    nn.AdaptiveMaxPool2d: _ADAPTIVE[PoolKind.MAX],
    nn.AdaptiveAvgPool2d: _ADAPTIVE[PoolKind.MEAN],
    nn.ZeroPad2d: _padding,
    (nn.BatchNorm2d, nn.BatchNorm1d): _normalisation,
    nn.Flatten: _flatten,
    nn.Linear: _affine,
    (nn.Softmax, nn.LogSoftmax): _softmax,
    (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity): _same,
}
_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
# Each function with the names of its arguments behind the values.
_FUNCTIONS: dict[Any, tuple[tuple[str, ...], _Step]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, ".relu", ".relu_"), (("inplace",), _activation("relu"))),
    **dict.fromkeys((F.tanh, torch.tanh, ".tanh", ".tanh_"), ((), _activation("tanh"))),
    **dict.fromkeys((F.sigmoid, torch.sigmoid, ".sigmoid", ".sigmoid_"), ((), _activation("sigmoid"))),
    F.silu: (("inplace",), _activation("silu")),
    F.hardswish: (("inplace",), _activation("hardswish")),
    F.hardsigmoid: (("inplace",), _activation(HARD_SIGMOID)),
    F.relu6: (("inplace",), _RELU6),
    F.hardtanh: (("min_val", "max_val", "inplace"), _UNIT),
    **dict.fromkeys((torch.clamp, torch.clip, ".clamp", ".clip"), (("min", "max"), _ANY)),
    F.leaky_relu: (("negative_slope", "inplace"), _LEAKY),
    F.elu: (("alpha", "inplace"), _ELU),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), (_POOL, _pool(PoolKind.MAX))),
    F.avg_pool2d: (
        ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
        _pool(PoolKind.MEAN),
    ),
    F.adaptive_max_pool2d: (("output_size",), _ADAPTIVE[PoolKind.MAX]),
    F.adaptive_avg_pool2d: (("output_size",), _ADAPTIVE[PoolKind.MEAN]),
    **dict.fromkeys((torch.mean, ".mean"), (("dim", "keepdim"), _mean)),
    F.pad: (("pad", "mode", "value"), _padding),
    **dict.fromkeys((torch.squeeze, ".squeeze"), (("dim",), _squeeze)),
    **dict.fromkeys((torch.flatten, ".flatten"), (("start_dim", "end_dim"), _flatten)),
    **dict.fromkeys((".view", ".reshape", torch.reshape), (("a", "b", "c", "d", "e"), _view)),
    **dict.fromkeys((F.dropout, F.dropout2d), (("p", "training", "inplace"), _dropout)),
    ".contiguous": ((), _same),
    **dict.fromkeys(
        (F.log_softmax, F.softmax, torch.log_softmax, torch.softmax, ".log_softmax", ".softmax"), (("dim",), _softmax)
    ),
}
_ARITHMETIC: dict[Any, str] = {
    **dict.fromkeys((operator.add, torch.add, ".add", operator.iadd), "add"),
    **dict.fromkeys((operator.sub, torch.sub, ".sub", operator.isub), "sub"),
    **dict.fromkeys((operator.mul, torch.mul, ".mul", operator.imul), "mul"),
    **dict.fromkeys((operator.truediv, torch.div, ".div", operator.itruediv), "div"),
}
