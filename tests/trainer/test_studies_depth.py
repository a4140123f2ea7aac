"""The study of depth: what it trains, what it says of it, and where it stands."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("typer")

from matplotlib.axes import Axes

import konkyo.trainer.commands.studies as command_module
import konkyo.trainer.commands.train as training_module
import konkyo.trainer.figures.depth as figure_module
import konkyo.trainer.studies.depth as study_module
from konkyo.models.architecture import Architecture, parse_stages
from konkyo.trainer.data import Digits
from konkyo.trainer.report import report
from konkyo.trainer.studies.depth import FILE
from konkyo.trainer.training.recipe import BEST, fitted
from tests.helpers.commands import trainer
from tests.helpers.runs import finished, run_of
from tests.helpers.studies import caught


def test_what_is_trained_judges_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Digits) -> None:
    """700 images stand in, of which 100 judge; each number once more, from a training of its own."""
    parts = {"train": digits[:600], "t10k": digits[600:700]}
    monkeypatch.setattr(command_module, "data_set", lambda _, part: parts[part])
    monkeypatch.setattr(training_module, "processors", lambda: 1)
    monkeypatch.setattr(study_module, "JUDGING", 6)
    monkeypatch.setattr(study_module, "NETWORKS", ("1k5", "2k5,2k3", "2k3,3k3,3k3p1"))
    monkeypatch.chdir(tmp_path)
    figures = caught(figure_module, monkeypatch)
    trainer("study", "depth", "--seeds=2", "--steps=40")
    out = tmp_path / "docs" / "studies"
    found = json.loads((out / FILE).read_text())
    assert (found["judging"], found["steps"]) == (100, 40)
    assert [(one["stages"], one["depth"], one["parameters"]) for one in found["networks"]] == [
        ("1k5", 1, 1476),
        ("2k5,2k3", 2, 52 + 38 + 510),
        ("2k3,3k3,3k3p1", 3, 20 + 57 + 84 + 130),
    ]

    order = np.random.default_rng(0).permutation(600)
    training, judging = digits[np.sort(order[:500])], digits[np.sort(order[500:])]
    recipe = fitted(BEST, digits[:600], steps=40, restarts=1, batch_norm=True)
    run = finished(run_of(Architecture(parse_stages("2k5,2k3")), recipe, [1, 2], training, tmp_path / "own.pt"))
    for which in (0, 1):
        network = run.reached.network(which).astype(np.float64)
        for part, some in (("judged", judging), ("test", digits[600:700])):
            right = float((network.logits(some.images / 255).argmax(-1) == some.labels).mean())
            assert found["networks"][1][part][which] == pytest.approx(right, abs=1e-5)

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


def test_the_report_says_what_was_found(tmp_path: Path) -> None:
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
    (tmp_path / FILE).write_text(json.dumps({"judging": 5000, "steps": 10_000, "networks": networks}))
    page = report([], tmp_path, tmp_path)
    assert "one start, 10,000 steps, with batch normalisation, else by our recipe. 5,000 training images judge" in page
    said = "the best with two stages is `2k5,2k3`: right on 50.00 ± 0.00 % of the test images; its finest regions have"
    assert f"- By the images that judge, {said} 4×4 pixels." in page
    assert "that of one network on 5,000 images has itself a 95 % interval of ±0.31 points." in page
    # Student's t of one degree of freedom: 12.7062 times 0.25 / √2 / √2.
    assert "| `2k3,2k3,2k3` | 3 | 3,000 | 87.50 ± 158.83 % | 100.00 ± 0.00 % | 8×8 |" in page
    assert "| `1k5` | 1 | 1,000 | 50.00 ± 0.00 % | 50.00 ± 317.66 % | – |" in page
