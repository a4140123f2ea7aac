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


@dataclass(frozen=True)
class LinearPiece:
    """The network around one image, as matrices: ``logits = affine · (second · (first · x + a) + b) + c``.

    Rows of ``second`` are the cells of pool2, map by map; its columns are the cells of pool1, filter by filter.
    """

    architecture: Architecture
    first: F64
    first_bias: F64
    second: F64
    second_bias: F64
    affine: F64
    affine_bias: F64

    def logits(self, image: F64) -> F64:
        return self.affine @ (self.second @ self.pool1(image) + self.second_bias) + self.affine_bias

    def pool1(self, image: F64) -> F64:
        return self.first @ image.ravel() + self.first_bias

    def pair(self, image: F64, i: int, j: int) -> F64:
        """(C,): each logit when every other pair, and every bias that is not this pair's own, is zeroed."""
        cells1, cells2 = self.architecture.sides[1] ** 2, self.architecture.sides[2] ** 2
        row = self._map(i, j) * cells2
        alone, own_bias = np.zeros_like(self.second), np.zeros_like(self.second_bias)
        block = slice(row, row + cells2), slice(i * cells1, (i + 1) * cells1)
        alone[block] = self.second[block]
        if self.architecture.stages[-1].wiring is Wiring.PAIRED:
            own_bias[block[0]] = self.second_bias[block[0]]
        return self.affine @ (alone @ self.pool1(image) + own_bias)

    def bias(self, i: int, j: int) -> F64:
        """(C,): what the bias of the map that holds pair (i, j) adds to each logit."""
        cells = self.architecture.sides[2] ** 2
        rows = slice(self._map(i, j) * cells, (self._map(i, j) + 1) * cells)
        return self.affine[:, rows] @ self.second_bias[rows]

    def _map(self, i: int, j: int) -> int:
        last = self.architecture.stages[1]
        return i * last.filters + j if last.wiring is Wiring.PAIRED else j


def linear_piece(network: Network, image: F64) -> LinearPiece:
    """The piece that is active for ``image``: gates and winners from ``slow_trace``, the rest written out."""
    architecture, trace = network.architecture, slow_trace(network, image)
    w = {name: array.astype(float) for name, array in network.weights.items()}
    bias2 = w.get("conv2.bias", np.zeros(architecture.stages[1].filters))
    side0, side1, side2 = 28, architecture.sides[1], architecture.sides[2]
    filters1, filters2 = architecture.stages[0].filters, architecture.stages[1].filters

    first, first_bias = np.zeros((filters1 * side1**2, side0**2)), np.zeros(filters1 * side1**2)
    for i in range(filters1):
        _, places = _pool(trace.conv1[i])
        for cell in range(side1**2):
            place, out = int(places.ravel()[cell]), i * side1**2 + cell
            top, left = divmod(place, architecture.stages[0].sides(28)[0])
            if trace.conv1[i, top, left] > 0:
                first[out] = _taps(w["conv1.weight"][i, 0], top, left, side0)
                first_bias[out] = w["conv1.bias"][i]

    second, second_bias = np.zeros((trace.pool2.size, filters1 * side1**2)), np.zeros(trace.pool2.size)
    for number, plane in enumerate(trace.conv2):
        j = number % filters2
        for cell in range(side2**2):
            top, left = divmod(int(trace.winners[number].ravel()[cell]), len(plane))
            if not plane[top, left] > 0:
                continue
            out = number * side2**2 + cell
            second_bias[out] = bias2[j]
            inputs = [number // filters2] if architecture.stages[-1].wiring is Wiring.PAIRED else range(filters1)
            for i in inputs:
                kernel = w["conv2.weight"][j, 0 if architecture.stages[-1].wiring is Wiring.PAIRED else i]
                second[out, i * side1**2 : (i + 1) * side1**2] = _taps(kernel, top, left, side1)
    return LinearPiece(architecture, first, first_bias, second, second_bias, w["affine.weight"], w["affine.bias"])


def _taps(kernel: F64, top: int, left: int, side: int) -> F64:
    """The kernel laid on an empty side×side map, flattened."""
    plane = np.zeros((side, side))
    plane[top : top + len(kernel), left : left + len(kernel)] = kernel
    return plane.ravel()
