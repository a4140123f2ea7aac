"""A network from a module of PyTorch in memory: its forward pass followed node by node, and compared."""

import copy
import hashlib
import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional as F

from konkyo.models.architecture import SIDES
from konkyo.models.classes import Names, wrong_names
from konkyo.models.files.card import ImportCard
from konkyo.models.network import Network, softmax
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing import chain as chains
from konkyo.trainer.importing.chain import F64, Affine, Chain, Convolution, Layer, Pool, Relu, Scaling
from konkyo.trainer.importing.network_file import Imported
from konkyo.trainer.importing.pixels import Asked, Pixels, found, settled

# Random images on which the module and what was read of it are compared; a greater difference is no rounding.
IMAGES = 8
MOST = 1e-3
_FITTING = "Conv2d, ReLU, MaxPool2d(2), Flatten, Linear, batch normalisation and dropout fit"


@dataclass
class _Flow:
    """The values of one image on their way.

    Attributes
    ----------
    shape
        Of the values as they stand.
    made
        Of the values as the last layer made them: (maps, rows, columns) also where they stand in a row.
    layers
        Those that the image went through.
    ends
        The softmax that it went through, if it did.
    """

    shape: tuple[int, ...]
    made: tuple[int, ...]
    layers: list[Layer] = field(default_factory=list)
    ends: str | None = None

    def then(self, layer: Layer, shape: tuple[int, ...] | None = None) -> "_Flow":
        """Behind a layer, which makes values of another shape or leaves it."""
        if self.ends:
            raise NetworkFileError(f"{layer.name}: stands behind {self.ends}; a softmax fits at the end alone")
        layers = [*self.layers, layer]
        return replace(self, layers=layers) if shape is None else _Flow(shape, shape, layers)


# What a node is called, the values that enter it, and its other arguments by name → what comes out.
_Step = Callable[[str, _Flow, dict[str, Any]], _Flow]


def read(module: nn.Module, side: int, asked: Pixels | None, classes: Names | None = None) -> Imported:
    """The network, in float32 and with what its card says, that a module amounts to for pixels in [0, 1].

    Parameters
    ----------
    module
        It takes images (N, channels, side, side). It is copied.
    side
        Of the images.
    asked
        What of a pixel enters the module; it may be left out where the module subtracts and divides itself.
    classes
        Their names; by default numbers.

    Raises
    ------
    NetworkFileError
        Its forward pass is no chain of layers that make stages and a head, other numbers come out of it, or nothing
        says in which range pixels enter it. The message names the layer.
    """
    module = getattr(module, "_orig_mod", module)  # of torch.compile
    if not isinstance(module, nn.Module):
        raise NetworkFileError(f"{type(module).__name__} is no module of PyTorch; a torch.nn.Module fits")
    still = copy.deepcopy(module).to("cpu", torch.float64).eval()
    graph = _graph(still)
    called = [still.get_submodule(str(node.target)) for node in graph.nodes if node.op == "call_module"]
    first = next((one for one in (*called, *still.modules()) if isinstance(one, nn.Conv2d)), None)
    if first is None:
        raise NetworkFileError("it has no Conv2d; a network of one to six convolutions, then affine layers, fits")
    channels = first.in_channels
    try:
        flow = _followed(graph, still, (channels, side, side))
    except NetworkFileError as error:
        raise NetworkFileError(f"{error}{_fitting_sides(graph, still, channels)}") from error
    chain = Chain(tuple(flow.layers), side, channels)
    pixels = settled(chain, asked, found(chain), Asked.PYTHON)
    network, folded = chains.network(pixels.before(chain))
    if classes is not None:
        count = network.architecture.classes
        wrong = wrong_names(classes) if len(classes) == count else f"must be {count}, not {len(classes)}"
        if wrong:
            raise NetworkFileError(f"the names of its classes {wrong}")
        network = Network(network.architecture, network.weights, classes, network.border)
    difference = _compare(still, network, pixels.mean, pixels.std, flow.ends)
    digest = hashlib.sha256()
    for name, values in still.state_dict().items():
        digest.update(f"{name}\0".encode() + values.numpy().tobytes())
    card = ImportCard(
        file=type(module).__name__,
        sha256=digest.hexdigest(),
        format="a module of PyTorch",
        made_by=f"PyTorch {torch.__version__}",
        mean=pixels.mean,
        std=pixels.std,
        range_by=pixels.by,
        folded=folded,
        difference=difference,
        compared=IMAGES,
    )
    return Imported(network, card)


