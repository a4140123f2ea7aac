"""The faithfulness study on paper, step by step, interrupted, without Captum, and as a command."""

import json
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import konkyo.trainer.commands.faithfulness as command_module
import konkyo.trainer.figures.faithfulness as figure_module
import konkyo.trainer.studies.faithfulness as study_module
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.network import Array, softmax
from konkyo.trainer.cli import app
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.comparison import BESIDE, CRITERIA, Measured, best, ranks
from konkyo.trainer.studies.curves import curves
from konkyo.trainer.studies.estimate import Estimate
from konkyo.trainer.studies.explanations import (
    BASELINE,
    DEFAULT,
    EXPLANATIONS,
    OURS,
    PLAIN,
    SHAPLEY,
    Explanation,
    Task,
)
from konkyo.trainer.studies.faithfulness import document, parts, sanity, study
from tests.helpers.folders import DATA
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, checkpoint_of, lamp_network, lit
from tests.helpers.studies import caught, loaded_by, nothing

# Enough for a command: one of each kind that needs no Captum.
FEW = [one for one in EXPLANATIONS if one.name in {DEFAULT, SHAPLEY, "brightness", "random"}]


def pointing(sign: int) -> Any:
    def heatmap(task: Task) -> Array:
        found = np.zeros(task.images.shape)
        found[(slice(None), *LAMP)] = sign
        return found

    return heatmap


RIGHT, WRONG = Explanation(DEFAULT, OURS, pointing(1)), Explanation("wrong", BASELINE, pointing(-1))


def lamps() -> Digits:
    """The lamp with one and with two more pixels of ink that count for nothing."""
    images = np.round(255 * np.array([lit((2, 2)), lit((2, 2), (2, 20))])).astype(np.uint8)
    return Digits(images, np.zeros(2, np.uint8))


def test_areas_on_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "CHUNK", 1)
    told: list[None] = []
    explanations = [RIGHT, WRONG]
    right, wrong = study(checkpoint_of(lamp_network()), lamps(), tmp_path, lambda: told.append(None), explanations)
    assert len(told) == parts(lamps(), explanations) == 6
    whole = HIDDEN + (WHOLE - HIDDEN) * (128 / 127.5)
    half = (whole + HIDDEN) / 2
    for ink, steps in enumerate((2, 3)):
        low, high = (half + (steps - 1) * HIDDEN) / steps, (half + (steps - 1) * whole) / steps
        assert right.area("logit", "background", "deletion")[ink] == pytest.approx(low)
        assert right.area("logit", "background", "insertion")[ink] == pytest.approx(high)
        assert wrong.area("logit", "background", "deletion")[ink] == pytest.approx(high)
        assert wrong.area("logit", "background", "insertion")[ink] == pytest.approx(low)
    # A curve is the probability: 6 against a 2 of 10, and eight digits of 0.
    without = 1 / (1 + np.exp(10 - HIDDEN) + 8 * np.exp(-HIDDEN))
    assert right.points["background"][0, 25] == pytest.approx(without)
    assert right.points["background"].shape == right.points["blurred"].shape == (2, 51)
    assert right.infidelity == pytest.approx([0, 0], abs=1e-12)
    assert right.sensitivity.tolist() == wrong.sensitivity.tolist() == [0, 0]
    assert right.agreement.tolist() == [1, 1]
    np.testing.assert_allclose(wrong.agreement, [-1, -1])
    assert right.beats(wrong, "deletion, background")
    assert right.beats(wrong, "insertion, background")
    assert not wrong.beats(right, "insertion, background")
    assert not right.beats(right, "insertion, background")
    assert not right.beats(wrong, "infidelity")  # by the best factor, the wrong one is the right one
    assert not right.beats_everywhere(wrong)


def test_an_interval_is_1_96_standard_errors() -> None:
    estimate = Estimate.of(np.array([1.0, 2.0, 3.0, 4.0]))
    assert estimate.mean == 2.5
    assert estimate.interval == pytest.approx(1.96 * np.sqrt(5 / 3) / 2)


