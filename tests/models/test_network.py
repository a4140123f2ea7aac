from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.errors import ImageError
from konkyo.models.network import Network, Trace, softmax
from konkyo.trainer.data import Digits
from tests.helpers.oracles import (
    PAIRED,
    SUMMED,
    architectures,
    integer_image,
    integer_network,
    random_network,
    slow_trace,
    title,
)
from tests.helpers.refuse import refuses

# What the slow forward pass calls the layers of two stages.
LAYERS: dict[str, Callable[[Trace], Any]] = {
    "conv1": lambda trace: trace.convolutions[0],
    "pool1": lambda trace: trace.layers[0],
    "conv2": lambda trace: trace.convolutions[1],
    "pool2": lambda trace: trace.layers[1],
    "logits": lambda trace: trace.logits,
}


@given(architectures(), st.integers(0, 2**32), st.sampled_from([np.float32, np.float64]))
def test_every_layer_is_exact_where_arithmetic_is(architecture: Architecture, seed: int, dtype: type) -> None:
    """Integers: no rounding hides a wrong tap, and of the many ties the first must win."""
    network, image = integer_network(architecture, seed, dtype), integer_image(seed)
    slow, trace = slow_trace(network, image), network.trace(image)
    for layer, found in LAYERS.items():
        np.testing.assert_array_equal(found(trace), getattr(slow, layer), err_msg=layer)
    np.testing.assert_array_equal(trace.winners, slow.winners)
    np.testing.assert_array_equal(network.logits(image), slow.logits)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_of_equal_candidates_the_first_wins(architecture: Architecture) -> None:
    weights = {name: np.zeros(shape) for name, shape in architecture.tensor_shapes.items()}
    trace = Network(architecture, weights).trace(np.zeros((28, 28)))
    corners = [[row * 10 + column for column in (0, 2, 4, 6, 8)] for row in (0, 2, 4, 6, 8)]
    assert trace.winners.tolist() == [corners] * architecture.maps


@pytest.mark.parametrize(("row", "column", "place"), [(4, 6, 46), (4, 7, 47), (5, 6, 56), (5, 7, 57)])
def test_the_winner_is_where_the_ink_is(row: int, column: int, place: int) -> None:
    """Kernels that only shift: a pixel at 2·(row+1)+2 reaches conv2's (row, column)."""
    architecture = two_stages(Wiring.SUMMED, 1, 1)
    weights = {name: np.zeros(shape) for name, shape in architecture.tensor_shapes.items()}
    weights["conv1.weight"][0, 0, 2, 2] = weights["conv2.weight"][0, 0, 1, 1] = 1
    image = np.zeros((28, 28))
    image[2 * (row + 1) + 2, 2 * (column + 1) + 2] = 0.75
    trace = Network(architecture, weights).trace(image)
    assert trace.winners[0, 2, 3] == place
    assert trace.layers[1][0, 2, 3] == trace.layers[1].sum() == 0.75


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
@pytest.mark.parametrize(("chunks", "more"), [(0, 0), (0, 1), (0, 2), (1, -1), (1, 0), (1, 1), (2, 0), (2, 1)])
def test_answers_do_not_depend_on_batching(architecture: Architecture, chunks: int, more: int, digits: Digits) -> None:
    network = random_network(architecture, 3)
    count = chunks * network._chunk + more
    images = digits.scaled(np.float64)[:count]
    together = network.logits(images)
    assert together.shape == (count, 10)
    for number, logits in enumerate(together):
        np.testing.assert_allclose(logits, network.logits(images[number]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(), (6,), (3, 1, 2), (2, 0)])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_every_intermediate_has_the_batchs_shape(architecture: Architecture, shape: tuple[int, ...]) -> None:
    network = integer_network(architecture, 5)
    count = int(np.prod(shape))
    images = np.array([integer_image(number) for number in range(count)]).reshape(*shape, 28, 28)
    trace = network.trace(images)
    np.testing.assert_array_equal(network.logits(images), trace.logits)
    slow = [slow_trace(network, integer_image(number)) for number in range(max(count, 1))]
    layers: dict[str, Callable[[Trace], Any]] = {**LAYERS, "winners": lambda trace: trace.winners}
    for layer, found in layers.items():
        got, one = found(trace), getattr(slow[0], layer)
        assert got.shape == (*shape, *one.shape)
        for number, values in enumerate(got.reshape(count, *one.shape)):
            np.testing.assert_array_equal(values, getattr(slow[number], layer))


def test_weights_are_a_copy_that_nobody_can_change() -> None:
    mine = dict(random_network(SUMMED, 2).astype(np.float64).weights)
    mine = {name: array.copy() for name, array in mine.items()}
    network = Network(SUMMED, mine)
    before = network.logits(integer_image(1)).tolist()
    mine["affine.bias"] += 100
    assert network.logits(integer_image(1)).tolist() == before
    with pytest.raises(ValueError, match="read-only"):
        network.weights["affine.bias"][0] = 1


def test_softmax_of_known_odds() -> None:
    assert softmax(np.log([[1.0, 2.0, 5.0]])).round(15).tolist() == [[0.125, 0.25, 0.625]]
    assert softmax(np.array([1e4, 0.0, 1e4])).tolist() == [0.5, 0.0, 0.5]


IMAGES: list[tuple[Any, str]] = [
    *(
        (np.zeros(shape), f"an image must be 28×28; got an array of shape {shape}")
        for shape in [(), (28,), (784,), (27, 28), (28, 29), (28, 28, 1), (1, 28, 28, 3)]
    ),
    *(
        (np.full((3, 28, 28), value), "an image must be finite: it holds NaN or infinity")
        for value in (np.nan, -np.inf)
    ),
    *(
        (np.ones((28, 28), dtype), f"an image must hold floats in [0, 1], not {dtype}; divide bytes by 255")
        for dtype in ("uint8", "int64", "bool")
    ),
]


@pytest.mark.parametrize(("image", "message"), IMAGES, ids=[message for _, message in IMAGES])
def test_refuses_another_image(image: Any, message: str) -> None:
    network = random_network(PAIRED, 1)
    for read in (network.logits, network.trace):
        with refuses(ImageError, message):
            read(image)


def test_refuses_other_weights() -> None:
    weights = random_network(PAIRED, 1).weights
    with pytest.raises(ValueError, match=r"^weights .*\(10, 225\).* do not match .*\(10, 75\)"):
        Network(SUMMED, weights)
    with pytest.raises(ValueError, match="do not match"):
        Network(PAIRED, {name: array for name, array in weights.items() if name != "conv2.bias"})
    for dtypes in (["float32"], ["float16"] * 6, ["int64"] * 6):
        other = {**weights, **{name: weights[name].astype(dtype) for name, dtype in zip(weights, dtypes, strict=False)}}
        with refuses(ValueError, "weights must be all float32 or all float64"):
            Network(PAIRED, other)


def test_refuses_other_classes_and_another_border() -> None:
    weights = random_network(PAIRED, 1).weights
    for classes, message in (
        (("a", "b", "c"), "classes: must be 10 names"),
        (("a",), "classes: must be 2 to 64 names, not 1"),
        (("a",) * 10, "classes: each must stand once, and 'a' stands 10 times"),
    ):
        with refuses(ValueError, message):
            Network(PAIRED, weights, classes)
    for border in (np.nan, np.inf):
        with refuses(ValueError, "border must be finite"):
            Network(PAIRED, weights, border=border)
