"""The occlusion study by brute force, on paper, interrupted, and as a command."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import konkyo.trainer.figures.occlusion as figure_module
import konkyo.trainer.studies.occlusion as study_module
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.occlusion import STUDY, RegionStudy
from konkyo.trainer.studies.study import Asked
from tests.helpers.lamp import HIDDEN, WHOLE, checkpoint_of, lamp_network
from tests.helpers.oracles import PAIRED, random_network
from tests.helpers.studies import ASKED, caught, lamps, measured, studied


def brute(network: Network, digits: Digits, region: int) -> tuple[Any, list[int], Counter[tuple[int, int]], list[int]]:
    """Sums of drops by class and region, critical regions an image, changes, and classes that are read."""
    side = -(-28 // region)
    sums = np.zeros((10, side, side))
    critical, changes, read = [], Counter[tuple[int, int]](), []
    for image in digits.scaled(np.float64):
        before = network.logits(image)
        digit = int(before.argmax())
        read.append(digit)
        critical.append(0)
        for row, column in np.ndindex(side, side):
            hidden = image.copy()
            hidden[row * region : (row + 1) * region, column * region : (column + 1) * region] = 0
            after = network.logits(hidden)
            sums[digit, row, column] += before[digit] - after[digit]
            if after.argmax() != digit:
                critical[-1] += 1
                changes[digit, int(after.argmax())] += 1
    return sums, critical, changes, read


def test_the_study_is_hiding_every_region_by_hand(
    digits: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "CHUNK", 5)
    network, some = random_network(PAIRED, 101), digits[:12]
    monkeypatch.setattr(study_module, "REGIONS", (6, 7))
    told: list[int] = []

    def begin(count: int) -> Any:
        told.append(count)
        return lambda: told.append(1)

    found = STUDY.measure(Asked(checkpoint_of(network), some, tmp_path), begin)
    assert told == [6, *[1] * 6]
    for one, region in zip(found, (6, 7), strict=True):
        sums, critical, changes, read = brute(network, some, region)
        assert one.region == region
        assert one.predicted.tolist() == [read.count(digit) for digit in range(10)]
        np.testing.assert_allclose(one.drop * np.maximum(one.predicted, 1)[:, None, None], sums, rtol=0, atol=1e-11)
        assert one.critical.tolist() == critical
        assert sum(critical) > 0
        assert {(int(a), int(b)): int(one.changes[a, b]) for a, b in np.argwhere(one.changes)} == dict(changes)
        assert one.images_changed == pytest.approx(np.mean([count > 0 for count in critical]))
        assert one.hidings_changed == pytest.approx(sum(critical) / (12 * len(sums[0]) ** 2))


@pytest.fixture
def lamp_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[list[RegionStudy], dict[str, Any]]:
    monkeypatch.setattr(study_module, "REGIONS", (2, 4))
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


@pytest.mark.usefixtures("unrendered")
def test_the_command_goes_on_where_it_was(tmp_path: Path, digits: Digits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "CHUNK", 5)
    asked: list[int] = []

    def interrupted(network: Network, images: Any, *, hiding: Hiding) -> Any:
        asked.append(hiding.regions.region)
        if len(asked) == 5:
            raise KeyboardInterrupt
        return occlude(network, images, hiding=hiding)

    monkeypatch.setattr(study_module, "occlude", interrupted)
    stopped = studied(STUDY, tmp_path, "--images=12")
    assert stopped.exit_code == 130
    assert "interrupted: the same command goes on from the last part" in stopped.output
    assert not (tmp_path / "out").exists()
    result = studied(STUDY, tmp_path, "--images=12")
    assert result.exit_code == 0
    assert asked == [2, 2, 2, 4, 4, 4, 4, 6, 6, 6, 8, 8, 8]
    assert "Each region of 12 test images is hidden alone, by the value 0." in result.output
    assert (tmp_path / "out" / "paired-3x3" / "occlusion.png").exists()
    written = json.loads((tmp_path / "out" / "paired-3x3" / "occlusion.json").read_text())
    checkpoint = load_all()["paired-3x3"]
    assert written["model"] == {"name": "paired-3x3", "sha256": checkpoint.sha256}
    _, critical, changes, _ = brute(checkpoint.precise, digits[:12], 8)
    from_to = written["regions"]["8"]["answer_changes"]["from_to"]
    assert from_to == [[changes[a, b] for b in range(10)] for a in range(10)]
    changed = sum(count > 0 for count in critical) / 12
    row = f"| 8×8 | 16 | {sum(critical) / 12:.2f} | {changed:.1%} | {sum(critical) / 192:.2%} |"
    assert row in result.output.splitlines()


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
