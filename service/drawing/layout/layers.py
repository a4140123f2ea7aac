"""Layout of the maps of a layer in rows and columns, in logical units."""

from typing import NamedTuple

from konkyo.service.drawing.primitives.canvas import BODY, NOTE, Box
from konkyo.service.drawing.primitives.letters import width

MAP_GAP = 4
_SMALL_GAP = 3
# Maximum width of a layer with several columns.
_SPREAD = 96


class Grid(NamedTuple):
    """``maps`` equal squares in rows and columns, numbered row by row.

    ``pitch`` is the distance between squares, down and to the right; ``lead`` the width reserved to the left of each.
    """

    left: int
    top: int
    side: int
    pitch: tuple[int, int]
    maps: int
    columns: int
    lead: int = 0

    def box(self, place: int) -> Box:
        """The square of this number."""
        row, column = divmod(place, self.columns)
        left, top = self.left + self.lead + column * self.pitch[1], self.top + row * self.pitch[0]
        return Box(left, top, left + self.side, top + self.side)

    def column(self, number: int) -> list[Box]:
        """The squares of one column, from top to bottom."""
        return [self.box(place) for place in range(number, self.maps, self.columns)]

    def small_box(self, place: int, side: int, number: int = 0, stack: int = 1) -> Box:
        """A smaller square to the left of a square: number ``number`` of a stack of ``stack``."""
        box, pitch = self.box(place), side + _SMALL_GAP
        left = box.left - self.lead
        top = box.top + (self.side - stack * pitch + _SMALL_GAP) // 2 + number * pitch
        return Box(left, top, left + side, top + side)


class Layer(NamedTuple):
    """``groups`` · ``maps`` maps of ``cells`` × ``cells`` numbers. The groups are stacked vertically.

    ``unit`` is the side of a cell, ``lead`` the width reserved to the left of each map.
    """

    name: str
    groups: int
    maps: int
    cells: int
    unit: int
    columns: int
    lead: int = 0

    @property
    def sizes(self) -> str:
        """The number and the size of the maps, in words."""
        return sizes(self.groups * self.maps, self.cells)

    @property
    def side(self) -> int:
        """Side of a map."""
        return self.unit * self.cells

    @property
    def across(self) -> int:
        """Horizontal distance between maps."""
        return self.lead + self.side + MAP_GAP

    @property
    def content(self) -> int:
        """Width of the maps."""
        return self.columns * self.across - MAP_GAP

    @property
    def width(self) -> int:
        """Width of the maps or of their title, whichever is larger."""
        return max(self.content, round(width(self.sizes, NOTE)), round(width(self.name, BODY)))

    def pooled(self, name: str, cells: int) -> "Layer":
        """The pooled layer, drawn about three quarters as large."""
        return self._replace(name=name, cells=cells, unit=(3 * self.unit + 1) // 2, lead=0)


def sizes(maps: int, cells: int) -> str:
    """A number and a size of maps, in words."""
    return f"{maps} map{'' if maps == 1 else 's'} of {cells}×{cells}"


def fold(maps: int, cells: int, height: int, most: int) -> tuple[int, int]:
    """The largest side of a cell with which ``maps`` maps fit into ``height``, and the number of columns.

    The side of a map is at most ``most``. If cells of one unit do not fit, further columns are added.
    """
    best = 1, -(-maps // max(height // (cells + MAP_GAP), 1))
    for columns in range(1, maps + 1):
        rows = -(-maps // columns)
        unit = min((height // rows - MAP_GAP) // cells, most // cells)
        if unit > best[0] and columns * (unit * cells + MAP_GAP) <= _SPREAD:
            best = unit, columns
    return best
