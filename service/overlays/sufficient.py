"""The sufficient region as a picture: the ink that is enough, and a trace of the rest."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.architecture import IMAGE_SIDE
from service.overlays.canvas import CAPITAL, MARGIN, NOTE, SUM, TOP, Box, Canvas, Theme, ThemeName
from service.overlays.colours import ACCENT, MUTED, PAPER, Array, grey
from service.overlays.outline import NONE, edges

# In logical units.
_PIXEL = 12
_GAP = 24
_CAPTION, _END = 28, 20
_OUTLINE, _CASING = 2, 1
_KEY, _KEY_PITCH = 14, 26
# How much of its darkness hidden ink keeps: enough to see the digit's shape, too little to be taken for kept ink.
TRACE = 0.16

DIGIT = Box(MARGIN, TOP, MARGIN + 4 * IMAGE_SIDE, TOP + 4 * IMAGE_SIDE)
MAP = Box(DIGIT.right + _GAP, TOP, DIGIT.right + _GAP + _PIXEL * IMAGE_SIDE, TOP + _PIXEL * IMAGE_SIDE)
KEPT = Box(MARGIN, DIGIT.bottom + 78, MARGIN + _KEY, DIGIT.bottom + 78 + _KEY)
HIDDEN = KEPT._replace(top=KEPT.top + _KEY_PITCH, bottom=KEPT.bottom + _KEY_PITCH)


def pixel_box(row: int, column: int) -> Box:
    """Where a pixel of the picture stands in the large picture, in logical units."""
    left, top = MAP.left + column * _PIXEL, MAP.top + row * _PIXEL
    return Box(left, top, left + _PIXEL, top + _PIXEL)


def sufficient(
    image: Array,
    kept: NDArray[np.bool_],
    *,
    digit: int,
    regions: int,
    grid_regions: int,
    probability: float,
    scale: int = 1,
    theme: ThemeName = Theme.LIGHT,
) -> Image.Image:
    """Draw the kept pixels in full ink and outlined, the hidden ink as a faint trace, and the whole digit beside them.

    Parameters
    ----------
    image
        (28, 28) in [0, 1]; 1 is ink, which is dark on the light theme and light on the dark one.
    kept
        (28, 28): the pixels that are not hidden.
    digit
        What is read, in the whole picture as in the kept pixels alone.
    regions, grid_regions
        How many regions are kept, and of how many.
    probability
        Of the digit in the kept pixels alone, 0…1.
    scale
        Pixels a logical unit, 1…4.
    theme
        Light or dark paper.
    """
    canvas = Canvas(MAP.right + MARGIN, MAP.bottom + _CAPTION + _END, scale, theme)
    canvas.heading(f"read {digit}: this ink is enough" if regions else f"read {digit}: no ink is needed")
    canvas.tile(DIGIT, grey(image))
    canvas.tile(MAP, grey(np.where(kept, image, TRACE * image)))
    _draw_outlines(canvas, kept)
    canvas.text(MARGIN, DIGIT.bottom + 30, f"probability of {digit}", NOTE, MUTED)
    canvas.text(MARGIN, DIGIT.bottom + 51, f"{probability:.1%}", SUM)
    _draw_key(canvas)
    count = f"{regions} of {grid_regions} regions kept"
    caption = f"{count}; {digit} is still read, with {probability:.1%}"
    canvas.text(MARGIN, MAP.bottom + _CAPTION, caption, NOTE, MUTED)
    return canvas.image()


def _draw_outlines(canvas: Canvas, kept: NDArray[np.bool_]) -> None:
    """A line just inside what is kept, for kept ink may be pale; and a thin one of paper within it, for dark ink."""
    groups = np.where(kept, 0, NONE)
    for thickness, colour in ((_OUTLINE + _CASING, PAPER), (_OUTLINE, ACCENT)):
        canvas.region(MAP)[edges(groups, _PIXEL * canvas.scale, thickness * canvas.scale)] = colour


def _draw_key(canvas: Canvas) -> None:
    canvas.fill(KEPT, ACCENT)
    canvas.fill(KEPT.grow(-_OUTLINE), PAPER)
    canvas.fill(KEPT.grow(-_OUTLINE - _CASING), int(grey(np.ones(()))))
    canvas.tile(HIDDEN, grey(np.array([[TRACE]])))
    for box, word in ((KEPT, "kept"), (HIDDEN, "hidden")):
        canvas.text(box.right + 10, (box.top + box.bottom + CAPITAL * NOTE) / 2, word, NOTE)
