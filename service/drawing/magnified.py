"""The layout that three pictures share: the digit magnified, each pixel a square, and a column on its left."""

import numpy as np

from models.architecture import IMAGE_SIDE
from service.drawing.canvas import MARGIN, TOP, Box, Canvas
from service.drawing.colours import INK, PAPER, Array
from service.drawing.outline import Groups, edges

# In logical units.
PIXEL = 12
_GAP = 24
OUTLINE, CASING = 2, 1
# What a pixel of the picture at the most fills of its square: the rest shows the heat.
_DOT = 0.62

DIGIT = Box(MARGIN, TOP, MARGIN + 4 * IMAGE_SIDE, TOP + 4 * IMAGE_SIDE)
MAP = Box(DIGIT.right + _GAP, TOP, DIGIT.right + _GAP + PIXEL * IMAGE_SIDE, TOP + PIXEL * IMAGE_SIDE)
CAPTION = MAP.bottom + 28
HEIGHT = CAPTION + 20


def pixel_box(row: int, column: int) -> Box:
    """Where a pixel of the picture stands in the magnified one, in logical units."""
    left, top = MAP.left + column * PIXEL, MAP.top + row * PIXEL
    return Box(left, top, left + PIXEL, top + PIXEL)


def draw_dots(canvas: Canvas, image: Array) -> None:
    """Each pixel as a dot whose area is its ink, so that the heat around it keeps its colour."""
    side = PIXEL * canvas.scale
    offset = np.arange(side) - (side - 1) / 2
    distance = np.hypot(offset[:, None], offset)
    radius = np.sqrt(np.clip(image, 0, 1)) * side * _DOT / 2
    inked = distance[:, None, :] < radius[:, None, :, None]
    canvas.region(MAP)[inked.reshape(MAP.height * canvas.scale, -1)] = INK


def draw_outlines(canvas: Canvas, groups: Groups, colour: int = INK) -> None:
    """A line just inside each group of pixels, and a thin one of paper within it, for dark heat or ink."""
    for thickness, shade in ((OUTLINE + CASING, PAPER), (OUTLINE, colour)):
        canvas.region(MAP)[edges(groups, PIXEL * canvas.scale, thickness * canvas.scale)] = shade
