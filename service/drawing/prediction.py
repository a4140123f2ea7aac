"""The prediction as a picture: the image beside ten bars."""

import numpy as np
from PIL import Image

from models.architecture import CLASSES, IMAGE_SIDE
from models.prediction import Prediction
from service.drawing.canvas import BODY, MARGIN, TOP, Box, Canvas
from service.drawing.colours import ACCENT, INK, MUTED, TRACK, grey
from service.drawing.style import Style

# In logical units.
_PIXEL = 7
_PITCH, _BAR_HEIGHT, _BAR_WIDTH = 20, 12, 220
_LABEL, _PERCENT, _GAP = 44, 60, 12

DIGIT = Box(MARGIN, TOP, MARGIN + IMAGE_SIDE * _PIXEL, TOP + IMAGE_SIDE * _PIXEL)
_BAR_LEFT = DIGIT.right + _LABEL
_WIDTH = _BAR_LEFT + _BAR_WIDTH + _PERCENT + MARGIN
_HEIGHT = DIGIT.bottom + MARGIN
# The bars together stand as high as the digit, whose middle is theirs.
_FIRST_BAR = (DIGIT.top + DIGIT.bottom - (CLASSES - 1) * _PITCH - _BAR_HEIGHT) // 2


def bar_box(digit: int) -> Box:
    """The track of a digit's bar: a probability of 1 fills it from left to right, one of 0.25 its left quarter."""
    top = _FIRST_BAR + digit * _PITCH
    return Box(_BAR_LEFT, top, _BAR_LEFT + _BAR_WIDTH, top + _BAR_HEIGHT)


def prediction(result: Prediction, style: Style = Style()) -> Image.Image:
    """Draw the image beside ten bars, one a class; the bar of the predicted class stands out."""
    canvas = Canvas(_WIDTH, _HEIGHT, style)
    canvas.heading(f"predicted {result.predicted}")
    canvas.tile(DIGIT, grey(result.image))
    for candidate, probability in enumerate(np.clip(result.probabilities, 0, 1).tolist()):
        box, chosen = bar_box(candidate), candidate == result.predicted
        colour, baseline = INK if chosen else MUTED, box.baseline(BODY)
        canvas.text(box.left - _GAP, baseline, str(candidate), BODY, colour, align=1, strong=chosen)
        canvas.text(_WIDTH - MARGIN, baseline, f"{probability:.1%}", BODY, colour, align=1, strong=chosen)
        canvas.fill(box, TRACK)
        # In pixels, not in logical units: at scale 3 a bar can end a third of a unit later.
        filled = canvas.region(box)[:, : round(probability * box.width * style.scale)]
        filled[:] = ACCENT if chosen else MUTED
    return canvas.image()
