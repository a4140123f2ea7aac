"""Deletion and insertion curves. Oracle: a forward pass of each image on the way."""

from itertools import pairwise

import numpy as np
import pytest

from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import SEED, Faithfulness, Score, faithfulness, occlude
from konkyo.models.hiding.regions import Fill, FillKind, Hiding, Regions, filled
from konkyo.models.network import Network, softmax
from konkyo.trainer.data import Labelled
from tests.helpers.oracles import F64

NETWORK: Network = load_all()["paired-3x3"].precise


def area(start: F64, end: F64, regions: Regions, order: list[int], target: int) -> float:
    """Under the target's probability while the regions of one image become those of the other, in this order."""
    steps = sorted({round(len(order) * point / 100) for point in range(101)})
    if len(order) <= 100:
        steps = [*range(len(order) + 1)]
    image, images = start.copy(), [start.copy()]
    for number in order:
        left, top, right, bottom = regions.box(*divmod(number, regions.grid[1]))
        image[top:bottom, left:right] = end[top:bottom, left:right]
        images.append(image.copy())
    scores = softmax(NETWORK.logits(np.array([images[step] for step in steps])))[:, target].tolist()
    widths = [(b - a) / len(order) for a, b in pairwise(steps)]
    under: float = sum(width * (x + y) / 2 for width, (x, y) in zip(widths, pairwise(scores), strict=True))
    return under


@pytest.mark.parametrize(
    ("regions", "fill", "number"),
    [(Regions(4), 0.0, 2), (Regions(5, 3), 0.2, 2), (Regions(7), FillKind.BLUR, 4), (Regions(1), 0.0, 1)],
)
def test_each_curve_step_by_step(regions: Regions, fill: Fill, number: int, digits: Labelled) -> None:
    """From the greatest drop on, and in the same random orders; of 784 pixels several become hidden at a step."""
    image = digits.scaled(np.float64)[number]
    empty = filled(image[None, None], fill)[0, 0]
    result = occlude(NETWORK, image, hiding=Hiding(regions, fill))
    drops, target = result.drop.ravel(), int(result.target)
    assert (drops < 0).any()
    players = [
        place for place in range(regions.count) if (image != empty)[regions.masks.reshape(-1, 28, 28)[place]].any()
    ]
    rng, which = np.random.default_rng(SEED), np.array(players)
    orders = [
        sorted(players, key=lambda place: -drops[place]),
        *(rng.permutation(which).tolist() for _ in range(20)),
    ]
    orders = orders[:4] if regions.count > 100 else orders
    deletions = [area(image, empty, regions, order, target) for order in orders]
    insertions = [area(empty, image, regions, order, target) for order in orders]
    measured = faithfulness(NETWORK, image, result.hiding, result.order, target)
    assert measured.deletion == pytest.approx(deletions[0], abs=1e-12)
    assert measured.insertion == pytest.approx(insertions[0], abs=1e-12)
    if len(orders) > 20:
        assert measured.random_deletion == pytest.approx(np.mean(deletions[1:]), abs=1e-12)
        assert measured.random_insertion == pytest.approx(np.mean(insertions[1:]), abs=1e-12)
        assert abs(measured.random_deletion - measured.random_insertion) > 1e-4


def test_regions_of_one_drop_go_by_number(digits: Labelled) -> None:
    """Also where the score is a probability, and over a batch. A probability of nearly 1 is known to 2e-15."""
    result = occlude(NETWORK, digits.scaled(np.float64)[:3], hiding=Hiding(Regions(4)), score=Score.PROBABILITY)
    for drops, order in zip(result.drop, result.order, strict=True):
        by_value = np.argsort(-drops.ravel(), kind="stable").tolist()
        groups: list[list[int]] = [[]]
        for before, place in zip([by_value[0], *by_value], by_value, strict=False):
            if drops.flat[before] - drops.flat[place] > 2e-15 + 1e-12 * abs(drops.flat[before]):
                groups.append([])
            groups[-1].append(place)
        assert len(groups) > 5
        assert order.tolist() == [place for group in groups for place in sorted(group)]


def test_nothing_to_hide() -> None:
    image = np.full((28, 28), 0.5)
    score = softmax(NETWORK.logits(image))[3]
    measured = faithfulness(NETWORK, image, Hiding(fill=0.5), np.arange(196), 3)
    assert measured == Faithfulness(score, score, score, score)
