"""The grid: equal boxes in rows and columns, in logical units. Every picture is laid out in grids."""

from collections.abc import Iterator
from dataclasses import dataclass

from konkyo.service.drawing.primitives.canvas import Box, Canvas
from konkyo.service.drawing.primitives.colours import Pixels


@dataclass(frozen=True)
class Grid:
    """``count`` equal boxes, numbered row by row. The last row can be incomplete.

    Attributes
    ----------
    first
        The box in the upper left corner.
    pitch
        Distance between boxes, down and to the right.
    count
        Number of boxes.
    columns
        Boxes in a row.
    """

    first: Box
    pitch: tuple[int, int]
    count: int
    columns: int

    def box(self, number: int) -> Box:
        """The box of this number."""
        row, column = divmod(number, self.columns)
        return self.first.shift(column * self.pitch[1], row * self.pitch[0])

    def __iter__(self) -> Iterator[Box]:
        """The boxes, row by row."""
        return (self.box(number) for number in range(self.count))

    def column(self, number: int) -> list[Box]:
        """The boxes of one column, from top to bottom."""
        return [self.box(place) for place in range(number, self.count, self.columns)]

    @property
    def right(self) -> int:
        """Right edge of the boxes."""
        return self.box(min(self.columns, self.count) - 1).right

    @property
    def bottom(self) -> int:
        """Bottom edge of the boxes."""
        return self.box(self.count - 1).bottom

    def tiles(self, canvas: Canvas, indices: Pixels, framed: bool = True) -> None:
        """Draw palette indices (count, height, width), one array a box."""
        full = self.count - self.count % self.columns
        for start, some in ((0, indices[:full]), (full, indices[full:])):
            if len(some):
                rows = some.reshape(-1, min(len(some), self.columns), *some.shape[1:])
                canvas.tiles(self.box(start), self.pitch, rows, framed)


def square(left: int, top: int, side: int) -> Box:
    """A square box."""
    return Box(left, top, left + side, top + side)


def unit(cells: int, side: int) -> int:
    """Side of a cell with which ``cells`` cells are about as long as ``side``; at least 1."""
    return max(round(side / cells), 1)
