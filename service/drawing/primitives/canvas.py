"""The canvas: everything that a picture is drawn with, whether it becomes pixels or an SVG.

Coordinates are logical units. Colours are indices of the palette; those of photographs are their own.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from konkyo.models.errors import ParameterError
from konkyo.models.kept import Kept
from konkyo.service.drawing.primitives.colours import (
    FADED,
    HAIRLINE,
    INK,
    Array,
    Pixels,
    faded,
    grey,
    photo,
)
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.outline import Groups
from konkyo.service.drawing.primitives.style import Style

# Sizes that all pictures share, in logical units, which are pixels at scale 1.
MARGIN = 24
TITLE, SUM, BODY, NOTE = 18, 16, 13, 12
_HEADING_BASELINE = 38
TOP = 58

# Pixels of a picture's side at most.
LARGEST = 4000

# Thickness of the line of paper inside an outline. The diameter of the largest dot divided by the side of its square:
# the rest of the square shows what is beneath.
CASING, DOT = 1, 0.62

# Height of capitals and digits divided by the type size.
CAPITAL = 0.7

# Bytes of the parts of pictures that are kept.
_MOST_KEPT = 4 * 2**20


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

    def overlaps(self, other: "Box") -> bool:
        """Whether the two have a point in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def baseline(self, size: int) -> float:
        """The baseline that centres capitals and digits of a type size vertically."""
        return (self.top + self.bottom + CAPITAL * size) / 2


class Part(NamedTuple):
    """A part of a picture, which is kept.

    Attributes
    ----------
    width
        Of a picture that has room for it.
    content
        As a canvas of its form puts it.
    size
        Its bytes.
    """

    width: int
    content: Any
    size: int


_KEPT: Kept[Part] = Kept(_MOST_KEPT, lambda part: part.size)


class Canvas(ABC):
    """A picture that is being drawn.

    Parameters
    ----------
    width, height
        Size in logical units. Text that extends into the right margin makes the picture wider.
    style
        The scale, and the theme of the palette.

    Raises
    ------
    ParameterError
        The picture would have more than 4,000 pixels a side.
    """

    def __init__(self, width: int, height: int, style: Style) -> None:
        self.style = style
        self.scale = style.scale
        self.width, self.height = width, height
        self.check_size()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.width * self.scale, self.height * self.scale

    def check_size(self) -> None:
        """Raise ParameterError if the picture has more than 4,000 pixels a side."""
        most = LARGEST // max(self.width, self.height)
        if self.scale > most:
            raise ParameterError(
                "scale",
                f"this picture is {self.width}×{self.height} pixels at scale 1, so scale must be at most {most}, "
                f"not {self.scale}",
            )

    @abstractmethod
    def encode(self) -> bytes:
        """The finished picture as a file.

        Raises
        ------
        ParameterError
            Text has made the picture wider than 4,000 pixels.
        """

    @abstractmethod
    def fill(self, box: Box, colour: int, share: float = 1) -> None:
        """Paint a box with one palette index, or a share of its width from the left."""

    @abstractmethod
    def ramp(self, box: Box, first: int, last: int, upright: bool = False) -> None:
        """Paint a box with the palette indices from ``first`` to ``last``, to the right or downwards."""

    @abstractmethod
    def frame(self, box: Box, colour: int = HAIRLINE, thickness: int = 1, gap: int = 0) -> None:
        """Draw a frame outside a box, at a distance of ``gap``."""

    @abstractmethod
    def tiles(self, first: Box, pitch: tuple[int, int], indices: Pixels, framed: bool = True) -> None:
        """Draw equal small arrays in rows and columns, each as ``tile`` does.

        Parameters
        ----------
        first
            The box in the upper left corner.
        pitch
            Distance between boxes, down and to the right.
        indices
            (rows, columns, height, width). The last two must divide the box's height and width.
        framed
            Whether each has a thin frame.
        """

    def tile(self, box: Box, indices: Pixels) -> None:
        """Draw a small array with a thin frame, enlarged to a box by nearest neighbour.

        ``indices`` is (rows, columns), which must divide the box's height and width.
        """
        self.tiles(box, (1, 1), indices[None, None])

    @abstractmethod
    def photo(self, box: Box, colours: Pixels, framed: bool = True) -> None:
        """Draw colours (rows, columns, 3), 0…255, with a thin frame, enlarged to a box by nearest neighbour."""

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

    @abstractmethod
    def dots(self, box: Box, areas: Array) -> None:
        """Draw a dot of ink in the middle of each pixel's square. Its area is proportional to ``areas``, 0…1."""

    @abstractmethod
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

    @abstractmethod
    def contour(self, boxes: Iterable[Box], inside: NDArray[np.bool_], colour: int) -> None:
        """Draw a thin line around the pixels of a mask (side, side), the same in equal boxes."""

    @abstractmethod
    def cross(self, box: Box, colour: int, thickness: int) -> None:
        """Draw both diagonals of a box."""

    @abstractmethod
    def stroke(self, start: tuple[float, float], end: tuple[float, float], thickness: float, colour: int) -> None:
        """Draw a straight line with round ends from one (x, y) to another, in a colour of the diverging scale.

        A thin line of paper surrounds it, so that it is seen on any background.
        """

    def line(self, start: tuple[int, int], end: tuple[int, int], colour: int = HAIRLINE) -> None:
        """Draw a horizontal or vertical line, one unit thick, from one (x, y) to another, both included."""
        (left, right), (top, bottom) = (sorted(ends) for ends in zip(start, end, strict=True))
        self.fill(Box(left, top, right + 1, bottom + 1), colour)

    def once(self, draw: Callable[..., None], *arguments: Hashable) -> None:
        """Draw what depends on its arguments and the style alone, such as a network's filters; it is kept.

        Parameters
        ----------
        draw
            A function of the canvas and these arguments.
        """

        def part() -> Part:
            sheet = self._sheet()
            draw(sheet, *arguments)
            content, size = sheet._content()
            return Part(sheet.width, content, size)

        kept = _KEPT.get((*self._place(), draw, arguments), part)
        self._widen(kept.width)
        self._put(kept.content)

    def _place(self) -> tuple[Hashable, ...]:
        """What else decides how a part is drawn."""
        return type(self), self.style, self.width, self.height

    @abstractmethod
    def _sheet(self) -> Self:
        """A canvas of this size with nothing on it, not even paper."""

    @abstractmethod
    def _content(self) -> tuple[Any, int]:
        """What was drawn on a sheet, and its bytes."""

    @abstractmethod
    def _put(self, content: Any) -> None:
        """Draw the content of a sheet."""

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
            Characters of the font, × and −; in an SVG any.
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
        self._write(x, baseline, text, size, colour, align, strong, reverse)

    @abstractmethod
    def _write(
        self, x: float, baseline: float, text: str, size: int, colour: int, align: float, strong: bool, reverse: bool
    ) -> None:
        """As ``text``, on a canvas that is wide enough."""

    def _widen(self, units: int) -> None:
        """Add paper on the right until the picture has this width in logical units."""
        self.width = max(self.width, units)
