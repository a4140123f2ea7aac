import numpy as np
import pytest
from PIL import Image

from service.overlays.canvas import NOTE, SUM, TITLE, Theme
from service.overlays.colours import ACCENT, GREY, MUTED, PAPER, grey, rgb
from service.overlays.magnified import DIGIT, MAP, pixel_box
from service.overlays.sufficient import HIDDEN, KEPT, TRACE, sufficient
from tests.test_overlays_canvas import decoded, patch, written

# A line of full ink down the middle, half ink beside it; the two regions of 2×2 at its head are kept.
IMAGE = np.zeros((28, 28))
IMAGE[4:24, 14] = 1.0
IMAGE[4:24, 15] = 0.5
KEPT_PIXELS = np.zeros((28, 28), bool)
KEPT_PIXELS[4:8, 14:16] = True


def _draw(
    image: np.ndarray = IMAGE,
    kept: np.ndarray = KEPT_PIXELS,
    regions: int = 2,
    probability: float = 0.831,
    scale: int = 1,
    theme: Theme = Theme.LIGHT,
) -> Image.Image:
    return sufficient(
        image,
        kept,
        digit=1,
        regions=regions,
        grid_regions=196,
        probability=probability,
        scale=scale,
        theme=theme,
    )


def _inner(image: Image.Image, row: int, column: int, scale: int = 1) -> set[int]:
    """The palette indices in the middle of a pixel's square, within any outline."""
    left, top, right, bottom = (edge * scale for edge in pixel_box(row, column).grow(-3))
    return set(np.unique(np.asarray(image)[top:bottom, left:right]).tolist())


@pytest.mark.parametrize("scale", [1, 3])
def test_kept_ink_is_full_hidden_ink_a_trace_and_the_background_neither(scale: int) -> None:
    image = _draw(scale=scale)
    ink, half = int(grey(np.ones(()))), int(grey(np.full((), 0.5)))
    trace, half_trace = int(grey(np.full((), TRACE))), int(grey(np.full((), TRACE / 2)))
    assert len({GREY, half_trace, trace, half, ink}) == 5
    for row in range(28):
        kept, inked = 4 <= row < 8, 4 <= row < 24
        assert _inner(image, row, 14, scale) == {(ink if kept else trace) if inked else GREY}, row
        assert _inner(image, row, 15, scale) == {(half if kept else half_trace) if inked else GREY}, row
        assert _inner(image, row, 13, scale) == _inner(image, row, 16, scale) == {GREY}


@pytest.mark.parametrize("theme", list(Theme))
def test_a_trace_is_nearer_to_the_background_than_to_ink(theme: Theme) -> None:
    background, trace, ink = (sum(rgb(theme, int(grey(np.full((), value))))) for value in (0.0, TRACE, 1.0))
    assert 8 * 3 < abs(trace - background) < abs(ink - trace) / 3


@pytest.mark.parametrize("scale", [1, 2])
def test_what_is_kept_is_outlined_and_nothing_else(scale: int) -> None:
    indices = np.asarray(_draw(scale=scale))
    first, last = pixel_box(4, 14), pixel_box(7, 15)
    left, top, right, bottom = (edge * scale for edge in (first.left, first.top, last.right, last.bottom))
    line = 2 * scale
    for edge in (
        indices[top : top + line, left:right],
        indices[bottom - line : bottom, left:right],
        indices[top:bottom, left : left + line],
        indices[top:bottom, right - line : right],
    ):
        assert (edge == ACCENT).all()
    large = indices[MAP.top * scale : MAP.bottom * scale, MAP.left * scale : MAP.right * scale]
    outline = (right - left) * (bottom - top) - (right - left - 2 * line) * (bottom - top - 2 * line)
    assert (large == ACCENT).sum() == outline


def test_the_whole_digit_stands_beside() -> None:
    expected = grey(IMAGE).repeat(4, 0).repeat(4, 1)
    assert (np.asarray(_draw())[DIGIT.top : DIGIT.bottom, DIGIT.left : DIGIT.right] == expected).all()


def test_heading_facts_and_caption() -> None:
    image = _draw()
    assert len(written(image, "read 1: this ink is enough", TITLE, strong=True)) == 1
    assert len(written(image, "probability of 1", NOTE, MUTED)) == 1
    assert len(written(image, "83.1%", SUM)) == 1
    assert len(written(image, "2 of 196 regions kept; 1 is still read, with 83.1%", NOTE, MUTED)) == 1


def test_the_key_shows_both_kinds_of_ink() -> None:
    image = _draw()
    assert len(written(image, "kept", NOTE)) == len(written(image, "hidden", NOTE)) == 1
    for box, value, outlined in ((KEPT, 1.0, True), (HIDDEN, TRACE, False)):
        square = np.asarray(image)[box.top : box.bottom, box.left : box.right]
        assert (square[4:-4, 4:-4] == grey(np.full((), value))).all()
        assert (square[0] == ACCENT).all() == outlined


def test_where_nothing_is_kept_no_ink_is_needed() -> None:
    nothing = np.zeros((28, 28))
    image = _draw(nothing, nothing.astype(bool), regions=0)
    assert len(written(image, "read 1: no ink is needed", TITLE, strong=True)) == 1
    assert (np.asarray(image)[MAP.top : MAP.bottom, MAP.left : MAP.right] == GREY).all()


@pytest.mark.parametrize("theme", list(Theme))
def test_everything_kept_and_full_stays_within_the_margins(theme: Theme) -> None:
    full = np.ones((28, 28))
    image = _draw(full, full.astype(bool), regions=196, probability=1.0, theme=theme)
    assert tuple(decoded(image)[0, 0]) == rgb(theme, PAPER)
    assert (patch(image, pixel_box(0, 0))[:2] == rgb(theme, ACCENT)).all()
    indices = np.asarray(image).copy()
    indices[16:-12, 20:-20] = PAPER
    assert (indices == PAPER).all()


def test_scale_three_is_exactly_three_times_the_size() -> None:
    one, three = _draw(), _draw(scale=3)
    assert three.size == (3 * one.width, 3 * one.height)
