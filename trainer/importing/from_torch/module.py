"""A network from a module of PyTorch in memory: its forward pass followed node by node, and compared."""

import copy
import hashlib
import operator
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import fx, nn

from konkyo.models.architecture import SIDES
from konkyo.models.classes import Names, wrong_names
from konkyo.models.files.card import ImportCard
from konkyo.models.network import Network, softmax
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing import building
from konkyo.trainer.importing.chain import Activation, Chain
from konkyo.trainer.importing.from_torch.layers import SIGMOID, Flow, step
from konkyo.trainer.importing.network_file import Imported
from konkyo.trainer.importing.pixels import Asked, Pixels, found, settled

# Random images on which the module and what was read of it are compared; a greater difference is no rounding.
IMAGES = 8
MOST = 1e-3


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
        raise NetworkFileError("it has no Conv2d; convolutions, then affine layers, fit")
    channels = first.in_channels
    try:
        flow = followed(graph, still, (channels, side, side))
    except NetworkFileError as error:
        raise NetworkFileError(f"{error}{_fitting_sides(graph, still, channels)}") from error
    chain = Chain(flow.place.layers, side, channels)
    pixels = settled(chain, asked, found(chain), Asked.PYTHON)
    network, folded = building.network(pixels.before(chain))
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
            if len(followed(graph, module, (channels, side, side)).shape) == 1:
                fitting.append(side)
    ends = (" or " if len(fitting) == 2 else " to ").join(map(str, dict.fromkeys([*fitting[:1], *fitting[-1:]])))
    return f". With side={ends} its layers fit together" if fitting else ""


def followed(graph: fx.Graph, module: nn.Module, shape: tuple[int, ...]) -> Flow:
    """What becomes of the image of a graph."""
    values: dict[fx.Node, Any] = {}
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise NetworkFileError(f"it takes {len(inputs)} inputs; one image fits")
    *nodes, output = graph.nodes
    for node in nodes:
        if node.op == "placeholder":
            values[node] = Flow(shape, shape)
        elif node.op == "get_attr":
            values[node] = operator.attrgetter(str(node.target))(module)
        else:
            given = fx.map_arg(node.args, values.__getitem__)
            values[node] = made = step(node, module, given, _named(node, values))
            if _in_place(node, module) and isinstance(made, Flow) and isinstance(taken := given[0], Flow):
                # All that holds these values holds the new ones from here on.
                for other, one in values.items():
                    if isinstance(one, Flow) and one.place is taken.place:
                        values[other] = replace(one, place=made.place)
    [result] = output.args
    found = values.get(result) if isinstance(result, fx.Node) else None
    if isinstance(found, Flow) and found.shape == (1,) and isinstance(found.place.layer, Activation):
        found.ends = SIGMOID
    if not isinstance(found, Flow):
        raise NetworkFileError("it gives several outputs, or none; the logits of the classes alone fit")
    return found


def _in_place(node: fx.Node, module: nn.Module) -> bool:
    """Whether a node changes the array that it takes."""
    if node.op == "call_module":
        return bool(getattr(module.get_submodule(str(node.target)), "inplace", False))
    if node.op == "call_method":
        return str(node.target).endswith("_")
    named = bool(node.kwargs.get("inplace", False))
    return named or node.target in (operator.iadd, operator.isub, operator.imul, operator.itruediv, torch.relu_)


def _named(node: fx.Node, values: dict[fx.Node, Any]) -> dict[str, Any]:
    return dict(fx.map_arg(node.kwargs, values.__getitem__))


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
            theirs = module(torch.from_numpy((images - shift) / scale)).numpy().reshape(IMAGES, -1)
    except Exception as error:  # it is the module's own code
        said = str(error).partition("\n")[0]
        raise NetworkFileError(f"it cannot be run on images of {shape.side}×{shape.side} ({said})") from error
    if ends == SIGMOID:
        theirs = np.concatenate([1 - theirs, theirs], 1)
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
