"""Networks of any architecture, and what PyTorch says of them: the oracle of the engine."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from konkyo.models.architecture import Architecture, Pool, PoolKind, Stage, Wiring
from konkyo.models.errors import ArchitectureError
from konkyo.models.network import Network
from tests.helpers.oracles import F64

torch.set_num_threads(1)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda z: z,
    "relu": F.relu,
    "leaky=0.1": lambda z: F.leaky_relu(z, 0.1),
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "elu": F.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "hardswish": F.hardswish,
}


@st.composite
def any_architectures(draw: st.DrawFn, most: int = 6, hidden: bool = True, gates: bool = False) -> Architecture:
    """One to ``most`` stages of every kind; odd sides; grey or colour; some with shortcuts.

    ``gates``: with ReLU and max pools alone, whose ledger is the gradient times the response.
    """
    side, channels = draw(st.integers(8, 26)), draw(st.sampled_from([1, 3]))
    names = ["relu"] if gates else sorted(ACTIVATIONS)
    stages: list[Stage] = []
    for _ in range(draw(st.integers(1, most))):
        found = Architecture(tuple(stages), side, channels) if stages else None
        stage = draw(any_stages(found.maps if found else channels, names, gates))
        if found and draw(st.integers(0, 4)) == 0:
            # A shortcut: the layers of the same shape are added up.
            shape = found.sides[-1], found.layer_maps[-1]
            same = [n for n, of in enumerate(zip(found.sides, found.layer_maps, strict=True)) if of == shape]
            stage = replace(stage, sources=tuple(same[-2:]))
        try:
            found = Architecture((*stages, stage), side, channels)
        except ArchitectureError:
            break  # nothing is left to convolve
        if found.maps > 60:
            break
        stages.append(stage)
    widths = draw(st.lists(st.integers(2, 12), max_size=3)) if hidden else []
    stages = stages or [Stage(2, 3)]
    between = "relu" if gates else draw(st.sampled_from(names))
    return Architecture(tuple(stages), side, channels, tuple(widths), draw(st.integers(2, 5)), between)


@st.composite
def any_stages(draw: st.DrawFn, maps: int, names: list[str], gates: bool) -> Stage:
    """A stage for so many input maps."""
    kernel = draw(st.integers(0, 7))
    kind = PoolKind.MAX if gates else draw(st.sampled_from(PoolKind))
    side = draw(st.integers(2, 3))
    pool = Pool(side, draw(st.integers(1, side)), kind) if draw(st.booleans()) else None
    after = draw(st.sampled_from(names)) if not gates and draw(st.integers(0, 3)) == 0 else "none"
    if not kernel:
        return Stage(1, 0, pool=pool, activation=draw(st.sampled_from(names)), after=after)
    wiring = draw(st.sampled_from(Wiring))
    groups = draw(st.sampled_from([n for n in range(1, maps + 1) if maps % n == 0]))
    groups = groups if wiring is Wiring.SUMMED else 1
    bias = draw(st.booleans())
    return Stage(
        draw(st.integers(1, max(1, 6 // groups))) * groups,
        kernel,
        draw(st.integers(0, kernel - 1)),
        pool,
        wiring,
        bias,
        draw(st.sampled_from([1, 1, 2, 3])),
        draw(st.integers(0, kernel - 1)),
        groups,
        bias and draw(st.integers(0, 3)) == 0,
        draw(st.sampled_from(names)),
        after,
    )


def random_weights(architecture: Architecture, seed: int) -> Network:
    """A network whose gates are open and closed, with a border that is not 0 where the first stage has padding."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in architecture.tensor_shapes.items():
        scale = (2 / int(np.prod(shape[1:]))) ** 0.5 if name.endswith("weight") else 0.1
        weights[name] = rng.normal(0, scale, shape)
    return Network(architecture, weights, border=rng.random(architecture.channels))


def random_images(architecture: Architecture, count: int, seed: int) -> F64:
    """(N, channels, side, side) in [0, 1], a quarter of which is 0, as in a drawing."""
    rng = np.random.default_rng(seed)
    images = rng.random((count, architecture.channels, architecture.side, architecture.side))
    return np.where(rng.random((count, 1, architecture.side, architecture.side)) < 0.25, 0, images)


def given(architecture: Architecture, images: F64) -> F64:
    """Images as ``Network`` takes them: grey ones have no axis of channels."""
    return images[:, 0] if architecture.channels == 1 else images


def _summed(layers: list[Tensor], architecture: Architecture, stage: int) -> Tensor:
    """A stage's input."""
    return torch.stack([layers[source] for source in architecture.sources(stage)]).sum(0)


def torch_convolutions(network: Network, images: F64 | Tensor) -> list[Tensor]:
    """Each stage's convolution, before the activation."""
    below = [torch.as_tensor(images), *torch_layers(network, images)]
    shape = network.architecture
    return [_convolved(network, number, _summed(below, shape, number)) for number in range(len(shape.stages))]