def made_up(name: str, kind: str, deletion: Sequence[float], insertion: Sequence[float], infidelity: float) -> Measured:
    """The same areas for every score and replacement."""
    areas = np.array([deletion, insertion]).T
    spread = np.array([-0.01, 0, 0.01])
    shape = (len(areas), 2, 2, 2)
    return Measured(
        name, kind, np.broadcast_to(areas[:, None, None], shape), {}, infidelity + spread, 1 - spread, np.abs(spread)
    )


def test_better_means_by_every_criterion() -> None:
    measured = [
        made_up(DEFAULT, OURS, [0.3, 0.2, 0.5], [0.6, 0.5, 0.8], 0.3),
        made_up("a", BASELINE, [0.2, 0.3, 0.4], [0.5, 0.6, 0.7], 0.4),
        made_up("b", PLAIN, [0.6, 0.6, 0.7], [0.9, 0.9, 0.8], 0.5),
        made_up("early", OURS, [0.1, 0.2, 0.3], [0.4, 0.5, 0.6], 0.1),
        made_up("wide", OURS, [0.1, 0.2, 0.3], [0.8, 0.8, 0.9], 0.2),
    ]
    assert ranks(measured) == {
        "deletion, background": [4, 3, 5, 1, 2],
        "insertion, background": [3, 4, 1, 5, 2],
        "deletion, blurred": [4, 3, 5, 1, 2],
        "insertion, blurred": [3, 4, 1, 5, 2],
        "infidelity": [3, 4, 5, 1, 2],
        "sensitivity": [1, 2, 3, 4, 5],
        "agreement": [1, 2, 3, 4, 5],
    }
    better = {one.name: [other.name for other in measured if one.beats_everywhere(other)] for one in measured}
    assert better == {DEFAULT: [], "a": [], "b": [], "early": [], "wide": [DEFAULT, "a"]}
    assert best(measured).name == "wide"
    assert best(measured[:4]).name == "early"


def test_sanity_is_kept_and_told(tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "FIRST_IMAGES", 4)
    checkpoint, told = load_all()["paired-3x3"], list[None]()
    some = [one for one in FEW if one.name in {DEFAULT, SHAPLEY}]
    first = sanity(checkpoint, digits[:9], tmp_path, lambda: told.append(None), some)
    assert len(told) == 2
    assert set(first) == {DEFAULT, SHAPLEY}
    assert all(values.shape == (3, 3, 4) for values in first.values())
    monkeypatch.setattr(study_module, "correlations", None)
    again = sanity(checkpoint, digits[:9], tmp_path, nothing, some)
    np.testing.assert_array_equal(again[SHAPLEY], first[SHAPLEY])


def command(out: Path, runs: Path, *more: str) -> Result:
    arguments = ["study", "faithfulness", "--model", "paired-3x3", "--data", DATA, "--out", out, "--runs", runs]
    return CliRunner().invoke(app, [*map(str, arguments), *more])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "EXPLANATIONS", FEW)
    monkeypatch.setattr(study_module, "CHUNK", 2)
    monkeypatch.setattr(study_module, "FIRST_IMAGES", 2)


