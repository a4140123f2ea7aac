"""The trainer's search as the service shows it."""

import json
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE
from konkyo.service.app import create_app
from konkyo.service.catalogue import load
from konkyo.service.settings import Settings
from tests.helpers.refuse import refuses

FIRST = {"filters": 2, "kernel": 5, "padding": 0, "pool": True, "wiring": "summed", "bias": True}
TEST = {"mean": 0.975, "deviation": 0.01}


def stages(wiring: str, filters: int) -> list[dict[str, object]]:
    return [{**FIRST, "filters": filters}, {**FIRST, "filters": filters, "kernel": 3, "wiring": wiring}]


def network(wiring: str, filters: int, parameters: int, validation: float) -> dict[str, object]:
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
    "networks": [network("summed", 1, 296, 0.975), network("summed", 2, 600, 0.98), network("paired", 2, 1082, 0.98)],
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


def test_the_shipped_search_is_shown() -> None:
    found = load(DIRECTORY)
    assert found is not None
    assert {one.parameters for one in found.smallest} <= {one.parameters for one in found.networks}


def test_without_a_search_there_is_none(directory: Path) -> None:
    (directory / SEARCH_FILE).unlink()
    assert load(directory) is None
    assert listed(directory)["search"] is None


WHOLE = "Input should be a valid integer, unable to parse string as an integer"


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
        load(directory)
    with pytest.raises(CheckpointError):
        create_app(Settings(models=directory, default_model="summed-3x3"))


def test_a_file_that_is_no_json_stops_the_start(directory: Path) -> None:
    (directory / SEARCH_FILE).write_text("{")
    with pytest.raises(CheckpointError, match=r"^search\.json: file: Invalid JSON: "):
        load(directory)
