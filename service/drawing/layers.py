"""Layers: how many maps there are, and how they stand in rows and columns, in logical units."""

from typing import NamedTuple

from service.drawing.canvas import BODY, NOTE, Box
from service.drawing.letters import width

MAP_GAP = 4
_SMALL_GAP = 3
# How far the maps of a layer may spread to the side for the sake of larger cells.
_SPREAD = 96


class Grid(NamedTuple):
    """``maps`` equal squares in rows and columns, numbered row by row.

    ``pitch`` is from one square to that below it, and to that on its right; ``lead`` the room of what belongs to it
    on its left.
    """

    left: int
    top: int
    side: int
    pitch: tuple[int, int]
    maps: int
    columns: int
    lead: int = 0

    def box(self, place: int) -> Box:
        """One of the squares."""
        row, column = divmod(place, self.columns)
        left, top = self.left + self.lead + column * self.pitch[1], self.top + row * self.pitch[0]
        return Box(left, top, left + self.side, top + self.side)

    def column(self, number: int) -> list[Box]:
        """The squares of one column, from top to bottom."""
        return [self.box(place) for place in range(number, self.maps, self.columns)]

    def small_box(self, place: int, side: int, number: int = 0, stack: int = 1) -> Box:
        """A smaller square in the room on the left of one: number ``number`` of a stack of ``stack``."""
        box, pitch = self.box(place), side + _SMALL_GAP
        left = box.left - self.lead
        top = box.top + (self.side - stack * pitch + _SMALL_GAP) // 2 + number * pitch
        return Box(left, top, left + side, top + side)


class Layer(NamedTuple):
    """``groups`` · ``maps`` maps of ``cells`` × ``cells`` numbers, the groups one beneath the other.

    ``unit`` is the side of a cell, ``lead`` the room on the left of each map.
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
        """How many maps there are, and of what size."""
        return sizes(self.groups * self.maps, self.cells)

    @property
    def side(self) -> int:
        """Side of a map."""
        return self.unit * self.cells

    @property
    def across(self) -> int:
        """From one map to that on its right."""
        return self.lead + self.side + MAP_GAP

    @property
    def content(self) -> int:
        """Width of the maps."""
        return self.columns * self.across - MAP_GAP

    @property
    def width(self) -> int:
        """Width of the maps or of what is written over them."""
        return max(self.content, round(width(self.sizes, NOTE)), round(width(self.name, BODY)))

    def pooled(self, name: str, cells: int) -> "Layer":
        """What a pool makes of it: drawn about three quarters as large."""
        return self._replace(name=name, cells=cells, unit=(3 * self.unit + 1) // 2, lead=0)


def sizes(maps: int, cells: int) -> str:
    """How many maps there are, and of what size."""
    return f"{maps} map{'' if maps == 1 else 's'} of {cells}×{cells}"


def fold(maps: int, cells: int, height: int, most: int) -> tuple[int, int]:
    """The side of a cell, as large as may be, and the columns with which ``maps`` maps stand in ``height``.

    A map's side is ``most`` at the most. Where not even cells of one unit fit, the maps spread to the side.
    """
    best = 1, -(-maps // max(height // (cells + MAP_GAP), 1))
    for columns in range(1, maps + 1):
        rows = -(-maps // columns)
        unit = min((height // rows - MAP_GAP) // cells, most // cells)
        if unit > best[0] and columns * (unit * cells + MAP_GAP) <= _SPREAD:
            best = unit, columns
    return best
