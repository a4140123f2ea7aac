"""The canvas: everything that a picture is drawn with. Coordinates are logical units, scaled by an integer.

Pixels are palette indices. Those of photographs have colours of their own; a picture without any has a palette.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.errors import ParameterError
from konkyo.service.drawing.primitives.colours import (
    FADED,
    HAIRLINE,
    INK,
    PAPER,
    PHOTO,
    SHADES,
    Array,
    Pixels,
    faded,
    grey,
    palette,
    photo,
)
from konkyo.service.drawing.primitives.letters import letters, width
from konkyo.service.drawing.primitives.outline import Groups, around, edges
from konkyo.service.drawing.primitives.style import Style

# Sizes that all pictures share, in logical units, which are pixels at scale 1.
MARGIN = 24
TITLE, SUM, BODY, NOTE = 18, 16, 13, 12
_HEADING_BASELINE = 38
TOP = 58

# Pixels of a picture's side at most.
LARGEST = 4000

MOST_DECIMALS = 4

# Thickness of the line of paper inside an outline. The diameter of the largest dot divided by the side of its square:
# the rest of the square shows what is beneath.
_CASING, _DOT = 1, 0.62

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

    def shift(self, right: int, down: int) -> "Box":
        """The box further right and down."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    @property
    def middle(self) -> tuple[int, int]:
        """The point in the middle, x and y, rounded down."""
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2

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
        (height · scale, width · scale) palette indices; ``PHOTO`` where a photograph is.

    Raises
    ------
    ParameterError
        The picture would have more than 4,000 pixels a side.
    """

    def __init__(self, width: int, height: int, style: Style) -> None:
        self.style = style
        self.scale = style.scale
        _check_size(width, height, style.scale)
        self.pixels = np.full((height * self.scale, width * self.scale), PAPER, np.uint8)
        self._photos: list[tuple[tuple[int, int], Pixels]] = []

    def picture(self) -> Image.Image:
        """The finished picture: in mode P, or in mode RGB where there are photographs.

        Raises
        ------
        ParameterError
            Text has made the picture wider than 4,000 pixels.
        """
        _check_size(self.pixels.shape[1] // self.scale, self.pixels.shape[0] // self.scale, self.scale)
        image = Image.fromarray(self.pixels)
        image.putpalette(palette(self.style.theme))
        if not self._photos:
            return image
        colours = np.array(image.convert("RGB"))
        for (top, left), pixels in self._photos:
            rows, columns = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
            visible = self.pixels[rows, columns] == PHOTO
            np.copyto(colours[rows, columns], pixels, where=visible[..., None])
        return Image.fromarray(colours)

    def region(self, box: Box) -> Pixels:
        """The pixels of a box, as a writable view."""
        left, top, right, bottom = (edge * self.scale for edge in box)
        return self.pixels[top:bottom, left:right]

    def fill(self, box: Box, colour: int, share: float = 1) -> None:
        """Paint a box with one palette index, or a share of its width from the left."""
        # Rounded to pixels and not to logical units, for precision at larger scales.
        region = self.region(box)
        region[:, : round(share * region.shape[1])] = colour

    def ramp(self, box: Box, first: int, last: int, upright: bool = False) -> None:
        """Paint a box with the palette indices from ``first`` to ``last``, to the right or downwards."""
        region = self.region(box)
        steps = np.rint(np.linspace(first, last, region.shape[0 if upright else 1])).astype(np.uint8)
        region[:] = steps[:, None] if upright else steps

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

    def photo(self, box: Box, colours: Pixels, framed: bool = True) -> None:
        """Draw colours (rows, columns, 3), 0…255, with a thin frame, enlarged to a box by nearest neighbour."""
        if framed:
            self.frame(box)
        region = self.region(box)
        region[:] = PHOTO
        down, right = region.shape[0] // colours.shape[0], region.shape[1] // colours.shape[1]
        self._photos.append(((box.top * self.scale, box.left * self.scale), colours.repeat(down, 0).repeat(right, 1)))

    def image(self, box: Box, image: Array, fade: NDArray[np.bool_] | None = None) -> None:
        """Draw an image of the network, in ink or in colours.

        Parameters
        ----------
        box
            Its width is a multiple of the image's.
        image
            (side, side) or (3, side, side), in [0, 1].
        fade
            (side, side): the pixels that are drawn pale, without colour.
        """
        if image.ndim == 2:
            self.tile(box, grey(image if fade is None else np.where(fade, FADED * image, image)))
            return
        colours = photo(image)
        if fade is not None:
            colours = np.where(fade[..., None], faded(image, self.style.theme), colours)
        self.photo(box, colours)

    def dots(self, box: Box, areas: Array) -> None:
        """Draw a dot of ink in the middle of each pixel's square. Its area is proportional to ``areas``, 0…1."""
        side = box.width // areas.shape[1] * self.scale
        offset = np.arange(side) - (side - 1) / 2
        distance = np.hypot(offset[:, None], offset)
        radius = np.sqrt(np.clip(areas, 0, 1)) * side * _DOT / 2
        inked = distance[:, None, :] < radius[:, None, :, None]
        self.region(box)[inked.reshape(box.height * self.scale, -1)] = INK

    def outline(self, box: Box, groups: Groups, thickness: int, colour: int = INK) -> None:
        """Draw a line along the inner edge of each group of an image's pixels, and a thin line of paper inside it.

        Parameters
        ----------
        box
            The box of the image.
        groups
            (side, side): the group of each pixel, or ``NONE``.
        thickness
            Of the line, in logical units.
        """
        side = box.width // groups.shape[1] * self.scale
        for wide, shade in ((thickness + _CASING, PAPER), (thickness, colour)):
            self.region(box)[edges(groups, side, wide * self.scale)] = shade

    def contour(self, boxes: Iterable[Box], inside: NDArray[np.bool_], colour: int) -> None:
        """Draw a thin line around the pixels of a mask (side, side), the same in equal boxes."""
        boxes = list(boxes)
        line = around(inside, boxes[0].width // inside.shape[1] * self.scale, self.scale)
        for box in boxes:
            self.region(box)[line] = colour

    def cross(self, box: Box, colour: int, thickness: int) -> None:
        """Draw both diagonals of a box."""
        region = self.region(box)
        height, wide = region.shape
        down, across = np.ogrid[:height, :wide]
        slope = height / wide
        falls = np.abs(down - across * slope) < thickness * self.scale
        rises = np.abs(down - (wide - 1 - across) * slope) < thickness * self.scale
        region[falls | rises] = colour

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


def _check_size(width: int, height: int, scale: int) -> None:
    most = LARGEST // max(width, height)
    if scale > most:
        raise ParameterError(
            "scale", f"this picture is {width}×{height} pixels at scale 1, so scale must be at most {most}, not {scale}"
        )


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
