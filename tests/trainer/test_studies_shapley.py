"""The study of Shapley values' approximations: what it asks, on paper, and left out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import konkyo.trainer.figures.shapley as figure_module
import konkyo.trainer.studies.shapley as study_module
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.shapley import STUDY, Baseline, MeasuredBaseline, Question, ShapleyStudy, chosen
from konkyo.trainer.studies.study import Asked
from tests.helpers.studies import ASKED, caught, measured

NAME = "paired-3x3"


def made_up(name: str, converges: bool, *numbers: tuple[int, float, float, float]) -> MeasuredBaseline:
    """Of one image: evaluations, error, rank correlation and milliseconds of each point."""
    return MeasuredBaseline(name, converges, *(np.array([column], float) for column in zip(*numbers, strict=True)))


def asked_of(
    monkeypatch: pytest.MonkeyPatch, baselines: list[Baseline], digits: Digits, count: int, runs: Path
) -> tuple[ShapleyStudy, dict[str, Any]]:
    """The study of some baselines on so many images."""
    monkeypatch.setattr(study_module, "baselines", lambda: (baselines, ["something is left out"]))
    monkeypatch.setattr(study_module, "IMAGES", count)
    monkeypatch.setattr(study_module, "TURN", 0.001)
    return measured(STUDY, load_all()[NAME], digits, runs)


def times(factor: float) -> Any:
    """The exact values, which have their own tests, times a factor."""

    def approximate(question: Question, evaluations: int) -> tuple[Array, int]:
        exact = shapley_values(question.network, question.image).of(question.target).values
        return factor * exact, evaluations + 1

    return approximate


def test_errors_are_relative_to_the_exact_values(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baselines = [Baseline("right", True, (2, 3), times(1.01)), Baseline("against", False, (4,), times(-0.5))]
    found, _ = asked_of(monkeypatch, baselines, digits, 3, tmp_path)
    right, against = found.baselines
    assert right.evaluations.tolist() == [[3, 4]] * 3
    np.testing.assert_allclose(right.error, np.full((3, 2), 0.01), rtol=1e-9)
    np.testing.assert_allclose(right.rank, np.ones((3, 2)), rtol=1e-12)
    np.testing.assert_allclose(against.error, np.full((3, 1), 1.5), rtol=1e-12)
    np.testing.assert_allclose(against.rank, -np.ones((3, 1)), rtol=1e-12)
    assert (right.ms > 0).all()
    assert right.needed() == 3
    assert against.needed() is None
    assert found.exact.shape == (3,)
    assert (found.exact > 0).all()


def test_the_question_is_the_predicted_class_on_the_regions_with_ink(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Question] = []

    def approximate(question: Question, _: int) -> tuple[Array, int]:
        asked.append(question)
        return np.ones((7, 7)), 1

    asked_of(monkeypatch, [Baseline("asks", False, (1,), approximate)], digits, 3, tmp_path)
    which = chosen(len(digits), 3)
    assert [one.seed for one in asked] == np.repeat(which, 2).tolist()  # once to warm up
    for number, question in zip(which, asked[::2], strict=True):
        image = digits.images[number] / 255
        np.testing.assert_array_equal(question.image, image)
        assert question.target == load_all()[NAME].precise.logits(image).argmax()
        np.testing.assert_array_equal(question.players, image.reshape(7, 4, 7, 4).any((1, 3)))


def test_more_images_are_the_same_and_others() -> None:
    assert chosen(10_000, 40).tolist()[:10] == chosen(10_000, 10).tolist()
    assert len(set(chosen(10_000, 40).tolist())) == 40


def test_the_evaluations_that_are_needed_on_paper() -> None:
    assert made_up("a", True, (100, 0.04, 0, 1), (400, 0.01, 0, 1)).needed() == 200
    assert made_up("b", True, (100, 0.16, 0, 1), (400, 0.08, 0, 1)).needed() is None


def test_the_document_on_paper(digits: Digits, tmp_path: Path) -> None:
    numbers = [[[100.0], [102]], [[0.3], [0.5]], [[0.5], [0.7]], [[10.0], [20]]]
    baselines = [
        MeasuredBaseline("a", True, *map(np.array, numbers)),
        MeasuredBaseline("b", False, *[np.array([[1.0], [1]])] * 4),
    ]
    asked = Asked(load_all()[NAME], digits[:2], tmp_path)
    written = STUDY.entry(asked, ShapleyStudy(np.array([1.0, 3]), baselines, ["left out"]))
    assert (written["images"], written["left_out"], written["exact"]) == (2, ["left out"], {"ms": 2})
    half = 12.7062 * 0.1414213562 / 2**0.5
    assert written["baselines"]["a"] == {
        "converges": True,
        "evaluations": [101],
        "error": [pytest.approx([0.4, half])],
        "rank_correlation": [pytest.approx([0.6, half])],
        "ms": [15],
        "enough": None,
    }
    told = [*STUDY.told(written)]
    assert f"| **a** | 101 | 40.0% ± {100 * half:.1f} | 0.600 | 15 | more than 101 |" in told
    assert next(line for line in told if line.startswith("| b |")).endswith("| – |")
    assert "left out." in told


def test_without_scikit_learn_what_it_fits_is_left_out_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "find_spec", lambda _: object())
    known, left_out = study_module.baselines()
    assert (len(known), left_out) == (7, [])
    monkeypatch.setattr(study_module, "find_spec", lambda _: None)
    others, left_out = study_module.baselines()
    assert others == [one for one in known if not one.name.startswith(("KernelShap", "Lime"))]
    assert left_out == [
        "KernelShap and Lime are left out: scikit-learn is not installed; pip install 'konkyo[dev]' has it"
    ]


def test_the_figure_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured = [
        made_up("ShapleyValueSampling", True, (50, 0.5, 0.8, 10), (1250, 0.1, 0.9, 200)),
        made_up("gradient SHAP", False, (50, 0.7, 0.6, 5), (1250, 0.7, 0.6, 100)),
        made_up("FeatureAblation", False, (50, 0.8, -0.3, 5)),
    ]
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "shapley.png", ASKED, ShapleyStudy(np.array([1.0, 2, 6]), measured, []))
    [figure] = figures
    over = [(50, 1250), (50, 1250), (50,)], [(10, 200), (5, 100), (5,)]
    heights = [(0.5, 0.1), (0.7, 0.7), (0.8,)], [(0.8, 0.9), (0.6, 0.6), (-0.3,)]
    for number, axes in enumerate(figure.axes):
        for line, x, y in zip(axes.lines, over[number % 2], heights[number // 2], strict=False):
            assert (tuple(line.get_xdata()), tuple(line.get_ydata())) == (x, y)
    assert figure.axes[1].lines[3].get_xdata() == [2, 2]  # ours
    assert figure.axes[2].get_ylim()[0] == -0.3
    [legend] = [legend for part in figure.subfigs for legend in part.legends]
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["exact: 2.0 ms, all classes", *(one.name for one in measured)]
