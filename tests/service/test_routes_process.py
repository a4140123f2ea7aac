import shutil
from http import HTTPStatus

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from konkyo.trainer.data import Digits
from konkyo.trainer.studies import filters
from konkyo.trainer.studies.study import Asked
from tests.helpers.oracles import linear_piece, slow_trace
from tests.helpers.pictures import decode, encode, pixels, sample

SHAPES = {"paired-3x3": (3, 3, 9), "summed-3x3": (3, 3, 3), "lenet-6x16": (6, 16, 16)}


@pytest.mark.parametrize("model", SHAPES)
def test_every_stage_is_that_of_a_slow_pass(client: TestClient, model: str) -> None:
    body = client.post("/explain/process", params={"model": model}, files={"file": sample(5)}).json()
    network, image = load(DIRECTORY / f"{model}.safetensors").network, pixels(5) / 255
    trace = slow_trace(network, image)
    filters1, filters2, maps = SHAPES[model]
    layers = (("convolution", "conv", (24, 10)), ("maps", "pool", (12, 5)))
    for number, (stage, count) in enumerate(zip(body["stages"], (filters1, maps), strict=True), 1):
        assert (stage["count"], stage["shown"]) == (count, list(range(count)))
        for field, layer, sides in layers:
            side = sides[number - 1]
            assert np.shape(stage[field]) == (count, side, side)
            assert np.allclose(stage[field], getattr(trace, f"{layer}{number}"), atol=1e-10)
        weights, bias = (network.weights[f"conv{number}.{kind}"] for kind in ("weight", "bias"))
        # With paired wiring the three filters of the second stage are there for each of the three maps.
        times = count // len(weights)
        assert np.array_equal(np.float32(stage["filters"]), np.concatenate([weights] * times))
        assert np.array_equal(np.float32(stage["bias"]), np.concatenate([bias] * times))
    assert np.allclose(body["logits"], trace.logits, atol=1e-10)
    assert (body["predicted"], body["label"]) == (5, "5")
    assert np.array_equal(body["image"], image)
    assert np.shape(body["contributions"]) == (10, filters1, filters2)
    pairs = [(pair["map"], pair["filter"]) for pair in body["pairs"]]
    assert len(pairs) == min(filters1 * filters2, 32)
    for pair, passed, own in zip(pairs, body["passed"], body["maps"], strict=True):
        assert np.sum(own) == pytest.approx(body["contributions"][5][pair[0]][pair[1]], abs=1e-10)
        head = body["head_maps"].index(pair[0] * filters2 + pair[1] if model == "paired-3x3" else pair[1])
        weights = np.array(body["head"])[:, head]
        assert np.allclose(weights[5] * passed, own, atol=1e-12)
        expected = [contributions[pair[0]][pair[1]] for contributions in body["contributions"]]
        assert np.allclose((weights * passed).sum((1, 2)), expected, atol=1e-10)
    piece = linear_piece(network, image)
    assert np.allclose(np.array(body["contributions"])[:, 1, 2], piece.pair(image, 1, 2), atol=1e-10)
    whole = np.sum(body["contributions"], axis=(1, 2)) + np.sum(body["filter_bias"], axis=1) + body["class_bias"]
    assert np.allclose(whole, body["logits"], atol=1e-10)
    assert len(body["typicality"]) == 10
    for digit in (3, 5):
        filters = client.post("/explain/filters", params={"model": model, "target": digit}, files={"file": sample(5)})
        assert filters.json()["typicality"] == body["typicality"][digit]


def test_it_is_a_slide(client: TestClient) -> None:
    small, large = (
        decode(
            client.post("/explain/process", params={"format": "png", "scale": scale}, files={"file": sample(5)}).content
        )
        for scale in (1, 2)
    )
    height, width, _ = small.shape
    assert large.shape == (2 * height, 2 * width, 3)
    assert 1.6 < width / height < 1.9


def test_a_picture_of_more_than_4000_pixels_a_side_is_refused_with_the_scale_that_fits(client: TestClient) -> None:
    answer = client.post("/explain/process", params={"format": "png", "scale": 4}, files={"file": sample(5)})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    [wrong] = answer.json()["errors"]
    assert wrong["parameter"] == "scale"
    assert wrong["message"] == "this picture is 1086×612 pixels at scale 1, so scale must be at most 3, not 4"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> TestClient:
    """The service with a study that knows what the network finds in the first test images."""
    folder = tmp_path_factory.mktemp("compared")
    for suffix in (".safetensors", ".json"):
        shutil.copy(DIRECTORY / f"paired-3x3{suffix}", folder)
    checkpoint = load(folder / "paired-3x3.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters, "PER_CLASS", 100)
        found = filters.STUDY.measure(Asked(checkpoint, digits[:1500], folder / "runs"), lambda _: lambda: None)
    usage_file.save(folder, checkpoint, found.usage)
    return TestClient(create_app(Settings(models=folder)))


def codes(client: TestClient, picture: bytes, path: str = "/explain/process") -> list[str]:
    body = client.post(path, files={"file": picture}).json()
    return [one["code"] for one in body["input"]["warnings"]]


def test_it_warns_of_an_image_unlike_the_training_images(compared: TestClient, unstudied: TestClient) -> None:
    halves = [pixels(digit).reshape(14, 2, 14, 2).mean((1, 3)).astype(np.uint8) for digit in (3, 5)]
    two = encode(np.pad(np.concatenate(halves, axis=1), ((7, 7), (0, 0))))
    assert codes(compared, two)[-1] == "unlike-training-images"
    for digit in range(10):
        assert codes(compared, sample(digit)) == []
    # Where there is nothing, one warning says so.
    assert codes(compared, encode(np.zeros((28, 28), np.uint8))) == ["empty"]
    # What costs no more than a prediction does not look, nor does a network without the study.
    others = codes(compared, two)[:-1]
    assert codes(compared, two, "/predict") == others
    assert codes(unstudied, two) == others
