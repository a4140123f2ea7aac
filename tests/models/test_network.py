"""Networks that can be followed by hand, batches, and refusals. Every layer of any network: ``test_hidings``."""

from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Architecture
from konkyo.models.errors import ImageError
from konkyo.models.network import Network, softmax
from konkyo.trainer.data import Digits
from tests.helpers.oracles import PAIRED, SUMMED, integer_image, integer_network, random_network, title
from tests.helpers.refuse import refuses


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_a_batch_answers_like_its_pictures(architecture: Architecture, digits: Digits) -> None:
    """Also if there are none, or if it is larger than what is worked on at once."""
    network = random_network(architecture, 3)
    images = digits.scaled(np.float64)[: 2 * network._chunk + 1]
    single = np.array([network.logits(image) for image in images])
    for count in (0, 1, network._chunk - 1, network._chunk, network._chunk + 1, len(images)):
        np.testing.assert_allclose(network.logits(images[:count]), single[:count], rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(), (3, 1, 2), (2, 0)])
def test_every_intermediate_has_the_batchs_shape(shape: tuple[int, ...]) -> None:
    network = integer_network(SUMMED, 5)
    images = np.array([integer_image(number) for number in range(int(np.prod(shape)))]).reshape(*shape, 28, 28)
    trace = network.trace(images)
    for whole, each in zip(trace.layers, (12, 5), strict=True):
        assert whole.shape == (*shape, 3, each, each)
    assert trace.winners.shape == (*shape, 3, 5, 5)
    for place in np.ndindex(shape):
        one = network.trace(images[place])
        for some, others in zip(
            (*trace.convolutions, *trace.layers, trace.winners, trace.logits),
            (*one.convolutions, *one.layers, one.winners, one.logits),
            strict=True,
        ):
            np.testing.assert_array_equal(some[place], others)


def test_weights_are_a_copy_that_nobody_can_change() -> None:
    mine = {name: array.copy() for name, array in random_network(SUMMED, 2).weights.items()}
    network = Network(SUMMED, mine)
    before = network.logits(integer_image(1)).tolist()
    mine["affine.bias"] += 100
    assert network.logits(integer_image(1)).tolist() == before
    with pytest.raises(ValueError, match="read-only"):
        network.weights["affine.bias"][0] = 1


def test_softmax_of_known_odds() -> None:
    assert softmax(np.log([[1.0, 2.0, 5.0]])).round(15).tolist() == [[0.125, 0.25, 0.625]]
    assert softmax(np.array([1e4, 0.0, 1e4])).tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        *(
            (np.zeros(shape), f"an image must be 28×28; got an array of shape {shape}")
            for shape in [(), (28,), (28, 29), (28, 28, 1)]
        ),
        *(
            (np.full((3, 28, 28), one), "an image must be finite: it holds NaN or infinity")
            for one in (np.nan, -np.inf)
        ),
        *(
            (np.ones((28, 28), dtype), f"an image must hold floats in [0, 1], not {dtype}; divide bytes by 255")
            for dtype in ("uint8", "int64", "bool")
        ),
    ],
)
def test_refuses_another_image(image: Any, message: str) -> None:
    network = random_network(PAIRED, 1)
    for read in (network.logits, network.trace):
        with refuses(ImageError, message):
            read(image)


def test_refuses_other_weights_classes_and_borders() -> None:
    weights = random_network(PAIRED, 1).weights
    with pytest.raises(ValueError, match=r"^weights .*\(10, 225\).* do not match .*\(10, 75\)"):
        Network(SUMMED, weights)
    with pytest.raises(ValueError, match="do not match"):
        Network(PAIRED, {name: array for name, array in weights.items() if name != "conv2.bias"})
    for dtypes in (["float32"], ["float16"] * 6, ["int64"] * 6):
        other = {**weights, **{name: weights[name].astype(dtype) for name, dtype in zip(weights, dtypes, strict=False)}}
        with refuses(ValueError, "weights must be all float32 or all float64"):
            Network(PAIRED, other)
    for classes, message in (
        (("a", "b", "c"), "classes: must be 10 names"),
        (("a",), "classes: must be 2 to 64 names, not 1"),
        (("a",) * 10, "classes: each must stand once, and 'a' stands 10 times"),
    ):
        with refuses(ValueError, message):
            Network(PAIRED, weights, classes)
    with refuses(ValueError, "border must be finite"):
        Network(PAIRED, weights, border=np.nan)
