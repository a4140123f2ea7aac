"""The sufficient region as a picture: the ink that is enough, and a trace of the rest."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.overlays.canvas import CAPITAL, MARGIN, NOTE, SUM, Box, Canvas, Theme, ThemeName
from service.overlays.colours import ACCENT, MUTED, PAPER, Array, grey
from service.overlays.magnified import CAPTION, CASING, DIGIT, HEIGHT, MAP, OUTLINE, draw_outlines
from service.overlays.outline import NONE

# In logical units.
_KEY, _KEY_PITCH = 14, 26
# How much of its darkness hidden ink keeps: enough to see the digit's shape, too little to be taken for kept ink.
TRACE = 0.16

KEPT = Box(MARGIN, DIGIT.bottom + 78, MARGIN + _KEY, DIGIT.bottom + 78 + _KEY)
HIDDEN = KEPT._replace(top=KEPT.top + _KEY_PITCH, bottom=KEPT.bottom + _KEY_PITCH)


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
    canvas = Canvas(MAP.right + MARGIN, HEIGHT, scale, theme)
    canvas.heading(f"read {digit}: this ink is enough" if regions else f"read {digit}: no ink is needed")
    canvas.tile(DIGIT, grey(image))
    canvas.tile(MAP, grey(np.where(kept, image, TRACE * image)))
    draw_outlines(canvas, np.where(kept, 0, NONE), ACCENT)
    canvas.text(MARGIN, DIGIT.bottom + 30, f"probability of {digit}", NOTE, MUTED)
    canvas.text(MARGIN, DIGIT.bottom + 51, f"{probability:.1%}", SUM)
    _draw_key(canvas)
    count = f"{regions} of {grid_regions} regions kept"
    caption = f"{count}; {digit} is still read, with {probability:.1%}"
    canvas.text(MARGIN, CAPTION, caption, NOTE, MUTED)
    return canvas.image()


def _draw_key(canvas: Canvas) -> None:
    canvas.fill(KEPT, ACCENT)
    canvas.fill(KEPT.grow(-OUTLINE), PAPER)
    canvas.fill(KEPT.grow(-OUTLINE - CASING), int(grey(np.ones(()))))
    canvas.tile(HIDDEN, grey(np.array([[TRACE]])))
    for box, word in ((KEPT, "kept"), (HIDDEN, "hidden")):
        canvas.text(box.right + 10, (box.top + box.bottom + CAPITAL * NOTE) / 2, word, NOTE)
