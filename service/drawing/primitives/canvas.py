"""The canvas: draws boxes, tiles and text as palette indices. Coordinates are logical units, scaled by an integer."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from konkyo.service.drawing.primitives.colours import HAIRLINE, INK, PAPER, SHADES, Pixels, palette
from konkyo.service.drawing.primitives.letters import letters, width
from konkyo.service.drawing.primitives.style import Style

# Sizes that all pictures share, in logical units, which are pixels at scale 1.
MARGIN = 24
TITLE, SUM, BODY, NOTE = 18, 16, 13, 12
_HEADING_BASELINE = 38
TOP = 58

MOST_DECIMALS = 4

# Height of capitals and digits divided by the type size.
CAPITAL = 0.7


class Box(NamedTuple):
    """A rectangle in logical units, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def grow(self, by: int) -> "Box":
        """The box with ``by`` more on each side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def baseline(self, size: int) -> float:
        """The baseline that centres capitals and digits of a type size vertically."""
        return (self.top + self.bottom + CAPITAL * size) / 2


class Canvas:
    """A picture that is being drawn.

    Parameters
    ----------
    width, height
        Size in logical units. Text that extends into the right margin makes the picture wider.
    style
        The scale, and the theme of the palette.

    Attributes
    ----------
    pixels
        (height · scale, width · scale) palette indices.
    """

    def __init__(self, width: int, height: int, style: Style) -> None:
        self.style = style
        self.scale = style.scale
        self.pixels = np.full((height * self.scale, width * self.scale), PAPER, np.uint8)

    def image(self) -> Image.Image:
        """The finished picture, in mode P."""
        image = Image.fromarray(self.pixels)
        image.putpalette(palette(self.style.theme))
        return image

    def region(self, box: Box) -> Pixels:
        """The pixels of a box, as a writable view."""
        left, top, right, bottom = (edge * self.scale for edge in box)
        return self.pixels[top:bottom, left:right]

    def fill(self, box: Box, colour: int) -> None:
        """Paint a box with one palette index."""
        self.region(box)[:] = colour

    def frame(self, box: Box, colour: int = HAIRLINE, thickness: int = 1, gap: int = 0) -> None:
        """Draw a frame outside a box, at a distance of ``gap``."""
        left, top, right, bottom = box.grow(gap + thickness)
        for side in (
            Box(left, top, right, top + thickness),
            Box(left, bottom - thickness, right, bottom),
            Box(left, top, left + thickness, bottom),
            Box(right - thickness, top, right, bottom),
        ):
            self.fill(side, colour)

    def windows(self, first: Box, pitch: tuple[int, int], grid: tuple[int, int]) -> Pixels:
        """The pixels of equal boxes in rows and columns, as a writable view.

        Parameters
        ----------
        first
            The box in the upper left corner.
        pitch
            Distance between boxes, down and to the right, in logical units.
        grid
            Rows and columns.

        Returns
        -------
        Pixels
            (rows, columns, height · scale, width · scale).
        """
        shape = (*grid, first.height * self.scale, first.width * self.scale)
        row = self.pixels.shape[1]
        down, right = pitch
        strides = (down * self.scale * row, right * self.scale, row, 1)
        # NumPy refuses what goes beyond the picture's bytes.
        return np.ndarray(shape, np.uint8, self.pixels, (first.top * row + first.left) * self.scale, strides)

    def tiles(self, first: Box, pitch: tuple[int, int], indices: Pixels, framed: bool = True) -> None:
        """Draw equal small arrays in rows and columns, each as ``tile`` does.

        Parameters
        ----------
        first, pitch
            As in ``windows``.
        indices
            (rows, columns, height, width). The last two must divide the box's height and width.
        framed
            Whether each has a thin frame.
        """
        rows, columns, *cells = indices.shape
        if framed:
            self.windows(first.grow(1), pitch, (rows, columns))[:] = HAIRLINE
        high, wide = first.height // cells[0] * self.scale, first.width // cells[1] * self.scale
        self.windows(first, pitch, (rows, columns))[:] = indices.repeat(high, 2).repeat(wide, 3)

    def tile(self, box: Box, indices: Pixels) -> None:
        """Draw a small array with a thin frame, enlarged to a box by nearest neighbour.

        ``indices`` is (rows, columns), which must divide the box's height and width.
        """
        self.tiles(box, (1, 1), indices[None, None])

    def line(self, start: tuple[int, int], end: tuple[int, int], colour: int = HAIRLINE) -> None:
        """Draw a horizontal or vertical line, one unit thick, from one (x, y) to another, both included."""
        (left, right), (top, bottom) = (sorted(ends) for ends in zip(start, end, strict=True))
        self.fill(Box(left, top, right + 1, bottom + 1), colour)

    def heading(self, text: str) -> None:
        """Write the heading of the picture."""
        self.text(MARGIN, _HEADING_BASELINE, text, TITLE, strong=True)

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        size: int = BODY,
        colour: int = INK,
        align: float = 0,
        strong: bool = False,
        reverse: bool = False,
    ) -> None:
        """Write one line.

        Parameters
        ----------
        x, baseline
            In logical units. Capitals and digits are ``CAPITAL`` · ``size`` high.
        text
            Characters of the font, × and −.
        size
            In logical units.
        colour
            One of the inks. Letters are antialiased against the paper, so the background must be paper.
        align
            Share of the text's width to the left of ``x``: 0, 0.5 or 1.
        strong
            Heavier strokes.
        reverse
            Letters in the colour of the paper, for a background of ``colour``.
        """
        self._widen(math.ceil(x + (1 - align) * width(text, size)) + MARGIN)
        shades, left, ascent = letters(text, size * self.scale, strong)
        row = round(baseline * self.scale) - ascent
        column = round(x * self.scale - align * width(text, size) * self.scale) + left
        # Text beyond the left edge is cut off.
        shades = shades[:, max(0, -column) :]
        column = max(0, column)
        target = self.pixels[row : row + shades.shape[0], column : column + shades.shape[1]]
        np.copyto(target, _ramp(colour, reverse)[shades], where=shades > 0)

    def _widen(self, units: int) -> None:
        """Add paper on the right until the picture has this width in logical units."""
        missing = units * self.scale - self.pixels.shape[1]
        if missing > 0:
            self.pixels = np.pad(self.pixels, ((0, 0), (0, missing)), constant_values=PAPER)


@lru_cache
def _ramp(colour: int, reverse: bool) -> Pixels:
    """The palette index of each shade of a letter."""
    ramp = np.array([PAPER, *range(colour - SHADES + 1, colour + 1)], np.uint8)
    return ramp[::-1] if reverse else ramp


def number(value: float, decimals: int = 2, sign: bool = False) -> str:
    """Format a number with fixed decimals and the minus sign −. A number that rounds to zero has no sign.

    ``sign`` adds a plus to positive numbers. More than four decimals, and numbers from a million on, use 1.2e−07.
    """
    if (decimals > MOST_DECIMALS and value) or abs(value) >= 1e6:
        text = f"{value:+.1e}"
    else:
        text = f"{value:+.{min(decimals, MOST_DECIMALS)}f}"
        if not text.strip("+-0."):
            text = text[1:]
    return (text if sign else text.removeprefix("+")).replace("-", "−")


def decimals_for(value: float) -> int:
    """The number of decimals for numbers of this size: two, fewer from 100 on, more below 0.1."""
    exponent = int(np.floor(np.log10(abs(value)))) if value else 0
    return int(np.clip(3 - exponent, 0, 2)) if exponent >= -1 else 1 - exponent
