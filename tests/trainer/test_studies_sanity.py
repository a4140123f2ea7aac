import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Wiring, parse_stages, two_stages
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import occlude
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.explanations import DEFAULT, EXPLANATIONS
from konkyo.trainer.studies.sanity import correlations, layers_of, randomised
from konkyo.trainer.studies.statistics import spearman
from tests.helpers.oracles import PAIRED, random_network


def test_the_layers_from_the_top() -> None:
    assert layers_of(PAIRED) == {"affine": "affine", "stage 2": "conv2", "stage 1": "conv1"}
    deep = Architecture(parse_stages("2k3,2k3n,3k3"), hidden=(9, 5))
    assert list(layers_of(deep)) == ["affine", "hidden2", "hidden1", "stage 3", "stage 2", "stage 1"]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_layers_are_drawn_anew_from_the_top(count: int) -> None:
    network, drawn = random_network(PAIRED, 92), ["affine", "conv2", "conv1"][:count]
    other = randomised(network, count, 5)
    for name, before in network.weights.items():
        layer = name.split(".")[0]
        changed = layer in drawn
        assert (other.weights[name] != before).all() == changed
        assert (other.weights[name] == before).all() != changed
        limit = 1 / np.sqrt({"conv1": 25, "conv2": 9, "affine": 225}[layer])
        if changed:
            assert np.abs(other.weights[name]).max() < limit
    if count > 1:
        earlier = randomised(network, count - 1, 5)
        np.testing.assert_array_equal(other.weights["affine.weight"], earlier.weights["affine.weight"])
        assert np.abs(other.weights["affine.weight"]).max() > 0.99 / 15
    another = randomised(network, count, 6)
    assert (another.weights["affine.bias"] != other.weights["affine.bias"]).all() == (count > 0)


def test_a_bias_that_is_not_there_is_not_drawn() -> None:
    network = random_network(two_stages(Wiring.SUMMED, 2, 3, bias=False), 92)
    assert set(randomised(network, 3, 5).weights) == set(network.weights)


def test_correlations_of_every_layer_and_seed(digits: Digits) -> None:
    network, images = load_all()["paired-3x3"].precise, digits.scaled(np.float64)[:3]
    target = np.array([7, 2, 1])
    [explanation] = [one for one in EXPLANATIONS if one.name == DEFAULT]
    found = correlations(explanation, network, images, target, (3, 4))
    assert found.shape == (2, 3, 3)
    for place, seed in enumerate((3, 4)):
        for count in range(3):
            other = randomised(network, count + 1, seed)
            for number, image in enumerate(images):
                pair = [occlude(one, image, target[number]).heatmap()[image > 0] for one in (network, other)]
                assert found[place, count, number] == pytest.approx(spearman(*pair), abs=1e-12)
