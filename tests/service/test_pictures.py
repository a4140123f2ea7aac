"""Every picture is the stored one. ``python -m tests.service.pictures`` makes them anew."""

from itertools import combinations

import numpy as np
import pytest

from konkyo.service.drawing.primitives.canvas import BODY, NOTE
from konkyo.service.drawing.primitives.colours import INK, MUTED, SHADES, colour_of
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style
from support.pictures import decode
from tests.service.pictures import FOLDER, PICTURES, Rgb, difference, drawn, path_of


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_stored_one_and_no_two_lines_of_text_overlap(name: str) -> None:
    colours, letters, lines = drawn(name)
    assert difference(colours, decode(path_of(name).read_bytes()), letters) == ""
    assert len(lines) > 2
    assert not [(one, other) for one, other in combinations(lines, 2) if one.box.overlaps(other.box)]


@pytest.mark.parametrize("name", ["pair-drops", "process", "usage"])
def test_the_scale_multiplies_every_size(name: str) -> None:
    """Letters are drawn anew, and so are circles and slanting lines; all else is enlarged. Others are stored twice as
    large.
    """
    small, large = (PICTURES[name].styled(Style(scale)) for scale in (1, 3))
    assert isinstance(small, Raster)
    assert isinstance(large, Raster)
    assert large.size == (3 * small.size[0], 3 * small.size[1])
    assert (large.pixels == small.pixels.repeat(3, 0).repeat(3, 1)).mean() > 0.93


def test_every_stored_picture_is_one_of_them_and_all_are_small() -> None:
    assert sorted(path.stem for path in FOLDER.iterdir()) == sorted(PICTURES)
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1.5e6


def _written(text: str, size: int, colour: int) -> Rgb:
    canvas = Raster(80, 40, Style())
    canvas.text(30, 24, text, size, colour)
    return decode(canvas.encode())


LETTERS = np.ones((40, 80), bool)


@pytest.mark.parametrize(("size", "colour"), [(NOTE, MUTED), (BODY, INK)])
def test_no_digit_passes_for_another(size: int, colour: int) -> None:
    for one, other in combinations("0123456789", 2):
        first, second = (_written(f"1.{digit}2", size, colour) for digit in (one, other))
        assert difference(first, second, LETTERS), (one, other)
    assert difference(_written("1.23", size, colour), _written("−1.23", size, colour), LETTERS)


def test_the_edges_of_letters_may_be_a_shade_lighter_or_darker() -> None:
    """As another FreeType may draw them; and nothing else may."""
    canvas = Raster(80, 40, Style())
    canvas.text(30, 24, "1.23", BODY)
    shades = canvas.pixels.copy()
    edges = (shades > INK - SHADES) & (shades < INK)
    shades[edges] += np.random.default_rng(1).choice([-1, 0, 1], edges.sum()).astype(np.uint8)
    other, colours = colour_of("light", shades), colour_of("light", canvas.pixels)
    assert difference(other, colours, LETTERS) == ""
    assert "pixels have another colour" in difference(other, colours, ~LETTERS)


def test_another_colour_place_or_size_is_found() -> None:
    stored, letters = decode(path_of("ledger").read_bytes()), drawn("ledger")[1]
    other = stored.copy()
    other[200, 200] ^= 16
    assert difference(other, stored, letters) == "1 pixels have another colour, the first at x = 200, y = 200"
    assert difference(np.roll(stored, 1, 1), stored, letters)
    assert difference(stored[:-1], stored, letters) == "it is 525×648, and the stored one 525×649"
