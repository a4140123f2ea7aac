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
from konkyo.service.drawing.primitives.colourbar import STRIP_NUMBERS, WIDTH, bar_width, colour_bar, colour_strip
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    GREY,
    HAIRLINE,
    INK,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    SHADES,
    Pixels,
    brightness,
    diverging,
    grey,
    limit_of,
    photo,
    printed,
    rgb,
)
from konkyo.service.drawing.primitives.letters import letters, width, wrapped
from konkyo.service.drawing.primitives.outline import NONE, around, edges
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers.drawn import decoded, written
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


@pytest.mark.parametrize("scale", [1, 3])
def test_a_tile_is_enlarged_without_smoothing(scale: int) -> None:
    canvas = _canvas(scale)
    tile: Pixels = np.array([[5, 6, 7], [8, 9, 10]], np.uint8)
    box = Box(10, 10, 22, 18)
    canvas.tile(box, tile)
    assert (canvas.region(box) == np.kron(tile, np.ones((4 * scale, 4 * scale), np.uint8))).all()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("theme", list(Theme))
def test_a_photograph_keeps_its_colours_and_all_else_the_palette_s(scale: int, theme: Theme) -> None:
    rng = np.random.default_rng(2)
    colours, box = rng.integers(0, 256, (3, 5, 3), np.uint8), Box(10, 8, 30, 20)
    canvas = Raster(120, 40, Style(scale, theme))
    canvas.photo(box, colours)
    canvas.fill(Box(26, 12, 40, 16), FIRST)
    expected = np.empty((40, 120, 3), np.uint8)
    expected[:] = rgb(theme, PAPER)
    expected[7:21, 9:31] = rgb(theme, HAIRLINE)
    expected[8:20, 10:30] = colours.repeat(4, 0).repeat(4, 1)
    expected[12:16, 26:40] = rgb(theme, FIRST)
    picture = canvas.picture()
    assert picture.mode == "RGB"
    assert (decoded(picture) == expected.repeat(scale, 0).repeat(scale, 1)).all()


@pytest.mark.parametrize("theme", list(Theme))
def test_faded_pixels_are_pale_and_without_colour(theme: Theme) -> None:
    image = np.random.default_rng(3).random((3, 4, 4))
    fade = np.zeros((4, 4), bool)
    fade[:, 2:] = True
    canvas = Raster(120, 40, Style(1, theme))
    canvas.image(Box(10, 10, 18, 18), image, fade)
    picture = decoded(canvas.picture())[10:18:2, 10:18:2].astype(int)
    paper = np.array(rgb(theme, PAPER), int)
    assert (picture[~fade] == np.rint(image[:, ~fade].T * 255)).all()
    pale = picture[fade]
    assert (np.abs(pale - paper).max(1) <= 0.28 * 255).all(), "near the paper"
    # In the order of their brightness, in which green counts most.
    light = (image[:, fade] * np.array([[0.2126], [0.7152], [0.0722]])).sum(0)
    assert (np.diff(pale.sum(1)[np.argsort(light)]) >= 0).all()
    spread = np.ptp(pale - paper, axis=1)
    assert (spread <= 12).all(), "the hue of the paper and the ink"


@pytest.mark.parametrize("upright", [False, True])
def test_a_ramp_has_every_index_between_its_ends(upright: bool) -> None:
    canvas, box = _canvas(), Box(10, 5, 31, 26)
    canvas.ramp(box, 40, 60, upright)
    steps = np.arange(40, 61)
    expected = np.broadcast_to(steps[:, None] if upright else steps, (21, 21))
    assert (canvas.region(box) == expected).all()


@pytest.mark.parametrize(("scale", "filled"), [(1, 7), (3, 22)])
def test_a_share_of_a_box_is_exact_to_a_pixel(scale: int, filled: int) -> None:
    canvas, box = _canvas(scale), Box(10, 5, 30, 9)
    canvas.fill(box, FIRST, 0.366)
    region = canvas.region(box)
    assert (region[:, :filled] == FIRST).all()
    assert (region[:, filled:] == PAPER).all()


def test_dots_have_areas_in_proportion() -> None:
    canvas, box = _canvas(4), Box(10, 8, 30, 18)
    canvas.dots(box, np.array([[0.25, 1.0]]))
    region = canvas.region(box) == INK
    small, large = region[:, :40].sum(), region[:, 40:].sum()
    assert large == pytest.approx(4 * small, rel=0.05)
    assert large == pytest.approx(np.pi * (0.31 * 40) ** 2, rel=0.05)


def test_a_contour_runs_around_a_mask_in_every_box() -> None:
    canvas, boxes = _canvas(), [Box(10, 10, 26, 26), Box(40, 12, 56, 28)]
    inside = np.zeros((4, 4), bool)
    inside[1, 1:3] = True
    canvas.contour(boxes, inside, FIRST)
    expected = np.full((16, 16), PAPER)
    expected[3:9, 3:13] = FIRST
    expected[4:8, 4:12] = PAPER
    for box in boxes:
        assert (canvas.region(box) == expected).all()
    assert (canvas.pixels == FIRST).sum() == 2 * (expected == FIRST).sum()


