import math

import numpy as np
import pytest

from konkyo.models.errors import ParameterError
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, Box, decimals_for, number
from konkyo.service.drawing.primitives.colours import FIRST, HAIRLINE, INK, PAPER, SHADES, Pixels, grey, rgb
from konkyo.service.drawing.primitives.letters import letters, width, wrapped
from konkyo.service.drawing.primitives.raster import Raster
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers.drawn import decoded, written


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


@pytest.mark.parametrize("theme", list(Theme))
def test_a_png_gives_back_every_pixel(theme: Theme) -> None:
    canvas = Raster(20, 10, Style(1, theme))
    canvas.fill(Box(3, 2, 9, 7), FIRST)
    picture = decoded(canvas.picture())
    expected = np.empty((10, 20, 3), int)
    expected[:] = rgb(theme, PAPER)
    expected[2:7, 3:9] = rgb(theme, FIRST)
    assert (picture == expected).all()


@pytest.mark.parametrize("scale", [1, 3])
def test_a_tile_is_enlarged_without_smoothing(scale: int) -> None:
    canvas = _canvas(scale)
    tile: Pixels = np.array([[5, 6, 7], [8, 9, 10]], np.uint8)
    box = Box(10, 10, 22, 18)
    canvas.tile(box, tile)
    assert (canvas.region(box) == np.kron(tile, np.ones((4 * scale, 4 * scale), np.uint8))).all()


def test_a_frame_stands_around_its_box_with_a_gap() -> None:
    canvas = _canvas()
    canvas.frame(Box(20, 10, 30, 20), FIRST, thickness=3, gap=2)
    expected = np.full((40, 120), PAPER)
    expected[5:25, 15:35] = FIRST
    expected[8:22, 18:32] = PAPER
    assert (canvas.pixels == expected).all()


def test_a_tile_has_a_thin_frame_outside() -> None:
    canvas = _canvas()
    canvas.tile(Box(10, 10, 20, 20), np.full((2, 2), FIRST, np.uint8))
    assert (canvas.pixels == HAIRLINE).sum() == 4 * 10 + 4


@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("scale", [1, 3])
def test_many_tiles_at_once_look_like_one_after_the_other(scale: int, framed: bool) -> None:
    indices = np.random.default_rng(3).integers(5, 250, (2, 3, 2, 4), np.uint8)
    first, pitch = Box(8, 5, 16, 9), (9, 12)
    together, alone = _canvas(scale), _canvas(scale)
    together.tiles(first, pitch, indices, framed)
    for row, column in np.ndindex(2, 3):
        left, top = first.left + column * pitch[1], first.top + row * pitch[0]
        box = Box(left, top, left + first.width, top + first.height)
        if framed:
            alone.tile(box, indices[row, column])
        else:
            alone.region(box)[:] = indices[row, column].repeat(2 * scale, 0).repeat(2 * scale, 1)
    assert (together.pixels == alone.pixels).all()
    assert (together.pixels != PAPER).any()


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


def test_a_photograph_stays_where_text_makes_the_picture_wider() -> None:
    colours = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    canvas = _canvas()
    canvas.photo(Box(10, 10, 20, 20), colours)
    canvas.text(100, 30, "a caption that is wider", BODY)
    assert (decoded(canvas.picture())[10:20, 10:20] == colours.repeat(5, 0).repeat(5, 1)).all()


def test_a_picture_without_photographs_has_a_palette() -> None:
    canvas = _canvas()
    canvas.image(Box(10, 10, 18, 18), np.eye(4))
    assert canvas.picture().mode == "P"
    assert (canvas.region(Box(10, 10, 18, 18)) == grey(np.eye(4)).repeat(2, 0).repeat(2, 1)).all()


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


def test_windows_are_the_canvas_itself() -> None:
    canvas = _canvas(2)
    canvas.windows(Box(10, 4, 14, 7), (10, 20), (2, 3))[1, 2] = FIRST
    expected = _canvas(2)
    expected.fill(Box(50, 14, 54, 17), FIRST)
    assert (canvas.pixels == expected.pixels).all()


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


def test_a_minus_is_one_crisp_line_at_the_size_of_numbers() -> None:
    shades, _, _ = letters("−", BODY, False)
    rows = [row for row in shades.tolist() if any(row)]
    assert len(rows) == 1
    assert max(rows[0]) == SHADES


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


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_digits_stand_on_the_baseline(scale: int) -> None:
    canvas = _canvas(scale)
    canvas.text(10, 30, "147", 20)
    rows, _ = np.nonzero(canvas.pixels == INK)
    assert rows.max() + 1 == pytest.approx(30 * scale, abs=1)
    assert rows.min() == pytest.approx((30 - 0.7 * 20) * scale, abs=scale)


def test_strong_text_has_more_ink_than_plain_text() -> None:
    plain, _, _ = letters("read 5", 18, False)
    strong, _, _ = letters("read 5", 18, True)
    assert strong.sum() > 1.1 * plain.sum()


def test_reverse_text_swaps_paper_and_ink() -> None:
    plain, reverse = _canvas(), _canvas()
    plain.text(10, 30, "8", 20)
    reverse.fill(Box(0, 0, 120, 40), INK)
    reverse.text(10, 30, "8", 20, reverse=True)
    shades = np.where(plain.pixels == PAPER, 0, plain.pixels.astype(int) - (INK - SHADES))
    back = np.where(reverse.pixels == PAPER, SHADES, INK - reverse.pixels.astype(int))
    assert (shades == back).all()
    assert (shades == SHADES).any()


def test_a_line_is_found_where_it_was_written_and_nowhere_else() -> None:
    canvas = _canvas()
    canvas.text(12, 30, "−1.25", BODY)
    image = canvas.picture()
    assert written(image, "−1.25", BODY) == [(12, 30)]
    assert written(image, "1.25", BODY) == []
    assert written(image, "−1.2", BODY) == []


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


def test_text_up_to_the_margin_leaves_the_picture_as_it_is() -> None:
    canvas = _canvas()
    canvas.text(120 - MARGIN, 30, "0.123456", BODY, align=1)
    assert canvas.pixels.shape == (40, 120)


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
