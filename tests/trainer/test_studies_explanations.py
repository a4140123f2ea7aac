import numpy as np
import pytest

from konkyo.models.hiding.occlusion import Score, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.explanations import DEFAULT, EXPLANATIONS, GREEDY, OURS, SANE, SHAPLEY, Task
from konkyo.trainer.studies.greedy import greedy_heatmap
from tests.helpers.oracles import SUMMED, random_network

NETWORK = random_network(SUMMED, 93)


@pytest.fixture(scope="module")
def task(digits: Digits) -> Task:
    images = digits.scaled(np.float64)[3:5]
    return Task(NETWORK, images, NETWORK.logits(images).argmax(-1), 11)


def heatmap(name: str, task: Task) -> Array:
    [found] = [one.heatmap for one in EXPLANATIONS if one.name == name]
    return found(task)


def test_each_is_what_its_name_says(task: Task) -> None:
    np.testing.assert_array_equal(heatmap(DEFAULT, task), occlude(NETWORK, task.images).heatmap())
    for name, hiding in (("occlusion 4", Regions(4)), ("occlusion 4, stride 1", Regions(4, 1))):
        np.testing.assert_array_equal(
            heatmap(name, task), occlude(NETWORK, task.images, hiding=Hiding(hiding)).heatmap()
        )
    probability = occlude(NETWORK, task.images, score=Score.PROBABILITY).heatmap()
    np.testing.assert_array_equal(heatmap("occlusion 2, probability", task), probability)
    for name, side in ((SHAPLEY, 4), ("Shapley 7", 7)):
        pairs = zip(task.images, task.target, strict=True)
        values = [shapley_values(NETWORK, image, side).of(int(target)).values for image, target in pairs]
        np.testing.assert_array_equal(heatmap(name, task), np.kron(values, np.ones((side, side))))
    asked = list(zip(task.images, task.target.tolist(), strict=True))
    np.testing.assert_array_equal(heatmap(GREEDY, task), [greedy_heatmap(NETWORK, *one) for one in asked])
    np.testing.assert_array_equal(heatmap("brightness", task), task.images)
    drawn = heatmap("random", task)
    np.testing.assert_array_equal(heatmap("random", task), drawn)
    assert (heatmap("random", Task(task.network, task.images, task.target, 12)) != drawn).all()


def test_every_explanation_has_a_name_of_its_own_and_a_number_for_each_pixel(task: Task) -> None:
    names = [one.name for one in EXPLANATIONS]
    assert len(set(names)) == len(names)
    assert set(SANE) - {"input × gradient"} < {one.name for one in EXPLANATIONS if one.kind == OURS}
    assert sum(one.kind == OURS for one in EXPLANATIONS) <= 8
    for one in EXPLANATIONS:
        found = one.heatmap(task)
        assert found.shape == (2, 28, 28)
        assert np.isfinite(found).all()
