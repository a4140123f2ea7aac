"""Layout of the slide: the image, the layers and the logits from left to right, in logical units."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from konkyo.models.architecture import IMAGE_SIDE, Architecture
from konkyo.models.classes import Names, numbered
from konkyo.service.drawing.layout.layers import MAP_GAP, Grid, Layer, fold, sizes
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Box
from konkyo.service.drawing.primitives.colourbar import STRIP_NUMBERS
from konkyo.service.drawing.primitives.letters import cut, width

# Baselines of a layer's name and sizes, and of the pairs' numbers above the field.
NAME, SIZES, PAIRS = 75, 91, 110
# With rows of this height, a width of 1088 gives 16:9.
_TOP, _ROW, _WIDTH = 118, 43, 1088
_GAP = 20
_DIGIT_PIXEL = 4
# Maximum sides of a conv1 map, of a conv2 map and of a filter.
_CONV1_SIDE, _CONV2_SIDE, _FILTER_SIDE = 72, 70, 30
_LEAD_GAP = 6
# The field: maximum width, maximum side of a cell, and the gap between maps for each side of a cell.
_FIELD_WIDTH, _FIELD_UNIT = 420, 6
_FIELD_GAPS = {1: 1, 2: 2, 3: 4, 4: 4, 5: 6, 6: 6}
_ROW_GAP, _EDGE = 5, 5
_TAG, _LOGIT, _PREDICTED = 20, 64, 40
# Names of several letters: what stands beside them, their greatest width, and the predicted one's size and distance.
_TAG_MARGIN, _LONGEST_TAG = 8, 84
NAME_SIZE, _PREDICTED_GAP = 18, 16
# So many rows high is the slide at least; more than so many rows are lower.
_FEWEST_ROWS, _MANY_ROWS, _LOW_ROW = 8, 16, 26
# Distances below the maps: to the legends, their height, between lines, and to the bottom.
_STRIP, _STRIP_HEIGHT = 12, 6
LINE = 16
_END = 64


class _Fold(NamedTuple):
    """A class's maps in lines and columns: the side of a cell, and the distance between maps."""

    lines: int
    columns: int
    unit: int
    pitch: int


