"""Data sets of 2 and of 26 classes, from a folder of pictures to a service that explains and draws them."""

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from tests.helpers.commands import trainer
from tests.helpers.datasets import bars, write_pictures

SETS = {
    2: {"lying down, which is a very long name for a class": 90.0, "upright": 0.0},
    26: {letter: 7.0 * number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")},
}
EXPLAINED = "filters", "occlusion", "shapley", "grounds", "process"
OPERATIONS = ("predict", *(f"explain/{name}" for name in EXPLAINED))

Served = tuple[int, TestClient]


@pytest.fixture(scope="module", params=SETS, ids="{} classes".format)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A network trained for a few steps on a folder of pictures, with its study, served."""
    folder = tmp_path_factory.mktemp("own")
    classes = SETS[request.param]
    write_pictures(folder / "bars", classes, 200 // len(classes) + 8)
    models, data = ("--out", folder / "models"), ("--data", folder / "bars")
    steps = (f"--steps={400 if request.param == 2 else 40}", "--batch=20", "--learning-rate=0.01", "--restarts=1")
    trainer("train", "--name=bars", *data, *models, "--runs", folder / "runs", *steps)
    if request.param == 2:
        trainer("study", "filters", *data, "--models", folder / "models", "--out", folder / "studies")
    with TestClient(create_app(Settings(models=folder / "models", default_model="bars"))) as client:
        yield request.param, client


def upload(lean: float) -> dict[str, bytes]:
    file = BytesIO()
    bars(lean, 1_000, (90, 70)).save(file, "PNG")
    return {"file": file.getvalue()}


def test_the_card_and_the_list_say_what_it_was_trained_on(served: Served) -> None:
    count, client = served
    card, [listed] = client.get("/models/bars").json(), client.get("/models").json()["models"]
    assert card["classes"] == listed["classes"] == sorted(SETS[count])
    assert len(card["accuracy"]["per_class"]) == count
    assert (card["preprocessing"], card["polarity"], card["warnings"]) == ("resize", "auto", [])
    assert (card["dataset"]["licence"], [*card["dataset"]["files"]]) == ("not stated", ["pictures"])
    assert (listed["dataset"], listed["preprocessing"]) == ("bars", "resize")
    assert count == 26 or card["accuracy"]["test"] > 0.9


def test_a_picture_of_any_size_is_answered_by_name(served: Served) -> None:
    count, client = served
    names = sorted(SETS[count])
    for operation in OPERATIONS:
        body = client.post(f"/{operation}?fit=auto", files=upload(0)).json()
        assert body["label"] == names[body["predicted"]], operation
        assert (body["input"]["inverted"], body["input"]["fitted"]) == (True, False)
        # So few training images say little about which others are like them.
        assert {one["code"] for one in body["input"]["warnings"]} <= {"unlike-training-images"}
    assert count == 26 or body["label"] == "upright"
    other = next(name for name in names if name != body["label"])
    for target in (other, names.index(other)):
        answer = client.post("/explain/filters", params={"fit": "auto", "target": target}, files=upload(0)).json()
        assert (answer["target"], answer["typicality"] is None) == (names.index(other), count == 26)


def test_every_picture_is_drawn(served: Served) -> None:
    count, client = served
    label = client.post("/predict?fit=auto", files=upload(0)).json()["label"]
    answers = {"filters of the network": client.get("/models/bars/filters?format=png")}
    for operation in OPERATIONS:
        asked = {"fit": "auto", "format": "png"}
        if operation in ("explain/occlusion", "explain/shapley", "explain/filters"):
            asked["versus"] = next(name for name in sorted(SETS[count]) if name != label)
        answers[operation] = client.post(f"/{operation}", params=asked, files=upload(0))
    sizes = {name: Image.open(BytesIO(answer.content)).size for name, answer in answers.items()}
    # A bar or a row for each class makes a picture higher, and a long name does not make it much wider.
    assert sizes["predict"][1] == (278 if count == 2 else 594)
    assert max(width for width, _ in sizes.values()) < 1_400


def test_the_protocols_take_names(served: Served) -> None:
    count, client = served
    names = sorted(SETS[count])
    request = {"instances": np.zeros((1, 28, 28)).tolist(), "outputs": ["contributions"]}
    asked = [{**request, "target": one} for one in (names[1], 1)]
    named, numbered = (client.post("/v1/models/bars:explain", json=one).json() for one in asked)
    assert named == numbered
    metadata = client.get("/v2/models/bars").json()["outputs"]
    assert [one["shape"] for one in metadata if one["name"] == "logits"] == [[-1, count]]
