"""What pictures are drawn with: the canvas of pixels, letters, outlines, colours, colour bars."""

import math
import sys
import zlib
from importlib.util import module_from_spec, spec_from_file_location
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFont

from konkyo.models.errors import ParameterError
from konkyo.service.drawing.primitives import encoding
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, Box, decimals_for, number
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar, colour_strip
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    GREY,
    INK,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    brightness,
    diverging,
    grey,
    limit_of,
    photo,
    printed,
    rgb,
)
from konkyo.service.drawing.primitives.letters import width, wrapped
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style
from tests.helpers.drawn import written
from tests.helpers.refuse import refuses


def _canvas(scale: int = 1) -> Raster:
    return Raster(120, 40, Style(scale))


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "text"),
    [
        (1.234, 2, False, "1.23"),
        (-1.235001, 2, False, "−1.24"),
        (1.2, 2, True, "+1.20"),
        (-0.001, 2, False, "0.00"),
        (-0.001, 2, True, "0.00"),
        (0.0, 2, True, "0.00"),
        (1234.6, 0, False, "1235"),
        (-0.0000025, 7, True, "−2.5e−06"),
        (-12_300_000, 0, False, "−1.2e+07"),
    ],
)
def test_numbers_have_fixed_decimals_and_a_true_minus(value: float, decimals: int, sign: bool, text: str) -> None:
    assert number(value, decimals, sign) == text


@pytest.mark.parametrize(
    ("value", "decimals"),
    [(0, 2), (0.1, 2), (-9.99, 2), (99.9, 2), (100, 1), (-1000, 0), (1e7, 0), (0.05, 3), (0.002, 4), (3e-6, 7)],
)
def test_decimals_follow_the_size_of_the_number(value: float, decimals: int) -> None:
    assert decimals_for(value) == decimals


@pytest.mark.parametrize(("width", "height", "scale", "most"), [(1001, 40, 4, 3), (40, 2001, 2, 1)])
def test_a_picture_of_more_than_4000_pixels_is_refused(width: int, height: int, scale: int, most: int) -> None:
    message = f"this picture is {width}×{height} pixels at scale 1, so scale must be at most {most}, not {scale}"
    with pytest.raises(ParameterError, match=message) as refused:
        Raster(width, height, Style(scale))
    assert refused.value.parameter == "scale"
    assert Raster(width, height, Style(most)).picture().size == (width * most, height * most)


def test_text_that_makes_a_picture_too_wide_is_refused() -> None:
    canvas = Raster(990, 40, Style(4))
    canvas.text(950, 30, "a caption that is wider", BODY)
    with pytest.raises(ParameterError, match="so scale must be at most 3, not 4"):
        canvas.picture()


def test_without_a_font_that_can_be_scaled_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFont, "load_default", lambda _: ImageFont.ImageFont())
    with refuses(RuntimeError, "Pillow was built without FreeType, so it has no font that can be scaled"):
        width("a size that no picture has", 4999)