@dataclass(frozen=True)
class Slide:
    """From left to right: the image, four layers, a row of pairs' maps with a logit for each class, the prediction.

    Parameters
    ----------
    architecture
        The architecture of the network.
    classes
        The names of its classes, as they are drawn; by default their numbers.
    """

    architecture: Architecture
    classes: Names = ()

    @cached_property
    def names(self) -> list[str]:
        """The names of the classes as they stand at their rows; what is too wide is cut."""
        names = self.classes or numbered(self.architecture.classes)
        return [cut(name, NOTE, _LONGEST_TAG) if len(name) > 1 else name for name in names]

    @cached_property
    def digit(self) -> Box:
        """The image."""
        side = IMAGE_SIDE * _DIGIT_PIXEL
        top = (_TOP + self.bottom - side) // 2
        return Box(MARGIN, top, MARGIN + side, top + side)

    @cached_property
    def layers(self) -> tuple[Layer, Layer, Layer, Layer]:
        """conv1, pool1, conv2, pool2."""
        shape, height = self.architecture, self.bottom - _TOP
        filters = shape.conv1_filters
        unit, columns = fold(filters, shape.conv1_side, height, _CONV1_SIDE)
        lead = shape.conv1_kernel * self._filter_unit(2 * unit, shape.conv1_kernel) + _LEAD_GAP
        conv1 = Layer("conv1", 1, filters, shape.conv1_side, unit, columns, lead)

        groups, maps = shape.map_grid
        between = 2 * MAP_GAP if groups > 1 else 0
        unit, columns = fold(maps, shape.conv2_side, height // groups - between, _CONV2_SIDE)
        lead = shape.conv2_kernel * self._filter_unit(unit, shape.conv2_kernel) + _LEAD_GAP if self.kernels else 0
        conv2 = Layer("conv2", groups, maps, shape.conv2_side, unit, columns, lead)
        return conv1, conv1.pooled("pool1", shape.pool1_side), conv2, conv2.pooled("pool2", shape.pool2_side)

    @cached_property
    def kernels(self) -> int:
        """Number of kernels beside each conv2 map; 0 if there are too many to be drawn."""
        return 0 if Table(self.architecture).dense else self.architecture.kernels_per_filter

    def column(self, layer: int) -> Box:
        """The column of a layer."""
        left = self.digit.right + self._gap + sum(each.width + self._gap for each in self.layers[:layer])
        return Box(left, _TOP, left + self.layers[layer].width, self.bottom)

    def grids(self, layer: int) -> list[Grid]:
        """The groups of a layer's maps. A single group fills the column; several are centred in equal parts of it."""
        shape, column = self.layers[layer], self.column(layer)
        rows, height = -(-shape.maps // shape.columns), column.height / shape.groups
        # A pooled row is at the height of its source: both have the pitch of the larger maps.
        down = int(height / rows) if shape.groups == 1 else self.layers[layer - layer % 2].side + MAP_GAP
        left = column.left + (column.width - shape.content) // 2
        middles = (int(column.top + height * (group + 0.5) - down * (rows - 1) / 2) for group in range(shape.groups))
        pitch = down, shape.across
        return [
            Grid(left, middle - shape.side // 2, shape.side, pitch, shape.maps, shape.columns, shape.lead)
            for middle in middles
        ]

    def filter(self, conv1: int) -> Box:
        """A conv1 filter, to the left of its map."""
        grid = self.grids(0)[0]
        return grid.small_box(conv1, grid.lead - _LEAD_GAP)

    def kernel(self, group: int, conv2: int, number: int) -> Box:
        """A conv2 kernel, to the left of its map. With summed wiring there are several."""
        grid = self.grids(2)[group]
        return grid.small_box(conv2, grid.lead - _LEAD_GAP, number, self.kernels)

    def row(self, number: int) -> Box:
        """The background of a class's maps in the field. Few rows stand in the middle of the height."""
        field = (self.bottom - _TOP - self.architecture.classes * self._row) // 2
        left, top = self.column(3).right + self._gap + self._tag, _TOP + field + number * self._row
        return Box(left, top + 1, left + self._row_width, top + self._row - 1)

    def tag(self, number: int) -> Box:
        """The box of a class's name, at the left of its row."""
        row = self.row(number)
        return row._replace(left=row.left - self._tag, right=row.left)

    def logit(self, number: int) -> Box:
        """The box of a class's logit, at the right of its row."""
        row = self.row(number)
        return row._replace(left=row.right, right=row.right + _LOGIT)

    def pairs(self, number: int) -> Grid:
        """A class's maps: pair (i, j) is number i · B + j."""
        row = self.row(number)
        lines, columns, unit, pitch = self._field
        side = unit * self.architecture.pool2_side
        left = (row.left + row.right - (columns - 1) * pitch - side) // 2
        top = (row.top + row.bottom - (lines - 1) * pitch - side) // 2
        return Grid(left, top, side, (pitch, pitch), lines * columns, columns)

    @property
    def field_sizes(self) -> str:
        """The number of classes and maps in the field, and the size of the maps, in words."""
        shape = self.architecture
        return f"{shape.classes} classes × {sizes(shape.conv1_filters * shape.conv2_filters, shape.pool2_side)}"

    @property
    def dense(self) -> bool:
        """Whether the field's maps are too close for a frame around each."""
        return _FIELD_GAPS[self._field.unit] <= 2

    @property
    def frame(self) -> tuple[int, int]:
        """Thickness of the frames of the first and second pair, and their distance from a map."""
        return 2, (1 if _FIELD_GAPS[self._field.unit] >= 6 else 0)

    def strip(self, left: int, right: int) -> Box:
        """The legend beneath maps from ``left`` to ``right``."""
        top = self.bottom + _STRIP
        return Box(left, top, right, top + _STRIP_HEIGHT)

    @property
    def lines(self) -> tuple[int, int]:
        """Baselines of the legends' numbers and of the text beneath them."""
        numbers = self.bottom + _STRIP + _STRIP_HEIGHT + STRIP_NUMBERS
        return numbers, numbers + LINE

    @property
    def right(self) -> int:
        """Right edge of the predicted class."""
        return self.logit(0).right + self._predicted

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right + MARGIN, self.bottom + _END

    @cached_property
    def bottom(self) -> int:
        """Bottom edge of the field."""
        return _TOP + max(self.architecture.classes, _FEWEST_ROWS) * self._row

    @cached_property
    def _tag(self) -> int:
        widest = max(width(name, NOTE) for name in self.names)
        return _TAG if all(len(name) == 1 for name in self.names) else round(widest) + _TAG_MARGIN

    @cached_property
    def _predicted(self) -> int:
        """Width of the predicted class's name at the right."""
        if all(len(name) == 1 for name in self.names):
            return _PREDICTED
        return _PREDICTED_GAP + round(max(width(name, NAME_SIZE) for name in self.names))

    @cached_property
    def _least_row(self) -> int:
        return _ROW if self.architecture.classes <= _MANY_ROWS else _LOW_ROW

    @cached_property
    def _row(self) -> int:
        return max(self._least_row, self._field.lines * self._field.pitch + _ROW_GAP)

    @cached_property
    def _row_width(self) -> int:
        maps = self._field.columns * self._field.pitch - _FIELD_GAPS[self._field.unit]
        return max(maps + 2 * _EDGE, round(width(self.field_sizes, NOTE)) + 4 * _EDGE)

    @cached_property
    def _field(self) -> _Fold:
        """A class's maps in lines and columns with the largest cells that fit. Lines break between conv1 filters."""
        filters, across = self.architecture.conv1_filters, self.architecture.conv2_filters
        lines_there_may_be = [lines for lines in range(1, filters + 1) if filters % lines == 0]
        for unit in range(_FIELD_UNIT, 0, -1):
            pitch = unit * self.architecture.pool2_side + _FIELD_GAPS[unit]
            for lines in lines_there_may_be:
                columns = filters // lines * across
                if columns * pitch <= _FIELD_WIDTH and (lines * pitch + _ROW_GAP <= self._least_row or unit == 1):
                    return _Fold(lines, columns, unit, pitch)
        # Wider than it may be, but there is no smaller way.
        return _Fold(filters, across, unit, pitch)

    @cached_property
    def _gap(self) -> int:
        """Between columns: what is left of the width, spread evenly."""
        columns = (
            self.digit.width,
            *(layer.width for layer in self.layers),
            self._tag + self._row_width + _LOGIT + self._predicted,
        )
        return max((_WIDTH - 2 * MARGIN - sum(columns)) // (len(columns) - 1), _GAP)

    def _filter_unit(self, unit: int, cells: int) -> int:
        return max(min(unit, _FILTER_SIDE // cells), 1)