def test_a_cross_has_both_diagonals() -> None:
    canvas, box = _canvas(), Box(10, 5, 31, 26)
    canvas.cross(box, FIRST, 2)
    region = canvas.region(box) == FIRST
    steps = np.arange(21)
    assert region[steps, steps].all()
    assert region[steps, 20 - steps].all()
    assert (region == region[::-1]).all()
    assert not region[0, 5:16].any()


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


@pytest.mark.parametrize(("start", "end"), [((10, 5), (30, 5)), ((30, 5), (10, 5)), ((10, 5), (10, 25))])
def test_a_line_runs_from_end_to_end(start: tuple[int, int], end: tuple[int, int]) -> None:
    canvas = _canvas()
    canvas.line(start, end)
    assert (canvas.pixels == HAIRLINE).sum() == 21
    assert canvas.pixels[start[::-1]] == canvas.pixels[end[::-1]] == HAIRLINE


@pytest.mark.parametrize("text", ["−", "×"])
def test_signs_that_the_font_lacks_are_drawn(text: str) -> None:
    shades, _, ascent = letters(text, 40, False)
    missing, _, _ = letters("\uffff", 40, False)
    plus, _, _ = letters("+", 40, False)
    rows, columns = np.nonzero(shades)
    assert np.ptp(rows) <= np.ptp(np.nonzero(plus)[0]) < np.ptp(np.nonzero(missing)[0]), "not the box of a missing sign"
    assert np.ptp(columns) > 0.6 * np.ptp(np.nonzero(plus)[1])
    middle = ascent - (rows.min() + rows.max()) / 2
    assert 0.25 * 40 < middle < 0.45 * 40, "in the middle of the digits' height"


def test_a_cross_is_symmetric() -> None:
    shades, _, _ = letters("×", 40, False)
    rows, columns = np.nonzero(shades)
    cross = shades[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(int)
    assert np.abs(cross - cross[::-1]).mean() < 1.5
    assert np.abs(cross - cross[:, ::-1]).mean() < 1.5
    assert cross[cross.shape[0] // 2, cross.shape[1] // 2] == SHADES
    assert cross[cross.shape[0] // 2, 0] == 0


@pytest.mark.parametrize(("align", "left"), [(0, 60), (0.5, 60 - 15), (1, 60 - 30)])
def test_text_is_aligned_by_its_width(align: float, left: float) -> None:
    canvas = _canvas()
    text = "8888"
    canvas.text(60, 30, text, BODY, align=align)
    _, columns = np.nonzero(canvas.pixels)
    shift = width(text, BODY) / 30
    assert columns.min() == pytest.approx(60 - (60 - left) * shift, abs=1.5)


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


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_digits_stand_on_the_baseline(scale: int) -> None:
    canvas = _canvas(scale)
    canvas.text(10, 30, "147", 20)
    rows, _ = np.nonzero(canvas.pixels == INK)
    assert rows.max() + 1 == pytest.approx(30 * scale, abs=1)
    assert rows.min() == pytest.approx((30 - 0.7 * 20) * scale, abs=scale)


def test_reverse_text_swaps_paper_and_ink() -> None:
    plain, reverse = _canvas(), _canvas()
    plain.text(10, 30, "8", 20)
    reverse.fill(Box(0, 0, 120, 40), INK)
    reverse.text(10, 30, "8", 20, reverse=True)
    shades = np.where(plain.pixels == PAPER, 0, plain.pixels.astype(int) - (INK - SHADES))
    back = np.where(reverse.pixels == PAPER, SHADES, INK - reverse.pixels.astype(int))
    assert (shades == back).all()
    assert (shades == SHADES).any()


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


def test_edges_run_inside_a_group() -> None:
    groups = np.full((28, 28), NONE)
    groups[3:5, 4:6] = 0
    found = edges(groups, 6, 2)
    expected = np.zeros((168, 168), bool)
    expected[18:30, 24:36] = True
    expected[20:28, 26:34] = False
    assert (found == expected).all()


def test_edges_between_two_groups_run_in_the_higher_one() -> None:
    groups = np.zeros((28, 28), int)
    groups[:, 14:] = 7
    found = edges(groups, 4, 1)[20:-20]
    assert found[:, 56].all()
    assert not found[:, 55].any()


def test_edges_follow_the_edge_of_the_picture() -> None:
    found = edges(np.zeros((28, 28), int), 4, 1)
    assert found[0].all()
    assert found[:, -1].all()
    assert not found[1:-1, 1:-1].any()


def test_around_runs_outside_and_leaves_every_point_inside_alone() -> None:
    inside = np.zeros((28, 28), bool)
    inside[3, 4] = inside[3, 5] = True
    found = around(inside, 4, 2)
    expected = np.zeros((112, 112), bool)
    expected[10:18, 14:26] = True
    expected[12:16, 16:24] = False
    assert (found == expected).all()


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
