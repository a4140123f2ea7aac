"""Explanations by perturbation: those of regions against exact values, RISE against its definition."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("captum")

from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.studies import baselines
from konkyo.trainer.studies.baselines import PERTURBATIONS
from konkyo.trainer.studies.explanations import Task
from tests.helpers.oracles import PAIRED, random_network

NETWORK = random_network(PAIRED, 99)


def heatmap(name: str, digits: Digits, seed: int = 3) -> Array:
    images = digits.scaled(np.float64)[[2, 7]]
    [found] = [one.heatmap for one in PERTURBATIONS if one.name == name]
    return found(Task(NETWORK, images, NETWORK.logits(images).argmax(-1), seed))


@pytest.mark.parametrize("name", ["ShapleyValueSampling", "KernelShap"])
def test_what_converges_is_near_the_exact_values(name: str, digits: Digits) -> None:
    found = heatmap(name, digits)
    for image, one in zip(digits.scaled(np.float64)[[2, 7]], found, strict=True):
        target = int(NETWORK.logits(image).argmax())
        exact = np.kron(shapley_values(NETWORK, image).of(target).values, np.ones((4, 4)))
        assert np.corrcoef(one.ravel(), exact.ravel())[0, 1] > 0.9
        assert (np.ptp(one.reshape(7, 4, 7, 4), axis=(1, 3)) == 0).all()


def test_the_masks_of_rise_are_enlarged_grids() -> None:
    masks = baselines._masks(np.random.default_rng(5), 28)
    assert masks.shape == (1000, 28, 28)
    assert masks.min() == 0
    assert masks.max() == 1
    assert masks.mean() == pytest.approx(0.5, abs=0.01)
    # Between the middles of two cells, four pixels apart, a mask is a line in each direction.
    bends = np.abs(np.diff(masks, 2, axis=2)) > 1e-12
    assert bends.any(axis=(0, 1)).all()
    assert (bends.reshape(len(masks), 28, 26).any(1).sum(1) <= 14).all()


def test_rise_is_the_mean_of_masks_by_their_probability(digits: Digits) -> None:
    image = digits.scaled(np.float64)[7]
    target = int(NETWORK.logits(image).argmax())
    masks = baselines._masks(np.random.default_rng(3), 28)
    expected = sum(softmax(NETWORK.logits(mask * image))[target] * mask for mask in masks) / (1000 * 0.5)
    np.testing.assert_allclose(heatmap("RISE", digits)[1], expected, rtol=0, atol=1e-12)
    assert (heatmap("RISE", digits, seed=4)[1] != heatmap("RISE", digits)[1]).any()
