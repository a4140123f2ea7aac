"""Layout of pictures with a magnified heatmap of the image, in which each pixel is a square, and a column beside it."""

from dataclasses import dataclass
from functools import cached_property

from konkyo.models.rounding import End
from konkyo.service.drawing.layout.grid import square, unit
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, TITLE, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import MUTED, Array, diverging, printed
from konkyo.service.drawing.primitives.letters import width, wrapped

# In logical units: about the sides of the image and of the heatmap, and the distance between them.
_IMAGE, _MAP, _GAP = 112, 336, 24
_BAR_GAP = 20
OUTLINE = 2
# Distances of baselines: of a label beneath the image, between its lines, of its value, and of the bar's title beneath.
_LABEL, _LINE, _VALUE, _BENEATH = 30, 16, 21, 18


@dataclass(frozen=True)
class Magnified:
    """The image on the left, and its heatmap on the right.

    Parameters
    ----------
    side
        Of the image, in pixels.
    """

    side: int

    @cached_property
    def pixel(self) -> int:
        """Side of a pixel in the heatmap."""
        return unit(self.side, _MAP)

    @cached_property
    def image(self) -> Box:
        """The image."""
        return square(MARGIN, TOP, self.side * unit(self.side, _IMAGE))

    @cached_property
    def map(self) -> Box:
        """The heatmap."""
        return square(self.image.right + _GAP, TOP, self.side * self.pixel)

    def box(self, row: int, column: int) -> Box:
        """The square of a pixel in the heatmap."""
        return square(self.map.left + column * self.pixel, self.map.top + row * self.pixel, self.pixel)

    @property
    def column(self) -> int:
        """Width of the text beneath the image."""
        return self.map.left - MARGIN - 6

    def write(self, canvas: Canvas, above: int, label: str, value: str) -> int:
        """Write a value with its label beneath it, in the column; returns the baseline of the last line."""
        baseline = above + _LABEL
        for line, text in enumerate(wrapped(label, NOTE, self.column)):
            baseline = above + _LABEL + _LINE * line
            canvas.text(MARGIN, baseline, text, NOTE, MUTED)
        for text in wrapped(value, SUM, self.column):
            baseline += _VALUE
            canvas.text(MARGIN, baseline, text, SUM)
        return baseline

    def draw_bar(self, canvas: Canvas, heading: str, end: End, title: str) -> None:
        """Draw the colour bar at the right of the heatmap. Beside a long heading its title stands beneath it."""
        left = self.map.right + _BAR_GAP
        right = left + bar_width(end)
        beneath = MARGIN + width(heading, TITLE) + _BAR_GAP > right - width(title, NOTE)
        colour_bar(canvas, left, self.map.top, self.map.height, end, "" if beneath else title)
        if beneath:
            canvas.text(right, self.map.bottom + _BENEATH, title, NOTE, MUTED, align=1)

    def size(self, end: End, below: int) -> tuple[int, int]:
        """Width and height of the picture, with ``below`` beneath the heatmap."""
        return self.map.right + _BAR_GAP + bar_width(end) + MARGIN, self.map.bottom + below

    def draw(self, canvas: Canvas, image: Array, heat: Array, limit: float) -> None:
        """Draw the image, and the heatmap with the image in it.

        Grey images are dots of ink on the heat, whose areas are proportional to the ink. Colour images are printed over
        it in greys.
        """
        canvas.image(self.image, image)
        shades = diverging(heat, limit)
        if image.ndim == 3:
            canvas.photo(self.map, printed(shades, image, canvas.style.theme))
        else:
            canvas.tile(self.map, shades)
            canvas.dots(self.map, image)
