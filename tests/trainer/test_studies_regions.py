"""The studies of occlusion and of grounds, on paper and in their figures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from konkyo.models.errors import BudgetError
from konkyo.models.grounds.proofs import grounds
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Labelled
from konkyo.trainer.figures import grounds as grounds_figure
from konkyo.trainer.figures import occlusion as occlusion_figure
from konkyo.trainer.studies import grounds as grounds_module
from konkyo.trainer.studies import occlusion as occlusion_module
from konkyo.trainer.studies.grounds import GroundsStudy, auroc
from konkyo.trainer.studies.occlusion import RegionStudy
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, checkpoint_of, lamp_network
from tests.helpers.studies import ASKED, caught, lamps, measured

THIRD, TWO_THIRDS = pytest.approx(1 / 3), pytest.approx(2 / 3)


@pytest.fixture
def occluded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[list[RegionStudy], dict[str, Any]]:
    monkeypatch.setattr(occlusion_module, "REGIONS", (2, 4))
    monkeypatch.setattr(occlusion_module, "CHUNK", 2)
    return measured(occlusion_module.STUDY, checkpoint_of(lamp_network()), lamps(0, 0, 0), tmp_path)


def proven(runs: Path) -> tuple[GroundsStudy, dict[str, Any]]:
    """The lamp with dust is said to be a 0."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grounds_module, "CHUNK", 2)
        return measured(grounds_module.STUDY, checkpoint_of(lamp_network()), lamps(6, 0, 2), runs)


def changes_to_2() -> list[list[int]]:
    """Two images of a 6 become a 2."""
    changes = np.zeros((10, 10), int)
    changes[6, 2] = 2
    found: list[list[int]] = changes.tolist()
    return found


def test_occlusion_on_paper(occluded: tuple[list[RegionStudy], dict[str, Any]]) -> None:
    found, written = occluded
    assert written["images"] == 3
    assert written["predicted_as"] == [0, 0, 1, 0, 0, 0, 2, 0, 0, 0]
    assert {region: one["grid"] for region, one in written["regions"].items()} == {"2": [14, 14], "4": [7, 7]}
    critical = {"mean": TWO_THIRDS, "median": 1, "most": 1, "images_without": THIRD, "images_by_count": [1, 2]}
    for entry, hidings in zip(written["regions"].values(), (3 * 196, 3 * 49), strict=True):
        assert entry["critical"] == critical
        assert entry["answer_changes"] == {
            "share_of_images": TWO_THIRDS,
            "share_of_hidings": pytest.approx(2 / hidings),
            "from_to": changes_to_2(),
        }
    drop = np.zeros((10, 14, 14))
    drop[6, 6, 7] = (WHOLE - HIDDEN) * (128 / 127.5)
    np.testing.assert_allclose([*written["regions"]["2"]["mean_drop"].values()], drop, rtol=0, atol=1e-12)
    assert np.flatnonzero(found[1].heatmap[6]).tolist() == [28 * y + x for y in range(12, 16) for x in range(12, 16)]


