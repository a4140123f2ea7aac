"""What pictures are drawn with: the canvas of pixels, letters, colours, colour bars."""

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
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, Box, Canvas
from konkyo.service.drawing.primitives.colourbar import colour_strip
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    GREY,
    INK,
    MIDDLE_GREY,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    diverging,
    grey,
    limit_of,
    rgb,
)
from konkyo.service.drawing.primitives.letters import width, wrapped
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Form, Language, Style, Theme
from konkyo.service.drawing.primitives.vector import Vector
from support.pictures import decode
from tests.helpers.refuse import refuses
from tests.service.drawn import lines_of, region


def _canvas(scale: int = 1) -> Raster:
    return Raster(120, 40, Style(scale))


@pytest.mark.parametrize(("width", "height", "scale", "most"), [(1001, 40, 4, 3), (40, 2001, 2, 1)])
def test_a_picture_of_more_than_4000_pixels_is_refused(width: int, height: int, scale: int, most: int) -> None:
    message = f"this picture is {width}×{height} pixels at scale 1, so scale must be at most {most}, not {scale}"
    for canvas in (Raster, Vector):
        with refuses(ParameterError, f"scale: {message}"):
            canvas(width, height, Style(scale))
    assert decode(Raster(width, height, Style(most)).encode()).shape == (height * most, width * most, 3)


def test_text_widens_a_picture_until_it_is_too_wide() -> None:
    canvas, text = Raster(120, 40, Style(4)), "a caption that is wider than its picture, 0.123456"
    canvas.text(96, 30, text, BODY, align=0.5)
    right = math.ceil(96 + width(text, BODY) / 2)
    assert canvas.pixels.shape == (160, (right + MARGIN) * 4)
    canvas.text(950, 30, text, BODY)
    with pytest.raises(ParameterError, match="so scale must be at most 3, not 4"):
        canvas.encode()


@pytest.mark.parametrize("style", [Style(2), Style(2, Theme.DARK), Style(form=Form.SVG)])
def test_what_is_drawn_once_is_what_is_drawn_each_time(style: Style) -> None:
    """Also where something lies beneath it, and where its text makes the picture wider."""

    def part(canvas: Canvas, colour: int, text: str) -> None:
        canvas.heading(text)
        canvas.frame(Box(4, 4, 20, 20), colour)
        canvas.ramp(Box(30, 50, 60, 60), NEGATIVE, POSITIVE)
        canvas.photo(Box(60, 4, 64, 8), np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
        canvas.text(90, 70, text)

    def picture(once: bool, colour: int, text: str) -> bytes:
        canvas = blank(120, 80, style)
        canvas.ramp(Box(0, 0, 30, 80), NEUTRAL, POSITIVE, upright=True)
        for _ in range(2):
            if once:
                canvas.once(part, colour, text)
            else:
                part(canvas, colour, text)
        return canvas.encode()

    arguments = [(FIRST, "a caption"), (SECOND, "a caption"), (FIRST, "one that makes it wider, 0.12")]
    drawn = [picture(False, *some) for some in arguments]
    assert len({*drawn}) == 3
    for _ in range(2):
        assert [picture(True, *some) for some in arguments] == drawn


def test_styles_that_there_are_not_are_refused() -> None:
    for scale in (0, 5):
        with refuses(ValueError, f"scale must be from 1 to 4, not {scale}"):
            Style(scale)
    with refuses(ValueError, "a PNG has English words only; ask for an SVG, or leave the language out"):
        Style(form=Form.PNG, language=Language.JAPANESE)


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


def test_lines_are_wrapped_at_spaces() -> None:
    text = "However the other 16 are hidden"
    assert wrapped(text, BODY, width("However the other", BODY)) == ["However the other", "16 are hidden"]
    assert wrapped("unbreakable word", BODY, 10) == ["unbreakable", "word"]
    assert wrapped("", BODY, 10) == []


# --- Colours


def _lab(theme: str, index: int) -> np.ndarray:
    """CIELAB of a palette entry: lightness 0…100, and the two axes of hue."""
    srgb = np.array(rgb(theme, index)) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ linear / (0.9505, 1, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_the_scale_is_linear_and_symmetric_and_keeps_its_ends() -> None:
    assert diverging(np.array([-9.0, -2.5, 0.0, 2.5, 9.0]), 2.5).tolist() == [
        NEGATIVE,
        NEGATIVE,
        NEUTRAL,
        POSITIVE,
        POSITIVE,
    ]
    values = np.linspace(0, 3, 50)
    above = diverging(values, 3).astype(int) - NEUTRAL
    assert above.tolist() == (NEUTRAL - diverging(-values, 3).astype(int)).tolist()
    assert np.abs(above - values / 3 * (POSITIVE - NEUTRAL)).max() <= 0.5


@pytest.mark.parametrize("value", [0.0, 4.0, -4.0, 1e-38])
def test_a_constant_array_draws_without_a_warning(value: float) -> None:
    array = np.full((5, 5), value, np.float32)
    expected = NEUTRAL + int(np.sign(value)) * (POSITIVE - NEUTRAL)
    assert (diverging(array, limit_of(array)) == expected).all()


def test_grey_goes_from_background_to_ink_and_clips() -> None:
    below, background, half, ink, above = grey(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist()
    assert below == background == GREY
    assert half - background == ink - half > 0
    assert above == ink


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_told_apart_by_their_lightness(theme: str) -> None:
    """Both sides are equally light step by step, from neutral to the end; frames and ink are neither's."""
    scale = {index: _lab(theme, index) for index in range(NEGATIVE, POSITIVE + 1)}
    above = np.array([scale[index][0] for index in range(NEUTRAL, POSITIVE + 1)])
    below = np.array([scale[index][0] for index in range(NEUTRAL, NEGATIVE - 1, -1)])
    np.testing.assert_allclose(above, below, atol=1)
    assert (np.diff(above) * (1 if theme == "dark" else -1) > 0).all()
    for frame in (FIRST, SECOND):
        # A difference of 2 is just visible; 40 is another colour.
        assert min(np.linalg.norm(_lab(theme, frame) - one) for one in scale.values()) > 40
    light, dark = (_lab(theme, index)[0] for index in ((PAPER, INK) if theme == "light" else (INK, PAPER)))
    assert light > 90 > 20 > dark


def test_a_strip_has_the_numbers_of_its_ends_and_the_colours_between_them() -> None:
    """Too short for two numbers it has one, and where there is nothing but zero the colour of zero."""
    narrow = Vector(160, 60, Style(form=Form.SVG))
    colour_strip(narrow, Box(60, 20, 130, 26), 2e-8)
    assert [line.text for line in lines_of(narrow.encode())] == ["+2.0e−08"]
    for signed, greys, zero in ((True, False, NEUTRAL), (True, True, MIDDLE_GREY), (False, True, GREY)):
        canvas, box = Raster(160, 60, Style()), Box(30, 20, 130, 26)
        colour_strip(canvas, box, 0.0, signed, greys)
        assert (region(canvas.pixels, box) == zero).all()
