import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.contributions import contributions
from konkyo.models.errors import ParameterError
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.cost import allowed_sides as exact_sides
from konkyo.models.hiding.shapley import pair_values, shapley_values
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from tests.helpers.combinations import cut, every_combination
from tests.helpers.oracles import (
    ARCHITECTURES,
    F64,
    LENET,
    PAIRED,
    SUMMED,
    integer_image,
    integer_network,
    random_network,
    title,
)
from tests.helpers.refuse import refuses

# Those of MNIST's images.
SHIPPED = {name: one.precise for name, one in load_all().items() if one.network.architecture.image_shape == (28, 28)}


def check_by_enumeration(network: Network, image: F64, region: int, fill: float) -> None:
    every = every_combination(network, image, region, fill)
    result = shapley_values(network, image, region, fill)
    expected = np.zeros((10, *result.regions.grid))
    for (row, column), value in every.shapley().items():
        expected[:, row, column] = value
    np.testing.assert_allclose(result.values, expected, rtol=0, atol=1e-12)
    assert not result.values[expected == 0].any()
    np.testing.assert_allclose(result.logits, every.logits[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(result.empty.logits, every.logits[-1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("region", "fill"), [(4, 0.0), (4, 0.37), (7, 1.0), (9, 0.2)])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_values_are_those_of_the_definition(
    architecture: Architecture, region: int, fill: float, digits: Digits
) -> None:
    check_by_enumeration(random_network(architecture, 7), cut(digits, 3, fill), region, fill)


@pytest.mark.parametrize("name", SHIPPED)
def test_values_of_shipped_networks_are_those_of_the_definition(name: str, digits: Digits) -> None:
    check_by_enumeration(SHIPPED[name], cut(digits, 1), 4, 0.0)
    check_by_enumeration(SHIPPED[name], cut(digits, 7, 0.5, slice(12, 20), slice(10, 18)), 4, 0.5)


def test_the_residual_shows_what_is_missing(digits: Digits) -> None:
    result = shapley_values(SHIPPED["paired-3x3"], digits.scaled(np.float64)[0])
    account = result.of(7)
    assert abs(account.residual) < 1e-12
    result.values[7, 3, 3] += 0.25
    assert result.residual[7] == pytest.approx(-0.25, abs=1e-12)
    assert result.of(7).residual == pytest.approx(-0.25, abs=1e-12)


def mirrored(network: Network) -> Network:
    """The network that sees left where the other one sees right."""
    shape, weights = network.architecture, dict(network.weights)
    weights["conv1.weight"] = weights["conv1.weight"][..., ::-1]
    weights["conv2.weight"] = weights["conv2.weight"][..., ::-1]
    affine = weights["affine.weight"].reshape(10, shape.maps, shape.sides[2], shape.sides[2])
    weights["affine.weight"] = affine[..., ::-1].reshape(10, -1)
    return Network(shape, weights)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED, LENET], ids=title)
@pytest.mark.parametrize("region", [4, 7, 14])
def test_a_mirrored_network_gives_mirrored_values(architecture: Architecture, region: int, digits: Digits) -> None:
    network, image = random_network(architecture, 8), digits.scaled(np.float64)[5]
    one, other = shapley_values(network, image, region), shapley_values(mirrored(network), image[:, ::-1], region)
    assert np.abs(one.values - one.values[:, :, ::-1]).max() > 0.01
    np.testing.assert_allclose(other.values, one.values[:, :, ::-1], rtol=0, atol=1e-12)
    pairs, others = (
        pair_values(network, image, 6, None, region),
        pair_values(mirrored(network), image[:, ::-1], 6, None, region),
    )
    np.testing.assert_allclose(others.pairs, pairs.pairs[:, ::-1], rtol=0, atol=1e-12)


def test_versus_is_the_difference(digits: Digits) -> None:
    result = shapley_values(SHIPPED["summed-3x3"], digits.scaled(np.float64)[3])
    account, one, other = result.of(4, 9), result.of(4), result.of(9)
    assert np.array_equal(account.values, one.values - other.values)
    assert np.array_equal(one.values, result.values[4])
    assert account.logit == pytest.approx(one.logit - other.logit, abs=1e-12)
    assert account.empty_logit == pytest.approx(one.empty_logit - other.empty_logit, abs=1e-12)
    assert abs(account.residual) < 1e-12


@pytest.mark.parametrize("fill", [0.0, 0.6])
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_pairs_add_up_both_ways(architecture: Architecture, fill: float, digits: Digits) -> None:
    network, image = random_network(architecture, 9), digits.scaled(np.float64)[11]
    region = exact_sides(architecture)[-2]
    for target, versus in [(1, None), (1, 0)]:
        table = pair_values(network, image, target, versus, region, fill)
        values = shapley_values(network, image, region, fill).of(target, versus).values
        np.testing.assert_allclose(table.pairs.sum((2, 3)) + table.filter_bias.sum(2), values, rtol=0, atol=1e-12)

        ledger = contributions(network, np.stack([image, np.full((28, 28), fill)]))
        for mine, entry in [(table.pairs, ledger.contributions), (table.filter_bias, ledger.filter_bias)]:
            loss = entry[0] - entry[1]
            expected = loss[target] if versus is None else loss[target] - loss[versus]
            np.testing.assert_allclose(mine.sum((0, 1)), expected, rtol=0, atol=1e-12)
        if architecture.stages[-1].wiring is Wiring.PAIRED:
            assert not table.filter_bias.any()


def test_each_entry_of_the_table_is_a_shapley_value_of_its_own(digits: Digits) -> None:
    """By the definition, from the ledgers of all hidden images."""
    for network in (random_network(SUMMED, 2), integer_network(PAIRED, 2)):
        image = cut(digits, 2, 0.0, slice(10, 16), slice(8, 16))
        every = every_combination(network, image, 4, 0.0)
        images = np.repeat(image[None], len(every.logits), axis=0)
        for number, hidden in enumerate(images):
            for p, (row, column) in enumerate(every.players):
                if number >> p & 1:
                    hidden[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
        ledger = contributions(network, images)
        entries = np.concatenate(
            [ledger.contributions[:, 6].reshape(len(images), -1), ledger.filter_bias[:, 6]], axis=1
        )
        table = pair_values(network, image, 6)
        for (row, column), value in type(every)(every.players, entries).shapley().items():
            mine = np.concatenate([table.pairs[row, column].ravel(), table.filter_bias[row, column]])
            np.testing.assert_allclose(mine, value, rtol=0, atol=1e-12)


def test_the_precision_is_the_networks(digits: Digits) -> None:
    network, image = SHIPPED["paired-3x3"], digits.scaled(np.float64)[0]
    rough = shapley_values(network.astype(np.float32), image).values
    assert rough.dtype == np.float32
    np.testing.assert_allclose(rough, shapley_values(network, image).values, rtol=0, atol=1e-4)


def test_refusals() -> None:
    network, image = SHIPPED["paired-3x3"], integer_image(1)
    with refuses(ParameterError, "target: must be a class from 0 to 9, not 10"):
        shapley_values(network, image).of(10)
    with refuses(ParameterError, "versus: must differ from the target; both are 3"):
        shapley_values(network, image).of(3, 3)
    with refuses(ParameterError, "versus: must be a class from 0 to 9, not 11"):
        pair_values(network, image, 3, 11)
    with refuses(ParameterError, "fill: must be from 0 to 1, not -0.1"):
        shapley_values(network, image, fill=-0.1)
