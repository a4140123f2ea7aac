"""The faithfulness study on paper, without Captum, and in its figure."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import konkyo.trainer.figures.faithfulness as figure_module
import konkyo.trainer.studies.faithfulness as study_module
from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.faithfulness import STUDY, FaithfulnessStudy
from konkyo.trainer.studies.faithfulness import explanations as all_explanations
from konkyo.trainer.studies.faithfulness.criteria import BESIDE, CRITERIA, MeasuredExplanation, best, ranks, squares
from konkyo.trainer.studies.faithfulness.explanations import (
    BASELINE,
    DEFAULT,
    OURS,
    PLAIN,
    Explanation,
    Task,
    ours,
    sane,
)
from konkyo.trainer.studies.shapley import baselines
from konkyo.trainer.studies.study import Asked
from tests.helpers.commands import invoked
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, checkpoint_of, lamp_network, lit
from tests.helpers.oracles import PAIRED
from tests.helpers.studies import ASKED, caught, measured, nothing

SHAPLEY = "Shapley 4"


def pointing(sign: int) -> Any:
    def heatmap(task: Task) -> Array:
        found = np.zeros(task.images.shape)
        found[(slice(None), *LAMP)] = sign
        return found

    return heatmap


RIGHT, WRONG = Explanation(DEFAULT, OURS, pointing(1)), Explanation("wrong", BASELINE, pointing(-1))
# The lamp with one and with two more pixels of ink that count for nothing.
LIT = Digits(np.round(255 * np.array([lit((2, 2)), lit((2, 2), (2, 20))])).astype(np.uint8), np.zeros(2, np.uint8))


def test_areas_on_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "CHUNK", 1)
    monkeypatch.setattr(study_module, "explanations", lambda _: ([RIGHT, WRONG], None))
    found, _ = measured(STUDY, checkpoint_of(lamp_network()), LIT, tmp_path)
    right, wrong = found.measured
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
    certain = 1 / (1 + np.exp(10 - whole) + 8 * np.exp(-whole))
    assert right.points["background"][0, 25] == pytest.approx(without)
    assert right.values("deletion, background")[0] == pytest.approx(certain / 4 + 3 * without / 4)
    assert right.values("insertion, background")[0] == pytest.approx(3 * certain / 4 + without / 4)
    assert right.points["background"].shape == right.points["blurred"].shape == (2, 51)
    assert right.infidelity == pytest.approx([0, 0], abs=1e-12)
    assert right.sensitivity.tolist() == wrong.sensitivity.tolist() == [0, 0]
    np.testing.assert_allclose(right.agreement, [1, 1])
    np.testing.assert_allclose(wrong.agreement, [-1, -1])
    assert not right.beats_everywhere(wrong)
    # Each image of the data set has hidings of its own.
    given = study_module.Given.of(checkpoint_of(lamp_network()), LIT, 3)
    np.testing.assert_array_equal(given.hidden, [squares(3, 28), squares(4, 28)])


def made_up(
    name: str, kind: str, deletion: Sequence[float], insertion: Sequence[float], infidelity: float
) -> MeasuredExplanation:
    """The same areas for every score and replacement."""
    areas = np.tile(np.array([deletion, insertion]).T, (10, 1))
    spread = np.tile([-0.01, 0, 0.01], 10)
    shape = (len(areas), 2, 2, 2)
    return MeasuredExplanation(
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


# Captum loads.
@pytest.mark.timeout(60)
def test_captums_explanations_stand_beside_ours() -> None:
    known, left_out = all_explanations(PAIRED)
    names = [one.name for one in known]
    count = len(ours(PAIRED))
    assert (names[:count], left_out) == ([one.name for one in ours(PAIRED)], None)
    assert [one.kind for one in known[count:]] == [BASELINE] * 10
    assert len(set(names)) == len(names)
    assert set(sane(PAIRED)) < set(names)


OF_CAPTUM = [
    (partial(all_explanations, PAIRED), "explanations", [one.name for one in ours(PAIRED)]),
    (baselines, "methods", []),
]


@pytest.mark.parametrize(("found", "what", "kept"), OF_CAPTUM)
def test_without_captum_what_is_of_it_is_left_out_aloud(
    found: Callable[[], tuple[Any, Any]], what: str, kept: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And another missing module is no reason to leave it out. (Shapley values' approximations are of it as well.)"""
    studies = "konkyo.trainer.studies.faithfulness"
    for missing in ("captum", "torch", None):
        with monkeypatch.context() as patch:
            for name in (f"{studies}.baselines", f"{studies}.captum", "captum.attr"):
                patch.delitem(sys.modules, name, raising=False)
            patch.setitem(sys.modules, missing or f"{studies}.baselines", None)
            if missing is None:
                with pytest.raises(ModuleNotFoundError):
                    found()
            else:
                said = f"Captum's {what} are left out: {missing} is not installed; pip install 'konkyo[dev]' has it"
                others, left_out = found()
                assert [one.name for one in others] == kept
                assert left_out in (said, [said])


def test_one_image_has_no_interval() -> None:
    result = invoked("study", "faithfulness", "--images=1")
    assert result.exit_code == 2
    assert "Invalid value for '--images'" in result.output