def test_without_isal_a_png_has_the_same_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not serve has it not: zlib takes its place."""
    monkeypatch.setitem(sys.modules, "isal", None)
    spec = spec_from_file_location("encoding_without_isal", encoding.__file__)
    assert spec is not None
    assert spec.loader is not None
    without = module_from_spec(spec)
    spec.loader.exec_module(without)
    assert without.deflating is zlib
    colours = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    for module in (without, encoding):
        assert (np.asarray(Image.open(BytesIO(module.encoded(colours)))) == colours).all()


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("align", [0, 0.5])
def test_text_that_is_wider_than_the_picture_makes_it_wider(scale: int, align: float) -> None:
    canvas, text = _canvas(scale), "a caption that is wider than its picture, 0.123456"
    canvas.fill(Box(0, 0, 5, 40), FIRST)
    canvas.text(96, 30, text, BODY, align=align)
    right = math.ceil(96 + (1 - align) * width(text, BODY))
    assert canvas.pixels.shape == (40 * scale, (right + MARGIN) * scale)
    assert (canvas.pixels[:, -(MARGIN - 1) * scale :] == PAPER).all()
    if not align:
        assert (canvas.region(Box(0, 0, 5, 40)) == FIRST).all()
        assert written(canvas.picture(), text, BODY, scale=scale) == [(96 * scale, 30 * scale)]


@pytest.mark.parametrize("scale", [0, 5])
def test_a_scale_out_of_range_is_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 4, not {scale}"):
        _canvas(scale)


def test_lines_are_wrapped_at_spaces() -> None:
    text = "However the other 16 are hidden"
    lines = wrapped(text, BODY, width("However the other", BODY))
    assert lines == ["However the other", "16 are hidden"]
    assert wrapped("unbreakable word", BODY, 10) == ["unbreakable", "word"]
    assert wrapped("", BODY, 10) == []


THEMES = ["light", "dark"]


def _lab(theme: str, index: int) -> np.ndarray:
    """CIELAB of a palette entry: lightness 0…100, and the two axes of hue."""
    srgb = np.array(rgb(theme, index)) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_zero_is_the_neutral_colour_and_the_limits_are_the_ends() -> None:
    values = np.array([-2.5, 0.0, 2.5])
    assert diverging(values, 2.5).tolist() == [NEGATIVE, NEUTRAL, POSITIVE]


def test_equal_amounts_are_equally_far_from_neutral() -> None:
    values = np.linspace(0, 3, 50)
    above = diverging(values, 3).astype(int) - NEUTRAL
    below = NEUTRAL - diverging(-values, 3).astype(int)
    assert above.tolist() == below.tolist()
    assert (np.diff(above) >= 0).all()
    assert len(set(above.tolist())) == 50


def test_beyond_the_limit_the_ends_are_kept() -> None:
    assert diverging(np.array([-9.0, 9.0]), 1).tolist() == [NEGATIVE, POSITIVE]


@pytest.mark.parametrize("value", [0.0, 4.0, -4.0])
def test_a_constant_array_draws_without_a_warning(value: float) -> None:
    array = np.full((5, 5), value, np.float32)
    expected = NEUTRAL + int(np.sign(value)) * (POSITIVE - NEUTRAL)
    assert (diverging(array, limit_of(array)) == expected).all()


def test_the_smallest_numbers_still_reach_both_ends() -> None:
    array = np.array([-1e-38, 0, 1e-38], np.float32)
    assert diverging(array, limit_of(array)).tolist() == [NEGATIVE, NEUTRAL, POSITIVE]


def test_grey_goes_from_background_to_ink_and_clips() -> None:
    background, half, ink = grey(np.array([0.0, 0.5, 1.0])).tolist()
    assert background == GREY
    assert half - background == ink - half
    assert grey(np.array([-1.0, 2.0])).tolist() == [background, ink]


@pytest.mark.parametrize("theme", THEMES)
def test_both_sides_are_equally_light_step_by_step(theme: str) -> None:
    for step in range(POSITIVE - NEUTRAL + 1):
        above, below = _lab(theme, NEUTRAL + step)[0], _lab(theme, NEUTRAL - step)[0]
        assert above == pytest.approx(below, abs=1), step


@pytest.mark.parametrize("theme", THEMES)
def test_lightness_runs_one_way_from_neutral_to_the_end(theme: str) -> None:
    lightness = np.array([_lab(theme, index)[0] for index in range(NEUTRAL, POSITIVE + 1)])
    direction = 1 if theme == "dark" else -1
    assert (np.diff(lightness) * direction > 0).all()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("frame", [FIRST, SECOND])
def test_the_frames_are_no_colour_of_the_scale(theme: str, frame: int) -> None:
    """A difference of 2 is just visible; 40 is another colour."""
    distances = [np.linalg.norm(_lab(theme, frame) - _lab(theme, index)) for index in range(NEGATIVE, POSITIVE + 1)]
    assert min(distances) > 40


def test_the_themes_have_opposite_paper_and_ink() -> None:
    assert _lab("light", PAPER)[0] > 95 > 20 > _lab("light", INK)[0]
    assert _lab("dark", PAPER)[0] < 20 < 90 < _lab("dark", INK)[0]


@pytest.mark.parametrize("theme", THEMES)
def test_a_photograph_over_a_heatmap_leaves_even_parts_and_moves_edges_towards_ink(theme: str) -> None:
    indices = diverging(np.linspace(-1, 1, 32 * 32).reshape(32, 32), 1.0)
    plain = np.array([rgb(theme, index) for index in indices.ravel().tolist()]).reshape(32, 32, 3)
    image = np.full((3, 32, 32), 0.5)
    assert (printed(indices, image, theme) == plain).all()
    dark, light = image.copy(), image.copy()
    dark[:, 16, 16], light[:, 16, 16] = 0.0, 1.0
    ink, other = (dark, light) if theme == "light" else (light, dark)
    drawn = printed(indices, ink, theme).astype(int)
    to_ink = np.array(rgb(theme, INK), int) - plain[16, 16]
    assert ((drawn[16, 16] - plain[16, 16]) * np.sign(to_ink) > 0.4 * np.abs(to_ink)).all()
    # The other extreme is not drawn itself; the pixels around it differ from it, a little.
    assert (printed(indices, other, theme)[16, 16] == plain[16, 16]).all()
    assert (printed(indices, other, theme)[0:10, 0:10] == plain[0:10, 0:10]).all()


def test_green_is_the_brightest_of_three_colours() -> None:
    red, green, blue = (brightness(np.eye(3)[channel].reshape(3, 1, 1))[0, 0] for channel in range(3))
    assert green > red > blue > 0
    assert red + green + blue == pytest.approx(1)
    assert (photo(np.array([[[0.2]], [[1.5]], [[-1.0]]])) == [[[51, 255, 0]]]).all()


LEFT, TOP = 40, 30


def _bar(height: int, limit: float, scale: int = 1) -> Raster:
    canvas = Raster(160, height + 60, Style(scale))
    colour_bar(canvas, LEFT, TOP, height, limit, "drop")
    return canvas


@pytest.mark.parametrize("limit", [0.0, 2e-9, 0.0123, 3.5, 99.99, 12345.0, 4e8])
def test_numbers_and_title_end_where_the_bar_says(limit: float) -> None:
    """Limits from the tiniest drop to the largest logit: nothing reaches beyond ``bar_width``."""
    canvas = _bar(201, limit)
    _, columns = np.nonzero(canvas.pixels != PAPER)
    assert LEFT + bar_width(limit) - 2 <= columns.max() + 1 <= LEFT + bar_width(limit) + 1


STRIP = Box(30, 20, 130, 26)


def _strip(limit: float, signed: bool, box: Box = STRIP, scale: int = 1) -> Raster:
    canvas = Raster(160, 60, Style(scale))
    colour_strip(canvas, box, limit, signed)
    return canvas


def test_a_strip_too_short_for_two_numbers_has_one() -> None:
    image = _strip(2e-8, True, Box(60, 20, 130, 26)).picture()
    assert len(written(image, "+2.0e−08", NOTE, MUTED)) == 1
    assert written(image, "−2.0e−08", NOTE, MUTED) == []
