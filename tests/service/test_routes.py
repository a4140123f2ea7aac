"""What the operations on an image answer: the result of the library, as JSON and as a picture.

That these results are right is tested with ``models``.
"""

import json
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from fastapi.testclient import TestClient

import konkyo
from konkyo.model import of_checkpoint
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint
from konkyo.models.hiding.regions import FillKind, filled
from konkyo.models.network import softmax
from konkyo.pictures import draw
from support.pictures import decode, encode, pixels, sample
from tests.helpers.served import ARCHITECTURES, upload

PAIRED, LENET = "paired-3x3", "lenet-6x16"


def checkpoint_of(client: TestClient, name: str) -> Checkpoint:
    found: Checkpoint = client.app.state.service.catalogue.get(name)  # type: ignore[attr-defined]
    return found


def ask(client: TestClient, operation: str, data: bytes = sample(7), **query: Any) -> Any:
    path = "/predict" if operation == "predict" else f"/explain/{operation}"
    answer = client.post(path, params=query, files={"file": data})
    assert answer.status_code == 200, answer.text
    return answer.json()


# Each operation and each parameter of the shipped networks; and colour, a hidden layer, other numbers of stages.
QUESTIONS = [
    "predict?model=paired-3x3",
    "predict?model=colour",
    "explain/filters?model=paired-3x3",
    "explain/filters?model=summed-3x3&maps=totals&versus=3",
    "explain/filters?model=lenet-6x16&maps=full&target=8&versus=3",
    "explain/filters?model=lenet-6x16&top=3&target=1",
    "explain/filters?model=colour&maps=full&target=1&versus=0",
    "explain/filters?model=hidden",
    "explain/occlusion?model=summed-3x3",
    "explain/occlusion?model=lenet-6x16&score=probability&region=12&stride=5&fill=0.5&target=9",
    "explain/occlusion?model=paired-3x3&pairs=true&versus=3&region=5&fill=blur",
    "explain/occlusion?model=summed-3x3&faithfulness=true&region=7",
    "explain/occlusion?model=colour&fill=background",
    "explain/shapley?model=lenet-6x16",
    "explain/shapley?model=paired-3x3&pairs=true&versus=3&target=5",
    "explain/shapley?model=summed-3x3&interactions=true&fill=background",
    "explain/shapley?model=lenet-6x16&faithfulness=true&region=14&fill=0.25",
    "explain/shapley?model=colour",
    "explain/shapley?model=hidden",
    "explain/grounds?model=paired-3x3",
    "explain/grounds?model=lenet-6x16&region=9&fill=0.4",
    "explain/grounds?model=colour&fill=blur",
    "explain/grounds?model=tiny",
    "explain/process?model=paired-3x3",
    "explain/process?model=lenet-6x16&target=3&versus=8&top=2",
    "explain/process?model=colour&target=1&versus=0",
    "explain/process?model=hidden",
    "explain/process?model=single",
]


def value(text: str) -> Any:
    """Of an option, as it is in Python."""
    return json.loads(text) if text[0].isdigit() or text == "true" else text


# An image of noise is none of a digit.
@pytest.mark.filterwarnings("ignore::konkyo.images.ImageWarning")
@pytest.mark.parametrize("asked", QUESTIONS)
def test_an_answer_is_the_result_of_the_library(client: TestClient, shapes: TestClient, asked: str) -> None:
    path, _, query = asked.partition("?")
    given = dict(parse_qsl(query))
    name = given["model"]
    image, file = upload(ARCHITECTURES[name]) if name in ARCHITECTURES else (pixels(7) / 255, {"file": sample(7)})
    service = shapes if name in ARCHITECTURES else client
    checkpoint = checkpoint_of(service, name)
    options = {option: value(text) for option, text in given.items() if option != "model"}
    network = of_checkpoint(checkpoint, None if name in ARCHITECTURES else DIRECTORY)
    result = getattr(konkyo, path.removeprefix("explain/"))(network, image, **options)
    answer = service.post(f"/{asked}", files=file).json()
    assert answer.pop("model") == {"name": name, "sha256": checkpoint.sha256}
    side, said = checkpoint.network.architecture.side, answer.pop("input")
    assert {one: said[one] for one in said if one != "warnings"} == {
        "format": "PNG",
        "width": side,
        "height": side,
        "mode": "RGB" if name == "colour" else "L",
        "inverted": False,
        "fitted": False,
        "box": None,
    }
    assert said["warnings"] == [] or name in ARCHITECTURES
    assert answer == json.loads(json.dumps(result.to_dict()))
    if path == "explain/process" or not {"maps", "top", "faithfulness"} & given.keys():
        picture = service.post(f"/{asked}&format=png&theme=dark&scale=2", files=file)
        np.testing.assert_array_equal(decode(picture.content), decode(draw(result, ".png", 2, "dark", "en")))


