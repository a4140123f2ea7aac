"""Batches, weights that nobody changes, and refusals. Every layer of any network: ``test_hidings``."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from konkyo.models import network as module
from konkyo.models.architecture import Architecture
from konkyo.models.filters.contributions import class_maps, contributions
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Network, softmax
from konkyo.trainer.data import Labelled
from tests.helpers.oracles import F64, LENET, PAIRED, SUMMED, integer_image, integer_network, random_network, title
from tests.helpers.refuse import refuses


@pytest.mark.parametrize("values", [1, 2**15, 2**16, 2**17])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_a_batch_may_be_larger_than_what_is_worked_on_at_once(
    architecture: Architecture, values: int, digits: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: one image, two, four, nine."""
    monkeypatch.setattr(module, "VALUES_AT_ONCE", values)
    network, images = random_network(architecture, 3), digits.scaled(np.float64)[:19]
    single = np.array([network.logits(image) for image in images])
    for count in range(1, 20):
        np.testing.assert_allclose(network.logits(images[:count]), single[:count], rtol=0, atol=1e-13)


def parts(network: Network, images: F64, targets: NDArray[np.intp] | int) -> dict[str, NDArray[Any]]:
    """All numbers that are there for each image."""
    trace, ledger = network.trace(images), contributions(network, images)
    occlusion = occlude(network, images, targets, Hiding(Regions(5, 3), 0.4))
    named: list[tuple[object, tuple[str, ...]]] = [
        (trace, ("winners", "logits")),
        (ledger, ("contributions", "maps", "filter_bias", "residual", "logits")),
        (occlusion, ("predicted", "whole", "drop", "prediction", "critical", "order")),
    ]
    return {
        **{f"stage {number}": maps for number, maps in enumerate((*trace.convolutions, *trace.layers))},
        **{f"{type(of).__name__}.{name}": getattr(of, name) for of, names in named for name in names},
        "logits": network.logits(images),
        "class_maps": class_maps(network, images, targets),
        "heatmap": occlusion.heatmap(),
    }


@pytest.mark.parametrize("shape", [(3, 3), (2, 0)])
def test_a_batch_of_any_shape_answers_like_its_pictures(shape: tuple[int, ...]) -> None:
    """Of this network eight images are worked on at once where regions are hidden."""
    network, count = integer_network(LENET, 5), int(np.prod(shape))
    images = np.array([integer_image(number) for number in range(count)]).reshape(*shape, 28, 28)
    targets = np.arange(count).reshape(shape)
    together, alone = parts(network, images, targets), parts(network, integer_image(9), 1)
    for name, values in together.items():
        assert values.shape == (*shape, *alone[name].shape)
    for place in np.ndindex(shape):
        for name, values in parts(network, images[place], int(targets[place])).items():
            np.testing.assert_allclose(together[name][place], values, rtol=0, atol=1e-12, err_msg=name)


def test_weights_are_a_copy_that_nobody_can_change() -> None:
    mine = {name: array.copy() for name, array in random_network(SUMMED, 2).weights.items()}
    network = Network(SUMMED, mine)
    before = network.logits(integer_image(1)).tolist()
    mine["affine.bias"] += 100
    assert network.logits(integer_image(1)).tolist() == before
    for array in (network.weights["affine.bias"], network.border):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_softmax_of_known_odds() -> None:
    assert softmax(np.log([[1.0, 2.0, 5.0]])).round(15).tolist() == [[0.125, 0.25, 0.625]]
    assert softmax(np.array([1e4, 0.0, 1e4])).tolist() == [0.5, 0.0, 0.5]


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
        (("a",), "classes: must be 2 to 1024 names, not 1"),
        (("a",) * 10, "classes: each must stand once, and 'a' stands 10 times"),
    ):
        with refuses(ValueError, message):
            Network(PAIRED, weights, classes)
    with refuses(ValueError, "border must be finite"):
        Network(PAIRED, weights, border=np.nan)