@pytest.mark.usefixtures("few")
def test_the_command_writes_what_a_script_of_its_own_finds(tmp_path: Path, digits: Digits) -> None:
    result = command(tmp_path, tmp_path / "runs", "--images", "3", "--no-captum")
    assert result.exit_code == 0
    assert result.output.startswith("Captum's explanations were left out as asked (--no-captum)")
    written = json.loads((tmp_path / "paired-3x3" / "faithfulness.json").read_text())
    checkpoint = load_all()["paired-3x3"]
    assert written["model"] == {"name": "paired-3x3", "sha256": checkpoint.sha256}
    assert written["images"] == 3
    assert written["left_out"] == "Captum's explanations were left out as asked (--no-captum)"
    assert list(written["explanations"]) == [one.name for one in FEW]
    assert set(written["sanity"]) == {DEFAULT, SHAPLEY}

    network, images = checkpoint.precise, digits[:3].scaled(np.float64)
    areas: dict[str, list[list[float]]] = {DEFAULT: [], "brightness": []}
    for image in images:
        target = int(network.logits(image).argmax())
        for name, attribution in ((DEFAULT, occlude(network, image).heatmap()), ("brightness", image)):
            order = [pixel for pixel in np.argsort(-attribution.ravel(), kind="stable") if image.ravel()[pixel]]
            steps = np.zeros((2, len(order) + 1, 784))
            steps[0, 0] = image.ravel()
            for step, pixel in enumerate(order, 1):
                steps[:, step] = steps[:, step - 1]
                steps[:, step, pixel] = 0, image.ravel()[pixel]
            scores = softmax(network.logits(steps.reshape(2, -1, 28, 28)))[..., target]
            areas[name].append([sum((a + b) / 2 for a, b in pairwise(row)) / len(order) for row in scores.tolist()])
    for name, found in areas.items():
        entry = written["explanations"][name]["probability"]["background"]
        for number, curve in enumerate(("deletion", "insertion")):
            column = np.array(found)[:, number]
            half = 1.96 * column.std(ddof=1) / np.sqrt(3)
            assert entry[curve] == pytest.approx([column.mean(), half], abs=2e-5)
    [row, checked_row] = [line.split() for line in result.output.splitlines() if re.search("occlusion 2 [ │]", line)]
    assert row[2] == f"{np.array(areas[DEFAULT])[:, 0].mean():.3f}"
    assert row[7] == f"{written['explanations'][DEFAULT]['sensitivity'][0]:.3f}"
    checked = written["sanity"][DEFAULT]["affine"]["rank_correlation"]
    mean, half = checked_row[4].rstrip(")").split("(")
    assert float(mean) == pytest.approx(checked[0], abs=6e-4)
    assert int(half) == pytest.approx(1000 * checked[1], abs=0.6)


@pytest.mark.usefixtures("few")
def test_an_interrupted_study_goes_on_and_ends_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def interrupted(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) == 12:
            raise KeyboardInterrupt
        return curves(*arguments)

    monkeypatch.setattr(study_module, "curves", interrupted)
    options = "--images", "4", "--no-captum"
    stopped = command(tmp_path / "out", tmp_path / "runs", *options)
    assert stopped.exit_code == 130
    assert "interrupted: the same command goes on from the last part" in stopped.output
    assert not (tmp_path / "out").exists()
    assert command(tmp_path / "out", tmp_path / "runs", *options).exit_code == 0
    assert len(asked) == 12 + 32 - 8  # two parts of two images and two replacements were kept
    assert command(tmp_path / "whole", tmp_path / "other", *options).exit_code == 0
    for name in ("faithfulness.json", "faithfulness.png"):
        whole = (tmp_path / "whole" / "paired-3x3" / name).read_bytes()
        assert (tmp_path / "out" / "paired-3x3" / name).read_bytes() == whole


@pytest.mark.usefixtures("few")
def test_captums_explanations_are_measured_beside_ours(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("captum")
    result = command(tmp_path, tmp_path / "runs", "--images", "2")
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "paired-3x3" / "faithfulness.json").read_text())
    assert written["left_out"] is None
    kinds = [entry["kind"] for entry in written["explanations"].values()]
    assert kinds == [OURS] * 2 + [PLAIN] * 2 + [BASELINE] * 10
    assert set(written["sanity"]) == {DEFAULT, SHAPLEY, "input × gradient"}


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("missing", ["captum", "torch"])
def test_without_captum_its_explanations_are_left_out_aloud(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "konkyo.trainer.studies.captum_methods",
        "konkyo.trainer.studies.perturbations",
        "konkyo.trainer.studies.baselines",
        "captum.attr",
    ):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    result = command(tmp_path, tmp_path / "runs", "--images", "2")
    assert result.exit_code == 0
    said = f"Captum's explanations are left out: {missing} is not installed; pip install 'konkyo[dev]' has it"
    assert " ".join(result.output.split()).startswith(said)
    assert json.loads((tmp_path / "paired-3x3" / "faithfulness.json").read_text())["left_out"] == said


