"""The smallest network: the shapes, the folds, the choice, the interval, and the command."""

import json
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest
from matplotlib.collections import PathCollection

import konkyo.trainer.figures.smallest as figure_module
import konkyo.trainer.studies.smallest as study_module
from konkyo.models.architecture import Wiring, two_stages, written_stages
from konkyo.models.files.card import RunCard
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE
from konkyo.service.catalogue import load_search
from konkyo.trainer import document
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.smallest import (
    Candidate,
    CrossValidated,
    fold,
    folds_document,
    folds_told,
    near_the_border,
    search_document,
    search_told,
    shapes,
    smallest,
)
from konkyo.trainer.training.recipe import PAPER, Recipe
from tests.helpers.commands import trainer
from tests.helpers.runs import accuracies, finished, run_of
from tests.helpers.studies import caught


def candidate(wiring: str, a: int, b: int, *validations: float, test: float = 0.5) -> Candidate:
    runs = [
        RunCard(seed=seed, validation=validation, chosen_by=validation, step=10, test=test + seed / 100)
        for seed, validation in enumerate(validations)
    ]
    return Candidate(two_stages(Wiring(wiring), a, b), runs)


def test_every_shape_below_the_parameters_is_tried() -> None:
    """Summed 26 A + B (9 A + 1) + 250 B + 10, paired 26 A + 10 B + 250 A B + 10 parameters; one map is summed."""
    found = [(written_stages(one.stages), one.parameters) for one in shapes({Wiring.SUMMED: 1300, Wiring.PAIRED: 2400})]
    counts = [(a, b, "", 26 * a + b * (9 * a + 1) + 250 * b + 10) for a in range(1, 65) for b in range(1, 65)]
    counts += [(a, b, "q", 26 * a + 10 * b + 250 * a * b + 10) for a in range(2, 65) for b in range(1, 65)]
    expected = [(f"{a}k5,{b}k3{mark}", size) for a, b, mark, size in counts if size < (2400 if mark else 1300)]
    assert sorted(found) == sorted([*expected, ("6k5,16k3", 5046)])
    assert [size for _, size in found] == sorted(size for _, size in found)
    assert len(found) == 74


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


def test_the_search_says_what_was_found(tmp_path: Path) -> None:
    candidates = [candidate("summed", 3, 3, 0.97, 0.99, test=0.9), candidate("paired", 3, 3, 0.96, test=0.8)]
    made = search_document(candidates, PAPER, 0.98)
    document.write(tmp_path / SEARCH_FILE, made)
    served = load_search(tmp_path)
    assert served is not None
    assert [(tuple(one.stages), one.parameters) for one in served.smallest] == [
        (candidates[0].architecture.stages, 922)
    ]
    first, second = made["networks"]
    assert first["validation"] == {"mean": pytest.approx(0.98), "deviation": pytest.approx(0.01 * 2**0.5)}
    assert first["test"] == {"mean": pytest.approx(0.905), "deviation": pytest.approx(0.01 / 2**0.5)}
    assert second["test"] == {"mean": 0.8, "deviation": 0.0}
    assert (made["minimum_accuracy"], made["lenet_parameters"], made["recipe"]["steps"]) == (0.98, 5046, 100_000)
    told = [*search_told(document.read(tmp_path / SEARCH_FILE))]
    assert told[0] == (
        "- summed: `3k5,3k3`, 922 parameters, 18% of LeNet's 5,046, are the fewest of those tried that validate at "
        "98.0% on average."
    )
    assert "| `3k5,3k3` | 922 | 18% | 98.00 ± 1.41 % | 90.50 ± 0.71 % |" in told
    assert not [line for line in told if "older recipe" in line]
    assert (
        "- Of the 74 shapes that the command tries, 72 were not, from `1k5,1k3` with 296 parameters on: a smaller one "
        "may be among them."
    ) in told
    assert [*search_told(document.read(DIRECTORY / SEARCH_FILE))], "what is shipped can be told"
    older = {**made, "recipe": {"teacher": True}, "smallest": []}
    assert [*search_told(older)][:2] == [
        "No network validated at 98.0% on average: train longer, or allow more parameters.",
        "- They were trained by an older recipe, which is no longer here; the command trains them by today's.",
    ]


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
    candidates = [
        candidate("summed", 3, 3, 0.9735),
        candidate("summed", 4, 4, 0.9805),
        candidate("summed", 2, 2, 0.9729),  # too far below
        candidate("summed", 6, 16, 0.9815),  # beyond doubt
        *(candidate("paired", 2, count, 0.979) for count in (5, 4, 3, 2, 1)),
    ]
    found = [written_stages(shape.stages) for shape in near_the_border(candidates, 0.98)]
    assert found == ["2k5,1k3q", "3k5,3k3", "2k5,2k3q", "4k5,4k3", "2k5,3k3q", "2k5,4k3q"]


