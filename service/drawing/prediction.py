"""Picture of the prediction: the image beside ten bars."""

import numpy as np
from PIL import Image

from models.architecture import CLASSES, IMAGE_SIDE
from models.prediction import Prediction
from service.drawing.primitives.canvas import BODY, MARGIN, TOP, Box, Canvas
from service.drawing.primitives.colours import ACCENT, INK, MUTED, TRACK, grey
from service.drawing.primitives.style import Style

# In logical units.
_PIXEL = 7
_PITCH, _BAR_HEIGHT, _BAR_WIDTH = 20, 12, 220
_LABEL, _PERCENT, _GAP = 44, 60, 12

DIGIT = Box(MARGIN, TOP, MARGIN + IMAGE_SIDE * _PIXEL, TOP + IMAGE_SIDE * _PIXEL)
_BAR_LEFT = DIGIT.right + _LABEL
_WIDTH = _BAR_LEFT + _BAR_WIDTH + _PERCENT + MARGIN
_HEIGHT = DIGIT.bottom + MARGIN
# The bars are centred on the image vertically.
_FIRST_BAR = (DIGIT.top + DIGIT.bottom - (CLASSES - 1) * _PITCH - _BAR_HEIGHT) // 2


def bar_box(number: int) -> Box:
    """The track of a class's bar, which a probability of 1 fills."""
    top = _FIRST_BAR + number * _PITCH
    return Box(_BAR_LEFT, top, _BAR_LEFT + _BAR_WIDTH, top + _BAR_HEIGHT)


def prediction(result: Prediction, style: Style = Style()) -> Image.Image:
    """Draw the image beside ten bars, one a class; that of the predicted class is emphasised."""
    canvas = Canvas(_WIDTH, _HEIGHT, style)
    canvas.heading(f"predicted {result.predicted}")
    canvas.tile(DIGIT, grey(result.image))
    for candidate, probability in enumerate(np.clip(result.probabilities, 0, 1).tolist()):
        box, chosen = bar_box(candidate), candidate == result.predicted
        colour, baseline = INK if chosen else MUTED, box.baseline(BODY)
        canvas.text(box.left - _GAP, baseline, str(candidate), BODY, colour, align=1, strong=chosen)
        canvas.text(_WIDTH - MARGIN, baseline, f"{probability:.1%}", BODY, colour, align=1, strong=chosen)
        canvas.fill(box, TRACK)
        # Rounded to pixels and not to logical units, for precision at larger scales.
        filled = canvas.region(box)[:, : round(probability * box.width * style.scale)]
        filled[:] = ACCENT if chosen else MUTED
    return canvas.image()
