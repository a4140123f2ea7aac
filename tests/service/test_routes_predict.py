from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from konkyo.models.files.checkpoint import DIRECTORY, load
from tests.helpers.oracles import slow_trace
from tests.helpers.pictures import decode, pixels, sample


@pytest.mark.parametrize("model", ["paired-3x3", "summed-3x3", "lenet-6x16"])
def test_the_numbers_are_those_of_a_slow_forward_pass(client: TestClient, model: str) -> None:
    body = client.post("/predict", params={"model": model}, files={"file": sample(2)}).json()
    logits = slow_trace(load(DIRECTORY / f"{model}.safetensors").network, pixels(2) / 255).logits
    probabilities = np.exp(logits) / np.exp(logits).sum()
    assert np.allclose(body["logits"], logits, atol=1e-10)
    assert np.allclose(body["probabilities"], probabilities, atol=1e-12)
    assert (body["predicted"], body["label"]) == (2, "2")
    assert body["probability"] == body["probabilities"][2]


def test_the_answer_starts_with_the_class(client: TestClient) -> None:
    keys = list(client.post("/predict", files={"file": sample(2)}).json())
    assert keys == ["predicted", "label", "probability", "probabilities", "logits", "input", "model"]


@pytest.mark.parametrize("digit", [0, 4, 9])
def test_the_picture_shows_that_digit(client: TestClient, digit: int) -> None:
    """Two digits' pictures differ, and the enlarged digit itself is in the picture, pixel for pixel."""
    answer = client.post("/predict", params={"format": "png", "theme": "dark"}, files={"file": sample(digit)})
    assert contains_enlarged(decode(answer.content), pixels(digit))


def contains_enlarged(picture: NDArray[Any], digit: NDArray[Any]) -> bool:
    """Whether the bright pixels of a 28×28 digit stand somewhere in the picture, enlarged by a whole number."""
    grey = picture.astype(int).mean(-1)
    mask = digit > 128
    for factor in range(3, 10):
        side = 28 * factor
        for top in range(grey.shape[0] - side + 1):
            for left in range(0, min(60, grey.shape[1] - side + 1)):
                window = grey[top + factor // 2 : top + side : factor, left + factor // 2 : left + side : factor]
                if window[mask].min() > window[digit == 0].max() + 60:
                    return True
    return False
