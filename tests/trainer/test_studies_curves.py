"""The curves step by step, and on paper."""

from itertools import pairwise

import numpy as np
import pytest

from konkyo.models.hiding.occlusion import Score
from konkyo.models.network import Array, Network, softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.curves import BLUR, REPLACEMENTS, SCORES, blurred, curves, replacement
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, lamp_network, lit
from tests.helpers.oracles import SUMMED, random_network


def step_by_step(network: Network, image: Array, other: Array, attribution: Array, target: int) -> Array:
    """(2 scores, 2 curves, steps + 1): every image made and predicted by itself."""
    places = np.flatnonzero(image.ravel() != other.ravel()).tolist()
    order = sorted(places, key=lambda p: (-attribution.ravel()[p], p))
    deleted, inserted = image.ravel().copy(), other.ravel().copy()
    images = [(deleted.copy(), inserted.copy())]
    for place in order:
        deleted[place], inserted[place] = other.ravel()[place], image.ravel()[place]
        images.append((deleted.copy(), inserted.copy()))
    logits = network.logits(np.array(images).reshape(-1, 2, 28, 28))
    return np.array([logits[..., target].T, softmax(logits)[..., target].T])


def area(curve: list[float]) -> float:
    return sum((a + b) / 2 for a, b in pairwise(curve)) / (len(curve) - 1)


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("base", REPLACEMENTS)
def test_curves_are_those_of_every_image_predicted_by_itself(base: str, rounded: bool, digits: Digits) -> None:
    network, image = random_network(SUMMED, 83), digits.scaled(np.float64)[4]
    attribution = np.random.default_rng(83).normal(size=(28, 28))
    attribution = attribution.round() if rounded else attribution  # rounded: many ties, by pixel
    target = int(network.logits(image).argmax())
    other = replacement(base, image)
    drawn = curves(network, image, other, attribution, target)
    assert SCORES == (Score.LOGIT, Score.PROBABILITY)
    expected = step_by_step(network, image, other, attribution, target)
    for which, score in enumerate(SCORES):
        np.testing.assert_allclose(drawn.scores(score), expected[which], rtol=0, atol=1e-11)
        areas = [area(curve.tolist()) for curve in expected[which]]
        np.testing.assert_allclose(drawn.areas()[which], areas, rtol=0, atol=1e-11)
    shown, points = drawn.scores(Score.PROBABILITY), drawn.points()
    assert points.shape == (2, 51)
    np.testing.assert_allclose(points[:, [0, -1]], shown[:, [0, -1]], rtol=0, atol=1e-15)
    position = 0.5 * (shown.shape[1] - 1)
    before = int(position)
    after = min(before + 1, shown.shape[1] - 1)
    middle = shown[:, before] + (position - before) * (shown[:, after] - shown[:, before])
    np.testing.assert_allclose(points[:, 25], middle, rtol=0, atol=1e-12)


def test_areas_on_paper() -> None:
    """Two pixels of ink, of which the lamp alone counts: named first, and named last."""
    network, image = lamp_network(), lit((2, 2))
    assert network.logits(image).argmax() == 6
    first, last = np.zeros((28, 28)), np.zeros((28, 28))
    first[LAMP], last[LAMP] = 1, -1
    half = (WHOLE + HIDDEN) / 2
    logit = 0  # in SCORES
    good = curves(network, image, np.zeros((28, 28)), first, 6).areas()[logit]
    np.testing.assert_allclose(good, [(half + HIDDEN) / 2, (half + WHOLE) / 2], rtol=1e-15)
    bad = curves(network, image, np.zeros((28, 28)), last, 6).areas()[logit]
    np.testing.assert_allclose(bad, [(half + WHOLE) / 2, (half + HIDDEN) / 2], rtol=1e-15)


def test_an_empty_image_keeps_its_score() -> None:
    empty = np.zeros((28, 28))
    areas = curves(lamp_network(), empty, empty, empty, 2).areas()
    others = np.exp(HIDDEN - 10) + 8 * np.exp(-10)
    np.testing.assert_allclose(areas[0], 10, rtol=1e-15)
    np.testing.assert_allclose(areas[1], 1 / (1 + others), rtol=1e-12)


def test_a_blurred_dot_is_a_gaussian() -> None:
    dot = np.zeros((28, 28))
    dot[10, 12] = 1
    found = blurred(dot)
    for row, column in ((10, 12), (10, 16), (14, 12), (20, 3), (0, 27)):
        distance = (row - 10) ** 2 + (column - 12) ** 2
        assert found[row, column] == pytest.approx(np.exp(-distance / (2 * BLUR**2)) / (2 * np.pi * BLUR**2))
    np.testing.assert_array_equal(replacement("blurred", dot), found)
    assert not replacement("background", dot).any()
