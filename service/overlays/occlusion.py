"""Occlusion as a picture: the heatmap with the digit on it, critical regions outlined."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.architecture import CLASSES
from models.occlusion import Occlusion
from service.overlays.canvas import MARGIN, NOTE, SUM, Box, Canvas, Theme, ThemeName, decimals_for, number
from service.overlays.colourbar import bar_width, colour_bar
from service.overlays.colours import INK, MUTED, PAPER, Array, diverging, grey, limit_of
from service.overlays.magnified import CAPTION, DIGIT, HEIGHT, MAP, OUTLINE, PIXEL, draw_dots, draw_outlines, pixel_box
from service.overlays.outline import NONE

# In logical units.
_BAR_GAP = 20
_TAG_WIDTH, _TAG_HEIGHT = 12, 14

KEY = Box(MARGIN, DIGIT.bottom + 78, MARGIN + 2 * PIXEL + 4, DIGIT.bottom + 78 + 2 * PIXEL + 4)

_Digits = NDArray[np.intp]


def occlusion(image: Array, result: Occlusion, *, scale: int = 1, theme: ThemeName = Theme.LIGHT) -> Image.Image:
    """Draw the heatmap with the digit on it as dots, and outline where hiding changes what is read.

    The heat of a pixel is the mean drop of the regions that hide it. Pixels of critical regions are outlined, together
    where the same digit is read without them, and that digit stands in the corner where it fits: see
    ``critical_digits``.

    Parameters
    ----------
    image
        (28, 28) in [0, 1]; 1 is ink, which is dark on the light theme and light on the dark one.
    result
        What hiding each region does.
    scale
        Pixels a logical unit, 1…4.
    theme
        Light or dark paper.
    """
    heat = result.heatmap()
    limit = limit_of(heat)
    canvas = Canvas(MAP.right + _BAR_GAP + bar_width(limit) + MARGIN, HEIGHT, scale, theme)
    rests = "rests" if result.target == result.predicted else "would rest"
    canvas.heading(f"read {result.predicted}: where {result.target} {rests}")
    canvas.tile(DIGIT, grey(image))
    _draw_facts(canvas, result)
    canvas.tile(MAP, diverging(heat, limit))
    draw_dots(canvas, image)
    digits = critical_digits(result)
    draw_outlines(canvas, digits)
    corners = _corners(digits)
    for row, column in corners:
        _draw_tag(canvas, pixel_box(row, column), int(digits[row, column]))
    if result.critical.any():
        _draw_key(canvas, int(result.predicted), int(digits[corners[0]]) if corners else None)
    colour_bar(canvas, MAP.right + _BAR_GAP, MAP.top, MAP.height, limit, f"drop in {result.score}")
    _draw_caption(canvas, result)
    return canvas.image()


def critical_digits(result: Occlusion) -> _Digits:
    """(28, 28): what is read without the critical region that hides a pixel, −1 where no such region does.

    Where several hide it, the digit that is read most often; of equally frequent ones, the lower.
    """
    covers = result.regions.covers.astype(np.intp)
    readings = np.stack([result.critical & (result.prediction == digit) for digit in range(CLASSES)])
    counts: _Digits = covers.T @ readings @ covers
    return np.where(counts.any(0), counts.argmax(0), NONE)


def _draw_facts(canvas: Canvas, result: Occlusion) -> None:
    value = number(float(result.baseline), decimals_for(float(result.baseline)))
    canvas.text(MARGIN, DIGIT.bottom + 30, f"{result.score} of {result.target}", NOTE, MUTED)
    canvas.text(MARGIN, DIGIT.bottom + 51, value, SUM)


def _draw_key(canvas: Canvas, predicted: int, digit: int | None) -> None:
    """What an outline means, and its tag if there is one: by the example of ``digit``."""
    canvas.fill(KEY, INK)
    canvas.fill(KEY.grow(-OUTLINE), PAPER)
    if digit is not None:
        _draw_tag(canvas, KEY, digit)
    canvas.text(KEY.right + 10, KEY.top + 10, "without this,", NOTE)
    reading = f"no longer {predicted}" if digit is None else f"{digit} is read"
    canvas.text(KEY.right + 10, KEY.top + 26, reading, NOTE)


def _draw_tag(canvas: Canvas, corner: Box, digit: int) -> None:
    """A digit in reverse, in the upper left corner of a box."""
    tag = Box(corner.left, corner.top, corner.left + _TAG_WIDTH, corner.top + _TAG_HEIGHT)
    canvas.fill(tag, INK)
    canvas.text((tag.left + tag.right) / 2, tag.bottom - 3, str(digit), NOTE, INK, 0.5, reverse=True)


def _corners(digits: _Digits) -> list[tuple[int, int]]:
    """(row, column) of the upper left of each group's first 2×2 pixels, line by line; groups without any have none."""
    left = {(int(row), int(column)) for row, column in np.argwhere(digits != NONE)}
    corners = []
    while left:
        group, border = set(), [left.pop()]
        while border:
            row, column = border.pop()
            group.add((row, column))
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if near in left and digits[near] == digits[row, column]:
                    left.remove(near)
                    border.append(near)
        blocks = (p for p in group if {(p[0] + 1, p[1]), (p[0], p[1] + 1), (p[0] + 1, p[1] + 1)} <= group)
        corners.extend(sorted(blocks)[:1])
    return sorted(corners)


def _draw_caption(canvas: Canvas, result: Occlusion) -> None:
    side, stride, count = result.regions.region, result.regions.step, int(result.critical.sum())
    hidden = f"regions of {side}×{side} pixels, stride {stride}, fill {result.fill:g}"
    canvas.text(MARGIN, CAPTION, f"{hidden}; {count} of {result.drop.size} critical", NOTE, MUTED)
