"""The faithfulness study on paper, step by step, interrupted, without Captum, and as a command."""

import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import trainer.commands.faithfulness as command_module
import trainer.figures.faithfulness as figure_module
import trainer.studies.faithfulness as study_module
from models.checkpoint import load_all
from models.network import Array, softmax
from tests.conftest import DATA
from tests.lamp import HIDDEN, LAMP, WHOLE, checkpoint_of, lamp_network, lit
from tests.studies import caught, loaded_by, nothing
from trainer.cli import app
from trainer.data import Digits
from trainer.studies.curves import curves
from trainer.studies.explanations import DEFAULT, EXPLANATIONS, LEDGER, OURS, PLAIN, RIVAL, Explanation, Task
from trainer.studies.faithfulness import Estimate, Measured, best, document, parts, sanity, study, unbeaten
from trainer.studies.greedy import find_grounds

# Enough for a command: one of each kind that needs no Captum.
FEW = [one for one in EXPLANATIONS if one.name in {DEFAULT, LEDGER, "brightness", "random 1"}]


def pointing(sign: int) -> Any:
    def heatmap(task: Task) -> Array:
        found = np.zeros(task.images.shape)
        found[(slice(None), *LAMP)] = sign
        return found

    return heatmap


RIGHT, WRONG = Explanation(DEFAULT, OURS, pointing(1)), Explanation("wrong", RIVAL, pointing(-1))


def lamps() -> Digits:
    """The lamp with one and with two more pixels of ink that count for nothing."""
    images = np.round(255 * np.array([lit((2, 2)), lit((2, 2), (2, 20))])).astype(np.uint8)
    return Digits(images, np.zeros(2, np.uint8))


def test_areas_on_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "CHUNK", 1)
    told: list[None] = []
    explanations = [RIGHT, WRONG]
    right, wrong = study(checkpoint_of(lamp_network()), lamps(), tmp_path, lambda: told.append(None), explanations)
    assert len(told) == parts(lamps(), explanations) == 4
    whole = HIDDEN + (WHOLE - HIDDEN) * (128 / 127.5)
    half = (whole + HIDDEN) / 2
    for ink, n in enumerate((2, 3)):
        for base, steps in (("all", 784), ("ink", n)):
            low, high = (half + (steps - 1) * HIDDEN) / steps, (half + (steps - 1) * whole) / steps
            assert right.area("logit", base, "deletion")[ink] == pytest.approx(low)
            assert right.area("logit", base, "insertion")[ink] == pytest.approx(high)
            assert wrong.area("logit", base, "deletion")[ink] == pytest.approx(high)
            assert wrong.area("logit", base, "insertion")[ink] == pytest.approx(low)
    # A curve is the probability: 6 against a 2 of 10, and eight digits of 0.
    with_lamp = 1 / (1 + np.exp(10 - whole) + 8 * np.exp(-whole))
    without = 1 / (1 + np.exp(10 - HIDDEN) + 8 * np.exp(-HIDDEN))
    np.testing.assert_allclose(right.points["all"], [[with_lamp, *[without] * 56], [without, *[with_lamp] * 56]])
    middle = (without + (0.5 * without + 0.5 * without)) / 2
    assert right.points["ink"][0, 25] == pytest.approx(middle)
    assert right.points["ink"].shape == wrong.points["ink"].shape == (2, 51)

    assert right.gap == pytest.approx(
        float(np.diff([right.area("probability", "ink", c).mean() for c in ("deletion", "insertion")])[0])
    )
    assert right.gap == pytest.approx(-wrong.gap)
    gain = right.gain(wrong, "ink", "deletion")
    assert gain.mean == pytest.approx(np.mean([(with_lamp - without) * share for share in (1 / 2, 2 / 3)]))
    assert right.beats(wrong, "ink", "deletion")
    assert right.beats(wrong, "all", "insertion")
    assert not wrong.beats(right, "ink", "insertion")
    assert not right.beats(right, "ink", "insertion")
    assert unbeaten([right, wrong], DEFAULT) == {
        "all": {"deletion": [], "insertion": []},
        "ink": {"deletion": [], "insertion": []},
    }


