"""Networks of many shapes, and an image and totals to draw."""

import numpy as np

from konkyo.models.architecture import Architecture, Wiring, two_stages
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
TOTALS = [[1.0, -2.25, 3.5], [12.34, 0.0, -0.5], [4.0, 8.75, -9.0]]
SUMMED, LENET, ONE = two_stages(Wiring.SUMMED, 3, 3), two_stages(Wiring.SUMMED, 6, 16), SHAPES[-1]
WIDE = [
    *SHAPES,
    two_stages(Wiring.PAIRED, 4, 4),
    two_stages(Wiring.SUMMED, 5, 7),
    two_stages(Wiring.PAIRED, 17, 3),
    two_stages(Wiring.SUMMED, 2, 2, conv1_kernel=1, conv2_kernel=1),
    two_stages(Wiring.SUMMED, 3, 3, conv1_kernel=23, conv2_kernel=2),
]


def network_of(architecture: Architecture) -> Network:
    rng = np.random.default_rng(3)
    return Network(
        architecture, {name: rng.normal(0, 0.2, shape) for name, shape in architecture.tensor_shapes.items()}
    )
