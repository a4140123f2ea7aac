import json
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("typer")
pytest.importorskip("matplotlib")

from PIL import Image
from typer.testing import CliRunner, Result

import konkyo.trainer.commands.search as command_module
from konkyo.models.architecture import Wiring, two_stages, written_stages
from konkyo.models.files.card import RunCard
from konkyo.trainer.cli import app
from konkyo.trainer.commands import training
from konkyo.trainer.data import Digits
from konkyo.trainer.recipe import PAPER, Recipe
from konkyo.trainer.search import LENET, Candidate, document, grid, smallest, stages_of
from konkyo.trainer.train import Run
from tests.helpers.oracles import SUMMED
from tests.helpers.runs import interrupted


def candidate(wiring: str, a: int, b: int, *validations: float, test: float = 0.5) -> Candidate:
    runs = [
        RunCard(seed=seed, validation=validation, chosen_by=validation, step=10, test=test + seed / 100)
        for seed, validation in enumerate(validations)
    ]
    return Candidate(two_stages(Wiring(wiring), a, b), runs)


def test_the_grid_holds_both_wirings_and_lenet_the_smallest_first() -> None:
    found = [(written_stages(one.stages), one.parameters) for one in grid([2, 1], [1, 3])]
    assert found == [
        ("1k5,1k3", 296),
        ("2k5,1k3", 331),
        ("2k5,1k3q", 572),
        ("1k5,3k3", 816),
        ("2k5,3k3", 869),
        ("2k5,3k3q", 1592),
        ("6k5,16k3", 5046),
    ]
    assert grid([6], [16]) == [LENET, two_stages(Wiring.PAIRED, 6, 16)]


def test_the_smallest_is_chosen_by_mean_validation_within_its_wiring() -> None:
    candidates = [
        candidate("summed", 1, 1, 0.99, 0.96, test=0.99),  # 0.975 on average, though it reads the test images well
        candidate("summed", 2, 2, 0.97, 0.99),
        candidate("summed", 3, 3, 0.99, 0.99),
        candidate("paired", 2, 2, 0.98, 0.97),
    ]
    assert list(smallest(candidates, 0.98)) == [candidates[1]]
    assert list(smallest(candidates, 0.975)) == [candidates[0], candidates[3]]
    assert list(smallest(candidates, 0.999)) == []


def test_the_document_says_what_was_found() -> None:
    candidates = [candidate("summed", 3, 3, 0.97, 0.99, test=0.9), candidate("paired", 3, 3, 0.96, test=0.8)]
    made = document(candidates, PAPER, 0.98)
    assert made["smallest"] == [
        {"stages": [asdict(stage) for stage in SUMMED.stages], "parameters": 922, "share_of_lenet": 922 / 5046}
    ]
    first, second = made["networks"]
    assert first["validation"] == {"mean": pytest.approx(0.98), "deviation": pytest.approx(0.01 * 2**0.5)}
    assert first["test"] == {"mean": pytest.approx(0.905), "deviation": pytest.approx(0.01 / 2**0.5)}
    assert second["test"] == {"mean": 0.8, "deviation": 0.0}
    assert (made["minimum_accuracy"], made["lenet_parameters"], made["recipe"]["steps"]) == (0.98, 5046, 100_000)


OPTIONS = ["--first=1,2", "--last=1", "--seeds=2", "--recipe=paper", "--steps=250"]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, digits: Digits) -> None:
    """1,200 test images stand in for MNIST, in batches of 10, and LeNet's counts are left out."""
    parts = {"train": digits[:1_200], "t10k": digits[1_200:1_300]}
    monkeypatch.setattr(command_module, "mnist", lambda _, part: parts[part])
    monkeypatch.setattr(
        command_module, "RECIPES", {"paper": Recipe(batch=10, held_out=200, learning_rate=0.005, evaluate_every=100)}
    )
    monkeypatch.setattr(command_module, "RUNG", 60)
    monkeypatch.setattr(training, "processors", lambda: 1)
    monkeypatch.setattr("konkyo.trainer.search.LENET", two_stages(Wiring.SUMMED, 2, 2))
    monkeypatch.setenv("KONKYO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


def search(*options: str) -> Result:
    return CliRunner().invoke(app, ["search", *OPTIONS, *options])


@pytest.mark.usefixtures("little")
def test_interrupted_and_resumed_it_ends_with_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits
) -> None:
    with interrupted(monkeypatch, 150, 2):
        stopped = search()
    assert stopped.exit_code == 130
    assert "interrupted: the same command goes on" in stopped.output
    assert not (tmp_path / "models" / "search.json").exists()
    again = search()
    assert again.exit_code == 0, again.output
    assert "1 of 4: 1k5-1k3: trained before" in again.output
    assert "goes on from step 100 of 250" in again.output
    resumed = (tmp_path / "models" / "search.json").read_text()
    whole = search("--runs=other")
    assert whole.exit_code == 0
    assert (tmp_path / "models" / "search.json").read_text() == resumed

    made = json.loads(resumed)
    assert [written_stages(stages_of(one)) for one in made["networks"]] == ["1k5,1k3", "2k5,1k3", "2k5,1k3q", "2k5,2k3"]
    assert all([run["seed"] for run in one["runs"]] == [1, 2] for one in made["networks"])
    # What stands in the file, once more, from the state that the runs left.
    wide = made["networks"][2]
    run = Run(
        two_stages(Wiring.PAIRED, 2, 1),
        Recipe(steps=250, batch=10, held_out=200, learning_rate=0.005, evaluate_every=100, restarts=4, rung=60),
        [1, 2],
        digits[:1_200],
        tmp_path / "runs" / "search" / "paper-250" / "2k5-1k3q-1-2.pt",
    )
    fresh = digits[1_200:1_300]
    tests = [
        float((run.result(which).astype(np.float64).logits(fresh.images / 255).argmax(-1) == fresh.labels).mean())
        for which in (0, 1)
    ]
    assert [one["test"] for one in wide["runs"]] == tests
    assert wide["test"]["mean"] == pytest.approx(mean(tests))
    assert wide["test"]["deviation"] == pytest.approx(stdev(tests))
    with Image.open(tmp_path / "docs" / "studies" / "search.png") as picture:
        assert picture.width > 1_000


@pytest.mark.usefixtures("little")
def test_says_what_is_smallest(tmp_path: Path) -> None:
    found = search("--minimum-accuracy=40", "--steps=250")
    assert found.exit_code == 0, found.output
    said = " ".join(found.output.split())
    assert "The smallest that validates at 40.0% on average, summed: 1k5,1k3, 296 parameters, " in said
    made = json.loads((tmp_path / "models" / "search.json").read_text())
    assert made["minimum_accuracy"] == 0.4
    assert made["smallest"][0]["parameters"] == 296
    none = search("--minimum-accuracy=100", "--steps=250")
    assert "No network validates at 100.0% on average: train longer, or try more filters." in " ".join(
        none.output.split()
    )


@pytest.mark.parametrize(
    ("option", "text"), [("--first", "3x3"), ("--last", ""), ("--first", "1,,2"), ("--last", "1.5")]
)
@pytest.mark.usefixtures("little")
def test_refuses_counts(option: str, text: str) -> None:
    refused = search(f"{option}={text}")
    assert refused.exit_code == 2
    assert "must be counts such as 1,2,3, not" in " ".join(refused.output.replace("│", " ").split())
