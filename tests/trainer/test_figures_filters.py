from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from matplotlib.colors import to_hex

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.trainer.figures import filters
from konkyo.trainer.figures.filters import FINE, GAP
from konkyo.trainer.figures.style import FIRST, SECOND
from konkyo.trainer.studies.filters import FilterStudy
from konkyo.trainer.studies.study import Asked
from konkyo.trainer.studies.usage import measure
from tests.helpers.lamp import checkpoint_of
from tests.helpers.oracles import LENET, PAIRED, random_network, title
from tests.helpers.studies import ASKED, caught

SIDE = 5 * FINE + GAP


def drawn(monkeypatch: pytest.MonkeyPatch, path: Path, architecture: Architecture, favourite: int, other: int) -> Any:
    """The figure of a network in which every class uses one pair in seven pictures of ten, another in the others."""
    pairs = architecture.pairs
    flat = np.zeros((10, 10, pairs[0] * pairs[1]))
    flat[:, :7, favourite] = flat[:, 7:, other] = 1
    values = flat.reshape(10, 10, *pairs)
    maps = np.zeros((10, *pairs, 5, 5))
    maps[:, :, :, 2, 2] = values.mean(1)
    figures = caught(filters, monkeypatch)
    asked = Asked(checkpoint_of(random_network(architecture, 1), "some"), ASKED.digits, Path())
    filters.draw(path, asked, FilterStudy(measure(list(values), 100, 10), maps))
    return figures[0]


def maps_of(figure: Any) -> list[Any]:
    """Of each class, the axes in which its maps are."""
    return [axes for axes in figure.axes if axes.images and len(axes.get_title())]


def frames(axes: Any) -> dict[str, tuple[float, float]]:
    return {to_hex(patch.get_edgecolor()): patch.get_xy() for patch in axes.patches}


SHAPES = [PAIRED, LENET, two_stages(Wiring.PAIRED, 1, 1), two_stages(Wiring.SUMMED, 12, 2)]


@pytest.mark.parametrize("architecture", SHAPES, ids=title)
def test_each_class_shows_its_maps_and_frames_its_places(
    architecture: Architecture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, columns = architecture.pairs
    figure = drawn(monkeypatch, tmp_path / "a.png", architecture, 0, rows * columns - 1)
    classes = maps_of(figure)
    assert [axes.get_title("left") for axes in classes] == [*"0123456789"]
    for axes in classes:
        shown = axes.images[0].get_array()
        assert shown.shape == (rows * SIDE + GAP, columns * SIDE + GAP)
        middle = [
            [shown[row * SIDE + SIDE // 2, column * SIDE + SIDE // 2] for column in range(columns)]
            for row in range(rows)
        ]
        expected = np.zeros(rows * columns)
        expected[0] += 0.7
        expected[-1] += 0.3
        np.testing.assert_allclose(middle, expected.reshape(rows, columns))
        last = (columns - 1) * SIDE + 0.5, (rows - 1) * SIDE + 0.5
        places = {FIRST: (0.5, 0.5)} if rows * columns == 1 else {FIRST: (0.5, 0.5), SECOND: last}
        assert frames(axes) == places


def test_where_the_first_dominates_there_is_no_blue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = drawn(monkeypatch, tmp_path / "b.png", PAIRED, 4, 4)
    assert [set(frames(axes)) for axes in maps_of(alone)] == [{FIRST}] * 10


def test_without_any_contribution_it_is_neutral(tmp_path: Path) -> None:
    usage = measure([np.zeros((3, 1, 2))] * 10, 30, 3)
    network = random_network(two_stages(Wiring.PAIRED, 1, 2), 1)
    asked = Asked(checkpoint_of(network, "some"), ASKED.digits, Path())
    filters.draw(tmp_path / "a.png", asked, FilterStudy(usage, np.zeros((10, 1, 2, 5, 5))))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
