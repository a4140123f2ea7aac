"""The curves step by step, all 784 of them, and on paper."""

from itertools import pairwise

import numpy as np
import pytest

from models.network import Array, Network, softmax
from models.occlusion import Score
from tests.lamp import HIDDEN, LAMP, WHOLE, lamp_network, lit
from tests.oracles import SUMMED, random_network
from trainer.data import Digits
from trainer.studies.curves import BASES, SCORES, curves
from trainer.studies.stamps import Stamps


def step_by_step(network: Network, image: Array, attribution: Array, target: int, ink_only: bool) -> Array:
    """(2 scores, 2 curves, steps + 1): every picture made and read by itself."""
    places = [p for p in range(784) if image.ravel()[p] > 0 or not ink_only]
    order = sorted(places, key=lambda p: (-attribution.ravel()[p], p))
    deleted, inserted = image.ravel().copy(), np.zeros(784)
    pictures = [(deleted.copy(), inserted.copy())]
    for place in order:
        deleted[place], inserted[place] = 0, image.ravel()[place]
        pictures.append((deleted.copy(), inserted.copy()))
    logits = network.logits(np.array(pictures).reshape(-1, 2, 28, 28))
    return np.array([logits[..., target].T, softmax(logits)[..., target].T])


def area(curve: list[float]) -> float:
    return sum((a + b) / 2 for a, b in pairwise(curve)) / (len(curve) - 1)


@pytest.mark.parametrize("rounded", [False, True])
def test_curves_are_those_of_every_picture_read_by_itself(rounded: bool, digits: Digits) -> None:
    network, image = random_network(SUMMED, 83), digits.scaled(np.float64)[4]
    attribution = np.random.default_rng(83).normal(size=(28, 28))
    attribution = attribution.round() if rounded else attribution  # rounded: many ties, by pixel
    target = int(network.logits(image).argmax())
    drawn = curves(Stamps.of(network, image), attribution, target)
    assert SCORES == (Score.LOGIT, Score.PROBABILITY)
    for number, base in enumerate(BASES):
        expected = step_by_step(network, image, attribution, target, base == "ink")
        for which, score in enumerate(SCORES):
            np.testing.assert_allclose(drawn.scores(score, base), expected[which], rtol=0, atol=1e-11)
            areas = [area(curve.tolist()) for curve in expected[which]]
            np.testing.assert_allclose(drawn.areas()[which, number], areas, rtol=0, atol=1e-11)
    every14th = step_by_step(network, image, attribution, target, False)[1][:, ::14]
    np.testing.assert_allclose(drawn.points("all"), every14th, rtol=0, atol=1e-11)
    ink = drawn.scores(Score.PROBABILITY, "ink")
    points = drawn.points("ink")
    assert points.shape == (2, 51)
    np.testing.assert_allclose(points[:, [0, -1]], ink[:, [0, -1]], rtol=0, atol=1e-15)
    position = 0.5 * (ink.shape[1] - 1)
    before = int(position)
    middle = ink[:, before] + (position - before) * (ink[:, before + 1] - ink[:, before])
    np.testing.assert_allclose(points[:, 25], middle, rtol=0, atol=1e-12)


def test_areas_on_paper() -> None:
    """Two pixels of ink, of which the lamp alone counts: named first, and named last."""
    network, image = lamp_network(), lit((2, 2))
    stamps = Stamps.of(network, image)
    assert network.logits(image).argmax() == 6
    first, last = np.zeros((28, 28)), np.zeros((28, 28))
    first[LAMP], last[LAMP] = 1, -1
    half = (WHOLE + HIDDEN) / 2
    logit = 0  # in SCORES
    good = curves(stamps, first, 6).areas()[logit]
    np.testing.assert_allclose(good[0], [(half + 783 * HIDDEN) / 784, (half + 783 * WHOLE) / 784], rtol=1e-15)
    np.testing.assert_allclose(good[1], [(half + HIDDEN) / 2, (half + WHOLE) / 2], rtol=1e-15)
    bad = curves(stamps, last, 6).areas()[logit]
    np.testing.assert_allclose(bad[0], [(half + 783 * WHOLE) / 784, (half + 783 * HIDDEN) / 784], rtol=1e-15)
    np.testing.assert_allclose(bad[1], [(half + WHOLE) / 2, (half + HIDDEN) / 2], rtol=1e-15)


def test_a_blank_picture_keeps_its_score() -> None:
    areas = curves(Stamps.of(lamp_network(), np.zeros((28, 28))), np.zeros((28, 28)), 2).areas()
    others = np.exp(HIDDEN - 10) + 8 * np.exp(-10)
    np.testing.assert_allclose(areas[0], 10, rtol=1e-15)
    np.testing.assert_allclose(areas[1], 1 / (1 + others), rtol=1e-12)
