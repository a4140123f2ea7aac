"""The occlusion study on paper, and in its figure."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import konkyo.trainer.figures.occlusion as figure_module
import konkyo.trainer.studies.occlusion as study_module
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.occlusion import STUDY, RegionStudy
from tests.helpers.lamp import HIDDEN, WHOLE, checkpoint_of, lamp_network
from tests.helpers.studies import ASKED, caught, lamps, measured


@pytest.fixture
def lamp_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[list[RegionStudy], dict[str, Any]]:
    monkeypatch.setattr(study_module, "REGIONS", (2, 4))
    monkeypatch.setattr(study_module, "CHUNK", 2)
    return measured(STUDY, checkpoint_of(lamp_network()), lamps(0, 0, 0), tmp_path)


def test_on_paper(lamp_study: tuple[list[RegionStudy], dict[str, Any]]) -> None:
    found, written = lamp_study
    grey = round(0.5 * 255) / 255
    drop = np.zeros((14, 14))
    drop[6, 7] = 4 * 3 * 2 * grey
    assert drop[6, 7] == pytest.approx(WHOLE - HIDDEN, abs=0.1)
    assert written["images"] == 3
    assert written["predicted_as"] == [0, 0, 1, 0, 0, 0, 2, 0, 0, 0]
    assert list(written["regions"]) == ["2", "4"]
    assert written["regions"]["2"]["grid"] == [14, 14]
    assert written["regions"]["4"]["grid"] == [7, 7]
    for entry, hidings in zip(written["regions"].values(), (3 * 196, 3 * 49), strict=True):
        assert entry["critical"] == {
            "mean": pytest.approx(2 / 3),
            "median": 1,
            "most": 1,
            "images_without": pytest.approx(1 / 3),
            "images_by_count": [1, 2],
        }
        changes = np.zeros((10, 10))
        changes[6, 2] = 2
        assert entry["answer_changes"] == {
            "share_of_images": pytest.approx(2 / 3),
            "share_of_hidings": pytest.approx(2 / hidings),
            "from_to": changes.tolist(),
        }
    np.testing.assert_allclose(written["regions"]["2"]["mean_drop"]["6"], drop, rtol=0, atol=1e-12)
    for digit in "0123457 89".replace(" ", ""):
        assert not np.any(written["regions"]["2"]["mean_drop"][digit])
    assert np.flatnonzero(found[1].heatmap[6]).tolist() == [28 * y + x for y in range(12, 16) for x in range(12, 16)]


def test_the_figure_shows_the_numbers(
    lamp_study: tuple[list[RegionStudy], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = lamp_study
    figures = caught(figure_module, monkeypatch)
    figure_module.draw(tmp_path / "one" / "occlusion.png", ASKED, found)
    [figure] = figures
    maps = [axes for axes in figure.axes if axes.images and len(axes.images[0].get_array()) == 28]
    assert len(maps) == 20
    for number, axes in enumerate(maps):
        one, digit = found[number // 10], number % 10
        np.testing.assert_array_equal(axes.images[0].get_array(), one.heatmap[digit])
        limit = float(np.abs(one.heatmap).max())
        assert axes.images[0].get_clim() == (-limit, limit)
    assert [axes.get_title() for axes in maps] == [*"0123456789", *[""] * 10]
    images, hidings = figure.axes[-1].lines
    assert images.get_xydata().tolist() == [[2, found[0].images_changed], [4, found[1].images_changed]]
    assert hidings.get_xydata().tolist() == [[2, found[0].hidings_changed], [4, found[1].hidings_changed]]
    assert (tmp_path / "one" / "occlusion.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_in_which_nothing_drops_is_drawn_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "REGIONS", (4,))
    blank = Digits(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
    found, _ = measured(STUDY, checkpoint_of(lamp_network()), blank, tmp_path)
    assert not found[0].drop.any()
    figure_module.draw(tmp_path / "blank.png", ASKED, found)
    assert (tmp_path / "blank.png").exists()
