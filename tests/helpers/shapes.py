"""Networks of many shapes, and an image and totals to draw."""

import numpy as np

from konkyo.models.architecture import Architecture, Pool, Stage, Wiring, two_stages
from konkyo.models.network import Network

IMAGE = np.linspace(0, 1, 784).reshape(28, 28)
SHAPES = [
    two_stages(Wiring.PAIRED, 3, 3),
    two_stages(Wiring.SUMMED, 3, 3),
    two_stages(Wiring.PAIRED, 2, 3),
    two_stages(Wiring.SUMMED, 6, 16),
    two_stages(Wiring.PAIRED, 6, 16),
    two_stages(Wiring.SUMMED, 12, 2),
    two_stages(Wiring.PAIRED, 1, 1),
    two_stages(Wiring.SUMMED, 1, 1),
]
THREE = SHAPES[0]
SUMMED, LENET, ONE = two_stages(Wiring.SUMMED, 3, 3), two_stages(Wiring.SUMMED, 6, 16), SHAPES[-1]
WIDE = [
    *SHAPES,
    two_stages(Wiring.PAIRED, 4, 4),
    two_stages(Wiring.SUMMED, 5, 7),
    two_stages(Wiring.PAIRED, 17, 3),
    two_stages(Wiring.SUMMED, 2, 2, kernels=(1, 1)),
    two_stages(Wiring.SUMMED, 3, 3, kernels=(23, 2)),
]
# Networks as others have them: Keras' simple MNIST convnet, PyTorch's MNIST example, CNN Explainer's Tiny VGG.
KERAS = Architecture((Stage(32, 3), Stage(64, 3)))
TORCH = Architecture((Stage(32, 3, pool=None), Stage(64, 3)), hidden=(128,))
TINY_VGG = Architecture(tuple(Stage(10, 3, pool=Pool() if number % 2 else None) for number in range(4)), 64, 3)
THREE_STAGES = Architecture((Stage(4, 3, 1), Stage(6, 3, 1), Stage(8, 3, pool=None)))
ONE_STAGE = Architecture((Stage(8, 5),))
SMALL = Architecture((Stage(4, 3, 1), Stage(4, 3, 1)), 8, classes=3)
COLOUR = Architecture((Stage(4, 3, 1), Stage(5, 3, 1)), 16, 3, classes=4)
# One stage whose maps are as large as the image, and the most classes.
LARGE_MAPS = Architecture((Stage(3, 3, 1, pool=None),), 64, classes=5)
MANY_CLASSES = Architecture((Stage(8, 3), Stage(24, 3)), classes=64)
# Paired wiring from the channels of the image on.
PAIRED_COLOUR = Architecture(tuple(Stage(2, 3, wiring=Wiring.PAIRED) for _ in range(2)), 16, 3, classes=4)
PAIRED_TWICE = Architecture((Stage(2, 3), *[Stage(2, 3, wiring=Wiring.PAIRED)] * 2), classes=4)
GREY = [KERAS, TORCH, THREE_STAGES, ONE_STAGE, SMALL, LARGE_MAPS, MANY_CLASSES, PAIRED_TWICE]
ANY = [*GREY, TINY_VGG, COLOUR, PAIRED_COLOUR]


def image_of(architecture: Architecture) -> np.ndarray:
    """Random pixels in the shape of a network's image."""
    return np.random.default_rng(4).random(architecture.image_shape)


def network_of(architecture: Architecture) -> Network:
    rng = np.random.default_rng(3)
    return Network(
        architecture, {name: rng.normal(0, 0.2, shape) for name, shape in architecture.tensor_shapes.items()}
    )
