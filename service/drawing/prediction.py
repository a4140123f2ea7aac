"""Picture of the prediction: the image beside a bar for each class."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from konkyo.models.network import Network
from konkyo.models.result import Prediction
from konkyo.models.rounding import percents
from konkyo.service.drawing.layout.grid import Grid, square, unit
from konkyo.service.drawing.layout.wording import class_name
from konkyo.service.drawing.layout.words import add_words, picture, say
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import ACCENT, INK, MUTED, TRACK
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "predicted": ("predicted {name}", "「{name}」と認識"),
    }
)

# In logical units.
_SIDE = 196
_PITCH, _BAR_HEIGHT, _BAR_WIDTH = 20, 12, 220
_LABEL, _LONGEST_LABEL, _PERCENT, _GAP = 44, 200, 60, 12


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

    @cached_property
    def image(self) -> Box:
        """The image."""
        side = self.network.architecture.side
        return square(MARGIN, TOP, side * unit(side, _SIDE))

    @cached_property
    def tracks(self) -> Grid:
        """The track of each class's bar, which a probability of 1 fills."""
        all_of_them = (len(self.names) - 1) * _PITCH + _BAR_HEIGHT
        top = max((self.image.top + self.image.bottom - all_of_them) // 2, self.image.top)
        left = self.image.right + max(_LABEL, round(max(width(name, BODY) for name in self.names)) + 2 * _GAP)
        return Grid(Box(left, top, left + _BAR_WIDTH, top + _BAR_HEIGHT), (_PITCH, 0), len(self.names), 1)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.tracks.right + _PERCENT + MARGIN, max(self.image.bottom, self.tracks.bottom) + MARGIN


@picture
def prediction(result: Prediction, style: Style = Style()) -> Canvas:
    """Draw the image beside a bar for each class; that of the predicted class is emphasised."""
    bars = Bars(result.network)
    canvas = blank(*bars.size, style)
    canvas.heading(say("predicted", name=class_name(result.network, result.predicted)))
    canvas.image(bars.image, result.image)
    shares, probabilities = percents(result.probabilities), np.clip(result.probabilities, 0, 1).tolist()
    each = zip(bars.tracks, bars.names, shares, probabilities, strict=True)
    for candidate, (box, name, share, probability) in enumerate(each):
        chosen = candidate == result.predicted
        colour, baseline = INK if chosen else MUTED, box.baseline(BODY)
        canvas.text(box.left - _GAP, baseline, name, BODY, colour, align=1, strong=chosen)
        canvas.text(box.right + _PERCENT, baseline, share, BODY, colour, align=1, strong=chosen)
        canvas.fill(box, TRACK)
        canvas.fill(box, ACCENT if chosen else MUTED, probability)
    return canvas
