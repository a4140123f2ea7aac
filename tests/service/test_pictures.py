"""Every picture is the stored one. ``python -m tests.service.pictures`` makes them anew."""

from itertools import combinations

import numpy as np
import pytest

from konkyo.service.drawing.primitives.canvas import BODY, NOTE
from konkyo.service.drawing.primitives.colours import INK, MUTED, SHADES, colour_of
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style
from support.pictures import decode
from tests.service.pictures import FOLDER, PICTURES, Rgb, changed, difference, letters_in, lines_in, path_of
from tools import gallery


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_stored_one_and_no_two_lines_of_text_overlap(name: str) -> None:
    assert changed(name) == ""
    lines = lines_in(name)
    assert len(lines) > 2
    assert not [(one, other) for one, other in combinations(lines, 2) if one.box.overlaps(other.box)]


@pytest.mark.parametrize("name", ["gallery/pairs", "gallery/process", "gallery/usage"])
def test_the_scale_multiplies_every_size(name: str) -> None:
    """Letters are drawn anew, and so are circles and slanting lines; all else is enlarged."""
    small, large = (decode(PICTURES[name].drawn(Style(scale))) for scale in (1, 3))
    assert large.shape == (3 * small.shape[0], 3 * small.shape[1], 3)
    assert (large == small.repeat(3, 0).repeat(3, 1)).all(-1).mean() > 0.93


def test_every_stored_picture_is_one_of_them_and_all_are_small() -> None:
    stored = [*FOLDER.iterdir(), *gallery.PICTURES.iterdir()]
    assert sorted(stored) == sorted(path_of(name) for name in PICTURES)
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
    stored = decode(path_of("ledger-empty").read_bytes())
    letters = letters_in(lines_in("ledger-empty"), stored.shape, 1)
    other = stored.copy()
    other[200, 200] ^= 16
    assert difference(other, stored, letters) == "1 pixels have another colour, the first at x = 200, y = 200"
    assert difference(np.roll(stored, 1, 1), stored, letters)
    assert difference(stored[:-1], stored, letters) == "it is 539×630, and the stored one 539×631"
