"""The studies that train: of the recipe and of depth; and where their trainings are kept."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

import konkyo.trainer.studies.study as identities
from konkyo.models.architecture import Architecture, Wiring, parse_stages, two_stages
from konkyo.models.network import softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.figures import depth as depth_figure
from konkyo.trainer.report import TRAINING_STUDIES, report
from konkyo.trainer.studies import depth, recipe, smallest
from konkyo.trainer.studies.recipe import BASE, FILE, load
from konkyo.trainer.studies.trained import TrainingStudy, Work
from konkyo.trainer.training import augmentation, run
from konkyo.trainer.training.recipe import BEST, Recipe, fitted
from konkyo.trainer.training.run import Wanted
from tests.helpers.commands import invoked, trainer
from tests.helpers.runs import accuracies, finished, interrupted, run_of
from tests.helpers.studies import caught


def test_the_report_says_what_the_recipe_is_worth(tmp_path: Path) -> None:
    assert load(tmp_path) is None
    assert "## What each part of the recipe is worth\n\nNot measured yet." in report([], tmp_path, tmp_path)
    rest = {"steps": 1000, "test": [0.75, 0.25, 0.5], "empty": [0.5, 0.25, 0.375]}
    entries = [
        {"network": network, "name": name, "base": base, "judged": judged, **rest}
        for network, name, base, judged in (
            ("other", "base", None, [0.9, 0.9, 0.9]),
            ("some", "base", None, [0.5, 0.625, 0.75]),
            ("some", "without", "base", [0.25, 0.375, 0.51]),
            ("some", "with", "base", [0.5, 0.75, 0.75]),
        )
    ]
    (tmp_path / FILE).write_text(json.dumps({"judging": 5000, "variants": entries}))
    page = report([], tmp_path, tmp_path)
    assert "`python -m trainer study recipe --seeds 3`" in page
    assert "one start a seed; what 16 starts a seed are worth was not measured." in page
    assert "without 5,000 that judge them: no choice of a recipe was made by these" in page
    assert "Holm's correction for all 2 comparisons; bold below 0.05." in page
    assert "that of one network on 5,000 images has itself a 95 % interval of ±0.39 points." in page
    assert "| base | 1,000 | 3 | 62.50 ± 12.50 % | – | – | 38% |" in page
    # Differences −0.25, −0.25 and −0.24, and 0, 0.125 and 0; t of two degrees of freedom, the first p doubled.
    assert "| without | 1,000 | 3 | 37.83 ± 13.00 % | **−24.67 ± 1.43** | 0.000 | 38% |" in page
    assert "| with | 1,000 | 3 | 66.67 ± 14.43 % | +4.17 ± 17.93 | 0.423 | 38% |" in page
    assert "50.00" not in page, "test images took no part, and have no column"


PLAIN = "without changes of the images"
LITTLE: dict[str, Any] = {"steps": 60, "batch": 10, "held_out": 200, "learning_rate": 0.005, "evaluate_every": 20}


def judged(digits: Digits) -> tuple[Digits, Digits]:
    """The 500 that are trained on, and the 100 that judge."""
    order = np.random.default_rng(0).permutation(600)
    return digits[np.sort(order[:500])], digits[np.sort(order[500:])]


@pytest.mark.usefixtures("stand_ins")
def test_what_is_finished_is_kept_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits
) -> None:
    # The share of MNIST's 60,000 that 200 are of 600.
    plain, changed = (Recipe(**{**LITTLE, "held_out": 20_000}, augmented=augmented) for augmented in (False, True))
    monkeypatch.setattr(recipe, "VARIANTS", {BASE: changed, PLAIN: plain})
    monkeypatch.setattr(recipe, "JUDGING", 6)
    with interrupted(monkeypatch, 40, 3):
        assert invoked("study", "recipe", "--seeds=2").exit_code == 130
    written = tmp_path / "docs" / "studies" / FILE
    assert [one["network"] for one in json.loads(written.read_text())["variants"]] == ["paired-3x3", "summed-3x3"]
    again = trainer("study", "recipe", "--seeds=2")
    assert f"paired-3x3 {BASE}: trained before" in again
    assert f"paired-3x3 {PLAIN}: goes on from step 40 of 60" in again
    found = load(written.parent)
    assert found is not None
    assert [(one.network, one.name, one.base) for one in found.variants] == [
        ("paired-3x3", BASE, None),
        ("summed-3x3", BASE, None),
        ("paired-3x3", PLAIN, BASE),
        ("summed-3x3", PLAIN, BASE),
    ]
    # What stands in the file of the one that went on, from a run of its own.
    training, judging = judged(digits)
    own = finished(run_of(two_stages(Wiring.PAIRED, 3, 3), Recipe(**LITTLE), [1, 2], training, tmp_path / "own.pt"))
    row, empty = found.variants[2], np.zeros((28, 28))
    assert row.judged == pytest.approx(accuracies(own, judging), abs=1e-5)
    assert row.test == pytest.approx(accuracies(own, digits[600:700]), abs=1e-5)
    certain = [softmax(one.astype(np.float64).logits(empty)).max() for one in own.reached.networks()]
    assert row.empty == pytest.approx(certain, abs=1e-5)
    assert "`python -m trainer study recipe --seeds 2`" in report([], written.parent, written.parent)


@pytest.mark.usefixtures("stand_ins")
def test_depths_are_trained_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    """700 images stand in, of which 100 judge; each number once more, from a training of its own."""
    monkeypatch.setattr(depth, "JUDGING", 6)
    monkeypatch.setattr(depth, "NETWORKS", ("1k5", "2k5,2k3", "2k3,3k3,3k3p1"))
    figures = caught(depth_figure, monkeypatch)
    trainer("study", "depth", "--seeds=2", "--steps=40")
    out = tmp_path / "docs" / "studies"
    found = json.loads((out / depth.FILE).read_text())
    assert (found["judging"], found["steps"]) == (100, 40)
    assert [(one["stages"], one["depth"], one["parameters"]) for one in found["networks"]] == [
        ("1k5", 1, 1476),
        ("2k5,2k3", 2, 52 + 38 + 510),
        ("2k3,3k3,3k3p1", 3, 20 + 57 + 84 + 130),
    ]

    training, judging = judged(digits)
    like = fitted(BEST, digits[:600], steps=40, restarts=1, batch_norm=True)
    own = finished(run_of(Architecture(parse_stages("2k5,2k3")), like, [1, 2], training, tmp_path / "own.pt"))
    for part, some in (("judged", judging), ("test", digits[600:700])):
        assert found["networks"][1][part] == pytest.approx(accuracies(own, some), abs=1e-5)

    page = report([], out, out)
    assert "## What depth buys and what it costs\n\n`python -m trainer study depth`\n\n![" in page
    assert "3 networks with no more parameters than the paper's, 2 seeds each, one start, 40 steps" in page
    [axes] = figures[0].findobj(Axes)
    assert [name.get_text() for name in axes.get_yticklabels()] == [
        "1k5: 1,476 parameters, exact from 2×2 pixels",
        "2k5,2k3: 600 parameters, exact from 4×4 pixels",
        "2k3,3k3,3k3p1: 291 parameters, exact from 7×7 pixels",
    ]
    assert (out / "depth.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_says_what_depth_buys(tmp_path: Path) -> None:
    assert "## What depth buys and what it costs\n\n`python -m trainer study depth`\n\nNot measured yet." in report(
        [], tmp_path, tmp_path
    )
    networks = [
        {"stages": stages, "depth": depth, "parameters": 1000 * depth, "finest": finest, "judged": judged, "test": test}
        for stages, depth, finest, judged, test in (
            ("1k5", 1, None, [0.5, 0.5], [0.25, 0.75]),
            ("2k5,2k3", 2, 4, [0.75, 0.75], [0.5, 0.5]),
            ("3k5,2k3", 2, 5, [0.5, 0.75], [0.5, 0.5]),
            ("2k3,2k3,2k3", 3, 8, [0.75, 1.0], [1.0, 1.0]),
        )
    ]
    (tmp_path / depth.FILE).write_text(json.dumps({"judging": 5000, "steps": 10_000, "networks": networks}))
    page = report([], tmp_path, tmp_path)
    assert "one start, 10,000 steps, with batch normalisation, else by our recipe. 5,000 training images judge" in page
    said = "the best with two stages is `2k5,2k3`: right on 50.00 ± 0.00 % of the test images; its finest regions have"
    assert f"- By the images that judge, {said} 4×4 pixels." in page
    assert "that of one network on 5,000 images has itself a 95 % interval of ±0.31 points." in page
    # Student's t of one degree of freedom: 12.7062 times 0.25 / √2 / √2.
    assert "| `2k3,2k3,2k3` | 3 | 3,000 | 87.50 ± 158.83 % | 100.00 ± 0.00 % | 8×8 |" in page
    assert "| `1k5` | 1 | 1,000 | 50.00 ± 0.00 % | 50.00 ± 317.66 % | – |" in page


def trained_for(study: TrainingStudy[Any], digits: Digits, runs: Path) -> set[Path]:
    """Where the first trainings of a study would be kept."""
    files: set[Path] = set()

    def train(wanted: Sequence[Wanted], _: Digits) -> Iterator[Any]:
        files.update(job.state_file for job in wanted)
        raise InterruptedError

    work = Work(lambda _: digits, runs, runs, runs, train, lambda _: None, lambda *_: None)
    with pytest.raises(InterruptedError):
        study.make(study.settings(), work)
    return files


@pytest.mark.parametrize("study", TRAINING_STUDIES, ids=lambda study: study.name)
def test_a_changed_constant_trains_anew(
    study: TrainingStudy[Any], digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the study, of the recipe and of training; and so do another library and other images."""
    # Of the search, two networks stand for 74.
    monkeypatch.setattr(smallest, "shapes", lambda _: [two_stages(Wiring.SUMMED, 1, 1), smallest.LENET])
    before = trained_for(study, digits[:120], tmp_path)
    assert trained_for(study, digits[:120], tmp_path) == before
    slower = {name: replace(one, learning_rate=0.5) for name, one in recipe.VARIANTS.items()}
    own: dict[str, tuple[ModuleType, dict[str, Any]]] = {
        "recipe": (recipe, {"JUDGING": 3, "VARIANTS": slower}),
        "smallest": (smallest, {"RESTARTS": 2, "RUNG": 7}),
        "depth": (depth, {"JUDGING": 3, "NETWORKS": ("2k5,4k3", "4k3,4k3,4k3")}),
    }
    shared: list[tuple[ModuleType, dict[str, Any]]] = [
        (run, {"ERROR_RATE_SCALE": 5.0, "ORDER_SEED": 1}),
        (augmentation, {"TURN": 0.5}),
    ]
    for module, changes in [own[study.name], *shared]:
        for name, value in changes.items():
            with monkeypatch.context() as patch:
                patch.setattr(module, name, value)
                assert not trained_for(study, digits[:120], tmp_path) & before, name
    with monkeypatch.context() as patch:
        patch.setattr(identities, "_version", lambda name: "2" if name == "torch" else "1")
        assert not trained_for(study, digits[:120], tmp_path) & before
    assert not trained_for(study, digits[:240], tmp_path) & before
