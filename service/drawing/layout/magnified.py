"""Layout of pictures with a magnified image, in which each pixel is a square, and a column to its left."""

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.service.drawing.primitives.canvas import MARGIN, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import INK, Array

# In logical units.
PIXEL = 12
_GAP = 24
OUTLINE = 2
# Maximum diameter of a dot divided by the side of its square. The rest of the square shows the heat.
_DOT = 0.62

DIGIT = Box(MARGIN, TOP, MARGIN + 4 * IMAGE_SIDE, TOP + 4 * IMAGE_SIDE)
MAP = Box(DIGIT.right + _GAP, TOP, DIGIT.right + _GAP + PIXEL * IMAGE_SIDE, TOP + PIXEL * IMAGE_SIDE)
CAPTION = MAP.bottom + 28
HEIGHT = CAPTION + 20


def pixel_box(row: int, column: int) -> Box:
    """The square of a pixel in the magnified image, in logical units."""
    left, top = MAP.left + column * PIXEL, MAP.top + row * PIXEL
    return Box(left, top, left + PIXEL, top + PIXEL)


def draw_dots(canvas: Canvas, image: Array) -> None:
    """Draw each pixel as a dot whose area is proportional to its ink, so that the heat around it stays visible."""
    side = PIXEL * canvas.scale
    offset = np.arange(side) - (side - 1) / 2
    distance = np.hypot(offset[:, None], offset)
    radius = np.sqrt(np.clip(image, 0, 1)) * side * _DOT / 2
    inked = distance[:, None, :] < radius[:, None, :, None]
    canvas.region(MAP)[inked.reshape(MAP.height * canvas.scale, -1)] = INK
