"""The grounds study on paper, and in its figure."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import konkyo.trainer.figures.grounds as figure_module
import konkyo.trainer.studies.grounds as study_module
from konkyo.models.errors import BudgetError, ImageError
from konkyo.models.grounds.proofs import grounds
from konkyo.models.network import Array, Network
from konkyo.trainer.studies.grounds import STUDY, GroundsStudy
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, checkpoint_of, lamp_network
from tests.helpers.studies import ASKED, caught, lamps, measured


def lamp_study(runs: Path) -> tuple[GroundsStudy, dict[str, Any]]:
    """The lamp with dust is said to be a 0."""
    return measured(STUDY, checkpoint_of(lamp_network()), lamps(6, 0, 2), runs)


def test_on_paper(tmp_path: Path) -> None:
    found, written = lamp_study(tmp_path)
    assert (written["images"], written["region"], written["fill"]) == (3, 4, 0)
    assert found.label.tolist() == [6, 0, 2]
    assert found.predicted.tolist() == [6, 6, 2]
    assert found.players.tolist() == [1, 2, 1]
    assert found.sufficient.tolist() == [1, 1, 0]
    assert found.fewest.tolist() == [1, 1, 0]
    assert found.becomes.tolist() == [2, 2, -1]
    whole = HIDDEN + (WHOLE - HIDDEN) * (128 / 127.5)
    lamp, dust = (np.exp(-np.array([0, *others])).sum() for others in ([whole - 10, *[whole] * 8], [2, *[10] * 8]))
    np.testing.assert_allclose(found.probability, [1 / lamp, 1 / lamp, 1 / dust], rtol=1e-12)
    everyone = written["groups"]["all"]
    assert everyone["outcomes"] == {"smallest": 3, "irreducible": 0, "over budget": 0, "tied": 0}
    assert everyone["players"] == {
        "mean": pytest.approx(4 / 3),
        "median": 1,
        "most": 2,
        "images_by_count": [0, 2, 1],
    }
    third, two_thirds = pytest.approx(1 / 3), pytest.approx(2 / 3)
    assert everyone["sufficient"] == {
        "mean": two_thirds,
        "median": 1,
        "most": 1,
        "images_by_count": [1, 2],
        "share_empty": third,
    }
    assert everyone["contrast"] == {
        "mean": 1,
        "median": 1,
        "most": 1,
        "images_by_count": [0, 2],
        "share_none": third,
        "share_single": two_thirds,
    }
    assert [written["groups"][name]["images"] for name in ("right", "wrong", "6", "2", "0")] == [2, 1, 2, 1, 0]
    assert written["groups"]["0"]["contrast"]["mean"] is None
    assert written["groups"]["0"]["sufficient"]["share_empty"] is None
    changes = np.zeros((10, 10), int)
    changes[6, 2] = 2
    assert written["changes_from_to"] == changes.tolist()
    # The wrong one ties with one right one, and stands before the dust, in both: 6 is surer than 2.
    assert written["auroc_of_wrong"] == {"fewest regions": 0.75, "softmax probability": 0.25}


def test_what_has_no_answer_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def grounds_or_not(network: Network, image: Array) -> Any:
        if not image[LAMP]:
            raise BudgetError("too much")
        if image[2, 2]:
            raise ImageError("tied")
        return grounds(network, image)

    monkeypatch.setattr(study_module, "grounds", grounds_or_not)
    found, written = lamp_study(tmp_path)
    assert found.sufficient.tolist() == [1, -1, -1]
    assert found.fewest.tolist() == [1, -1, -1]
    assert found.players.tolist() == [1, 2, 1]
    assert written["groups"]["all"]["outcomes"] == {"smallest": 1, "irreducible": 0, "over budget": 1, "tied": 1}
    assert written["groups"]["all"]["sufficient"]["images_by_count"] == [0, 1]
    assert written["auroc_of_wrong"] == {"fewest regions": None, "softmax probability": None}


def test_the_figure_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = lamp_study(tmp_path)
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "one" / "grounds.png", ASKED, found)
    [figure] = figures
    suffice, change, roc, suffice_classes, change_classes, _ = figure.axes
    assert [label.get_text() for label in suffice.get_xticklabels()] == ["0", "1"]
    assert [bar.get_height() for bar in suffice.patches] == [0.5, 0.5, 0, 1]
    assert [label.get_text() for label in change.get_xticklabels()] == ["1", "none"]
    assert [bar.get_height() for bar in change.patches] == [0.5, 0.5, 1, 0]
    shares = np.zeros((10, 2))
    shares[6], shares[2] = (0, 1), (1, 0)
    np.testing.assert_array_equal(suffice_classes.images[0].get_array(), shares)
    np.testing.assert_array_equal(change_classes.images[0].get_array(), shares[:, ::-1])
    _, fewest, probability = roc.lines
    assert fewest.get_xydata().tolist() == [[0, 0], [0.5, 1], [1, 1]]
    assert probability.get_xydata().tolist() == [[0, 0], [0.5, 0], [1, 1]]
    assert roc.get_legend().texts[0].get_text() == "fewest regions 0.750"
    assert (tmp_path / "one" / "grounds.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("unrendered")
def test_counts_beyond_the_last_column_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _ = lamp_study(tmp_path)
    for name in ("MOST_SUFFICIENT", "MOST_FEWEST"):
        monkeypatch.setattr(figure_module, name, 2)
    many = GroundsStudy(**{**vars(one), "sufficient": np.array([3, 2, 1]), "fewest": np.array([1, 1, 1])})
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "grounds.png", ASKED, many)
    suffice, change, *_ = figures[0].axes
    assert [label.get_text() for label in suffice.get_xticklabels()] == ["1", "2+"]
    assert [bar.get_height() for bar in suffice.patches] == [0.5, 0.5, 0, 1]
    assert [label.get_text() for label in change.get_xticklabels()] == ["1"]


def test_a_study_without_answers_is_drawn_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Any:
        raise BudgetError("too much")

    monkeypatch.setattr(study_module, "grounds", refused)
    found, _ = lamp_study(tmp_path)
    figure_module.draw(tmp_path / "none.png", ASKED, found)
    assert (tmp_path / "none.png").exists()
