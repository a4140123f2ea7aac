from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import Faithfulness, Occlusion, faithfulness, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Network, softmax
from konkyo.trainer.data import Digits

NETWORK: Network = load_all()["paired-3x3"].precise


def area(scores: list[float]) -> float:
    """Of the trapezoids, over a base of 1."""
    return sum((a + b) / 2 for a, b in pairwise(scores)) / (len(scores) - 1)


def explain(image: NDArray[np.float64], result: Occlusion) -> Faithfulness:
    return faithfulness(NETWORK, image, result.hiding, result.order, int(result.target))


@pytest.mark.parametrize(("regions", "fill"), [(Regions(4), 0.0), (Regions(5, 3), 0.2)])
def test_both_curves_step_by_step(regions: Regions, fill: float, digits: Digits) -> None:
    image = digits.scaled(np.float64)[2]
    result = occlude(NETWORK, image, hiding=Hiding(regions, fill))
    entries = []
    for row, column in np.ndindex(*regions.grid):
        left, top, right, bottom = regions.box(row, column)
        square = np.s_[top:bottom, left:right]
        if (image[square] != fill).any():
            entries.append((-result.drop[row, column], row, column, square))
    deleted, inserted = image.copy(), np.full((28, 28), fill)

    def probability(picture: NDArray[np.float64]) -> float:
        return float(softmax(NETWORK.logits(picture))[int(result.target)])

    deletion, insertion = [probability(deleted)], [probability(inserted)]
    for *_, square in sorted(entries, key=lambda entry: entry[:3]):
        deleted[square] = fill
        inserted[square] = image[square]
        deletion.append(probability(deleted))
        insertion.append(probability(inserted))
    measured = explain(image, result)
    assert measured.deletion == pytest.approx(area(deletion), abs=1e-12)
    assert measured.insertion == pytest.approx(area(insertion), abs=1e-12)


def test_better_than_chance_and_always_the_same(digits: Digits) -> None:
    images = digits.scaled(np.float64)[:20]
    measured = [explain(image, occlude(NETWORK, image)) for image in images]
    assert np.mean([one.deletion for one in measured]) < np.mean([one.random_deletion for one in measured]) - 0.1
    assert np.mean([one.insertion for one in measured]) > np.mean([one.random_insertion for one in measured]) + 0.1
    assert explain(images[0], occlude(NETWORK, images[0])) == measured[0]


def test_many_regions_are_hidden_several_at_a_time() -> None:
    """784 regions, 100 steps: each point is that of a step-by-step curve."""
    image = np.random.default_rng(1).random((28, 28))
    result = occlude(NETWORK, image, hiding=Hiding(Regions(1)))
    order = np.argsort(-result.drop.ravel(), kind="stable")
    steps = [round(784 * point / 100) for point in range(101)]
    deletion = []
    for step in steps:
        picture = image.ravel().copy()
        picture[order[:step]] = 0
        deletion.append(float(softmax(NETWORK.logits(picture.reshape(28, 28)))[int(result.target)]))
    expected = (
        sum((b - a) * (x + y) / 2 for (a, b), (x, y) in zip(pairwise(steps), pairwise(deletion), strict=True)) / 784
    )
    assert explain(image, result).deletion == pytest.approx(expected, abs=1e-12)


def test_nothing_to_hide() -> None:
    image = np.full((28, 28), 0.5)
    measured = explain(image, occlude(NETWORK, image, target=3, hiding=Hiding(fill=0.5)))
    score = softmax(NETWORK.logits(image))[3]
    assert measured.deletion == measured.insertion == measured.random_deletion == measured.random_insertion == score
