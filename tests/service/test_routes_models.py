import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from tests.helpers.operations import check_problem
from tests.helpers.pictures import decode

SHAPES = {
    "animals-3x3": [[3, 1, 5, 5], [3, 1, 3, 3]],
    "animals-6x16": [[6, 1, 5, 5], [16, 6, 3, 3]],
    "paired-3x3": [[3, 1, 5, 5], [3, 1, 3, 3]],
    "summed-3x3": [[3, 1, 5, 5], [3, 3, 3, 3]],
    "lenet-6x16": [[6, 1, 5, 5], [16, 6, 3, 3]],
}


@pytest.mark.parametrize("path", ["/models", "/models/paired-3x3", "/models/paired-3x3/weights"])
def test_what_takes_no_parameter_ignores_none(client: TestClient, path: str) -> None:
    detail = "query: holds a parameter that this operation does not have; /docs shows those it has"
    check_problem(client.get(path, params={"format": "png"}), 422, "invalid-parameter", detail)


def test_the_list(client: TestClient) -> None:
    body = client.get("/models").json()
    assert body["default"] == "paired-3x3"
    shapes = [(model["name"], model["stages"][1]["wiring"], model["parameters"]) for model in body["models"]]
    assert shapes == [
        ("animals-3x3", "paired", 2368),
        ("animals-6x16", "summed", 5046),
        ("lenet-6x16", "summed", 5046),
        ("paired-3x3", "paired", 2368),
        ("summed-3x3", "summed", 922),
        ("tiny-vgg", "summed", 19920),
    ]
    assert [model["dataset"] for model in body["models"]] == ["Animals", "Animals", "MNIST", "MNIST", "MNIST", None]
    first = {"filters": 3, "kernel": 5, "padding": 0, "pool": True, "wiring": "summed", "bias": True}
    paired = body["models"][3]
    assert paired["stages"] == [first, {**first, "kernel": 3, "wiring": "paired"}]
    assert (paired["input"], paired["head"]) == ({"channels": 1, "side": 28}, {"hidden": []})
    for model in body["models"]:
        file = (DIRECTORY / f"{model['name']}.safetensors").read_bytes()
        assert model["sha256"] == hashlib.sha256(file).hexdigest()
        accuracy = json.loads((DIRECTORY / f"{model['name']}.json").read_text())["accuracy"]
        assert model["accuracy"] == (accuracy and accuracy["test"])


def test_a_card(client: TestClient) -> None:
    answer, kept = client.get("/models/summed-3x3").json(), json.loads((DIRECTORY / "summed-3x3.json").read_text())
    explains = answer.pop("explains")
    assert answer == load(DIRECTORY / "summed-3x3.safetensors").card.model_dump(mode="json")
    # Cards before version 3 say less: there was MNIST only; before version 4 all networks had two stages.
    for name in ("name", "parameters", "recipe", "selection", "accuracy", "made_with", "sha256"):
        assert answer[name] == kept[name]
    assert answer["format_version"] == 4
    assert answer["input"] == {
        "channels": 1,
        "side": 28,
        "range": [0, 1],
        "polarity": "light-on-dark",
        "border": [0],
    }
    small = "a cell sees up to 25 regions, and all their combinations take more than 64 MiB"
    exact = {
        "region": 4,
        "regions": list(range(4, 15)),
        "cannot": [{"what": "region 1 to 3", "why": small}],
    }
    assert explains == [
        {"operation": "predict", "cannot": []},
        {"operation": "filters", "cannot": []},
        {"operation": "process", "cannot": []},
        {"operation": "occlusion", "region": 2, "regions": list(range(1, 15)), "cannot": []},
        {"operation": "shapley", **exact},
        {"operation": "grounds", **exact},
    ]
    assert answer["classes"] == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
    assert (answer["preprocessing"], answer["dataset"]["name"]) == ("mnist", "MNIST")


def test_an_unknown_name(client: TestClient) -> None:
    detail = "there is no such model; there are animals-3x3, animals-6x16, lenet-6x16, paired-3x3, summed-3x3, tiny-vgg"
    check_problem(client.get("/models/resnet"), 404, "unknown-model", detail)


