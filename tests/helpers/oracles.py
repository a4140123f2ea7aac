"""Networks of two stages, as the paper's are: weights at random and weights that are integers. No torch here."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.network import Network

F64 = NDArray[np.float64]

PAIRED = two_stages(Wiring.PAIRED, 3, 3)
SUMMED = two_stages(Wiring.SUMMED, 3, 3)
LENET = two_stages(Wiring.SUMMED, 6, 16)

# Both wirings, unequal counts, one filter, no bias, other kernels and other numbers of classes than the paper's.
ARCHITECTURES = [
    PAIRED,
    SUMMED,
    LENET,
    two_stages(Wiring.SUMMED, 3, 3, bias=False),
    two_stages(Wiring.PAIRED, 2, 3, bias=False),
    two_stages(Wiring.PAIRED, 4, 1),
    two_stages(Wiring.SUMMED, 1, 2),
    two_stages(Wiring.PAIRED, 1, 1),
    two_stages(Wiring.SUMMED, 2, 3, kernels=(7, 2)),
    two_stages(Wiring.PAIRED, 2, 2, kernels=(3, 4)),
    two_stages(Wiring.SUMMED, 2, 2, classes=12),
    two_stages(Wiring.PAIRED, 2, 3, classes=26),
]


def title(architecture: Architecture) -> str:
    """A parametrised test's name for it."""
    a = architecture
    bias = "" if a.stages[1].bias else "-nobias"
    classes = "" if a.classes == 10 else f"-{a.classes}classes"
    first, last = a.stages
    return f"{last.wiring}-{first.filters}x{last.filters}-k{first.kernel}{last.kernel}{bias}{classes}"


def architectures(most: int = 3) -> st.SearchStrategy[Architecture]:
    """Any architecture with few filters."""
    kernels = st.sampled_from([(5, 3), (5, 5), (3, 4), (7, 2), (13, 1)])
    return st.builds(
        lambda wiring, a, b, kernel, bias: two_stages(wiring, a, b, kernel, bias),
        st.sampled_from(Wiring),
        st.integers(1, most),
        st.integers(1, most),
        kernels,
        st.booleans(),
    )


def random_network(architecture: Architecture, seed: int, dtype: type[np.floating[Any]] = np.float64) -> Network:
    """A network with gates open and closed on real digits: kernels tend to answer to ink, biases to hold back."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in architecture.tensor_shapes.items():
        scale = 1 / int(np.prod(shape[1:])) ** 0.5
        mean = {"conv1.weight": 0.5 * scale, "conv2.weight": 0.8 * scale, "conv1.bias": -0.15, "conv2.bias": -0.2}
        spread = 0.04 if name.endswith("bias") else scale
        weights[name] = rng.normal(mean.get(name, 0), spread, shape).astype(dtype)
    return Network(architecture, weights)


def integer_network(architecture: Architecture, seed: int, dtype: type[np.floating[Any]] = np.float64) -> Network:
    """Weights −2…2: sums are exact in any order and any precision, and ties are common."""
    rng = np.random.default_rng(seed)
    weights = {name: rng.integers(-2, 3, shape).astype(dtype) for name, shape in architecture.tensor_shapes.items()}
    return Network(architecture, weights)


def integer_image(seed: int) -> F64:
    """An image of 0 and 1 with empty areas, for exact sums."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 2, (28, 28)).astype(np.float64)
    image[: rng.integers(0, 20)] = 0
    return image