def _graph(module: nn.Module) -> fx.Graph:
    try:
        return fx.Tracer().trace(module)
    except Exception as error:  # tracing runs the module's own code
        said = str(error).partition("\n")[0]
        raise NetworkFileError(
            f"its forward pass cannot be followed ({said}); one that calls its layers one after another fits, or "
            "export it to ONNX for `konkyo import`"
        ) from error


def _fitting_sides(graph: fx.Graph, module: nn.Module, channels: int) -> str:
    """For a message: the sides of images that the layers take up to the classes, if any. They follow one another."""
    fitting = []
    for side in SIDES:
        with suppress(NetworkFileError):
            if len(_followed(graph, module, (channels, side, side)).shape) == 1:
                fitting.append(side)
    ends = (" or " if len(fitting) == 2 else " to ").join(map(str, dict.fromkeys([*fitting[:1], *fitting[-1:]])))
    return f". With side={ends} its layers fit together" if fitting else ""


def _followed(graph: fx.Graph, module: nn.Module, shape: tuple[int, ...]) -> _Flow:
    """What becomes of the image of a graph."""
    values: dict[fx.Node, Any] = {}
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise NetworkFileError(f"it takes {len(inputs)} inputs; one image fits")
    *nodes, output = graph.nodes
    for node in nodes:
        if node.op == "placeholder":
            values[node] = _Flow(shape, shape)
        elif node.op == "get_attr":
            values[node] = operator.attrgetter(str(node.target))(module)
        else:
            values[node] = _step(node, module, fx.map_arg(node.args, values.__getitem__), _named(node, values))
    [result] = output.args
    found = values.get(result) if isinstance(result, fx.Node) else None
    if not isinstance(found, _Flow):
        raise NetworkFileError("it gives several outputs, or none; the logits of the classes alone fit")
    return found


def _named(node: fx.Node, values: dict[fx.Node, Any]) -> dict[str, Any]:
    return dict(fx.map_arg(node.kwargs, values.__getitem__))


def _step(node: fx.Node, module: nn.Module, given: Sequence[Any], named: dict[str, Any]) -> Any:
    """What comes out of a node: a flow, or a number such as the size of a batch."""
    name = str(node.target) if node.op == "call_module" else node.name
    flows = [one for one in (*given, *named.values()) if isinstance(one, _Flow)]
    if node.op == "call_module":
        layer = module.get_submodule(str(node.target))
        kind = type(layer).__name__
        known = next((step for kinds, step in _MODULES.items() if isinstance(layer, kinds)), None)
        if known is None or len(given) != 1 or named:
            raise NetworkFileError(f"{name}: is {kind}; {_FITTING}")
        return known(f"{name} ({kind})", _only(name, flows), {"layer": layer})
    target = node.target if node.op == "call_function" else f".{node.target}"
    if not flows or target in (getattr, operator.getitem, ".size", ".dim"):
        return _plain(name, target, given, named)
    if target in _ARITHMETIC:
        if named or len(given) != 2:
            raise NetworkFileError(f"{name}: has arguments beside two values; two alone, such as x + 1, fit")
        return _arithmetic(name, target, given)
    if target not in _FUNCTIONS:
        called = getattr(target, "__name__", str(target))
        raise NetworkFileError(f"{name}: calls {called}; {_FITTING}")
    names, step = _FUNCTIONS[target]
    others = dict(zip(names, given[1:], strict=False)) | {key: one for key, one in named.items() if key != "input"}
    return step(name, _only(name, flows), others)


def _only(name: str, flows: Sequence[_Flow]) -> _Flow:
    if len(flows) != 1:
        raise NetworkFileError(f"{name}: takes {len(flows)} arrays that depend on the image; a chain of layers fits")
    return flows[0]


