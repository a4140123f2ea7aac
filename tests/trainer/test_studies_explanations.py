import numpy as np
import pytest

from models.hiding import Hiding
from models.network import Array
from models.occlusion import occlude
from models.regions import Regions
from models.shapley import shapley_values
from tests.oracles import SUMMED, random_network
from trainer.data import Digits
from trainer.studies.cumulative import Rule, cumulative
from trainer.studies.explanations import BY_INK, DEFAULT, DROPS, EXPLANATIONS, LEDGER, SANE, Task
from trainer.studies.greedy import find_grounds
from trainer.studies.pixels import pixel_ledger
from trainer.studies.stamps import Stamps

NETWORK = random_network(SUMMED, 93)


@pytest.fixture(scope="module")
def task(digits: Digits) -> Task:
    images = digits.scaled(np.float64)[3:5]
    target = NETWORK.logits(images).argmax(-1)
    return Task(NETWORK, images, target, [Stamps.of(NETWORK, image) for image in images], 11)


def heatmap(name: str, task: Task) -> Array:
    [found] = [one.heatmap for one in EXPLANATIONS if one.name == name]
    return found(task)


def squares(size: int) -> list[tuple[slice, slice]]:
    """At stride 1, each wholly inside."""
    return [(slice(y, y + size), slice(x, x + size)) for y in range(28 - size + 1) for x in range(28 - size + 1)]


def drops(image: Array, target: int, size: int) -> list[float]:
    pictures = np.repeat(image[None], (28 - size + 1) ** 2, axis=0)
    for picture, square in zip(pictures, squares(size), strict=True):
        picture[square] = 0
    before = NETWORK.logits(image)[target]
    return [float(before - after) for after in NETWORK.logits(pictures)[:, target]]


@pytest.mark.parametrize(
    ("name", "sizes", "ink"), [("occlusion 1 to 4 by area", (1, 2, 3, 4), False), (BY_INK, (1, 4), True)]
)
def test_several_sizes_hidden_square_by_square(name: str, sizes: tuple[int, ...], ink: bool, task: Task) -> None:
    found = heatmap(name, task)
    image, target = task.images[1], int(task.target[1])
    expected = np.zeros((28, 28))
    for size in sizes:
        sums, counts = np.zeros((28, 28)), np.zeros((28, 28))
        for square, drop in zip(squares(size), drops(image, target, size), strict=True):
            held = image[square].sum()
            sums[square] += (image[square] / held * drop if held else 0) if ink else drop / size**2
            counts[square] += 1
        expected += sums / counts
    np.testing.assert_allclose(found[1], expected, rtol=0, atol=1e-11)


def test_the_default_is_what_the_service_draws(task: Task) -> None:
    grounds = [find_grounds(NETWORK, image).heatmap() for image in task.images]
    np.testing.assert_array_equal(heatmap(DEFAULT, task), grounds)
    assert EXPLANATIONS[0].name == DEFAULT


def test_the_others_are_what_their_names_say(task: Task) -> None:
    stride = occlude(NETWORK, task.images, hiding=Hiding(Regions(3, 1))).heatmap()
    np.testing.assert_array_equal(heatmap("occlusion 3, stride 1", task), stride)
    np.testing.assert_array_equal(heatmap(LEDGER, task), pixel_ledger(NETWORK, task.images).heatmap())
    np.testing.assert_array_equal(heatmap("brightness", task), task.images)
    shapley = [shapley_values(NETWORK, i).of(int(t)).values for i, t in zip(task.images, task.target, strict=True)]
    np.testing.assert_array_equal(heatmap("Shapley 4", task), np.kron(shapley, np.ones((4, 4))))
    np.testing.assert_array_equal(heatmap(DROPS, task), occlude(NETWORK, task.images).heatmap())
    one_a_round = [find_grounds(NETWORK, image, growth=0).heatmap() for image in task.images]
    np.testing.assert_array_equal(heatmap("grounds 2, one a round", task), one_a_round)
    ranks = [cumulative(s, Regions(), Rule.MOST, int(t)) for s, t in zip(task.stamps, task.target, strict=True)]
    np.testing.assert_array_equal(heatmap("cumulative 2, most first", task), np.kron(ranks, np.ones((2, 2))))
    first, second = heatmap("random 1", task), heatmap("random 2", task)
    assert (first != second).all()
    np.testing.assert_array_equal(heatmap("random 1", task), first)
    other = Task(task.network, task.images, task.target, task.stamps, 12)
    assert (heatmap("random 1", other) != first).all()


def test_every_explanation_has_a_name_of_its_own_and_a_number_for_each_pixel(task: Task) -> None:
    names = [one.name for one in EXPLANATIONS]
    assert len(set(names)) == len(names)
    assert set(SANE) < set(names)
    for one in EXPLANATIONS:
        found = one.heatmap(task)
        assert found.shape == (2, 28, 28)
        assert np.isfinite(found).all()
