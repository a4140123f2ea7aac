"""Infidelity, sensitivity and agreement, on paper and against their definitions."""

import numpy as np
import pytest

from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.metrics import agreement, changed, drops, infidelity, sensitivity, squares
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, lamp_network, lit
from tests.helpers.oracles import SUMMED, random_network


def test_squares_lie_within_the_image() -> None:
    inside = squares(7, 28)
    assert inside.shape == (200, 28, 28)
    sides = set()
    for one in inside:
        rows, columns = np.flatnonzero(one.any(1)), np.flatnonzero(one.any(0))
        assert one.sum() == len(rows) * len(columns) == len(rows) ** 2
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        sides.add(len(rows))
    assert sides == set(range(3, 15))
    np.testing.assert_array_equal(squares(7, 28), inside)
    assert (squares(8, 28) != inside).any()


def test_the_lamp_alone_is_faithful() -> None:
    """Hiding the lamp takes 12 from the logit, and nothing else does."""
    network, image, hidden = lamp_network(), lit((2, 2)), squares(1, 28)
    dropped = drops(network, image, 6, hidden)
    np.testing.assert_array_equal(dropped, np.where(hidden[:, LAMP[0], LAMP[1]], WHOLE - HIDDEN, 0))
    lamp, dust = np.zeros((2, 28, 28))
    lamp[LAMP], dust[2, 2] = 0.001, 1
    assert infidelity(lamp, hidden, dropped) == pytest.approx(0, abs=1e-15)
    assert infidelity(-lamp, hidden, dropped) == pytest.approx(0, abs=1e-15)  # by the best factor, which is negative
    assert infidelity(np.zeros((28, 28)), hidden, dropped) == 1
    claimed, counted = hidden[:, 2, 2], hidden[:, LAMP[0], LAMP[1]]
    share = (claimed & counted).sum() ** 2 / (claimed.sum() * counted.sum())
    assert infidelity(dust, hidden, dropped) == pytest.approx(1 - share)
    assert infidelity(dust, hidden, np.zeros(200)) == 1
    assert infidelity(np.zeros((28, 28)), hidden, np.zeros(200)) == 0


def test_infidelity_is_the_least_squares_remainder(digits: Digits) -> None:
    network, image = random_network(SUMMED, 85), digits.scaled(np.float64)[5]
    hidden = squares(2, 28)
    dropped = drops(network, image, 3, hidden)
    expected = [network.logits(image)[3] - network.logits(np.where(one, 0, image))[3] for one in hidden]
    np.testing.assert_allclose(dropped, expected, rtol=0, atol=1e-12)
    attribution = np.random.default_rng(2).normal(size=(28, 28))
    claimed = np.array([[attribution[one].sum()] for one in hidden])
    _, remainder, *_ = np.linalg.lstsq(claimed, dropped)
    assert infidelity(attribution, hidden, dropped) == pytest.approx(float(remainder[0]) / float(dropped @ dropped))


def test_sensitivity_is_the_farthest_of_all_changes(digits: Digits) -> None:
    images = digits.scaled(np.float64)[:3]

    def squared(some: Array) -> Array:
        return some**2

    moved = changed(images, 4)
    assert moved.shape == (4, 3, 28, 28)
    assert not moved[:, images == 0].any()
    assert np.abs(moved - images).max() <= 0.1
    assert moved.max() <= 1
    found = sensitivity(squared, images, 4)
    for number, image in enumerate(images):
        norms = [np.linalg.norm(one[number] ** 2 - image**2) / np.linalg.norm(image**2) for one in moved]
        assert found[number] == pytest.approx(max(norms))
    assert sensitivity(np.zeros_like, images, 4).tolist() == [0, 0, 0]


def test_agreement_is_over_regions_with_ink(digits: Digits) -> None:
    network, image = random_network(SUMMED, 86), digits.scaled(np.float64)[6]
    values = shapley_values(network, image).of(2).values
    spread = np.kron(values, np.ones((4, 4)))
    assert agreement(spread, values, image) == pytest.approx(1)
    assert agreement(-spread, values, image) == pytest.approx(-1)
    blank = ~np.kron(image.reshape(7, 4, 7, 4).any((1, 3)), np.ones((4, 4), bool))
    spread[blank] = 1000  # regions without ink do not count
    assert agreement(spread, values, image) == pytest.approx(1)
