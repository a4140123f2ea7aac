"""Networks of other shapes than the paper's: Keras' MNIST convnet with random weights, and CNN Explainer's Tiny VGG.

What an exact answer costs does not depend on the weights; what an approximation is worth does.
"""

import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np
import torch
from captum.attr import Occlusion, ShapleyValueSampling
from numpy.typing import NDArray
from PIL import Image

from benchmarks.timing import console, show
from benchmarks.twin import twin
from konkyo.models.architecture import Architecture, Pool, PoolKind, Stage
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.filters.contributions import contributions
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Network
from konkyo.service.web.page import WEB

KERAS = Architecture((Stage(32, 3), Stage(64, 3)))
LIFEBOAT = WEB / "digits" / "photograph-boat.png"
SIDE = 8
SEED = 0
# Orders that Captum's sampling is first asked with, and the mean error that is close enough.
ORDERS, ENOUGH = 10, 0.05


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
    _sampling()
    _wide()


def _sampling() -> None:
    """Tiny VGG, a photograph, 64 regions: exact Shapley values against Captum's sampling with a small error."""
    network = load(DIRECTORY / "tiny-vgg.safetensors").precise
    with Image.open(LIFEBOAT) as opened:
        image = np.asarray(opened).transpose(2, 0, 1) / 255
    ask = partial(shapley_values, network, image, SIDE)
    exact = ask()
    wanted, target = exact.values[exact.predicted], exact.predicted
    rows = np.arange(network.architecture.side) // SIDE
    columns = len(wanted)
    features = torch.from_numpy(rows[:, None] * columns + rows)[None, None]
    method, tensor = (
        ShapleyValueSampling(twin(network.astype(np.float32))),
        torch.from_numpy(image.astype(np.float32))[None],
    )

    def sampled(orders: int) -> NDArray[np.float64]:
        torch.manual_seed(SEED)
        found = method.attribute(
            tensor, target=target, feature_mask=features, n_samples=orders, perturbations_per_eval=columns**2
        )
        values: NDArray[np.float64] = found[0, 0, ::SIDE, ::SIDE].numpy().astype(np.float64)
        return values

    def error(orders: int) -> float:
        return float(np.abs(sampled(orders) - wanted).mean() / np.abs(wanted).mean())

    # The error falls with the root of the orders.
    many = int(np.ceil(ORDERS * (error(ORDERS) / ENOUGH) ** 2))
    title = f"captum ShapleyValueSampling, {many * columns**2:,} evaluations, error {error(many):.1%}"
    ways: dict[str, Callable[[], object]] = {
        "exact, over all 2⁶⁴ hidings, all ten classes": ask,
        title: partial(sampled, many),
    }
    show("Tiny VGG, a photograph, 64 regions of 8×8", ways, rounds=1, clock=time.process_time)
    tracemalloc.start()
    ask()
    console.print(f"at the peak {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB")
    tracemalloc.stop()


def _occlusion(network: Network, digit: NDArray[np.float64]) -> None:
    """196 regions of 2×2 against PyTorch and Captum, in float32; both give the same drops."""
    single, image, regions = network.astype(np.float32), digit.astype(np.float32), Regions()
    other, tensor = twin(single), torch.from_numpy(image)[None, None]
    masks = torch.from_numpy(regions.masks.reshape(-1, 1, 28, 28))
    target, captum = int(other(tensor).argmax()), Occlusion(other)

    def attribute() -> NDArray[np.float32]:
        found = captum.attribute(
            tensor, sliding_window_shapes=(1, 2, 2), strides=(1, 2, 2), target=target, perturbations_per_eval=196
        )
        values: NDArray[np.float32] = found[0, 0].numpy()
        return values

    def passed() -> None:
        with torch.no_grad():
            other(torch.where(masks, 0.0, tensor))

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


def bagnet(threes: Sequence[int] = (1, 1, 1, 0), width: int = 64, classes: int = 1000) -> Architecture:
    """The shape of BagNet-17 (Brendel and Bethge, 2019): residual blocks of 1×1, 3×3 and 1×1 on images of 224×224.

    A group has one block with a 3×3 convolution, or none. What a block adds to is cropped to the size of its output.
    """
    stages = [Stage(width, 1, pool=None, activation="none"), Stage(width, 3, pool=None)]
    for group, (blocks, stride, with_three) in enumerate(zip((3, 4, 6, 3), (2, 2, 2, 1), threes, strict=True)):
        planes = width * 2**group
        for block in range(blocks):
            kernel, step, before = 3 if block < with_three else 1, stride if block == 0 else 1, len(stages)
            stages += [
                Stage(planes, 1, pool=None),
                Stage(planes, kernel, pool=None, stride=step),
                Stage(4 * planes, 1, pool=None, activation="none"),
            ]
            sides = Architecture(tuple(stages), 224, 3).sides
            if block == 0:
                crop = min(0, (sides[-1] - 1) * step + 1 - sides[before])
                linear = Stage(4 * planes, 1, 0, None, stride=step, padding_behind=crop, activation="none")
                stages.append(replace(linear, sources=(before,)))
                added = before + 4
            elif crop := sides[-1] - sides[before]:
                stages.append(Stage(1, 0, 0, None, padding_behind=crop, activation="none", sources=(before,)))
                added = before + 4
            else:
                added = before
            stages.append(Stage(1, 0, pool=None, sources=(before + 3, added)))
    shape = Architecture(tuple(stages), 224, 3)
    whole = Pool(shape.sides[-1], shape.sides[-1], PoolKind.MEAN)
    return replace(shape, stages=(*stages[:-1], replace(stages[-1], pool=whole)), classes=classes)


def _wide() -> None:
    """BagNet-17's shape with random weights in float32: exact Shapley values of 49 regions, beside PyTorch's pass."""
    shape, rng = bagnet(), np.random.default_rng(SEED)
    weights = {name: np.zeros(of, np.float32) for name, of in shape.tensor_shapes.items()}
    for name, zeros in weights.items():
        if name.endswith("weight"):
            zeros += rng.normal(0, prod(zeros.shape[1:]) ** -0.5, zeros.shape).astype(np.float32)
    network, image = Network(shape, weights), rng.random((3, 224, 224)).astype(np.float32)
    same, entering = twin(network), torch.from_numpy(image[None])
    with torch.no_grad():
        begun = time.perf_counter()
        logits = same(entering)[0].numpy()
        forward = time.perf_counter() - begun
    begun = time.perf_counter()
    found = shapley_values(network, image, 32, budget=None)
    took = time.perf_counter() - begun
    console.print(
        f"BagNet-17's shape, {len(shape.stages)} stages, random weights: 49 regions in {took:.1f} s, "
        f"{took / forward:.1f} forward passes of PyTorch; they add up to the logits within "
        f"{np.abs(found.residual).max():.0e}, and the logits are PyTorch's within "
        f"{np.abs(found.logits - logits).max():.0e}"
    )
