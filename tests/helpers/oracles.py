"""Slow, plain versions of what ``models`` computes, in loops and float64, and networks to compare them on.

Nothing here calls the code under test: ``Architecture`` and ``Network`` only hold shapes and weights.
"""

from dataclasses import dataclass
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


@dataclass(frozen=True)
class SlowTrace:
    """The fields of ``konkyo.models.network.Trace`` for one image."""

    conv1: F64
    pool1: F64
    responses: F64
    conv2: F64
    winners: NDArray[np.int64]
    pool2: F64
    logits: F64


def slow_trace(network: Network, image: NDArray[Any]) -> SlowTrace:
    """Section 2.1 in nested loops."""
    architecture = network.architecture
    w = {name: array.astype(float) for name, array in network.weights.items()}
    filters1, filters2 = architecture.stages[0].filters, architecture.stages[1].filters
    paired = architecture.stages[-1].wiring is Wiring.PAIRED
    bias2 = w.get("conv2.bias", np.zeros(filters2))

    conv1 = np.array([_convolve(image, w["conv1.weight"][i, 0]) + w["conv1.bias"][i] for i in range(filters1)])
    pool1 = np.array([_pool(conv1[i])[0] for i in range(filters1)])
    responses = np.array(
        [
            [_convolve(pool1[i], w["conv2.weight"][j, 0 if paired else i]) for j in range(filters2)]
            for i in range(filters1)
        ]
    )
    if paired:
        conv2 = np.array([responses[i, j] + bias2[j] for i in range(filters1) for j in range(filters2)])
    else:
        conv2 = np.array([sum(responses[i, j] for i in range(filters1)) + bias2[j] for j in range(filters2)])
    pools = [_pool(plane) for plane in conv2]
    pool2 = np.array([values for values, _ in pools])
    features = [float(value) for plane in pool2 for row in plane for value in row]
    logits = [
        sum(weight * value for weight, value in zip(w["affine.weight"][c].tolist(), features, strict=True))
        + float(w["affine.bias"][c])
        for c in range(len(w["affine.bias"]))
    ]
    winners = np.array([places for _, places in pools])
    return SlowTrace(conv1, pool1, responses, conv2, winners, pool2, np.array(logits))


def _convolve(plane: NDArray[Any], kernel: NDArray[Any]) -> F64:
    values, taps, size = plane.tolist(), kernel.tolist(), len(kernel)
    side = len(values) - size + 1
    return np.array(
        [
            [
                sum(taps[y][x] * values[row + y][column + x] for y in range(size) for x in range(size))
                for column in range(side)
            ]
            for row in range(side)
        ],
        np.float64,
    )


def _pool(plane: F64) -> tuple[F64, NDArray[np.int64]]:
    """2×2 maxima after ReLU, and where each was found; only a strictly greater value takes the place."""
    side = len(plane) // 2
    values, places = np.zeros((side, side)), np.zeros((side, side), np.int64)
    for row in range(side):
        for column in range(side):
            best = -np.inf
            for y in (2 * row, 2 * row + 1):
                for x in (2 * column, 2 * column + 1):
                    if plane[y, x] > best:
                        best, places[row, column] = plane[y, x], y * len(plane) + x
            values[row, column] = max(best, 0.0)
    return values, places


def slow_ledger(network: Network, image: NDArray[Any]) -> tuple[F64, F64]:
    """Section 2.2: what each pair adds to each logit, (C, A, B), and what the biases that pairs share add, (C, B)."""
    architecture, trace = network.architecture, slow_trace(network, image)
    paired, cells = architecture.stages[-1].wiring is Wiring.PAIRED, architecture.sides[2] ** 2
    affine = network.weights["affine.weight"].astype(float)
    bias = network.weights.get("conv2.bias", np.zeros(architecture.pairs[1])).astype(float)
    pairs, shared = np.zeros((len(affine), *architecture.pairs)), np.zeros((len(affine), architecture.pairs[1]))
    for number, (pooled, winners) in enumerate(zip(trace.pool2, trace.winners, strict=True)):
        i, j = divmod(number, architecture.pairs[1])
        for cell in range(cells):
            if pooled.flat[cell] > 0:
                weight, winner = affine[:, number * cells + cell], winners.flat[cell]
                if paired:
                    pairs[:, i, j] += weight * (trace.responses[i, j].flat[winner] + bias[j])
                else:
                    for i in range(architecture.pairs[0]):
                        pairs[:, i, j] += weight * trace.responses[i, j].flat[winner]
                    shared[:, j] += weight * bias[j]
    return pairs, shared
