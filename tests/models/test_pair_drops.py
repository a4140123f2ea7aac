import numpy as np
import pytest

from konkyo.models.contributions import contributions
from konkyo.models.hiding.occlusion import occlude, pair_drops, pair_heatmaps
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.trainer.data import Digits
from tests.helpers.oracles import LENET, PAIRED, SUMMED, linear_piece, random_network, title


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_each_entry_by_two_dense_linear_pieces(architecture: type, digits: Digits) -> None:
    network, image = random_network(architecture, 4), digits.scaled(np.float64)[6]  # type: ignore[arg-type]
    _, drops = pair_drops(network, image, Hiding(Regions(10, 9)), 3)
    assert drops.shape == (3, 3, 3, 3)
    before = linear_piece(network, image)
    for row, top in enumerate([0, 9, 18]):
        for column, left in enumerate([0, 9, 18]):
            hidden = image.copy()
            hidden[top : top + 10, left : left + 10] = 0
            after = linear_piece(network, hidden)
            for i, j in np.ndindex(3, 3):
                expected = before.pair(image, i, j)[3] - after.pair(hidden, i, j)[3]
                assert drops[row, column, i, j] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED, LENET], ids=title)
@pytest.mark.parametrize("fill", [0.0, 0.3])
def test_pairs_and_biases_add_up_to_the_drop(architecture: type, fill: float, digits: Digits) -> None:
    network, image = random_network(architecture, 9), digits.scaled(np.float64)[1]  # type: ignore[arg-type]
    regions = Regions(3, 2)
    _, drops = pair_drops(network, image, Hiding(regions, fill), 7)
    whole = contributions(network, image).filter_bias[7].sum()
    hidden = contributions(network, np.where(regions.masks, fill, image)).filter_bias[..., 7, :].sum(-1)
    total = drops.sum((-2, -1)) + whole - hidden
    np.testing.assert_allclose(total, occlude(network, image, 7, Hiding(regions, fill)).drop, rtol=0, atol=1e-10)


def test_an_empty_region_costs_no_pair_anything(digits: Digits) -> None:
    image = digits.scaled(np.float64)[0]
    _, drops = pair_drops(random_network(PAIRED, 1), image, Hiding(), 0)
    empty = image.reshape(14, 2, 14, 2).max((1, 3)) == 0
    assert not drops[empty].any()
    assert drops[~empty].any()


def test_a_pixels_heat_is_the_mean_of_its_regions() -> None:
    regions = Regions(14, 7)
    drops = np.random.default_rng(1).normal(size=(3, 3, 2, 4))
    heat = pair_heatmaps(drops, regions)
    assert heat.shape == (28, 28, 2, 4)
    np.testing.assert_allclose(heat[0, 0], drops[0, 0])
    np.testing.assert_allclose(heat[7, 13], drops[:2, :2].mean((0, 1)))
    np.testing.assert_allclose(heat[27, 8], drops[2, :2].mean(0))