def test_an_interval_is_students_corrected_for_shared_training_images() -> None:
    one = CrossValidated(two_stages(Wiring.SUMMED, 3, 3), [0.97, 0.98, 0.99])
    assert one.accuracy == pytest.approx(0.98)
    assert one.interval == pytest.approx(4.303 * 0.01 * (1 / 3 + 1 / 2) ** 0.5, rel=1e-3)


def test_the_fewest_parameters_win_where_the_mean_reaches_the_minimum() -> None:
    summed = [CrossValidated(two_stages(Wiring.SUMMED, n, 3), [0.974 + n / 500, 0.976 + n / 500]) for n in (1, 3, 4)]
    paired = [CrossValidated(two_stages(Wiring.PAIRED, 2, 2), [0.97, 0.97])]
    assert list(smallest([*summed, *paired], 0.98)) == [summed[1]]
    made = folds_document([*summed, *paired], 0.98, 3, 6000, 60_000)
    assert made["networks"][1]["accuracy"] == pytest.approx([0.981, 12.706 * 0.001 * 3**0.5], rel=1e-4)
    told = [*folds_told(made)]
    assert (
        "- summed: `3k5,3k3`, 922 parameters, 18% of LeNet's 5,046, are the fewest of these that reach 98.0% in the "
        "mean, not surely: 98.10 ± 2.20 %."
    ) in told
    assert "- paired: none of these networks reaches 98.0% in the mean." in told
    assert "| `3k5,3k3` | 922 | 98.10 ± 2.20 % |" in told


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 10, and a small network for LeNet's."""
    # The share of MNIST's 60,000 that 200 are of 600.
    recipe = Recipe(batch=10, held_out=20_000, learning_rate=0.005, evaluate_every=20)
    monkeypatch.setattr(study_module, "RECIPES", {"paper": recipe})
    monkeypatch.setattr(study_module, "RUNG", 10)
    monkeypatch.setattr(study_module, "LENET", two_stages(Wiring.SUMMED, 2, 1))


def command(*more: str) -> str:
    options = ["--recipe=paper", "--summed=300", "--paired=600", "--folds=2", "--seeds=2", "--steps=40"]
    return trainer("study", "smallest", *options, *more)


@pytest.mark.usefixtures("stand_ins", "little")
def test_what_is_searched_and_crossed_is_what_trainings_of_their_own_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits
) -> None:
    monkeypatch.setattr(study_module, "BELOW", 1.0)
    monkeypatch.setattr(study_module, "ABOVE", 1.0)
    figures = caught(figure_module, monkeypatch)
    command("--minimum-accuracy=10")
    files = [tmp_path / "models" / SEARCH_FILE, tmp_path / "docs" / "studies" / "smallest.json"]
    searched, crossed = (json.loads(path.read_text()) for path in files)
    assert [one["parameters"] for one in searched["networks"]] == [296, 331, 572]
    assert all([run["seed"] for run in one["runs"]] == [1, 2] for one in searched["networks"])
    assert (crossed["images"], crossed["seeds"], crossed["steps"], crossed["minimum_accuracy"]) == (600, 2, 40, 0.1)
    assert [one["stages"] for one in crossed["networks"]] == ["1k5,1k3", "2k5,1k3", "2k5,1k3q"]
    recipe = Recipe(steps=40, batch=10, held_out=200, learning_rate=0.005, evaluate_every=20, restarts=4, rung=10)
    summed, paired = two_stages(Wiring.SUMMED, 2, 1), two_stages(Wiring.PAIRED, 2, 1)

    run = finished(run_of(summed, recipe, [1, 2], digits[:600], tmp_path / "search.pt"))
    tests = accuracies(run, digits[600:700])
    assert [one["test"] for one in searched["networks"][1]["runs"]] == tests
    assert searched["networks"][1]["test"] == pytest.approx({"mean": mean(tests), "deviation": stdev(tests)}, abs=1e-5)
    halved = fold(digits[:600], 1, 2)
    one = finished(run_of(paired, replace(recipe, held_out=300), [1, 2], halved, tmp_path / "fold.pt"))
    _, fresh = halved.split(300)
    assert crossed["networks"][2]["folds"][1] == pytest.approx(mean(accuracies(one, fresh)), abs=1e-5)
    marks = [one for one in figures[0].axes[0].collections if isinstance(one, PathCollection)]
    ringed = sorted(float(np.asarray(one.get_offsets())[0, 0]) for one in marks)
    assert ringed == sorted(one["parameters"] for one in searched["smallest"])
    names = [label.get_text() for label in figures[1].axes[0].get_yticklabels()]
    assert names == ["1k5,1k3: 296", "2k5,1k3: 331", "2k5,1k3q: 572"]


@pytest.mark.usefixtures("stand_ins", "little")
def test_far_from_the_border_nothing_is_cross_validated(tmp_path: Path) -> None:
    said = command("--minimum-accuracy=100")
    assert "No network validated at 100.0% on average: train longer, or allow more parameters." in said
    assert "there is nothing to cross-validate" in said
    assert not (tmp_path / "docs" / "studies" / "smallest.json").exists()