@pytest.mark.parametrize("model", SHAPES)
def test_the_filters_and_the_pairs_that_each_class_uses(client: TestClient, model: str) -> None:
    answer = client.get(f"/models/{model}/filters")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["vary"] == "Accept"
    body = answer.json()
    checkpoint = load(DIRECTORY / f"{model}.safetensors")
    assert body["model"] == {"name": model, "sha256": checkpoint.sha256}
    assert [stage["shape"] for stage in body["stages"]] == SHAPES[model]
    for number, stage in enumerate(body["stages"], 1):
        assert np.array_equal(np.float32(stage["filters"]), checkpoint.network.weights[f"conv{number}.weight"])

    usage, study = body["usage"], json.loads((DIRECTORY / f"{model}.usage.json").read_text())
    assert {name: usage[name] for name in ("searched", "per_class", "distinct")} == {
        "searched": 7_775 if model.startswith("animals") else 60_000,
        "per_class": 1000,
        "distinct": study["distinct"],
    }
    for kept in study["classes"]:
        for place in ("first", "second"):
            # Older studies call the map and the filter of a pair by the two convolutions.
            kept[place] = dict(zip(("map", "filter", "share", "mean"), kept[place].values(), strict=True))
    for one, kept in zip(usage["classes"], study["classes"], strict=True):
        assert one.pop("dominated") is (kept["first"]["share"] >= 0.9)
        expected = {name: value for name, value in kept.items() if name not in ("class", "label", "distances")}
        assert one == {"predicted": kept["class"], "label": kept["label"], **expected}


def test_the_filters_as_a_picture(client: TestClient) -> None:
    by_format = client.get("/models/paired-3x3/filters", params={"format": "png"})
    by_accept = client.get("/models/paired-3x3/filters", headers={"accept": "image/png"})
    assert (by_format.status_code, by_format.headers["content-type"]) == (200, "image/png")
    assert by_format.content == by_accept.content
    small = decode(by_format.content)
    large = decode(client.get("/models/paired-3x3/filters?format=png&scale=2&theme=dark").content)
    assert large.shape == (2 * small.shape[0], 2 * small.shape[1], 3)
    assert small[0, 0].min() > 200
    assert large[0, 0].max() < 50
    red, blue = ((small == colour).all(-1).sum() for colour in ((0xD7, 0x18, 0x2A), (0x1C, 0x5F, 0xD8)))
    assert red > blue > 500


def test_a_network_that_was_not_studied_shows_its_filters(unstudied: TestClient) -> None:
    body = unstudied.get("/models/paired-3x3/filters").json()
    assert body["usage"] is None
    assert body["stages"][0]["shape"] == [3, 1, 5, 5]
    picture = decode(unstudied.get("/models/paired-3x3/filters?format=png").content)
    assert picture.shape[0] < 200


@pytest.mark.parametrize(
    ("path", "accept", "status", "kind", "detail"),
    [
        (
            "/models/resnet/filters",
            "*/*",
            404,
            "unknown-model",
            "there is no such model; there are animals-3x3, animals-6x16, lenet-6x16, paired-3x3, summed-3x3, tiny-vgg",
        ),
        (
            "/models/paired-3x3/filters",
            "text/html",
            406,
            "not-acceptable",
            "answers come as application/json, image/png or image/svg+xml; Accept allows none of them",
        ),
        (
            "/models/paired-3x3/filters?scale=5",
            "*/*",
            422,
            "invalid-parameter",
            "scale: must be less than or equal to 4",
        ),
        (
            "/models/paired-3x3/filters?format=gif",
            "*/*",
            422,
            "invalid-parameter",
            "format: must be 'json', 'png' or 'svg'",
        ),
        (
            "/models/paired-3x3/filters?model=summed-3x3",
            "*/*",
            422,
            "invalid-parameter",
            "query: holds a parameter that this operation does not have; /docs shows those it has",
        ),
    ],
)
def test_refusals(client: TestClient, path: str, accept: str, status: int, kind: str, detail: str) -> None:
    check_problem(client.get(path, headers={"accept": accept}), status, kind, detail)


def test_it_takes_no_other_method(client: TestClient) -> None:
    check_problem(
        client.post("/models/paired-3x3/filters"),
        405,
        "method-not-allowed",
        "this path does not take that method; it takes GET",
    )


def test_the_study_of_another_checkpoint_stops_the_start(tmp_path: Path) -> None:
    for name in ("paired-3x3.safetensors", "paired-3x3.json"):
        shutil.copy(DIRECTORY / name, tmp_path)
    shutil.copy(DIRECTORY / "summed-3x3.usage.json", tmp_path / "paired-3x3.usage.json")
    with pytest.raises(CheckpointError, match=r"^paired-3x3\.usage\.json: sha256: must be .* makes it anew$"):
        create_app(Settings(models=tmp_path))


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "models": sorted([*SHAPES, "tiny-vgg"])}