@pytest.mark.usefixtures("few")
def test_another_missing_module_is_no_reason_to_leave_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "konkyo.trainer.studies.perturbations", raising=False)
    monkeypatch.setitem(sys.modules, "konkyo.trainer.studies.captum_methods", None)
    result = command(tmp_path, tmp_path / "runs", "--images", "2")
    assert isinstance(result.exception, ModuleNotFoundError)


def test_one_image_has_no_interval(tmp_path: Path) -> None:
    result = command(tmp_path, tmp_path / "runs", "--images", "1")
    assert result.exit_code == 2
    assert "Invalid value for '--images'" in result.output


def test_the_study_needs_no_torch(tmp_path: Path) -> None:
    folders = "--data", DATA, "--out", tmp_path, "--runs", tmp_path / "runs"
    loaded = loaded_by("study", "faithfulness", "--model", "paired-3x3", "--images", "2", "--no-captum", *folders)
    assert "matplotlib" in loaded
    assert not {"torch", "captum"} & loaded


def test_the_figure_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanations = [
        RIGHT,
        Explanation(SHAPLEY, OURS, pointing(1)),
        WRONG,
        Explanation("wrong too", BASELINE, pointing(-1)),
        Explanation("and a third", BASELINE, pointing(-1)),
        Explanation("brightness", PLAIN, lambda task: task.images),
    ]
    measured = study(checkpoint_of(lamp_network()), lamps(), tmp_path, nothing, explanations)
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "faithfulness.png", "lamp", measured)
    [figure] = figures
    deletion, insertion, table = figure.axes
    shown = [measured[number] for number in (1, 0, 2, 3, 5)]  # of the baselines only two
    for axes, number in ((deletion, 0), (insertion, 1)):
        assert len(axes.lines) == 5
        for line, one in zip(axes.lines, shown, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), one.points["background"][number])
    names = [label.get_text() for label in table.get_yticklabels()]
    assert sorted(names) == sorted(one.name for one in measured)
    written = [text.get_text() for text in table.texts]
    first = next(one for one in measured if one.name == names[0])
    assert written[:7] == [f"{first.values(column).mean():.3f}" for column in (*CRITERIA, *BESIDE)]
    drawn = table.images[0].get_array()
    by_criterion = ranks(measured)
    place = [one.name for one in measured].index(names[2])
    assert drawn[2, 0] == pytest.approx(1 - (by_criterion["deletion, background"][place] - 1) / 5)
    assert np.ma.getmaskarray(np.ma.masked_invalid(drawn))[:, 5].all()
    assert (tmp_path / "faithfulness.png").read_bytes().startswith(b"\x89PNG")


def test_the_documents_numbers_are_means_and_half_intervals(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(lamp_network(np.float64))
    measured = study(checkpoint, lamps(), tmp_path, nothing, [RIGHT, WRONG])
    correlations = np.zeros((3, 3, 2))
    correlations[:, 0] = [[0.5, -0.5], [0.7, -0.3], [0.9, -0.1]]
    written = document(checkpoint, measured, {"ours": correlations}, None)
    assert written["best"] == written["default"] == DEFAULT
    first = written["sanity"]["ours"]["affine"]
    assert first["rank_correlation"] == pytest.approx([0.2, 1.96 * 0.5 * np.sqrt(2) / np.sqrt(2)])
    assert first["absolute"] == pytest.approx([0.5, 1.96 * 0.2 * np.sqrt(2) / np.sqrt(2)])
    assert list(written["sanity"]["ours"]) == ["affine", "affine and stage 2", "affine and stage 2 and stage 1"]
    entry = written["explanations"]["wrong"]
    for base in ("background", "blurred"):
        assert entry["logit"][base]["deletion"][0] == pytest.approx(measured[1].area("logit", base, "deletion").mean())
    assert entry["agreement"][0] == pytest.approx(-1)
    assert entry["ranks"]["deletion, background"] == 2
