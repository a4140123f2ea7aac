"""Ties within rounding: the order of any values, and answers about images that have ties by construction."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konkyo.models import ties
from konkyo.models.architecture import Architecture
from konkyo.models.hiding.occlusion import Score, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, Network, softmax
from konkyo.models.result import predict
from tests.helpers.asked import explain_filters, explain_occlusion, explain_process, explain_shapley
from tests.helpers.oracles import F64, LENET, PAIRED, SUMMED, integer_network, random_network, title

# What the last bits of a logit of 50 can be, and of a sum of many.
ROUNDING = 1e-13
LISTS = st.lists(st.integers(-30, 30), min_size=1, max_size=40)


def rounded(values: list[int], seed: int) -> F64:
    """The same values as another processor would have them."""
    return np.array(values) + np.random.default_rng(seed).uniform(-ROUNDING, ROUNDING, len(values))


@given(LISTS, st.integers(0, 2**32 - 1))
@example([0] * 9, 1)
def test_rounding_never_changes_an_order(values: list[int], seed: int) -> None:
    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))
    assert ties.order(rounded(values, seed)).tolist() == expected
    assert ties.first(rounded(values, seed)) == expected[0]
    assert ties.predicted(rounded(values, seed)) == expected[0]
    assert ties.order(rounded(values, seed).astype(np.float32)).tolist() == expected
    assert ties.predicted(rounded(values, seed).astype(np.float32)) == expected[0]


@given(LISTS, st.integers(0, 2**32 - 1), st.sampled_from([1e3, 1e6]))
def test_the_rounding_of_large_values_is_larger(values: list[int], seed: int, scale: float) -> None:
    values = [31, *values]
    expected = sorted(range(len(values)), key=lambda place: (-values[place], place))
    assert ties.order(scale * rounded(values, seed)).tolist() == expected


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=100, unique=True))
def test_values_that_differ_are_in_the_order_of_their_values(values: list[int]) -> None:
    """By a millionth of the largest."""
    some = np.array(values) / 1e6
    assert ties.order(some).tolist() == np.argsort(-some, kind="stable").tolist()
    assert ties.first(some) == ties.predicted(some) == some.argmax()
    # Few of many are equal, and those that are not are told apart by less.
    assert ties.order(1e-6 * some, 1e-3).tolist() == np.argsort(-some, kind="stable").tolist()


def test_what_is_within_rounding_of_a_large_value_is_not_of_a_small_one() -> None:
    assert ties.order(np.array([1e6, 1e6 + 1e-7, 1, 1 + 1e-7]), 1).tolist() == [0, 1, 3, 2]


def test_the_rounding_of_a_probability_is_that_of_the_logit_times_its_derivative() -> None:
    logits = np.array([1.0, 0.3, -2.0])
    changes = [softmax(logits + step) - softmax(logits - step) for step in 1e-6 * np.eye(3)]
    slopes = np.diagonal(changes) / 2e-6
    assert Score.PROBABILITY.scale(logits) == pytest.approx(slopes.max())


@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 2, -1, -2]))
def test_along_any_axis(seed: int, axis: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (3, 4, 5 if seed % 2 else 800)
    some = rng.integers(0, 3, shape) + rng.uniform(-ROUNDING, ROUNDING, shape)
    assert ties.first(some, axis).tolist() == some.round().argmax(axis).tolist()
    assert ties.predicted(some).tolist() == some.round().argmax(-1).tolist()
    assert ties.order(some, 1.0).tolist() == np.argsort(-some.round(), axis=-1, kind="stable").tolist()


def last_bits(image: F64) -> list[F64]:
    """The image, and the same with some pixels brighter or darker by the last bit."""
    rng = np.random.default_rng(7)
    towards = [np.where(rng.random(image.shape) < 0.5, 0.0, 1.0) for _ in range(6)]
    return [image, *(np.where(image > 0, np.nextafter(image, ends), image) for ends in towards)]


def writable(network: Network) -> dict[str, Array]:
    return {name: array.copy() for name, array in network.weights.items()}


def by_value(values: Array) -> list[int]:
    """The order of values that are equal or differ by more than 1e-9."""
    some = values.ravel().round(9) + 0.0
    assert len({*some.tolist()}) < some.size, "no ties"
    return sorted(range(some.size), key=lambda place: (-some[place], place))


def mirrored(architecture: Architecture) -> Network:
    """An image that is its own mirror image has equal regions in this network: each and its mirror image."""
    weights = writable(random_network(architecture, 8))
    for name in ("conv1.weight", "conv2.weight"):
        weights[name] += weights[name][..., ::-1].copy()
    head = weights["affine.weight"].reshape(10, -1, 5, 5)
    head += head[..., ::-1].copy()
    return Network(architecture, weights)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED, LENET], ids=title)
def test_equal_regions_are_in_their_order(architecture: Architecture) -> None:
    network, hiding = mirrored(architecture), Hiding(Regions(4))
    image = np.random.default_rng(3).random((28, 28)) * (np.random.default_rng(4).random((28, 28)) < 0.4)
    image[:, 14:] = image[:, 13::-1]
    images = last_bits(image)
    expected = by_value(occlude(network, image, 3, hiding).drop)
    assert occlude(network, np.array(images), 3, hiding).order.tolist() == [expected] * len(images)
    for found in (explain_occlusion(network, one, 3, hiding=hiding) for one in images):
        np.testing.assert_allclose(found.drop, found.drop[:, ::-1], rtol=0, atol=ROUNDING)
        assert found.occlusion.order.tolist() == expected
        assert f"row {expected[0] // 7}, column {expected[0] % 7} speaks most" in repr(found)

    values = [explain_shapley(network, one, 3, interactions=True) for one in images[:3]]
    best = by_value(values[0].values)[0]
    assert all(f"row {best // 7}, column {best % 7} adds most" in repr(one) for one in values)
    assert values[0].interactions is not None
    one, other = np.nonzero(np.triu(values[0].interactions.together))
    ranks = by_value(np.abs(values[0].interactions.values[one, other]))
    for some in values:
        assert some.interactions is not None
        ranked = [line[:2] for line in some.interactions.ranked()]
        assert ranked == list(zip(one[ranks].tolist(), other[ranks].tolist(), strict=True))


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_equal_pairs_are_in_their_order(architecture: Architecture) -> None:
    """Each filter is there twice, and what is made of it is added up in another order."""
    weights = writable(random_network(architecture, 9))
    for name in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias"):
        weights[name][2] = weights[name][0]
    if architecture is SUMMED:
        weights["conv2.weight"][:, 2] = weights["conv2.weight"][:, 0]
    head = weights["affine.weight"].reshape(10, *architecture.map_grid, 25)
    head[:, :, 2] = head[:, :, 0]
    head[:, -1] = head[:, 0]
    network, images = Network(architecture, weights), last_bits(np.random.default_rng(1).random((28, 28)))
    expected = by_value(explain_filters(network, images[0], 3).contributions)
    for image in images:
        found = explain_filters(network, image, 3)
        assert [3 * pair.map + pair.filter for pair in found.ranking] == expected
        top = by_value(np.abs(found.contributions))[:4]
        assert [3 * pair.map + pair.filter for pair in found.account.ranking(4)] == [
            pair for pair in expected if pair in top
        ]
        assert explain_process(network, image, 3, top=4).pairs.tolist() == [[*divmod(pair, 3)] for pair in sorted(top)]


CLASSES: list[Callable[[Network, F64], int]] = [
    lambda network, image: predict(network, image).predicted,
    lambda network, image: explain_filters(network, image).target,
    lambda network, image: explain_shapley(network, image).target,
    lambda network, image: explain_shapley(network, image).empty.predicted,
    lambda network, image: int(occlude(network, image).predicted),
    lambda network, image: int(occlude(network, image).prediction.max()),
]


@pytest.mark.parametrize("asked", CLASSES)
def test_of_equal_classes_it_is_the_lowest(asked: Callable[[Network, F64], int]) -> None:
    """Five classes have the same weights, whose products are summed in another order for each."""
    weights = writable(random_network(PAIRED, 4))
    weights["affine.weight"][[2, 5, 8]] = weights["affine.weight"][7]
    weights["affine.bias"][:] = -50
    weights["affine.bias"][[2, 5, 7, 8]] = 0.1 * np.array([1, np.nextafter(1, 2), 1, np.nextafter(1, 2)])
    network = Network(PAIRED, weights)
    for image in last_bits(np.random.default_rng(2).random((28, 28))):
        assert asked(network, image) == 2


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_in_a_flat_image_the_first_place_of_each_pool_wins(architecture: Architecture) -> None:
    network = random_network(architecture, 6)
    for image in last_bits(np.full((28, 28), 0.3)):
        rows, columns = np.divmod(network.trace(image).winners, 10)
        assert (rows == 2 * np.arange(5)[:, None]).all()
        assert (columns == 2 * np.arange(5)).all()


def test_an_empty_image_has_no_order_but_that_of_the_regions() -> None:
    found = occlude(integer_network(LENET, 5), np.zeros((28, 28)))
    assert found.order.tolist() == list(range(196))
    assert not found.critical.any()
