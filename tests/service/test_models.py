"""What is said of the served networks: the list, the cards, weights, filters and their study, the trainer's search."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.contributions import contributions
from konkyo.models.errors import CheckpointError
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE, Checkpoint, load, load_all
from konkyo.models.network import Network
from konkyo.models.usage import Likeness, Usage
from konkyo.service import catalogue, drawing
from konkyo.service.app import create_app
from konkyo.service.drawing.primitives.style import Style, Theme
from konkyo.service.settings import Settings
from konkyo.trainer.data import Digits
from konkyo.trainer.studies import filters as filters_study
from konkyo.trainer.studies.filters import measure
from konkyo.trainer.studies.study import Asked
from tests.helpers.any_network import given, random_images
from tests.helpers.operations import check_problem
from tests.helpers.pictures import decode, encode, pixels, sample
from tests.helpers.refuse import refuses
from tests.helpers.served import ARCHITECTURES, publish, serve, upload

SHAPES = {
    "animals-3x3": [[3, 1, 5, 5], [3, 1, 3, 3]],
    "animals-6x16": [[6, 1, 5, 5], [16, 6, 3, 3]],
    "paired-3x3": [[3, 1, 5, 5], [3, 1, 3, 3]],
    "summed-3x3": [[3, 1, 5, 5], [3, 3, 3, 3]],
    "deep-7x9x9": [[7, 1, 3, 3], [9, 7, 3, 3], [9, 9, 3, 3]],
    "lenet-6x16": [[6, 1, 5, 5], [16, 6, 3, 3]],
}


def test_the_list(client: TestClient) -> None:
    body = client.get("/models").json()
    assert body["default"] == "paired-3x3"
    shapes = [(model["name"], model["stages"][1]["wiring"], model["parameters"]) for model in body["models"]]
    assert shapes == [
        ("animals-3x3", "paired", 2368),
        ("animals-6x16", "summed", 5046),
        ("deep-7x9x9", "summed", 2204),
        ("lenet-6x16", "summed", 5046),
        ("paired-3x3", "paired", 2368),
        ("summed-3x3", "summed", 922),
        ("tiny-vgg", "summed", 19920),
    ]
    assert [model["dataset"] for model in body["models"]] == [
        "Animals",
        "Animals",
        "MNIST",
        "MNIST",
        "MNIST",
        "MNIST",
        None,
    ]
    first = {"filters": 3, "kernel": 5, "padding": 0, "pool": True, "wiring": "summed", "bias": True}
    paired = body["models"][4]
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


@pytest.mark.parametrize("model", SHAPES)
def test_the_filters_and_the_pairs_that_each_class_uses(client: TestClient, model: str) -> None:
    answer = client.get(f"/models/{model}/filters")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["vary"] == "Accept"
    body = answer.json()
    assert body["model"]["name"] == model
    assert [stage["shape"] for stage in body["stages"]] == SHAPES[model]
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
    kept = kept_of(client, "paired-3x3")
    study = usage_file.load(DIRECTORY, kept)
    for query, style in (("", Style()), ("&scale=2&theme=dark", Style(2, Theme.DARK))):
        answer = client.get(f"/models/paired-3x3/filters?format=png{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert answer.content == drawing.usage("paired-3x3", kept.network, study, style).encode()
    by_accept = client.get("/models/paired-3x3/filters", headers={"accept": "image/png"})
    assert by_accept.content == client.get("/models/paired-3x3/filters?format=png").content


def test_a_network_that_was_not_studied_shows_its_filters(unstudied: TestClient) -> None:
    body = unstudied.get("/models/paired-3x3/filters").json()
    assert body["usage"] is None
    assert body["stages"][0]["shape"] == [3, 1, 5, 5]
    picture = decode(unstudied.get("/models/paired-3x3/filters?format=png").content)
    assert picture.shape[0] < 200


def test_health(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "models": sorted([*SHAPES, "tiny-vgg"])}


def kept_of(client: TestClient, name: str) -> Checkpoint:
    found: Checkpoint = client.app.state.service.catalogue.get(name)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_list_says_the_shape(shapes: TestClient, name: str) -> None:
    [summary] = [one for one in shapes.get("/models").json()["models"] if one["name"] == name]
    shape = ARCHITECTURES[name]
    assert summary == {
        "name": name,
        "input": {"channels": shape.channels, "side": shape.side},
        "stages": [asdict(stage) for stage in shape.stages],
        "head": {"hidden": list(shape.hidden)},
        "parameters": shape.parameters,
        "classes": [str(number) for number in range(shape.classes)],
        "dataset": "some",
        "preprocessing": "mnist" if (shape.side, shape.channels) == (28, 1) else "resize",
        "accuracy": 1.0,
        "sha256": kept_of(shapes, name).sha256,
    }


@pytest.mark.parametrize("name", [*SHAPES, *ARCHITECTURES])
def test_the_filters_and_weights_are_the_networks(client: TestClient, shapes: TestClient, name: str) -> None:
    asked = client if name in SHAPES else shapes
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
    many = Architecture((Stage(64, 3, 1, pool=False),), 8, hidden=(256,), classes=2)
    detail = (
        "name: the network has 1,049,986 weights, and an answer has at most 1,048,576 numbers; its checkpoint is a "
        "safetensors file, which any language reads"
    )
    with serve(tmp_path, {"many": many}, "many") as client:
        check_problem(client.get("/models/many/weights"), 422, "invalid-parameter", detail)
        assert client.get("/models/many").json()["parameters"] == 640 + 64 * 64 * 256 + 256 + 256 * 2 + 2 == 1_049_986


FIRST = {"filters": 2, "kernel": 5, "padding": 0, "pool": True, "wiring": "summed", "bias": True}
TEST = {"mean": 0.975, "deviation": 0.01}


def stages(wiring: str, filters: int) -> list[dict[str, object]]:
    return [{**FIRST, "filters": filters}, {**FIRST, "filters": filters, "kernel": 3, "wiring": wiring}]


def searched(wiring: str, filters: int, parameters: int, validation: float) -> dict[str, object]:
    accuracy = {"validation": {"mean": validation, "deviation": 0.0}, "test": TEST}
    return {"stages": stages(wiring, filters), "parameters": parameters, **accuracy}


# What the trainer writes beside this, the recipe and the runs, is not shown.
SEARCH = {
    "minimum_accuracy": 0.98,
    "lenet_parameters": 5046,
    "smallest": [
        {"stages": stages("summed", 2), "parameters": 600, "share_of_lenet": 600 / 5046},
        {"stages": stages("paired", 2), "parameters": 1082, "share_of_lenet": 1082 / 5046},
    ],
    "networks": [
        searched("summed", 1, 296, 0.975),
        searched("summed", 2, 600, 0.98),
        searched("paired", 2, 1082, 0.98),
    ],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for suffix in ("safetensors", "json"):
        shutil.copy(DIRECTORY / f"summed-3x3.{suffix}", tmp_path)
    (tmp_path / SEARCH_FILE).write_text(json.dumps({"format_version": 2, "recipe": {"steps": 1}, **SEARCH}))
    return tmp_path


def listed(directory: Path) -> dict[str, object]:
    with TestClient(create_app(Settings(models=directory, default_model="summed-3x3"))) as client:
        answer: dict[str, object] = client.get("/models").json()
    return answer


def test_the_list_shows_what_was_searched(directory: Path) -> None:
    assert listed(directory)["search"] == SEARCH


def test_without_a_search_there_is_none(directory: Path) -> None:
    (directory / SEARCH_FILE).unlink()
    assert catalogue.load(directory) is None
    assert listed(directory)["search"] is None


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"format_version": 3}, "format_version", "Input should be 2"),
        (
            {"minimum_accuracy": "high"},
            "minimum_accuracy",
            "Input should be a valid number, unable to parse string as a number",
        ),
        ({"networks": [{}]}, "networks.0.stages", "Field required"),
        ({"networks": [{"stages": "4k5,4k3"}]}, "networks.0.stages", "Input should be a valid array"),
    ],
)
def test_a_damaged_file_stops_the_start(directory: Path, change: dict[str, object], field: str, message: str) -> None:
    document = json.loads((directory / SEARCH_FILE).read_text())
    (directory / SEARCH_FILE).write_text(json.dumps({**document, **change}))
    with refuses(
        CheckpointError, f"{SEARCH_FILE}: {field}: {message}; `python -m trainer study smallest` makes it anew"
    ):
        catalogue.load(directory)
    with pytest.raises(CheckpointError):
        create_app(Settings(models=directory, default_model="summed-3x3"))


def test_a_file_that_is_no_json_stops_the_start(directory: Path) -> None:
    (directory / SEARCH_FILE).write_text("{")
    with pytest.raises(CheckpointError, match=r"^search\.json: file: Invalid JSON: "):
        catalogue.load(directory)


NAMES = ("colour", "deep", "hidden", "single", "wide")
CLASSES = {"colour": 4, "deep": 10, "hidden": 10, "single": 10, "wide": 10}
UNLIKE = "unlike-training-images"


def study(network: Network) -> Usage:
    """Of random images, all of which are taken to be of every class; no image is like them."""
    images = given(network.architecture, random_images(network.architecture, 40, 3))
    found = contributions(network.astype(np.float64), images).contributions
    usage = measure([found[:, number] for number in range(network.architecture.classes)], 60, 40)
    axes = np.zeros((network.architecture.classes, 1, network.architecture.features))
    return Usage(usage.searched, usage.per_class, usage.classes, usage.covariance, Likeness(axes, 0.5))


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("studied")
    publish(folder, {name: ARCHITECTURES[name] for name in NAMES})
    for checkpoint in load_all(folder).values():
        usage_file.save(folder, checkpoint, study(checkpoint.network))
    with TestClient(create_app(Settings(models=folder, default_model="deep"))) as started:
        yield started


def ask(client: TestClient, path: str, name: str, data: bytes | None = None, **parameters: Any) -> Any:
    file = {"file": data} if data else upload(ARCHITECTURES[name])[1]
    return client.post(path, params={"model": name, **parameters}, files=file).json()


@pytest.mark.parametrize("name", NAMES)
def test_which_pairs_each_class_uses(studied: TestClient, name: str) -> None:
    usage = studied.get(f"/models/{name}/filters").json()["usage"]
    pairs = ARCHITECTURES[name].pairs
    assert (usage["searched"], usage["per_class"], len(usage["classes"])) == (60, 40, CLASSES[name])
    for one in usage["classes"]:
        firsts, mean = np.array(one["firsts"]), np.array(one["mean"])
        assert firsts.shape == mean.shape == np.shape(one["deviation"]) == pairs
        assert (one["images"], firsts.sum()) == (40, 40)
        order = sorted(np.ndindex(pairs), key=lambda pair: (-firsts[pair], -mean[pair]))
        for place, pair in zip(("first", "second"), order, strict=False):
            assert one[place] == {
                "map": pair[0],
                "filter": pair[1],
                "share": firsts[pair] / 40,
                "mean": mean[pair],
            }


@pytest.mark.parametrize("name", NAMES)
def test_typicality_is_for_at_most_256_pairs(studied: TestClient, name: str) -> None:
    filters, process = (ask(studied, f"/explain/{one}", name, target=1) for one in ("filters", "process"))
    if name == "wide":  # 360 pairs
        assert filters["typicality"] is process["typicality"] is None
        return
    assert len(process["typicality"]) == CLASSES[name]
    assert process["typicality"][1] == filters["typicality"]
    usage = studied.app.state.service.catalogue.usage(studied.app.state.service.catalogue.get(name))  # type: ignore[attr-defined]
    covariance = usage.covariance + 0.001 * np.trace(usage.covariance) / len(usage.covariance) * np.eye(
        len(usage.covariance)
    )
    apart = (np.array(filters["contributions"]) - usage.classes[1].mean).ravel()
    distance = float(np.sqrt(apart @ np.linalg.solve(covariance, apart)))
    assert filters["typicality"]["distance"] == pytest.approx(distance, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_network_finds_is_compared_with_the_training_images(
    studied: TestClient, shapes: TestClient, name: str
) -> None:
    codes = [one["code"] for one in ask(studied, "/explain/process", name)["input"]["warnings"]]
    assert codes[-1] == UNLIKE
    assert codes[:-1] == [one["code"] for one in ask(studied, "/predict", name)["input"]["warnings"]]
    # Without a study nothing is compared.
    assert UNLIKE not in [one["code"] for one in ask(shapes, "/explain/process", name)["input"]["warnings"]]


def test_the_card_says_why_there_is_no_typicality(studied: TestClient) -> None:
    explains = {one["operation"]: one for one in studied.get("/models/wide").json()["explains"]}
    why = "typicality is there for at most 256 pairs, and this network has 360"
    for operation in ("filters", "process"):
        assert explains[operation]["cannot"] == [{"what": "typicality", "why": why}]
    hidden = {one["operation"]: one for one in studied.get("/models/hidden").json()["explains"]}
    assert hidden["occlusion"]["cannot"] == [
        {"what": "pairs", "why": "with hidden affine layers the head differs from hiding to hiding"}
    ]
    assert (hidden["shapley"]["region"], hidden["shapley"]["regions"]) == (7, list(range(7, 15)))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, digits: Digits) -> TestClient:
    """The service with a study that knows what the network finds in the first test images."""
    folder = tmp_path_factory.mktemp("compared")
    for suffix in (".safetensors", ".json"):
        shutil.copy(DIRECTORY / f"paired-3x3{suffix}", folder)
    checkpoint = load(folder / "paired-3x3.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(filters_study, "PER_CLASS", 100)
        found = filters_study.STUDY.measure(Asked(checkpoint, digits[:1500], folder / "runs"), lambda _: lambda: None)
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


@pytest.mark.parametrize("model", ["paired-3x3", "lenet-6x16"])
def test_typicality_is_the_place_among_the_studied_pictures(client: TestClient, model: str) -> None:
    """From the numbers of the study's file, which says how they were made."""
    study = json.loads((DIRECTORY / f"{model}.usage.json").read_text())
    covariance = np.array(study["covariance"])
    covariance += 0.001 * covariance.diagonal().mean() * np.eye(len(covariance))
    for target in (5, 3):
        body = ask(client, "/explain/filters", model, sample(5), target=target)
        apart = (np.array(body["contributions"]) - study["classes"][target]["mean"]).ravel()
        distance = float(np.sqrt(apart @ np.linalg.solve(covariance, apart)))
        assert body["typicality"]["distance"] == pytest.approx(distance, rel=1e-6)
        further = np.array(study["classes"][target]["distances"]) > distance
        assert body["typicality"]["percentile"] == pytest.approx(further.mean() * 100, abs=1)
        # A class to compare with changes the ledger, and not how the target is used.
        assert (
            ask(client, "/explain/filters", model, sample(5), target=target, versus=8)["typicality"]
            == body["typicality"]
        )


def test_a_network_that_was_not_studied_has_no_typicality(unstudied: TestClient) -> None:
    for operation in ("filters", "process"):
        assert ask(unstudied, f"/explain/{operation}", "paired-3x3", sample(5))["typicality"] is None
    picture = unstudied.post("/explain/filters", params={"format": "png"}, files={"file": sample(5)})
    assert picture.status_code == 200