def test_an_interval_is_1_96_standard_errors() -> None:
    estimate = Estimate.of(np.array([1.0, 2.0, 3.0, 4.0]))
    assert estimate.mean == 2.5
    assert estimate.interval == pytest.approx(1.96 * np.sqrt(5 / 3) / 2)


def made_up(name: str, kind: str, deletion: Sequence[float], insertion: Sequence[float]) -> Measured:
    """The same areas for every score and base."""
    areas = np.array([deletion, insertion]).T
    return Measured(name, kind, np.broadcast_to(areas[:, None, None], (len(areas), 2, 2, 2)), {})


def test_the_best_is_better_than_most() -> None:
    rivals = [
        made_up("a", RIVAL, [0.2, 0.3, 0.4], [0.5, 0.6, 0.7]),
        made_up("b", PLAIN, [0.6, 0.6, 0.7], [0.9, 0.9, 0.8]),
    ]
    default = made_up(DEFAULT, OURS, [0.3, 0.2, 0.5], [0.6, 0.5, 0.8])  # than a: on the mean no better
    early = made_up("early", OURS, [0.1, 0.2, 0.3], [0.4, 0.5, 0.6])  # by 0.1 always, but the last to come back
    wide = made_up("wide", OURS, [0.1, 0.2, 0.3], [0.8, 0.8, 0.9])
    measured = [default, *rivals, early, wide]
    for base in ("all", "ink"):
        assert unbeaten(measured, DEFAULT)[base] == {"deletion": ["a"], "insertion": ["a", "b"]}
        assert unbeaten(measured, "early")[base] == {"deletion": [], "insertion": ["a", "b"]}
        assert unbeaten(measured, "wide")[base] == {"deletion": [], "insertion": ["b"]}
    assert best(measured).name == "wide"
    assert best([default, *rivals, early]).name == "early"
    assert best([default, early]).name == DEFAULT  # nothing to beat: the wider gap
    lead = wide.gain(default, "ink", "insertion")
    assert lead.document() == pytest.approx([0.2, 1.96 * 0.1 / np.sqrt(3)])


def test_sanity_is_kept_and_told(tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "SANITY_IMAGES", 4)
    checkpoint, told = load_all()["paired-3x3"], list[None]()
    some = [one for one in FEW if one.name in {DEFAULT, LEDGER}]
    first = sanity(checkpoint, digits[:9], tmp_path, lambda: told.append(None), some)
    assert len(told) == 2
    assert set(first) == {DEFAULT, LEDGER}
    assert all(values.shape == (3, 3, 4) for values in first.values())
    monkeypatch.setattr(study_module, "correlations", None)
    again = sanity(checkpoint, digits[:9], tmp_path, nothing, some)
    np.testing.assert_array_equal(again[LEDGER], first[LEDGER])


def command(out: Path, runs: Path, *more: str) -> Result:
    arguments = ["study", "faithfulness", "--model", "paired-3x3", "--data", DATA, "--out", out, "--runs", runs]
    return CliRunner().invoke(app, [*map(str, arguments), *more])


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "EXPLANATIONS", FEW)
    monkeypatch.setattr(study_module, "CHUNK", 2)
    monkeypatch.setattr(study_module, "SANITY_IMAGES", 2)