def test_the_figure_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    explanations = [
        RIGHT,
        Explanation(SHAPLEY, OURS, pointing(1)),
        WRONG,
        Explanation("wrong too", BASELINE, pointing(-1)),
        Explanation("and a third", BASELINE, pointing(-1)),
        Explanation("brightness", PLAIN, lambda task: task.images),
    ]
    monkeypatch.setattr(study_module, "explanations", lambda _: (explanations, None))
    found, _ = measured(STUDY, checkpoint_of(lamp_network()), LIT, tmp_path)
    listed = found.measured
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "faithfulness.png", ASKED, found)
    [figure] = figures
    deletion, insertion, table = figure.axes
    shown = [listed[number] for number in (1, 0, 2, 3, 5)]  # of the baselines only two
    for axes, number in ((deletion, 0), (insertion, 1)):
        assert len(axes.lines) == 5
        for line, one in zip(axes.lines, shown, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), one.points["background"][number])
    names = [label.get_text() for label in table.get_yticklabels()]
    assert sorted(names) == sorted(one.name for one in listed)
    written = [text.get_text() for text in table.texts]
    first = next(one for one in listed if one.name == names[0])
    assert [one for one in written[:8] if one] == [
        f"{first.values(column).mean():.3f}" for column in (*CRITERIA, *BESIDE)
    ]
    drawn = table.images[0].get_array()
    by_criterion = ranks(listed)
    place = [one.name for one in listed].index(names[2])
    assert drawn[2, 0] == pytest.approx(1 - (by_criterion["deletion, background"][place] - 1) / 6)
    assert np.ma.getmaskarray(np.ma.masked_invalid(drawn))[:, 5].all()
    assert (tmp_path / "faithfulness.png").read_bytes().startswith(b"\x89PNG")


def test_the_documents_numbers_are_means_and_half_intervals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "explanations", lambda _: ([RIGHT, WRONG], None))
    asked = Asked(checkpoint_of(lamp_network(np.float64)), LIT, tmp_path)
    listed = STUDY.measure(asked, lambda _: nothing).measured
    correlations = np.zeros((3, 3, 2))
    correlations[:, 0] = [[0.5, -0.5], [0.7, -0.3], [0.9, -0.1]]
    written = STUDY.entry(asked, FaithfulnessStudy(listed, {"ours": correlations}, None))
    assert written["best"] == written["default"] == DEFAULT
    first = written["sanity"]["ours"]["affine"]
    assert first["rank_correlation"] == pytest.approx([0.2, 12.7062 * 0.5 * np.sqrt(2) / np.sqrt(2)])
    assert first["absolute"] == pytest.approx([0.5, 12.7062 * 0.2 * np.sqrt(2) / np.sqrt(2)])
    assert list(written["sanity"]["ours"]) == ["affine", "affine and stage 2", "affine and stage 2 and stage 1"]
    entry = written["explanations"]["wrong"]
    assert entry["logit"]["blurred"]["deletion"][0] == pytest.approx(
        listed[1].area("logit", "blurred", "deletion").mean()
    )
    assert entry["agreement"][0] == pytest.approx(-1)
    assert entry["ranks"]["deletion, background"] == 2


def test_what_is_said_of_the_plain_baselines_and_the_default() -> None:
    """The image itself, and a random order, are not left out of what is better than what."""

    def one(kind: str, rank: int, better: list[str]) -> dict[str, object]:
        areas = {"deletion": [0.2, 0.01], "insertion": [0.9, 0.02]}
        others = {name: [0.5, 0.03] for name in ("infidelity", "sensitivity", "agreement")}
        places = dict.fromkeys((*CRITERIA, *BESIDE), rank)
        both = {"background": areas, "blurred": areas}
        return {"kind": kind, "probability": both, **others, "ranks": places, "better_everywhere_than": better}

    listed = {
        "theirs": one("baseline", 1, ["random"]),
        DEFAULT: one("ours", 2, ["random"]),
        "ledger": one("ours", 3, []),
        "greedy": one("optimised", 1, [DEFAULT, "brightness"]),
        "brightness": one("plain", 4, []),
        "random": one("plain", 5, []),
    }
    drawn = {"affine": {"rank_correlation": [0.734, 0.1]}, "affine and stage 2": {"rank_correlation": [0, 0]}}
    found = {"images": 200, "default": DEFAULT, "explanations": listed}
    told = [*STUDY.told({**found, "sanity": {DEFAULT: drawn}, "left_out": "Captum is not."})]
    assert "- Better than brightness (the image itself) by all five criteria: none." in told
    assert f"- Better than a random order by all five criteria: theirs; {DEFAULT}." in told
    assert "- Not better than a random order by all five: ledger; brightness." in told
    assert f"- Before {DEFAULT}, the service's default, by the mean deletion of both kinds: theirs." in told
    assert "- theirs is better by all five criteria than random." in told
    assert not [line for line in told if line.startswith("- greedy")]
    assert f"- {DEFAULT}: affine 0.73; affine and stage 2 0.00." in told
    assert told[-1] == "Captum is not."
    cells = "0.200 ± 0.010 (5) | 0.900 ± 0.020 (5) | " * 2 + "0.500 ± 0.030 (5) | " * 2 + "0.500 ± 0.030 (5)"
    assert f"| random | {cells} |" in told
    rows = [line.split(" | ")[0] for line in told if "0.900 ± 0.020" in line]
    assert rows == ["| theirs", "| greedy", f"| **{DEFAULT}**", "| **ledger**", "| brightness", "| random"]
