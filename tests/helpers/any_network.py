"""Networks of any architecture, and what PyTorch says of them: the oracle of the engine."""

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from konkyo.models.architecture import Architecture, Stage, Wiring
from konkyo.models.errors import ArchitectureError
from konkyo.models.network import Network
from tests.helpers.oracles import F64

torch.set_num_threads(1)


@st.composite
def any_architectures(draw: st.DrawFn, most: int = 6, hidden: bool = True) -> Architecture:
    """One to ``most`` stages of both wirings, with and without padding and pools; odd sides; grey or colour."""
    side, channels = draw(st.integers(8, 26)), draw(st.sampled_from([1, 3]))
    stages: list[Stage] = []
    for _ in range(draw(st.integers(1, most))):
        kernel = draw(st.integers(1, 7))
        stage = Stage(
            draw(st.integers(1, 6)),
            kernel,
            draw(st.integers(0, kernel - 1)),
            draw(st.booleans()),
            draw(st.sampled_from(Wiring)),
            draw(st.booleans()),
        )
        try:
            found = Architecture((*stages, stage), side, channels)
        except ArchitectureError:
            break  # nothing is left to convolve
        if found.maps > 60:
            break
        stages.append(stage)
    widths = draw(st.lists(st.integers(2, 12), max_size=3)) if hidden else []
    stages = stages or [Stage(2, 3)]
    return Architecture(tuple(stages), side, channels, tuple(widths), draw(st.integers(2, 5)))


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


def torch_convolutions(network: Network, images: F64 | Tensor) -> list[Tensor]:
    """Each stage's convolution, before ReLU."""
    below = [torch.as_tensor(images), *torch_layers(network, images)]
    return [_convolved(network, number, below[number]) for number in range(len(network.architecture.stages))]


def torch_layers(network: Network, images: F64 | Tensor, responses: Tensor | None = None) -> list[Tensor]:
    """Each stage's output, and the logits, by PyTorch. ``responses`` stand for the last stage's, if given."""
    architecture = network.architecture
    maps, layers = torch.as_tensor(images), []
    for number, stage in enumerate(architecture.stages):
        if responses is not None and number == len(architecture.stages) - 1:
            convolved = _joined(network, responses)
        else:
            convolved = _convolved(network, number, maps)
        maps = F.relu(convolved)
        maps = F.max_pool2d(maps, 2) if stage.pool else maps
        layers.append(maps)
    values = maps.flatten(1)
    for name, *_ in architecture.head:
        weight, bias = (torch.tensor(network.weights[f"{name}.{kind}"]) for kind in ("weight", "bias"))
        values = F.linear(values, weight, bias)
        values = values if name == "affine" else F.relu(values)
    return [*layers, values]


def pair_responses(network: Network, number: int, maps: Tensor) -> Tensor:
    """(N, A, B, o, o): each filter of a stage on each input map by itself, without bias."""
    paired, weight = (
        network.architecture.stages[number].paired,
        torch.tensor(network.weights[f"conv{number + 1}.weight"]),
    )
    padded = _padded(network, number, maps)
    each = [F.conv2d(padded[:, [i]], weight[:, [0 if paired else i]]) for i in range(padded.shape[1])]
    return torch.stack(each, 1)


def _padded(network: Network, number: int, maps: Tensor) -> Tensor:
    """The image is surrounded by its border, other maps by zeros."""
    padding = [network.architecture.stages[number].padding] * 4
    if number > 0:
        return F.pad(maps, padding)
    border = network.border.tolist()
    return torch.cat([F.pad(maps[:, [i]], padding, value=value) for i, value in enumerate(border)], 1)


def _convolved(network: Network, number: int, maps: Tensor) -> Tensor:
    weight, bias = torch.tensor(network.weights[f"conv{number + 1}.weight"]), torch.tensor(network.bias(number))
    padded = _padded(network, number, maps)
    if not network.architecture.stages[number].paired:
        return F.conv2d(padded, weight, bias)
    # Every map by itself.
    each = F.conv2d(padded.flatten(0, 1)[:, None], weight, bias)
    return each.reshape(len(padded), -1, *each.shape[2:])


def _joined(network: Network, responses: Tensor) -> Tensor:
    """The last stage's convolution."""
    bias = torch.tensor(network.bias(len(network.architecture.stages) - 1))[:, None, None]
    if network.architecture.stages[-1].paired:
        return (responses + bias).flatten(1, 2)
    return responses.sum(1) + bias


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
    """Contributions (C, A, B) and shared biases (C, B) by autograd: gradient times response, and times bias."""
    architecture = network.architecture
    below = torch_layers(network, image[None])[-3] if len(architecture.stages) > 1 else torch.from_numpy(image[None])
    responses = pair_responses(network, len(architecture.stages) - 1, below).requires_grad_()
    logits = torch_layers(network, image[None], responses)[-1][0]
    pairs, biases = [], []
    for logit in logits:
        (gradient,) = torch.autograd.grad(logit, responses, retain_graph=True)
        pairs.append((gradient * responses)[0].sum((-2, -1)).detach().numpy())
        per_filter = gradient[0].sum((-2, -1)).numpy()
        bias = np.array(network.bias(len(architecture.stages) - 1))
        if architecture.stages[-1].paired:
            pairs[-1] = pairs[-1] + per_filter * bias
            biases.append(np.zeros_like(bias))
        else:
            biases.append(per_filter[0] * bias)
    return np.array(pairs), np.array(biases)
