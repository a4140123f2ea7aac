import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("typer")

from typer.testing import Result

import konkyo.trainer.commands.studies as command_module
import konkyo.trainer.commands.train as training_module
import konkyo.trainer.studies.recipe as study_module
import konkyo.trainer.studies.study as identities
from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.network import softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.report import TRAINING_STUDIES, report
from konkyo.trainer.studies import depth, smallest
from konkyo.trainer.studies.recipe import BASE, FILE, load
from konkyo.trainer.studies.trained import TrainingStudy, Work
from konkyo.trainer.training import augmentation, run
from konkyo.trainer.training.recipe import Recipe
from konkyo.trainer.training.run import Wanted
from tests.helpers.commands import invoked
from tests.helpers.runs import finished, interrupted, run_of


def test_the_report_shows_it(tmp_path: Path) -> None:
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


@pytest.fixture
def little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    """600 images, of which 100 judge, and recipes that take seconds."""
    parts = {"train": digits[:600], "t10k": digits[600:700]}
    monkeypatch.setattr(command_module, "data_set", lambda _, part: parts[part])
    # The share of MNIST's 60,000 that 200 are of 600.
    plain, changed = (Recipe(**{**LITTLE, "held_out": 20_000}, augmented=augmented) for augmented in (False, True))
    monkeypatch.setattr(study_module, "VARIANTS", {BASE: changed, PLAIN: plain})
    monkeypatch.setattr(study_module, "JUDGING", 6)
    monkeypatch.setattr(training_module, "processors", lambda: 1)
    monkeypatch.chdir(tmp_path)


def command() -> Result:
    return invoked("study", "recipe", "--seeds=2")


@pytest.mark.usefixtures("little")
def test_what_is_finished_is_kept_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits
) -> None:
    with interrupted(monkeypatch, 40, 3):
        assert command().exit_code == 130
    written = tmp_path / "docs" / "studies" / FILE
    assert [one["network"] for one in json.loads(written.read_text())["variants"]] == ["paired-3x3", "summed-3x3"]
    again = command()
    assert again.exit_code == 0, again.output
    assert f"paired-3x3 {BASE}: trained before" in again.output
    assert f"paired-3x3 {PLAIN}: goes on from step 40 of 60" in again.output
    found = load(written.parent)
    assert found is not None
    assert [(one.network, one.name, one.base) for one in found.variants] == [
        ("paired-3x3", BASE, None),
        ("summed-3x3", BASE, None),
        ("paired-3x3", PLAIN, BASE),
        ("summed-3x3", PLAIN, BASE),
    ]
    # What stands in the file of the one that went on, from a run of its own.
    order = np.random.default_rng(0).permutation(600)
    judging = digits[np.sort(order[500:])]
    own = run_of(
        two_stages(Wiring.PAIRED, 3, 3), Recipe(**LITTLE), [1, 2], digits[np.sort(order[:500])], tmp_path / "own.pt"
    )
    networks = [finished(own).reached.network(which).astype(np.float64) for which in (0, 1)]
    row, empty = found.variants[2], np.zeros((28, 28))
    for values, some in ((row.judged, judging), (row.test, digits[600:700])):
        right = [(one.logits(some.images / 255).argmax(-1) == some.labels).mean() for one in networks]
        assert values == pytest.approx(right, abs=1e-5)
    assert row.empty == pytest.approx([softmax(one.logits(empty)).max() for one in networks], abs=1e-5)
    assert "`python -m trainer study recipe --seeds 2`" in report([], written.parent, written.parent)


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
    slower = {name: replace(one, learning_rate=0.5) for name, one in study_module.VARIANTS.items()}
    own: dict[str, tuple[ModuleType, dict[str, Any]]] = {
        "recipe": (study_module, {"JUDGING": 3, "VARIANTS": slower}),
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
