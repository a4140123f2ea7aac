"""Networks of other shapes than the paper's: Keras' MNIST convnet with random weights, and CNN Explainer's Tiny VGG.

What an exact answer costs does not depend on the weights; what an approximation is worth does.
"""

import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from benchmarks import combinations, occlusion
from benchmarks.timing import console, show
from benchmarks.twin import twin
from konkyo.models.architecture import Architecture, Pool, PoolKind, Stage
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.models.filters.contributions import contributions
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.regions import Regions
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
    single, image = network.astype(np.float32), digits[:1].astype(np.float32)
    title = "Keras' convnet, one digit, 196 regions of 2×2"
    occlusion.compare(title, single, twin(single), image, Regions(), rounds=5)
    _photograph()
    _wide()


def _photograph() -> None:
    """Tiny VGG, a photograph, 64 regions: exact Shapley values against Captum's sampling with a small error."""
    network = load(DIRECTORY / "tiny-vgg.safetensors").precise
    with Image.open(LIFEBOAT) as opened:
        image = np.asarray(opened).transpose(2, 0, 1) / 255
    single = twin(network.astype(np.float32))
    combinations.sampling("Tiny VGG, a photograph, 64 regions of 8×8", network, single, image, SIDE, ORDERS, ENOUGH)
    tracemalloc.start()
    shapley_values(network, image, SIDE)
    console.print(f"at the peak {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MiB")
    tracemalloc.stop()


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
