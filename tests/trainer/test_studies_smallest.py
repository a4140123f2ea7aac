"""The smallest network by cross-validation: the folds, the choice, the interval, and the command."""

import json
from dataclasses import asdict
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("typer")
pytest.importorskip("matplotlib")

from typer.testing import CliRunner, Result

import konkyo.trainer.commands.smallest as command_module
import konkyo.trainer.figures.smallest as figure_module
from konkyo.models.architecture import Wiring, parse_stages, two_stages, written_stages
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE, pretty
from konkyo.trainer.cli import app
from konkyo.trainer.commands import training
from konkyo.trainer.data import Digits
from konkyo.trainer.recipe import Recipe
from konkyo.trainer.studies.smallest import CrossValidated, document, fold, near_the_border, smallest, verdict
from konkyo.trainer.train import Run
from tests.helpers.runs import interrupted
from tests.helpers.studies import caught


def test_all_folds_together_hold_out_every_image_once(digits: Digits) -> None:
    some = digits[:60]
    numbered = Digits(some.images, np.arange(60, dtype=np.uint8))
    held_out = [fold(numbered, number, 5).split(12) for number in range(5)]
    assert sorted(np.concatenate([validation.labels for _, validation in held_out])) == list(range(60))
    for rest, validation in held_out:
        assert not {*rest.labels} & {*validation.labels}
        assert len(rest) == 48
    first = numbered.split(12)
    assert sorted(held_out[0][1].labels) == sorted(first[1].labels)
    moved = fold(numbered, 2, 5)
    np.testing.assert_array_equal(moved.images, some.images[moved.labels])


def test_the_smallest_of_each_wiring_near_the_border_are_looked_at_again() -> None:
    def one(wiring: str, a: int, b: int, validation: float) -> dict[str, object]:
        stages = [asdict(stage) for stage in two_stages(Wiring(wiring), a, b).stages]
        return {"stages": stages, "validation": {"mean": validation}}

    searched = {
        "minimum_accuracy": 0.98,
        "networks": [
            one("summed", 3, 3, 0.9735),
            one("summed", 4, 4, 0.9805),
            one("summed", 2, 2, 0.9729),  # too far below
            one("summed", 6, 16, 0.9815),  # beyond doubt
            *(one("paired", 2, count, 0.979) for count in (5, 4, 3, 2, 1)),
        ],
    }
    found = [written_stages(shape.stages) for shape in near_the_border(searched)]
    assert found == ["2k5,1k3q", "3k5,3k3", "2k5,2k3q", "4k5,4k3", "2k5,3k3q", "2k5,4k3q"]
    shipped = near_the_border(json.loads((DIRECTORY / SEARCH_FILE).read_text()))
    assert len(shipped) == 8


def test_an_interval_is_students() -> None:
    one = CrossValidated(two_stages(Wiring.SUMMED, 3, 3), [0.97, 0.98, 0.99])
    assert one.accuracy == pytest.approx(0.98)
    assert one.interval == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)


def test_the_fewest_parameters_win_where_the_mean_reaches_the_minimum() -> None:
    summed = [CrossValidated(two_stages(Wiring.SUMMED, n, 3), [0.974 + n / 500, 0.976 + n / 500]) for n in (1, 3, 4)]
    paired = [CrossValidated(two_stages(Wiring.PAIRED, 2, 2), [0.97, 0.97])]
    assert list(smallest([*summed, *paired], 0.98)) == [summed[1]]
    made = document([*summed, *paired], 0.98, 3, 6000, 60_000)
    assert made["networks"][1]["accuracy"] == pytest.approx([0.981, 12.706 * 0.001], rel=1e-4)
    assert list(verdict(made)) == [
        "summed: 3k5,3k3, 922 parameters, 18% of LeNet's 5,046, are the fewest that reach 98.0% in the mean: "
        "98.10 ± 1.27 %, within the 95 % interval.",
        "paired: none of these networks reaches 98.0% in the mean.",
    ]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, digits: Digits) -> None:
    """600 test images stand in for MNIST, and two networks for those near the border."""
    monkeypatch.setattr(command_module, "mnist", lambda *_: digits[:600])
    recipe = Recipe(batch=10, held_out=200, learning_rate=0.005, evaluate_every=50)
    monkeypatch.setattr(command_module, "RECIPES", {"paper": recipe})
    monkeypatch.setattr(command_module, "RUNG", 30)
    monkeypatch.setattr(training, "processors", lambda: 1)
    monkeypatch.setenv("KONKYO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


def found() -> dict[str, object]:
    shapes = [parse_stages(text) for text in ("1k5,1k3", "2k5,1k3q")]
    networks = [{"stages": [asdict(stage) for stage in shape], "validation": {"mean": 0.4}} for shape in shapes]
    return {"minimum_accuracy": 0.4, "networks": networks}


def command(*more: str) -> Result:
    return CliRunner().invoke(
        app, ["study", "smallest", "--recipe=paper", "--folds=3", "--seeds=2", "--steps=120", *more]
    )


@pytest.mark.usefixtures("little")
def test_interrupted_and_resumed_it_ends_with_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / SEARCH_FILE).write_text(pretty(found()))
    with interrupted(monkeypatch, 100, 4):
        assert command().exit_code == 130
    figures = caught(figure_module, monkeypatch)
    again = command()
    assert again.exit_code == 0, again.output
    assert "fold 1: 1k5-1k3: trained before" in again.output
    assert "fold 2: 2k5-1k3q: goes on from step 100 of 120" in again.output
    resumed = (tmp_path / "docs" / "studies" / "smallest.json").read_text()
    assert command("--runs=other").exit_code == 0
    assert (tmp_path / "docs" / "studies" / "smallest.json").read_text() == resumed

    made = json.loads(resumed)
    assert (made["images"], made["seeds"], made["steps"], made["minimum_accuracy"]) == (600, 2, 120, 0.4)
    assert [one["stages"] for one in made["networks"]] == ["1k5,1k3", "2k5,1k3q"]
    # What stands in the file, once more, from the state that a run left.
    recipe = Recipe(steps=120, batch=10, held_out=200, learning_rate=0.005, evaluate_every=50, restarts=4, rung=30)
    state = tmp_path / "runs" / "fold-200-1" / "2k5-1k3q-1-2.pt"
    run = Run(two_stages(Wiring.PAIRED, 2, 1), recipe, [1, 2], fold(digits[:600], 1, 3), state)
    _, fresh = fold(digits[:600], 1, 3).split(200)
    predicted = [run.result(which).astype(np.float64).logits(fresh.images / 255).argmax(-1) for which in (0, 1)]
    accuracy = mean(float((one == fresh.labels).mean()) for one in predicted)
    assert made["networks"][1]["folds"][1] == pytest.approx(accuracy, abs=1e-5)
    names = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert names == ["1k5,1k3: 296", "2k5,1k3q: 572"]


@pytest.mark.usefixtures("little")
def test_what_is_missing_or_does_not_divide_is_said(tmp_path: Path) -> None:
    missing = command()
    path = tmp_path / "models" / SEARCH_FILE
    assert str(missing.exception) == f"{path} is not there; `python -m trainer search` writes it"
    path.parent.mkdir()
    path.write_text(pretty(found()))
    far = {**found(), "minimum_accuracy": 0.9}
    path.write_text(pretty(far))
    assert str(command().exception) == (
        f"no network of {path} validates near 90.0%: search again with other --first, --last or --minimum-accuracy"
    )
    path.write_text(pretty(found()))
    refused = command("--folds=7")
    assert refused.exit_code == 2
    assert "must divide the 600 training images" in refused.output