@pytest.mark.usefixtures("few")
def test_the_command_writes_what_a_script_of_its_own_finds(tmp_path: Path, digits: Digits) -> None:
    result = command(tmp_path, tmp_path / "runs", "--images", "3", "--no-rivals")
    assert result.exit_code == 0
    assert result.output.startswith("Captum's explanations were left out as asked (--no-rivals)")
    written = json.loads((tmp_path / "paired-3x3" / "faithfulness.json").read_text())
    checkpoint = load_all()["paired-3x3"]
    assert written["model"] == {"name": "paired-3x3", "sha256": checkpoint.sha256}
    assert written["images"] == 3
    assert written["left_out"] == "Captum's explanations were left out as asked (--no-rivals)"
    assert list(written["explanations"]) == [one.name for one in FEW]
    assert set(written["not_better_than"]) == {DEFAULT, LEDGER}
    assert set(written["sanity"]) == {DEFAULT, LEDGER}

    network, images = checkpoint.precise, digits[:3].scaled(np.float64)
    areas: dict[str, list[list[float]]] = {DEFAULT: [], "brightness": []}
    mean_curves = np.zeros((2, 785))
    for image in images:
        digit = int(network.logits(image).argmax())
        for name, attribution in ((DEFAULT, find_grounds(network, image).heatmap()), ("brightness", image)):
            order = np.argsort(-attribution.ravel(), kind="stable")
            pictures = np.zeros((2, 785, 784))
            pictures[0, 0] = image.ravel()
            for step, pixel in enumerate(order, 1):
                pictures[:, step] = pictures[:, step - 1]
                pictures[:, step, pixel] = 0, image.ravel()[pixel]
            scores = softmax(network.logits(pictures.reshape(2, 785, 28, 28)))[..., digit]
            areas[name].append([sum((a + b) / 2 for a, b in pairwise(row)) / 784 for row in scores.tolist()])
            mean_curves += scores / 3 * (name == DEFAULT)
    for name, found in areas.items():
        entry = written["explanations"][name]["probability"]["all"]
        for number, curve in enumerate(("deletion", "insertion")):
            column = np.array(found)[:, number]
            half = 1.96 * column.std(ddof=1) / np.sqrt(3)
            assert entry[curve] == pytest.approx([column.mean(), half], abs=2e-5)
    gained = np.array(areas["brightness"])[:, 1] - np.array(areas[DEFAULT])[:, 1]
    gain = written["explanations"]["brightness"]["gain_on_default"]["all"]["insertion"]
    assert gain == pytest.approx([gained.mean(), 1.96 * gained.std(ddof=1) / np.sqrt(3)], abs=2e-5)
    for number, curve in enumerate(("deletion", "insertion")):
        kept = written["explanations"][DEFAULT]["curves"]["all"][curve]
        np.testing.assert_allclose(kept, mean_curves[number, ::14], rtol=0, atol=2e-5)
    rows = [line.split() for line in result.output.splitlines() if "│ grounds 2 " in line]
    deletion = np.array(areas[DEFAULT])[:, 0]
    half = 1.96 * deletion.std(ddof=1) / np.sqrt(3)
    assert rows[0][4] == f"{deletion.mean():.3f}({1000 * half:02.0f})"
    checked = written["sanity"][DEFAULT]["affine"]["rank_correlation"]
    assert float(rows[1][4].split("(")[0]) == pytest.approx(checked[0], abs=6e-4)
    assert int(rows[1][4].split("(")[1][:-1]) == pytest.approx(1000 * checked[1], abs=0.6)