@pytest.mark.parametrize("polarity", ["light-on-dark", "dark-on-light"])
@pytest.mark.parametrize(("grey", "fill"), [(51, 0.2), (254, 254 / 255), (255, 1.0)])
def test_hiding_with_the_papers_own_grey_drops_exactly_nothing(
    client: TestClient, grey: int, fill: float, polarity: str
) -> None:
    """By either way of computing it, and however the file says it: a drop of 1e-8 on paper would be a lie."""
    even = np.full((28, 28), grey, np.uint8)
    data = encode(even if polarity == "light-on-dark" else 255 - even)
    for model, region, stride in ((PAIRED, 2, 2), (LENET, 8, 1)):
        body = ask(client, "occlusion", data, model=model, polarity=polarity, fill=fill, region=region, stride=stride)
        assert body["input"]["inverted"] is (polarity == "dark-on-light")
        assert not np.any(body["drop"])
        assert body["critical"] == []


@pytest.mark.parametrize("polarity", ["auto", "dark-on-light"])
def test_hiding_grey_paper_beside_ink_drops_exactly_nothing(client: TestClient, polarity: str) -> None:
    """A dark digit on light grey paper, 204: inverted the paper is 51, which is 0.2."""
    ink = np.where(pixels(7) > 127, 0, 204).astype(np.uint8)
    body = ask(client, "occlusion", encode(ink), polarity=polarity, fill=0.2, pairs=True)
    assert body["input"]["inverted"] is True
    inked = (ink == 0).reshape(14, 2, 14, 2).any((1, 3))
    assert not np.array(body["drop"])[~inked].any()
    assert not np.array(body["pairs"])[~inked].any()
    assert np.array(body["drop"])[inked].all()


@pytest.mark.parametrize(("fill", "side"), [("0", 4), ("blur", 7)])
def test_regions_can_be_hidden_to_see_what_is_predicted_then(client: TestClient, fill: str, side: int) -> None:
    """A region that is named twice, in whatever way, is hidden once."""
    asked: dict[str, Any] = {"fill": fill, "region": side}
    found = ask(client, "grounds", sample(9), hide="3.2-2.2-1.3-02.2-3.2", **asked)["hidden"]
    network, shown = checkpoint_of(client, PAIRED).precise, pixels(9) / 255
    gone = np.asarray(filled(shown, FillKind.BLUR if fill == "blur" else 0.0))
    regions = [(1, 3), (2, 2), (3, 2)]
    shown = shown.copy()
    for row, column in regions:
        area = np.s_[side * row : side * (row + 1), side * column : side * (column + 1)]
        shown[area] = gone[area]
    logits = network.logits(shown)
    assert found["regions"] == [list(region) for region in regions]
    assert found["boxes"] == [
        [side * column, side * row, side * (column + 1), side * (row + 1)] for row, column in regions
    ]
    assert (found["predicted"], found["label"]) == (logits.argmax(), str(logits.argmax()))
    assert found["probability"] == pytest.approx(softmax(logits).max(), abs=1e-12)
    said = f"With 3 regions hidden, {found['label']} is predicted, {found['probability']:.1%}."
    for hide in ({}, {"hide": "3.2-2.2-1.3-03.02"}):
        query = {**asked, **hide, "format": "svg"}
        picture = client.post("/explain/grounds", params=query, files={"file": sample(9)})
        assert (said in unescape(picture.text)) == bool(hide)


@pytest.mark.parametrize("name", ["colour", "tiny"])
def test_a_large_picture_is_brought_to_the_networks_size(shapes: TestClient, name: str) -> None:
    channels = ARCHITECTURES[name].channels
    large = np.random.default_rng(7).integers(0, 256, (60, 60, channels)).astype(np.uint8)
    data = encode(large if channels == 3 else large[..., 0])
    bodies = [ask(shapes, "predict", data, model=name, fit=fit) for fit in ("auto", "resize")]
    assert bodies[0] == bodies[1]
    assert (bodies[0]["input"]["width"], bodies[0]["input"]["fitted"]) == (60, False)