def torch_layers(network: Network, images: F64 | Tensor, responses: Tensor | None = None) -> list[Tensor]:
    """Each stage's output, and the logits, by PyTorch. ``responses`` stand for the last stage's, if given."""
    architecture = network.architecture
    layers = [torch.as_tensor(images)]
    for number, stage in enumerate(architecture.stages):
        if responses is not None and number == len(architecture.stages) - 1:
            convolved = _joined(network, responses)
        else:
            convolved = _convolved(network, number, _summed(layers, architecture, number))
        maps = ACTIVATIONS[stage.activation](convolved)
        if stage.pool:
            maps = (F.avg_pool2d if stage.mean else F.max_pool2d)(maps, stage.pool.side, stage.pool.stride)
        layers.append(ACTIVATIONS[stage.after](maps))
    values = layers.pop().flatten(1)
    layers.append(values.reshape(len(values), architecture.maps, architecture.sides[-1], -1))
    for name, *_ in architecture.head:
        weight, bias = (torch.tensor(network.weights[f"{name}.{kind}"]) for kind in ("weight", "bias"))
        values = F.linear(values, weight, bias)
        values = values if name == "affine" else ACTIVATIONS[architecture.activation](values)
    return [*layers[1:], values]


def pair_responses(network: Network, number: int, maps: Tensor) -> Tensor:
    """(N, A, F, o, o): each filter of a stage on each input map that it meets, by itself, without bias."""
    stage, (_, inputs, filters) = network.architecture.stages[number], network.architecture.groups(number)
    weight, padded = torch.tensor(network.kernels(number)), _padded(network, number, maps)
    each = []
    for i in range(padded.shape[1]):
        first = 0 if stage.paired else i // inputs * filters
        own = weight[first : first + filters, [i % inputs]]
        each.append(F.conv2d(padded[:, [i]], own, stride=stage.stride))
    return torch.stack(each, 1)


def _padded(network: Network, number: int, maps: Tensor) -> Tensor:
    """The image is surrounded by its border, other maps by zeros."""
    stage = network.architecture.stages[number]
    padding = [stage.padding, stage.behind] * 2
    if 0 not in network.architecture.sources(number):
        return F.pad(maps, padding)
    border = network.border.tolist()
    return torch.cat([F.pad(maps[:, [i]], padding, value=value) for i, value in enumerate(border)], 1)


def _bias(network: Network, number: int) -> Tensor:
    bias = torch.tensor(network.bias(number))
    return bias if network.architecture.stages[number].bias_map else bias[:, None, None]


def _convolved(network: Network, number: int, maps: Tensor) -> Tensor:
    stage, padded = network.architecture.stages[number], _padded(network, number, maps)
    weight = torch.tensor(network.kernels(number))
    if not stage.paired:
        return F.conv2d(padded, weight, stride=stage.stride, groups=stage.groups) + _bias(network, number)
    # Every map by itself.
    each = F.conv2d(padded.flatten(0, 1)[:, None], weight, stride=stage.stride) + _bias(network, number)
    return each.reshape(len(padded), -1, *each.shape[2:])


def _joined(network: Network, responses: Tensor) -> Tensor:
    """The last stage's convolution."""
    last = len(network.architecture.stages) - 1
    groups, inputs, filters = network.architecture.groups(last)
    bias = _bias(network, last)
    if network.architecture.stages[-1].paired:
        return (responses + bias).flatten(1, 2)
    summed = responses.reshape(len(responses), groups, inputs, filters, *responses.shape[3:]).sum(2)
    return summed.flatten(1, 2) + bias


def torch_logits(network: Network, images: F64) -> F64:
    """(N, C)."""
    found: F64 = torch_layers(network, images)[-1].numpy()
    return found


def gradient(network: Network, images: F64, target: NDArray[np.intp]) -> F64:
    """(N, channels, side, side): of each image's logit of its target, by autograd."""
    pixels = torch.from_numpy(images).requires_grad_()
    logits = torch_layers(network, pixels)[-1]
    (found,) = torch.autograd.grad(logits[torch.arange(len(images)), torch.from_numpy(target)].sum(), pixels)
    slopes: F64 = found.numpy()
    return slopes


def gradient_ledger(network: Network, image: F64) -> tuple[F64, F64]:
    """Contributions (C, A, F) and shared biases (C, B) by autograd: gradient times response, and times bias.

    With gates alone: ReLU, leaky ReLU or nothing, and max pools.
    """
    architecture, last = network.architecture, len(network.architecture.stages) - 1
    layers = [torch.from_numpy(image[None]), *torch_layers(network, image[None])]
    below = _summed(layers, architecture, last)
    responses = pair_responses(network, last, below).requires_grad_()
    logits = torch_layers(network, image[None], responses)[-1][0]
    (groups, inputs, filters), stage = architecture.groups(last), architecture.stages[-1]
    bias = _bias(network, last)
    pairs, biases = [], []
    for logit in logits:
        (gradient,) = torch.autograd.grad(logit, responses, retain_graph=True)
        pairs.append((gradient * responses)[0].sum((-2, -1)).detach().numpy())
        if inputs == 1:
            per_pair = bias.reshape(1 if stage.paired else groups, filters, *bias.shape[1:])
            own = (gradient[0] * per_pair).sum((-2, -1)).numpy()
            pairs[-1] = pairs[-1] + own
            biases.append(np.zeros(stage.filters))
        else:
            by_map = gradient[0].reshape(groups, inputs, filters, *gradient.shape[3:])[:, 0].flatten(0, 1)
            biases.append((by_map * bias).sum((-2, -1)).numpy())
    return np.array(pairs), np.array(biases)
