"""Networks of other shapes than the paper's: Keras' MNIST convnet, and one of the size of CNN Explainer's Tiny VGG.

Their weights are random: what an answer costs does not depend on them.
"""

import tracemalloc
from functools import partial

import numpy as np
import torch
from captum.attr import Occlusion
from numpy.typing import NDArray
from torch import nn

from benchmarks.timing import console, show
from konkyo.models.architecture import Architecture, Stage
from konkyo.models.contributions import contributions
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Network

KERAS = Architecture((Stage(32, 3), Stage(64, 3)))
TINY_VGG = Architecture(tuple(Stage(10, 3, pool=bool(number % 2)) for number in range(4)), 64, 3)
SEED = 0


def measure(digits: NDArray[np.float64]) -> None:
    """Of the first digit, and of an image of noise in colour, in which every region plays."""
    network, digit = _random(KERAS), digits[0]
    show(
        "Keras' convnet, one digit",
        {
            "the ledger, all ten classes": lambda: contributions(network, digit),
            "every combination of regions of 4×4": lambda: class_games(network, digit),
        },
        rounds=9,
    )
    _occlusion(network, digit)
    colour, image = _random(TINY_VGG), np.random.default_rng(SEED).random(TINY_VGG.image_shape)
    ask = partial(shapley_values, colour, image, 8)
    show("Tiny VGG's size, noise", {"Shapley values of 64 regions, over all 2⁶⁴ hidings": ask}, rounds=9)
    tracemalloc.start()
    ask()
    console.print(f"at the peak {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB")
    tracemalloc.stop()


def _occlusion(network: Network, digit: NDArray[np.float64]) -> None:
    """196 regions of 2×2 against PyTorch and Captum, in float32; both give the same drops."""
    single, image, regions = network.astype(np.float32), digit.astype(np.float32), Regions()
    twin, tensor = _twin(network), torch.from_numpy(image)[None, None]
    masks = torch.from_numpy(regions.masks.reshape(-1, 1, 28, 28))
    target, captum = int(twin(tensor).argmax()), Occlusion(twin)

    def attribute() -> NDArray[np.float32]:
        found = captum.attribute(
            tensor, sliding_window_shapes=(1, 2, 2), strides=(1, 2, 2), target=target, perturbations_per_eval=196
        )
        values: NDArray[np.float32] = found[0, 0].numpy()
        return values

    def passed() -> None:
        with torch.no_grad():
            twin(torch.where(masks, 0.0, tensor))

    np.testing.assert_allclose(attribute(), occlude(single, image, hiding=Hiding()).heatmap(), rtol=0, atol=1e-4)
    show(
        "Keras' convnet, one digit, 196 regions of 2×2",
        {
            "konkyo, float32": lambda: occlude(single, image, hiding=Hiding()),
            "konkyo, float64, as the service computes": lambda: occlude(network, digit, hiding=Hiding()),
            "one torch pass over all hidden images": passed,
            "captum, 196 per evaluation": attribute,
        },
        rounds=5,
    )


def _random(architecture: Architecture) -> Network:
    rng = np.random.default_rng(SEED)
    return Network(
        architecture, {name: rng.normal(0, 0.1, shape) for name, shape in architecture.tensor_shapes.items()}
    )


def _twin(network: Network) -> nn.Sequential:
    """The same network in PyTorch, for summed wiring without padding and hidden layers."""
    layers: list[nn.Module] = []
    shape = network.architecture
    for below, stage in zip(shape.layer_maps, shape.stages, strict=False):
        layers += [nn.Conv2d(below, stage.filters, stage.kernel), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if stage.pool else []
    twin = nn.Sequential(*layers, nn.Flatten(), nn.Linear(shape.features, shape.classes))
    arrays = [torch.tensor(array, dtype=torch.float32) for array in network.weights.values()]
    with torch.no_grad():
        for parameter, array in zip(twin.parameters(), arrays, strict=True):
            parameter.copy_(array)
    return twin.eval()
