"""Networks that others trained: imported, served, and asked every question that they allow."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from fastapi.testclient import TestClient
from onnx.reference import ReferenceEvaluator
from PIL import Image

from konkyo.models.network import softmax
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from konkyo.trainer.data import Digits
from konkyo.trainer.importing.command import run
from tests.helpers.folders import DATA
from tests.helpers.oracles import F64

NETWORKS = DATA / "networks"
MNIST = ["--preprocessing=mnist"]
# Name → its file, options, and what the least and the greatest pixel enter as.
FILES: dict[str, tuple[str, list[str], tuple[float, float]]] = {
    "keras-simple": ("keras-simple.onnx", ["--range=0,1", *MNIST], (0, 1)),
    "tutorial": ("tutorial.onnx", ["--range=0,1", *MNIST], (0, 1)),
    "mnist-example": (
        "mnist-example.onnx",
        ["--mean=0.1307", "--std=0.3081", *MNIST],
        (-0.1307 / 0.3081, 0.8693 / 0.3081),
    ),
    "tiny-vgg": ("tiny-vgg/tiny-vgg.onnx", ["--range=0,1", f"--classes={NETWORKS}/tiny-vgg/classes.txt"], (0, 1)),
}
IMAGES = 25


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("imported")
    for name, (file, options, _) in FILES.items():
        assert run([str(NETWORKS / file), *options, f"--name={name}", f"--out={folder}"], "konkyo import") == 0
    with TestClient(create_app(Settings(models=folder, default_model="tiny-vgg"))) as started:
        yield started


@pytest.fixture(scope="module", params=FILES)
def name(request: pytest.FixtureRequest) -> str:
    asked: str = request.param
    return asked


def pictures(name: str, digits: Digits) -> list[Image.Image]:
    """Digits; for Tiny VGG its photographs, turned and mirrored."""
    if name != "tiny-vgg":
        return [Image.fromarray(image) for image in digits.images[:IMAGES]]
    photographs = [Image.open(path).convert("RGB") for path in sorted((NETWORKS / "tiny-vgg").glob("*.jpeg"))]
    turned = [one.rotate(angle) for angle in range(0, 360, 30) for one in photographs]
    return turned[:IMAGES]


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def theirs(name: str, images: F64) -> F64:
    """The probabilities of the file by ONNX's evaluator, for images (N, channels, side, side)."""
    file, _, (least, most) = FILES[name]
    model = onnx.load(NETWORKS / file)
    entering = (least + images * (most - least)).astype(np.float32)
    entering = entering.transpose(0, 2, 3, 1) if name.startswith("keras") else entering
    evaluator = ReferenceEvaluator(model)
    made: list[Any] = [evaluator.run(None, {model.graph.input[0].name: one[None]}) for one in entering]
    out: Any = np.concatenate([np.asarray(one, np.float64) for [one] in made])
    return np.asarray(out if model.graph.node[-1].op_type == "Softmax" else softmax(out), np.float64)


def ask(served: TestClient, path: str, picture: Image.Image, **query: Any) -> Any:
    answer = served.post(path, params=query, files={"file": png(picture)})
    assert answer.status_code == 200, answer.text
    return answer


def test_probabilities_over_http_are_the_files(name: str, served: TestClient, digits: Digits) -> None:
    asked = pictures(name, digits)
    assert len(asked) == IMAGES
    images = np.array([np.asarray(one, np.float64).reshape(*one.size[::-1], -1) / 255 for one in asked])
    expected = theirs(name, images.transpose(0, 3, 1, 2))
    for picture, row in zip(asked, expected, strict=True):
        answer = ask(served, "/predict", picture, model=name, fit="exact").json()
        np.testing.assert_allclose(answer["probabilities"], row, rtol=0, atol=1e-4)


def test_every_question_that_it_allows_is_answered(name: str, served: TestClient, digits: Digits) -> None:
    card = served.get(f"/models/{name}").json()
    [picture] = pictures(name, digits)[:1]
    for one in card["explains"]:
        path = "/predict" if one["operation"] == "predict" else f"/explain/{one['operation']}"
        smallest = {"region": one["regions"][-1]} if "regions" in one else {}
        for query in ({}, smallest, {"format": "png"}):
            ask(served, path, picture, model=name, fit="exact", **query)
    assert {one["operation"] for one in card["explains"]} == {
        "predict",
        "filters",
        "process",
        "occlusion",
        "shapley",
        "grounds",
    }


def test_shapley_values_add_up_to_the_logits(name: str, served: TestClient, digits: Digits) -> None:
    [picture] = pictures(name, digits)[:1]
    answer = ask(served, "/explain/shapley", picture, model=name, fit="exact").json()
    values, target = np.array(answer["values"]), answer["target"]
    empty = ask(served, "/predict", Image.new(picture.mode, picture.size), model=name, fit="exact").json()
    assert values.sum() + empty["logits"][target] == pytest.approx(answer["logit"], abs=1e-4)


def test_a_network_that_was_not_measured_says_so(served: TestClient) -> None:
    for one in served.get("/models").json()["models"]:
        assert (one["accuracy"], one["dataset"]) == (None, None)
    card = served.get("/models/tiny-vgg").json()
    assert [card[field] for field in ("recipe", "training", "selection", "dataset", "accuracy")] == [None] * 5
    assert card["imported"]["difference"] < 1e-6