def _plain(name: str, target: Any, given: Sequence[Any], named: dict[str, Any]) -> Any:
    """What is no value of the image: its shape, of which the batch is −1, and what is computed of that."""
    first = given[0] if given else None
    if isinstance(first, _Flow):
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


def _convolution(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
    layer = said["layer"]
    maps, rows, _ = _maps(name, flow)
    kernel, padding = layer.kernel_size, layer.padding
    if padding == "same" and kernel[0] % 2 == 0:
        raise NetworkFileError(f"{name}: pads even kernels more on one side; the same on all sides fits")
    padding = (
        {"same": (kernel[0] // 2,) * 2, "valid": (0, 0)}.get(padding, padding) if isinstance(padding, str) else padding
    )
    for what, wrong, right in (
        (f"kernels of {kernel[0]}×{kernel[1]}", kernel[0] != kernel[1], "square ones fit"),
        (f"a stride of {layer.stride}", {*layer.stride} != {1}, "a stride of 1 fits"),
        (f"a dilation of {layer.dilation}", {*layer.dilation} != {1}, "no dilation fits"),
        (f"a padding of {padding}", len({*padding}) != 1, "the same on all sides fits"),
        (f"padding with {layer.padding_mode}", layer.padding_mode != "zeros" and any(padding), "zeros fit"),
        (f"{layer.groups} groups", layer.groups != 1, "one group fits"),
        (f"{layer.in_channels} inputs, and gets {maps} maps", layer.in_channels != maps, "as many fit"),
    ):
        if wrong:
            raise NetworkFileError(f"{name}: has {what}; {right}")
    side = rows + 2 * padding[0] - kernel[0] + 1
    if side < 1:
        raise NetworkFileError(f"{name}: has kernels of {kernel[0]}×{kernel[0]} for maps of {rows}×{rows}; smaller fit")
    bias = None if layer.bias is None else _array(layer.bias)
    return flow.then(Convolution(name, _array(layer.weight), bias, padding[0]), (layer.out_channels, side, side))


def _maps(name: str, flow: _Flow) -> tuple[int, ...]:
    if len(flow.shape) != 3:
        raise NetworkFileError(f"{name}: takes maps, and gets values in a row; before Flatten it fits")
    return flow.shape


def _pool(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
    layer = said.get("layer")
    if layer is not None:
        said = {key: getattr(layer, key) for key in ("kernel_size", "stride", "padding", "dilation", "ceil_mode")}
    maps, rows, _ = _maps(name, flow)
    kernel = _both(said["kernel_size"])
    stride = _both(said.get("stride") or kernel)
    if (kernel, stride) != ((2, 2), (2, 2)):
        raise NetworkFileError(
            f"{name}: pools {kernel[0]}×{kernel[1]} with a stride of {stride[0]}×{stride[1]}; 2×2 with a stride "
            "of 2 fits"
        )
    if any(_both(said.get("padding", 0))) or {*_both(said.get("dilation", 1))} != {1}:
        raise NetworkFileError(f"{name}: pools with padding or dilation; without them it fits")
    if said.get("ceil_mode") and rows % 2:
        raise NetworkFileError(f"{name}: keeps the odd row and column of maps of {rows}×{rows}; ceil_mode=False fits")
    if rows < 2:
        raise NetworkFileError(f"{name}: pools maps of one cell; fewer pools fit")
    return flow.then(Pool(name), (maps, rows // 2, rows // 2))


def _both(value: Any) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _relu(name: str, flow: _Flow, _: dict[str, Any]) -> _Flow:
    return flow.then(Relu(name))


def _normalisation(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
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
    made = _scaling(name, flow, scale.reshape(-1, 1, 1), shift.reshape(-1, 1, 1))
    return flow.then(replace(made, learned=True))


def _scaling(name: str, flow: _Flow, scale: F64, shift: F64) -> Scaling:
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


def _arithmetic(name: str, target: Any, given: Sequence[Any]) -> _Flow:
    behind = isinstance(given[1], _Flow)
    flow = _only(name, [one for one in given[:2] if isinstance(one, _Flow)])
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


def _flatten(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
    layer = said.get("layer")
    start, end = (layer.start_dim, layer.end_dim) if layer else (said.get("start_dim", 0), said.get("end_dim", -1))
    if start != 1 or end not in (-1, len(flow.shape)):
        raise NetworkFileError(f"{name}: flattens axes {start} to {end}; all but that of the batch, from 1, fit")
    return replace(flow, shape=(int(np.prod(flow.shape)),))


def _view(name: str, flow: _Flow, given: dict[str, Any]) -> _Flow:
    sizes = [one for value in given.values() for one in (value if isinstance(value, list | tuple) else [value])]
    size = int(np.prod(flow.shape))
    # The first is that of the batch, which is −1 here.
    if len(sizes) == 2 and sizes[0] == -1 and sizes[1] in (-1, size):
        return replace(flow, shape=(size,))
    if tuple(sizes[1:]) == flow.shape:
        return flow
    raise NetworkFileError(f"{name}: makes an array of {tuple(sizes)}; all {size:,} values of an image in a row fit")


def _affine(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
    layer = said["layer"]
    if len(flow.shape) != 1 or layer.in_features != flow.shape[0]:
        raise NetworkFileError(
            f"{name}: takes {layer.in_features:,} values, and gets {'×'.join(map(str, flow.shape))} of an image of "
            "this side; flatten all maps before it"
        )
    bias = np.zeros(layer.out_features) if layer.bias is None else _array(layer.bias)
    return flow.then(Affine(name, _array(layer.weight), bias), (layer.out_features,))


def _softmax(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
    dim = said["layer"].dim if "layer" in said else said.get("dim")
    if len(flow.shape) != 1 or dim not in (1, -1, None):
        raise NetworkFileError(f"{name}: is not over the classes; softmax of the logits, dim=1, fits")
    return replace(flow, ends=name)


def _dropout(name: str, flow: _Flow, said: dict[str, Any]) -> _Flow:
    if said.get("training", True):
        raise NetworkFileError(f"{name}: drops values of the trained network, too; training=self.training fits")
    return flow


def _same(_: str, flow: _Flow, __: dict[str, Any]) -> _Flow:
    return flow


_MODULES: dict[type[nn.Module] | tuple[type[nn.Module], ...], _Step] = {
    nn.Conv2d: _convolution,
    nn.ReLU: _relu,
    nn.MaxPool2d: _pool,
    (nn.BatchNorm2d, nn.BatchNorm1d): _normalisation,
    nn.Flatten: _flatten,
    nn.Linear: _affine,
    (nn.Softmax, nn.LogSoftmax): _softmax,
    (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Identity): _same,
}
_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
# Each function with the names of its arguments behind the values.
_FUNCTIONS: dict[Any, tuple[tuple[str, ...], _Step]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, ".relu", ".relu_"), (("inplace",), _relu)),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), (_POOL, _pool)),
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


def _compare(
    module: nn.Module, network: Network, mean: Sequence[float], std: Sequence[float], ends: str | None
) -> float:
    """The greatest difference of a probability; NetworkFileError if it is no rounding."""
    shape = network.architecture
    images = np.random.default_rng(0).random((IMAGES, shape.channels, shape.side, shape.side))
    images[: IMAGES // 2, :, shape.side // 4 : shape.side // 2] = 0  # with areas of one colour, as drawings have
    shift, scale = (np.resize(numbers, (shape.channels, 1, 1)) for numbers in (mean, std))
    try:
        with torch.no_grad():
            theirs = module(torch.from_numpy((images - shift) / scale)).numpy()
    except Exception as error:  # it is the module's own code
        said = str(error).partition("\n")[0]
        raise NetworkFileError(f"it cannot be run on images of {shape.side}×{shape.side} ({said})") from error
    # Of logits and of their logarithms alike; of probabilities the logarithm first.
    is_probability = ends is not None and bool((theirs >= 0).all()) and bool(np.allclose(theirs.sum(1), 1))
    theirs = theirs if is_probability else softmax(theirs)
    ours = softmax(network.astype(np.float64).logits(images.reshape(IMAGES, *shape.image_shape)))
    difference = float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else np.inf
    if not difference <= MOST:
        raise NetworkFileError(
            f"what was read of it differs by {difference:.2g} in a probability from the module, so it was not "
            "understood; please report it"
        )
    return difference
