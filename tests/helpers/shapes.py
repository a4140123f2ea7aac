"""Networks of many shapes, and an image and totals to draw."""

import numpy as np

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.network import Network

IMAGE = np.linspace(0, 1, 784).reshape(28, 28)
SHAPES = [
    Architecture(Wiring.PAIRED, 3, 3),
    Architecture(Wiring.SUMMED, 3, 3),
    Architecture(Wiring.PAIRED, 2, 3),
    Architecture(Wiring.SUMMED, 6, 16),
    Architecture(Wiring.PAIRED, 6, 16),
    Architecture(Wiring.SUMMED, 12, 2),
    Architecture(Wiring.PAIRED, 1, 1),
    Architecture(Wiring.SUMMED, 1, 1),
]
THREE = SHAPES[0]
TOTALS = [[1.0, -2.25, 3.5], [12.34, 0.0, -0.5], [4.0, 8.75, -9.0]]
SUMMED, LENET, ONE = Architecture(Wiring.SUMMED, 3, 3), Architecture(Wiring.SUMMED, 6, 16), SHAPES[-1]
WIDE = [
    *SHAPES,
    Architecture(Wiring.PAIRED, 4, 4),
    Architecture(Wiring.SUMMED, 5, 7),
    Architecture(Wiring.PAIRED, 17, 3),
    Architecture(Wiring.SUMMED, 2, 2, conv1_kernel=1, conv2_kernel=1),
    Architecture(Wiring.SUMMED, 3, 3, conv1_kernel=23, conv2_kernel=2),
]


def network_of(architecture: Architecture) -> Network:
    rng = np.random.default_rng(5)
    return Network(
        architecture, {name: rng.normal(0, 0.2, shape) for name, shape in architecture.tensor_shapes.items()}
    )
