from math import prod
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from numpy.typing import NDArray
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.trainer.figures import filters
from konkyo.trainer.figures.filters import _HEAD, _TOP, _Layout
from konkyo.trainer.studies.usage import measure
from tests.helpers.oracles import LENET, PAIRED, SUMMED, random_network, title

DPI = 144
RED, BLUE = (0xD7, 0x18, 0x2A), (0x1C, 0x5F, 0xD8)
Pixels = NDArray[np.uint8]
SHAPES = [PAIRED, SUMMED, LENET, two_stages(Wiring.PAIRED, 1, 1), two_stages(Wiring.SUMMED, 12, 2)]


def drawn(path: Path, architecture: Architecture, favourite: int = 0, runner_up: int = -1) -> Pixels:
    """The figure of a network in which every class uses one pair in seven pictures of ten, another in the others."""
    pairs = architecture.pairs
    flat = np.zeros((10, 10, pairs[0] * pairs[1]))
    flat[:, :7, favourite] = flat[:, 7:, runner_up] = 1
    values = flat.reshape(10, 10, *pairs)
    maps = np.zeros((10, *pairs, 5, 5))
    maps[:, :, :, 2, 2] = values.mean(1)
    filters.draw(path, "some", random_network(architecture, 1), measure(list(values), 100, 10), maps)
    return np.asarray(Image.open(path).convert("RGB"))


def layout_of(architecture: Architecture) -> _Layout:
    return _Layout([*range(architecture.pairs[0])], [*range(architecture.pairs[1])], 10)


def near(pixels: Pixels, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = np.abs(pixels.astype(int) - colour).max(-1) < 40
    return close


@pytest.mark.parametrize("architecture", SHAPES, ids=title)
def test_the_frames_are_where_the_places_are(architecture: Architecture, tmp_path: Path) -> None:
    last = prod(architecture.pairs) - 1
    pixels, layout = drawn(tmp_path / "a.png", architecture, 0, last), layout_of(architecture)
    for digit in (0, 6):
        left, top = layout.panel(digit)
        for pair, colour in ((0, RED), (last, BLUE)):
            if pair == last == 0:
                continue
            i, j = divmod(pair, architecture.pairs[1])
            x, y = left + j * layout.pitch, top + _HEAD + i * layout.pitch
            column = pixels[round((y + layout.tile / 2) * DPI), round((x - 0.05) * DPI) : round((x + 0.01) * DPI)]
            assert near(column, colour).any(), (digit, pair)
            inside = pixels[round((y + layout.tile / 10) * DPI), round((x + layout.tile / 10) * DPI)]
            assert inside.tolist() == [0xF5, 0xF4, 0xF1]


@pytest.mark.parametrize("architecture", SHAPES, ids=title)
def test_nothing_reaches_the_edge(architecture: Architecture, tmp_path: Path) -> None:
    pixels = drawn(tmp_path / "a.png", architecture).copy()
    wide, high = layout_of(architecture).size
    assert pixels.shape[:2] == pytest.approx((high * DPI, wide * DPI), abs=1)
    margin = 22
    pixels[margin:-margin, margin:-margin] = 255
    assert (pixels == 255).all()
    assert max(pixels.shape) < 2400


def test_where_the_first_dominates_there_is_no_blue(tmp_path: Path) -> None:
    both, alone = drawn(tmp_path / "a.png", PAIRED, 4, 8), drawn(tmp_path / "b.png", PAIRED, 4, 4)
    assert near(both, BLUE).sum() > 1000
    assert near(alone, BLUE).sum() == 0
    assert near(alone, RED).sum() > 1000


def test_without_any_contribution_it_is_neutral(tmp_path: Path) -> None:
    usage = measure([np.zeros((3, 1, 2))] * 10, 30, 3)
    network = random_network(two_stages(Wiring.PAIRED, 1, 2), 1)
    filters.draw(tmp_path / "a.png", "some", network, usage, np.zeros((10, 1, 2, 5, 5)))
    pixels, layout = np.asarray(Image.open(tmp_path / "a.png").convert("RGB")), layout_of(network.architecture)
    left, _ = layout.panel(0)
    middle = round((_TOP + _HEAD + layout.tile / 2) * DPI), round((left + layout.tile / 2) * DPI)
    assert pixels[middle].tolist() == [0xF5, 0xF4, 0xF1]
