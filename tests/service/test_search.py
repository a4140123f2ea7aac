"""The trainer's search as the service shows it."""

import json
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.errors import CheckpointError
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE, pretty
from konkyo.service.app import create_app
from konkyo.service.search import load
from konkyo.service.settings import Settings
from konkyo.trainer.recipe import BEST
from konkyo.trainer.search import Candidate, document
from tests.helpers.refuse import refuses

CANDIDATES = [
    Candidate(
        two_stages(wiring, filters, filters),
        [
            {"seed": seed, "validation": 0.97 + filters / 200, "chosen_by": 0.5, "step": 10, "test": 0.96 + seed / 100}
            for seed in (1, 2)
        ],
    )
    for wiring, filters in ((Wiring.SUMMED, 1), (Wiring.SUMMED, 2), (Wiring.PAIRED, 2))
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for suffix in ("safetensors", "json"):
        shutil.copy(DIRECTORY / f"summed-3x3.{suffix}", tmp_path)
    (tmp_path / SEARCH_FILE).write_text(pretty(document(CANDIDATES, BEST, 0.98)))
    return tmp_path


def listed(directory: Path) -> dict[str, object]:
    with TestClient(create_app(Settings(models=directory, default_model="summed-3x3"))) as client:
        answer: dict[str, object] = client.get("/models").json()
    return answer


def test_the_list_shows_what_was_searched(directory: Path) -> None:
    test = {"mean": pytest.approx(0.975), "deviation": pytest.approx(0.01 / 2**0.5)}
    validated = {"mean": pytest.approx(0.98), "deviation": 0.0}
    assert listed(directory)["search"] == {
        "minimum_accuracy": 0.98,
        "lenet_parameters": 5046,
        "smallest": [
            {**shape("summed", 2, 600), "share_of_lenet": 600 / 5046},
            {**shape("paired", 2, 1082), "share_of_lenet": 1082 / 5046},
        ],
        "networks": [
            {**shape("summed", 1, 296), "validation": {"mean": pytest.approx(0.975), "deviation": 0.0}, "test": test},
            {**shape("summed", 2, 600), "validation": validated, "test": test},
            {**shape("paired", 2, 1082), "validation": validated, "test": test},
        ],
    }


def test_without_a_search_there_is_none(directory: Path) -> None:
    (directory / SEARCH_FILE).unlink()
    assert load(directory) is None
    assert listed(directory)["search"] is None


WHOLE = "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"format_version": 2}, "format_version", "Input should be 1"),
        (
            {"minimum_accuracy": "high"},
            "minimum_accuracy",
            "Input should be a valid number, unable to parse string as a number",
        ),
        ({"networks": [{}]}, "networks.0.wiring", "Field required"),
    ],
)
def test_a_damaged_file_stops_the_start(directory: Path, change: dict[str, object], field: str, message: str) -> None:
    document = json.loads((directory / SEARCH_FILE).read_text())
    (directory / SEARCH_FILE).write_text(json.dumps({**document, **change}))
    with refuses(CheckpointError, f"{SEARCH_FILE}: {field}: {message}; `python -m trainer search` makes it anew"):
        load(directory)
    with pytest.raises(CheckpointError):
        create_app(Settings(models=directory, default_model="summed-3x3"))


def test_a_file_that_is_no_json_stops_the_start(directory: Path) -> None:
    (directory / SEARCH_FILE).write_text("{")
    with pytest.raises(CheckpointError, match=r"^search\.json: file: Invalid JSON: "):
        load(directory)


def shape(wiring: str, filters: int, parameters: int) -> dict[str, object]:
    return {"wiring": wiring, "conv1_filters": filters, "conv2_filters": filters, "parameters": parameters}
