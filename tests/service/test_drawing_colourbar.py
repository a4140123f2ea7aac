import numpy as np
import pytest

from konkyo.service.drawing.primitives.canvas import NOTE, Box
from konkyo.service.drawing.primitives.colourbar import STRIP_NUMBERS, WIDTH, bar_width, colour_bar, colour_strip
from konkyo.service.drawing.primitives.colours import GREY, INK, INK_GREY, MUTED, NEGATIVE, NEUTRAL, PAPER, POSITIVE
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style
from tests.helpers.drawn import written

LEFT, TOP = 40, 30


def _bar(height: int, limit: float, scale: int = 1) -> Raster:
    canvas = Raster(160, height + 60, Style(scale))
    colour_bar(canvas, LEFT, TOP, height, limit, "drop")
    return canvas


@pytest.mark.parametrize("scale", [1, 3])
def test_the_bar_runs_from_the_positive_end_down_to_the_negative(scale: int) -> None:
    canvas = _bar(201, 2.0, scale)
    bar = canvas.pixels[TOP * scale : (TOP + 201) * scale, LEFT * scale : (LEFT + WIDTH) * scale]
    assert (bar == bar[:, :1]).all()
    column = bar[:, 0].astype(int)
    assert column[[0, len(column) // 2, -1]].tolist() == [POSITIVE, NEUTRAL, NEGATIVE]
    assert set(np.diff(column).tolist()) <= {0, -1}, "no colour of the scale is left out"


def test_numbers_stand_at_their_colours() -> None:
    canvas = _bar(201, 2.0)
    image = canvas.picture()
    for text, share, colour in (
        ("+2.00", 1, INK),
        ("+1.00", 0.5, MUTED),
        ("0", 0, INK),
        ("−1.00", -0.5, MUTED),
        ("−2.00", -1, INK),
    ):
        spots = written(image, text, NOTE, colour)
        assert len(spots) == 1, text
        digits_middle = spots[0][1] - 0.35 * NOTE
        index = int(canvas.pixels[int(digits_middle), LEFT])
        assert index == pytest.approx(NEUTRAL + share * (POSITIVE - NEUTRAL), abs=1), text


def test_a_low_bar_has_no_numbers_between() -> None:
    image = _bar(80, 2.0).picture()
    assert written(image, "+1.00", NOTE, MUTED) == []
    assert len(written(image, "+2.00", NOTE)) == len(written(image, "−2.00", NOTE)) == 1


def test_with_limit_zero_there_is_nothing_but_zero() -> None:
    canvas = _bar(201, 0.0)
    assert (canvas.pixels[TOP : TOP + 201, LEFT : LEFT + WIDTH] == NEUTRAL).all()
    assert len(written(canvas.picture(), "0", NOTE)) == 1
    assert written(canvas.picture(), "0.00", NOTE) == []


@pytest.mark.parametrize("limit", [0.0, 2e-9, 0.0123, 3.5, 99.99, 12345.0, 4e8])
def test_numbers_and_title_end_where_the_bar_says(limit: float) -> None:
    """Limits from the tiniest drop to the largest logit: nothing reaches beyond ``bar_width``."""
    canvas = _bar(201, limit)
    _, columns = np.nonzero(canvas.pixels != PAPER)
    assert LEFT + bar_width(limit) - 2 <= columns.max() + 1 <= LEFT + bar_width(limit) + 1


def test_the_title_stands_above_flush_right() -> None:
    spots = written(_bar(201, 2.0).picture(), "drop", NOTE, MUTED)
    assert len(spots) == 1
    assert spots[0][1] < TOP - 5


STRIP = Box(30, 20, 130, 26)


def _strip(limit: float, signed: bool, box: Box = STRIP, scale: int = 1) -> Raster:
    canvas = Raster(160, 60, Style(scale))
    colour_strip(canvas, box, limit, signed)
    return canvas


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize(("signed", "least"), [(True, NEGATIVE), (False, NEUTRAL)])
def test_a_strip_runs_from_its_least_colour_to_the_positive_end(signed: bool, least: int, scale: int) -> None:
    strip = _strip(2.0, signed, scale=scale).region(STRIP)
    assert (strip == strip[:1]).all()
    assert (strip[0, 0], strip[0, -1]) == (least, POSITIVE)
    assert (np.diff(strip[0].astype(int)) >= 0).all()


@pytest.mark.parametrize("signed", [True, False])
def test_a_strip_of_greys_runs_from_paper_to_ink(signed: bool) -> None:
    canvas = Raster(160, 60, Style())
    colour_strip(canvas, STRIP, 2.0, signed, greys=True)
    strip = canvas.region(STRIP)
    assert (strip[0, 0], strip[0, -1]) == (GREY, INK_GREY)
    assert (np.diff(strip[0].astype(int)) >= 0).all()


@pytest.mark.parametrize(("signed", "least"), [(True, "−2.00"), (False, "0")])
def test_a_strip_has_its_ends_in_numbers(signed: bool, least: str) -> None:
    image = _strip(2.0, signed).picture()
    left, right = written(image, least, NOTE, MUTED), written(image, "+2.00", NOTE, MUTED)
    assert [y for _, y in left + right] == [STRIP.bottom + STRIP_NUMBERS] * 2
    assert abs(left[0][0] - STRIP.left) < 2
    assert STRIP.left + 50 < right[0][0] < STRIP.right


def test_a_strip_too_short_for_two_numbers_has_one() -> None:
    image = _strip(2e-8, True, Box(60, 20, 130, 26)).picture()
    assert len(written(image, "+2.0e−08", NOTE, MUTED)) == 1
    assert written(image, "−2.0e−08", NOTE, MUTED) == []


@pytest.mark.parametrize("signed", [True, False])
def test_a_strip_of_nothing_is_neutral(signed: bool) -> None:
    canvas = _strip(0.0, signed)
    assert (canvas.region(STRIP) == NEUTRAL).all()
    assert len(written(canvas.picture(), "0", NOTE, MUTED)) == 1
