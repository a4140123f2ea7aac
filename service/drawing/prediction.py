"""Picture of the prediction: the image beside a bar for each class."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.network import Network
from konkyo.models.result import Prediction
from konkyo.service.drawing.layout.wording import class_name
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import ACCENT, INK, MUTED, TRACK, grey
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.style import Style

# In logical units.
_PIXEL = 7
_PITCH, _BAR_HEIGHT, _BAR_WIDTH = 20, 12, 220
_LABEL, _LONGEST_LABEL, _PERCENT, _GAP = 44, 170, 60, 12

DIGIT = Box(MARGIN, TOP, MARGIN + IMAGE_SIDE * _PIXEL, TOP + IMAGE_SIDE * _PIXEL)


@dataclass(frozen=True)
class Bars:
    """The bars, from top to bottom, with the names of the classes on their left.

    Few of them are centred on the image vertically; many begin at its top and make the picture higher.
    """

    network: Network

    @cached_property
    def names(self) -> list[str]:
        """What is written beside the bars: a name that is too wide is cut."""
        numbers = range(len(self.network.classes))
        return [cut(class_name(self.network, number), BODY, _LONGEST_LABEL) for number in numbers]

    def box(self, number: int) -> Box:
        """The track of a class's bar, which a probability of 1 fills."""
        all_of_them = (len(self.names) - 1) * _PITCH + _BAR_HEIGHT
        first = max((DIGIT.top + DIGIT.bottom - all_of_them) // 2, DIGIT.top)
        top, left = first + number * _PITCH, DIGIT.right + self._label
        return Box(left, top, left + _BAR_WIDTH, top + _BAR_HEIGHT)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        last = self.box(len(self.names) - 1)
        return last.right + _PERCENT + MARGIN, max(DIGIT.bottom, last.bottom) + MARGIN

    @cached_property
    def _label(self) -> int:
        widest = max(width(name, BODY) for name in self.names)
        return max(_LABEL, round(widest) + 2 * _GAP)


def prediction(result: Prediction, style: Style = Style()) -> Image.Image:
    """Draw the image beside a bar for each class; that of the predicted class is emphasised."""
    bars = Bars(result.network)
    canvas = Canvas(*bars.size, style)
    canvas.heading(f"predicted {class_name(result.network, result.predicted)}")
    canvas.tile(DIGIT, grey(result.image))
    for candidate, probability in enumerate(np.clip(result.probabilities, 0, 1).tolist()):
        box, chosen = bars.box(candidate), candidate == result.predicted
        colour, baseline = INK if chosen else MUTED, box.baseline(BODY)
        canvas.text(box.left - _GAP, baseline, bars.names[candidate], BODY, colour, align=1, strong=chosen)
        canvas.text(box.right + _PERCENT, baseline, f"{probability:.1%}", BODY, colour, align=1, strong=chosen)
        canvas.fill(box, TRACK)
        # Rounded to pixels and not to logical units, for precision at larger scales.
        filled = canvas.region(box)[:, : round(probability * box.width * style.scale)]
        filled[:] = ACCENT if chosen else MUTED
    return canvas.image()