def test_the_figure_of_occlusion_shows_the_numbers(
    occluded: tuple[list[RegionStudy], dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, _ = occluded
    figures = caught(occlusion_figure, monkeypatch)
    occlusion_figure.draw(tmp_path / "one" / "occlusion.png", ASKED, found)
    [figure] = figures
    maps = [axes for axes in figure.axes if axes.images and len(axes.images[0].get_array()) == 28]
    assert [axes.get_title() for axes in maps] == [*"0123456789", *[""] * 10]
    for number, axes in enumerate(maps):
        one, digit = found[number // 10], number % 10
        np.testing.assert_array_equal(axes.images[0].get_array(), one.heatmap[digit])
        limit = float(np.abs(one.heatmap).max())
        assert axes.images[0].get_clim() == (-limit, limit)
    images, hidings = figure.axes[-1].lines
    assert images.get_xydata().tolist() == [[2, found[0].images_changed], [4, found[1].images_changed]]
    assert hidings.get_xydata().tolist() == [[2, found[0].hidings_changed], [4, found[1].hidings_changed]]
    assert (tmp_path / "one" / "occlusion.png").read_bytes().startswith(b"\x89PNG")


def test_where_nothing_drops_the_figure_is_drawn_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(occlusion_module, "REGIONS", (4,))
    blank = Labelled(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
    found, _ = measured(occlusion_module.STUDY, checkpoint_of(lamp_network()), blank, tmp_path)
    assert not found[0].drop.any()
    occlusion_figure.draw(tmp_path / "blank.png", ASKED, found)
    assert (tmp_path / "blank.png").exists()


def test_grounds_on_paper(tmp_path: Path) -> None:
    found, written = proven(tmp_path)
    assert (written["images"], written["region"], written["fill"]) == (3, 4, 0)
    assert found.label.tolist() == [6, 0, 2]
    assert found.predicted.tolist() == [6, 6, 2]
    assert found.becomes.tolist() == [2, 2, -1]
    whole = HIDDEN + (WHOLE - HIDDEN) * (128 / 127.5)
    lamp, dust = (np.exp(-np.array([0, *others])).sum() for others in ([whole - 10, *[whole] * 8], [2, *[10] * 8]))
    np.testing.assert_allclose(found.probability, [1 / lamp, 1 / lamp, 1 / dust], rtol=1e-12)
    groups = written["groups"]
    everyone = groups["all"]
    assert everyone["outcomes"] == {"smallest": 3, "irreducible": 0, "over budget": 0}
    players = {"mean": pytest.approx(4 / 3), "median": 1, "most": 2, "images_by_count": [0, 2, 1]}
    suffice = {"mean": TWO_THIRDS, "median": 1, "most": 1, "images_by_count": [1, 2], "share_empty": THIRD}
    change = {"mean": 1, "median": 1, "most": 1, "images_by_count": [0, 2]}
    assert everyone["players"] == players
    assert everyone["sufficient"] == suffice
    assert everyone["contrast"] == {**change, "share_none": THIRD, "share_single": TWO_THIRDS}
    assert [groups[name]["images"] for name in ("right", "wrong", "6", "2", "0")] == [2, 1, 2, 1, 0]
    assert (groups["0"]["contrast"]["mean"], groups["0"]["sufficient"]["share_empty"]) == (None, None)
    assert written["changes_from_to"] == changes_to_2()
    # The wrong one ties with one right one, and stands before the dust, in both: 6 is surer than 2.
    assert written["auroc_of_wrong"] == {"fewest regions": 0.75, "softmax probability": 0.25}


def test_what_has_no_answer_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def grounds_or_not(network: Network, image: Array) -> Any:
        if not image[LAMP] or image[2, 2]:
            raise BudgetError("too much")
        return grounds(network, image)

    monkeypatch.setattr(grounds_module, "grounds", grounds_or_not)
    found, written = proven(tmp_path)
    assert found.sufficient.tolist() == found.fewest.tolist() == [1, -1, -1]
    assert found.players.tolist() == [1, 2, 1]
    assert written["groups"]["all"]["outcomes"] == {"smallest": 1, "irreducible": 0, "over budget": 2}
    assert written["groups"]["all"]["sufficient"]["images_by_count"] == [0, 1]
    assert written["auroc_of_wrong"] == {"fewest regions": None, "softmax probability": None}


def test_the_figure_of_grounds_shows_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = proven(tmp_path)
    figures = caught(grounds_figure, monkeypatch)
    grounds_figure.draw(tmp_path / "one" / "grounds.png", ASKED, found)
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
    one, _ = proven(tmp_path)
    monkeypatch.setattr(grounds_figure, "MOST_SUFFICIENT", 2)
    many = GroundsStudy(**{**vars(one), "sufficient": np.array([3, 2, 1])})
    figures = caught(grounds_figure, monkeypatch)
    grounds_figure.draw(tmp_path / "grounds.png", ASKED, many)
    suffice = figures[0].axes[0]
    assert [label.get_text() for label in suffice.get_xticklabels()] == ["1", "2+"]
    assert [bar.get_height() for bar in suffice.patches] == [0.5, 0.5, 0, 1]


def test_without_answers_the_figure_is_drawn_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> Any:
        raise BudgetError("too much")

    monkeypatch.setattr(grounds_module, "grounds", refused)
    found, _ = proven(tmp_path)
    grounds_figure.draw(tmp_path / "none.png", ASKED, found)
    assert (tmp_path / "none.png").exists()


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(3)
    warning, wrong = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.3
    pairs = [(bad > good) + 0.5 * (bad == good) for bad in warning[wrong] for good in warning[~wrong]]
    assert auroc(warning, wrong) == pytest.approx(np.mean(pairs))
    # Where all are right or all are wrong there is none.
    assert auroc(warning, np.zeros(40, bool)) is None
    assert auroc(warning, np.ones(40, bool)) is None
