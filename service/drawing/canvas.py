"""The canvas: boxes, tiles and text on palette indices, laid out in logical units and drawn at a whole scale."""

import math
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image

from service.drawing.colours import HAIRLINE, INK, PAPER, SHADES, Pixels, palette
from service.drawing.letters import letters, width
from service.drawing.style import Style

# What every picture shares, in logical units: pixels at scale 1.
MARGIN = 24
TITLE, SUM, BODY, NOTE = 18, 16, 13, 12
_HEADING_BASELINE = 38
TOP = 58

MOST_DECIMALS = 4

# Height of capitals and digits, as a part of the type size.
CAPITAL = 0.7


class Box(NamedTuple):
    """A rectangle in logical units, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Horizontal extent, in logical units."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Vertical extent, in logical units."""
        return self.bottom - self.top

    def grow(self, by: int) -> "Box":
        """The box with ``by`` more on each side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def baseline(self, size: int) -> float:
        """Where digits and capitals of that type size stand to be halfway down."""
        return (self.top + self.bottom + CAPITAL * size) / 2


class Canvas:
    """A picture in the making.

    Parameters
    ----------
    width, height
        In logical units. Text that reaches into the right margin makes the picture wider.
    style
        The scale, and which palette the indices mean.

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
        """The pixels of a box, to be written to."""
        left, top, right, bottom = (edge * self.scale for edge in box)
        return self.pixels[top:bottom, left:right]

    def fill(self, box: Box, colour: int) -> None:
        """Paint a box with one palette index."""
        self.region(box)[:] = colour

    def frame(self, box: Box, colour: int = HAIRLINE, thickness: int = 1, gap: int = 0) -> None:
        """Draw a frame around a box, ``gap`` away from it; it touches nothing inside."""
        left, top, right, bottom = box.grow(gap + thickness)
        for side in (
            Box(left, top, right, top + thickness),
            Box(left, bottom - thickness, right, bottom),
            Box(left, top, left + thickness, bottom),
            Box(right - thickness, top, right, bottom),
        ):
            self.fill(side, colour)

    def windows(self, first: Box, pitch: tuple[int, int], grid: tuple[int, int]) -> Pixels:
        """The pixels of equal boxes in rows and columns, to be written to.

        Parameters
        ----------
        first
            The one in the upper left corner.
        pitch
            From one box to that below it, and to that on its right, in logical units.
        grid
            Rows and columns.

        Returns
        -------
        Pixels
            (rows, columns, height · scale, width · scale), a view of the canvas.
        """
        shape = first.height * self.scale, first.width * self.scale
        corner = self.pixels[first.top * self.scale :, first.left * self.scale :]
        every = np.lib.stride_tricks.sliding_window_view(corner, shape, writeable=True)
        down, right = pitch
        return every[:: down * self.scale, :: right * self.scale][: grid[0], : grid[1]]

    def tiles(self, first: Box, pitch: tuple[int, int], indices: Pixels, framed: bool = True) -> None:
        """Draw equal small arrays in rows and columns, all at once, each as ``tile`` does.

        Parameters
        ----------
        first, pitch
            As in ``windows``.
        indices
            (rows, columns, height, width), the last two divisors of the box's height and width.
        framed
            Whether there is a thin frame around each.
        """
        rows, columns, *cells = indices.shape
        if framed:
            self.windows(first.grow(1), pitch, (rows, columns))[:] = HAIRLINE
        high, wide = first.height // cells[0] * self.scale, first.width // cells[1] * self.scale
        self.windows(first, pitch, (rows, columns))[:] = indices.repeat(high, 2).repeat(wide, 3)

    def tile(self, box: Box, indices: Pixels) -> None:
        """Draw a small array, enlarged to a box by nearest neighbour, with a thin frame around it.

        ``indices`` is (rows, columns), each a divisor of the box's height and width.
        """
        self.tiles(box, (1, 1), indices[None, None])

    def line(self, start: tuple[int, int], end: tuple[int, int], colour: int = HAIRLINE) -> None:
        """Draw a level or upright line, one unit thick, from one (x, y) to another; both ends are part of it."""
        (left, right), (top, bottom) = (sorted(ends) for ends in zip(start, end, strict=True))
        self.fill(Box(left, top, right + 1, bottom + 1), colour)

    def heading(self, text: str) -> None:
        """Write what the picture shows, at its top."""
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
            In logical units; digits and capitals stand on the baseline and are ``CAPITAL`` · ``size`` high.
        text
            Any characters of the font, and × and −.
        size
            In logical units.
        colour
            One of the inks. The letters' edges are smoothed towards the paper, so write on paper only.
        align
            The part of the text's width that lies left of ``x``: 0, 0.5 or 1.
        strong
            Heavier strokes.
        reverse
            Letters in the paper's colour, to be written on ``colour``.
        """
        self._widen(math.ceil(x + (1 - align) * width(text, size)) + MARGIN)
        shades, left, ascent = letters(text, size * self.scale, strong)
        row = round(baseline * self.scale) - ascent
        column = round(x * self.scale - align * width(text, size) * self.scale) + left
        # What would stand left of the picture is cut off.
        shades = shades[:, max(0, -column) :]
        column = max(0, column)
        target = self.pixels[row : row + shades.shape[0], column : column + shades.shape[1]]
        ramp = np.array([PAPER, *range(colour - SHADES + 1, colour + 1)], np.uint8)
        np.copyto(target, (ramp[::-1] if reverse else ramp)[shades], where=shades > 0)

    def _widen(self, units: int) -> None:
        """Add paper on the right until the picture is that wide: at every scale the same."""
        missing = units * self.scale - self.pixels.shape[1]
        if missing > 0:
            self.pixels = np.pad(self.pixels, ((0, 0), (0, missing)), constant_values=PAPER)


def number(value: float, decimals: int = 2, sign: bool = False) -> str:
    """A number with fixed decimals and true minus signs; what rounds to zero has no sign.

    ``sign`` puts a plus before numbers above zero. With more than four decimals, or from a million on, the notation is
    1.2e−07.
    """
    if (decimals > MOST_DECIMALS and value) or abs(value) >= 1e6:
        text = f"{value:+.1e}"
    else:
        text = f"{value:+.{min(decimals, MOST_DECIMALS)}f}"
        if not text.strip("+-0."):
            text = text[1:]
    return (text if sign else text.removeprefix("+")).replace("-", "−")


def decimals_for(value: float) -> int:
    """How many decimals numbers of this size need: two, fewer from 100 on, more below 0.1."""
    exponent = int(np.floor(np.log10(abs(value)))) if value else 0
    return int(np.clip(3 - exponent, 0, 2)) if exponent >= -1 else 1 - exponent


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file with one byte a pixel."""
    file = BytesIO()
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()
