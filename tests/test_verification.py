from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.incremental import occluder
from models.regions import Regions
from models.verification import verify
from tests.oracles import PAIRED, random_network
from trainer.data import Digits


def test_it_finds_no_difference_and_counts_the_work(digits: Digits) -> None:
    network, image = random_network(PAIRED, 1), digits.scaled(np.float64)[0]
    result = verify(network, image, Regions(), 0.0)
    assert 0 < result.max_abs_difference < 1e-12
    holding = (image.reshape(14, 2, 14, 2).max((1, 3)) > 0).sum()
    each = 4 * 36 * 3 + 9 * 36 * 9 + 225 * 10
    assert result.multiply_adds_ratio == pytest.approx(196 * 53_550 / (53_550 + holding * each))


def test_it_would_find_one(monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    """With a fast way that is wrong in one number, the difference is that number's."""
    network, image = random_network(PAIRED, 1), digits.scaled(np.float64)[0]
    right = occluder(network, Regions())

    class Wrong:
        def logits(self, images: NDArray[np.float64], fill: float) -> tuple[Any, ...]:
            whole, hidden, changed = right.logits(images, fill)
            hidden[0, 100, 3] += 0.25
            return whole, hidden, changed

        def multiply_adds(self) -> int:
            return right.multiply_adds()

    monkeypatch.setattr("models.verification.occluder", lambda *_: Wrong())
    assert verify(network, image, Regions(), 0.0).max_abs_difference == pytest.approx(0.25, abs=1e-9)