@pytest.mark.usefixtures("few")
def test_an_interrupted_study_goes_on_and_ends_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def interrupted(*arguments: Any) -> Any:
        asked.append(1)
        if len(asked) == 12:
            raise KeyboardInterrupt
        return curves(*arguments)

    monkeypatch.setattr(study_module, "curves", interrupted)
    options = "--images", "4", "--no-rivals"
    stopped = command(tmp_path / "out", tmp_path / "runs", *options)
    assert stopped.exit_code == 130
    assert "interrupted: the same command goes on from the last part" in stopped.output
    assert not (tmp_path / "out").exists()
    assert command(tmp_path / "out", tmp_path / "runs", *options).exit_code == 0
    assert len(asked) == 12 + 16 - 10  # five parts of two pictures were kept
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
    assert kinds == [OURS] * 2 + [PLAIN] * 2 + [RIVAL] * 8
    # The ledger's pixels are input × gradient, so neither is better.
    ledger, gradient = (written["explanations"][name] for name in (LEDGER, "input × gradient"))
    assert ledger["probability"]["ink"]["insertion"] == pytest.approx(
        gradient["probability"]["ink"]["insertion"], abs=2e-5
    )
    assert "input × gradient" in written["not_better_than"][LEDGER]["ink"]["insertion"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("missing", ["captum", "torch"])
def test_without_captum_its_explanations_are_left_out_aloud(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("trainer.studies.rivals", "captum.attr"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    result = command(tmp_path, tmp_path / "runs", "--images", "2")
    assert result.exit_code == 0
    said = f"Captum's explanations are left out: {missing} is not installed; pip install 'konkyo[dev]' has it"
    assert " ".join(result.output.split()).startswith(said)
    assert json.loads((tmp_path / "paired-3x3" / "faithfulness.json").read_text())["left_out"] == said


@pytest.mark.usefixtures("few")
def test_another_missing_module_is_no_reason_to_leave_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trainer.studies.rivals", None)
    result = command(tmp_path, tmp_path / "runs", "--images", "2")
    assert isinstance(result.exception, ModuleNotFoundError)


def test_one_image_has_no_interval(tmp_path: Path) -> None:
    result = command(tmp_path, tmp_path / "runs", "--images", "1")
    assert result.exit_code == 2
    assert "Invalid value for '--images'" in result.output


def test_the_study_needs_no_torch(tmp_path: Path) -> None:
    folders = "--data", DATA, "--out", tmp_path, "--runs", tmp_path / "runs"
    loaded = loaded_by("study", "faithfulness", "--model", "paired-3x3", "--images", "2", "--no-rivals", *folders)
    assert "matplotlib" in loaded
    assert not {"torch", "captum"} & loaded


def test_the_figure_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanations = [
        RIGHT,
        Explanation("ours as well", OURS, pointing(1)),
        WRONG,
        Explanation("wrong, again", RIVAL, pointing(-1)),
        Explanation("wrong too", RIVAL, pointing(-1)),
        Explanation("brightness", PLAIN, lambda task: task.images),
        Explanation("random 1", PLAIN, lambda task: -task.images),
    ]
    measured = study(checkpoint_of(lamp_network()), lamps(), tmp_path, nothing, explanations)
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "faithfulness.png", "lamp", measured)
    [figure] = figures
    deletion, deletion_areas, insertion, insertion_areas = figure.axes
    shown = [measured[number] for number in (0, 2, 4, 5, 6)]  # of one method's variants only one
    for axes, number in ((deletion, 0), (insertion, 1)):
        assert len(axes.lines) == 5
        for line, one in zip(axes.lines, shown, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), one.points["ink"][number])
    for axes, curve in ((deletion_areas, "deletion"), (insertion_areas, "insertion")):
        names = [label.get_text().removesuffix(" (the default)") for label in axes.get_yticklabels()]
        by_name = {one.name: one.area("probability", "ink", curve).mean() for one in measured}
        assert sorted(names) == sorted(by_name)
        ordered = [by_name[name] for name in names]
        assert ordered == sorted(ordered, reverse=curve == "insertion")
        dots = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == "o"][1::2]
        assert dots == [[mean, row] for row, mean in enumerate(ordered)]
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
    assert list(written["sanity"]["ours"]) == ["affine", "affine and conv2", "affine and conv2 and conv1"]
    entry = written["explanations"]["wrong"]
    assert entry["gain_on_default"]["ink"]["deletion"][0] < 0
    assert entry["logit"]["ink"]["deletion"][0] == pytest.approx(measured[1].area("logit", "ink", "deletion").mean())
