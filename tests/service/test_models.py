"""What is said of the served networks: the list, the cards, weights, filters and their study, the trainer's search."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.errors import CheckpointError
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE, Checkpoint, load, load_all
from konkyo.models.filters.contributions import contributions
from konkyo.service import drawing
from konkyo.service.app import create_app
from konkyo.service.drawing.primitives.style import Form, Style, Theme
from konkyo.service.settings import Settings
from konkyo.trainer.studies.filters import measure
from support.pictures import decode, encode, pixels, sample
from tests.helpers.any_network import given, random_images
from tests.helpers.operations import check_problem
from tests.helpers.refuse import refuses
from tests.helpers.served import ARCHITECTURES, publish, serve, upload

STAGES = TypeAdapter(tuple[Stage, ...])
SHIPPED = ["animals-3x3", "animals-6x16", "deep-7x9x9", "lenet-6x16", "paired-3x3", "summed-3x3", "tiny-vgg"]


def test_the_list(client: TestClient) -> None:
    body = client.get("/models").json()
    assert (body["default"], [model["name"] for model in body["models"]]) == ("paired-3x3", SHIPPED)
    first = {
        "filters": 3,
        "kernel": 5,
        "padding": 0,
        "pool": {"side": 2, "stride": 2, "kind": "max"},
        "wiring": "summed",
        "bias": True,
        "stride": 1,
        "padding_behind": None,
        "groups": 1,
        "bias_map": False,
        "activation": "relu",
        "after": "none",
        "sources": [],
    }
    file, card = (DIRECTORY / f"paired-3x3.{suffix}" for suffix in ("safetensors", "json"))
    assert body["models"][4] == {
        "name": "paired-3x3",
        "input": {"channels": 1, "side": 28},
        "stages": [first, {**first, "kernel": 3, "wiring": "paired"}],
        "head": {"hidden": [], "activation": "relu"},
        "parameters": 2368,
        "classes": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        "dataset": "MNIST",
        "preprocessing": "mnist",
        "accuracy": json.loads(card.read_text())["accuracy"]["test"],
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    assert (body["models"][6]["dataset"], body["models"][6]["accuracy"]) == (None, None)
    colour = body["models"][6]
    assert (colour["input"], colour["preprocessing"]) == ({"channels": 3, "side": 64}, "resize")


def test_a_card(client: TestClient) -> None:
    answer, kept = client.get("/models/summed-3x3").json(), json.loads((DIRECTORY / "summed-3x3.json").read_text())
    explains = answer.pop("explains")
    assert answer == load(DIRECTORY / "summed-3x3.safetensors").card.model_dump(mode="json")
    # Cards before version 3 say less: there was MNIST only; before version 4 all networks had two stages.
    for name in ("parameters", "recipe", "selection", "accuracy"):
        assert answer[name] == kept[name]
    assert explains[1] == {"operation": "filters", "factor": "gate", "cannot": []}
    small = "a cell sees up to 25 regions, and all their combinations take more than 64 MiB"
    assert explains[2:5] == [
        {"operation": "process", "factor": "gate", "cannot": []},
        {"operation": "occlusion", "region": 2, "regions": list(range(1, 15)), "cannot": []},
        {
            "operation": "shapley",
            "region": 4,
            "regions": list(range(4, 15)),
            "cannot": [{"what": "region 1 to 3", "why": small}],
        },
    ]


def test_the_filters_and_the_pairs_that_each_class_uses(client: TestClient) -> None:
    answer = client.get("/models/paired-3x3/filters")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["vary"] == "Accept"
    body = answer.json()
    assert body["model"]["name"] == "paired-3x3"
    usage, study = body["usage"], json.loads((DIRECTORY / "paired-3x3.usage.json").read_text())
    assert {name: usage[name] for name in ("searched", "per_class", "distinct")} == {
        "searched": 60_000,
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
    kept = kept_of(client, "paired-3x3")
    study = usage_file.load(DIRECTORY, kept)
    asked = {
        "": (Style(), "image/png"),
        "?scale=2&theme=dark": (Style(2, Theme.DARK), "image/png"),
        "?format=svg": (Style(form=Form.SVG), "image/svg+xml"),
    }
    for query, (style, media) in asked.items():
        answer = client.get(f"/models/paired-3x3/filters{query}", headers={"accept": "image/png"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, media)
        drawn = drawing.usage("paired-3x3", kept.network, study, style).encode()
        if style.form is Form.SVG:
            assert answer.content == drawn
        else:
            np.testing.assert_array_equal(decode(answer.content), decode(drawn))


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "models": SHIPPED}


def kept_of(client: TestClient, name: str) -> Checkpoint:
    found: Checkpoint = client.app.state.service.catalogue.get(name)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("name", ["lenet-6x16", "paired-3x3", "colour", "hidden"])
def test_the_filters_and_weights_are_the_networks(client: TestClient, shapes: TestClient, name: str) -> None:
    asked = shapes if name in ARCHITECTURES else client
    filters, weights = (asked.get(f"/models/{name}/{what}").json() for what in ("filters", "weights"))
    kept, count = kept_of(asked, name).network, 0
    assert weights["model"] == {"name": name, "sha256": kept_of(asked, name).sha256}
    assert len(filters["stages"]) == len(weights["stages"]) == len(kept.architecture.stages)
    for number, (one, other) in enumerate(zip(filters["stages"], weights["stages"], strict=True), 1):
        expected = kept.weights[f"conv{number}.weight"]
        assert one["shape"] == list(expected.shape)
        for found, field in ((one, "filters"), (other, "filters"), (other, "bias")):
            expected = kept.weights[f"conv{number}.{'weight' if field == 'filters' else field}"]
            assert np.array_equal(np.float32(found[field]), expected)
            count += expected.size if found is other else 0
    assert len(weights["head"]) == len(kept.architecture.hidden) + 1
    names = [*(f"hidden{number}" for number in range(1, len(kept.architecture.hidden) + 1)), "affine"]
    for layer, one in zip(names, weights["head"], strict=True):
        for field, values in one.items():
            expected = kept.weights[f"{layer}.{'weight' if field == 'weights' else field}"]
            assert np.array_equal(np.float32(values), expected)
            count += expected.size
    assert count == kept.architecture.parameters


def test_more_weights_than_an_answer_has_numbers_are_refused(tmp_path: Path) -> None:
    many = Architecture((Stage(64, 3, 1, pool=None),), 8, hidden=(256,), classes=2)
    detail = (
        "name: the network has 1,049,986 weights, and an answer has at most 1,048,576 numbers; its checkpoint is a "
        "safetensors file, which any language reads"
    )
    with serve(tmp_path, {"many": many}, "many") as client:
        check_problem(client.get("/models/many/weights"), 422, "invalid-parameter", detail)
        assert client.get("/models/many").json()["parameters"] == 640 + 64 * 64 * 256 + 256 + 256 * 2 + 2 == 1_049_986


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("summed-3x3.safetensors", "summed-3x3.json", SEARCH_FILE):
        shutil.copy(DIRECTORY / name, tmp_path)
    return tmp_path


def test_the_list_shows_what_was_searched(client: TestClient, directory: Path) -> None:
    search = json.loads((DIRECTORY / SEARCH_FILE).read_text())
    # What the trainer writes beside this is not shown.
    del search["format_version"], search["recipe"]
    for network in search["networks"]:
        del network["runs"]
    for network in [*search["networks"], *search["smallest"]]:
        # What the file leaves out is as usual.
        stages = STAGES.validate_json(json.dumps(network["stages"]))
        network["stages"] = json.loads(STAGES.dump_json(stages))
    assert client.get("/models").json()["search"] == search
    (directory / SEARCH_FILE).unlink()
    without = TestClient(create_app(Settings(models=directory, default_model="summed-3x3")))
    assert without.get("/models").json()["search"] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format_version": 3}', "format_version: must be 2"),
        ('{"format_version": 2, "networks": [{}]}', "minimum_accuracy: is missing"),
        ("{", "file: Invalid JSON: EOF while parsing an object at line 1 column 1"),
    ],
)
def test_a_damaged_search_stops_the_start(directory: Path, text: str, message: str) -> None:
    (directory / SEARCH_FILE).write_text(text)
    with refuses(CheckpointError, f"{SEARCH_FILE}: {message}; take the repository's, or delete it"):
        create_app(Settings(models=directory, default_model="summed-3x3"))


def ask(client: TestClient, path: str, data: bytes, **parameters: Any) -> Any:
    answer = client.post(path, params=parameters, files={"file": data})
    assert answer.status_code == 200
    return answer.json()


def test_typicality_is_for_at_most_256_pairs(tmp_path: Path) -> None:
    """The wide network has 360. Where there is a study, both operations say the same of the target."""
    publish(tmp_path, {name: ARCHITECTURES[name] for name in ("colour", "wide")})
    for name, checkpoint in load_all(tmp_path).items():
        network, shape = checkpoint.network.astype(np.float64), ARCHITECTURES[name]
        found = contributions(network, given(shape, random_images(shape, 40, 3))).contributions
        study = measure([found[:, number] for number in range(shape.classes)], 60, 40)
        usage_file.save(tmp_path, checkpoint, study)
    with TestClient(create_app(Settings(models=tmp_path, default_model="wide"))) as studied:
        for name, there in (("colour", True), ("wide", False)):
            file = upload(ARCHITECTURES[name])[1]["file"]
            filters, process = (
                ask(studied, f"/explain/{one}", file, model=name, target=1) for one in ("filters", "process")
            )
            assert filters["typicality"] == (process["typicality"][1] if there else process["typicality"])
            assert (filters["typicality"] is not None) == there
            assert studied.get(f"/models/{name}/filters").json()["usage"]["per_class"] == 40
        explains = {one["operation"]: one for one in studied.get("/models/wide").json()["explains"]}
    why = "typicality is there for at most 256 pairs, and this network has 360"
    for operation in ("filters", "process"):
        assert explains[operation]["cannot"] == [{"what": "typicality", "why": why}]


def test_without_a_study_there_is_no_use_and_no_typicality(unstudied: TestClient) -> None:
    body = unstudied.get("/models/paired-3x3/filters").json()
    assert (body["usage"], body["stages"][0]["shape"]) == (None, [3, 1, 5, 5])
    assert unstudied.get("/models/paired-3x3/filters?format=png").status_code == 200
    for operation in ("filters", "process"):
        assert ask(unstudied, f"/explain/{operation}", sample(5))["typicality"] is None
        picture = unstudied.post(f"/explain/{operation}", params={"format": "png"}, files={"file": sample(5)})
        assert picture.status_code == 200


def codes(client: TestClient, picture: bytes, path: str = "/explain/process") -> list[str]:
    return [one["code"] for one in ask(client, path, picture)["input"]["warnings"]]


def test_it_warns_of_an_image_unlike_the_training_images(client: TestClient, unstudied: TestClient) -> None:
    halves = [pixels(digit).reshape(14, 2, 14, 2).mean((1, 3)).astype(np.uint8) for digit in (3, 5)]
    two = encode(np.pad(np.concatenate(halves, axis=1), ((7, 7), (0, 0))))
    assert codes(client, two)[-1] == "unlike-training-images"
    for digit in range(10):
        assert codes(client, sample(digit)) == []
    # Where there is nothing, one warning says so.
    assert codes(client, encode(np.zeros((28, 28), np.uint8))) == ["empty"]
    # What costs no more than a prediction does not look, nor does a network without the study.
    others = codes(client, two)[:-1]
    assert codes(client, two, "/predict") == others
    assert codes(unstudied, two) == others


def test_a_network_of_others_was_not_measured(client: TestClient) -> None:
    card = client.get("/models/tiny-vgg").json()
    assert [card[field] for field in ("recipe", "training", "selection", "dataset", "accuracy")] == [None] * 5
    assert card["imported"]["difference"] < 1e-6
