"""The study of networks of other shapes, as the service shows it and uses it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from konkyo.models.contributions import contributions
from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import load_all
from konkyo.models.network import Network
from konkyo.models.usage import Likeness, Usage
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from konkyo.trainer.studies.filters import measure
from tests.helpers.any_network import given, random_images
from tests.helpers.served import ARCHITECTURES, publish, upload

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


def ask(client: TestClient, path: str, name: str, **parameters: Any) -> Any:
    return client.post(path, params={"model": name, **parameters}, files=upload(ARCHITECTURES[name])[1]).json()


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
