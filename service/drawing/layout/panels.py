"""Layout of a panel for each class and of the filters above them, in logical units."""

from dataclasses import dataclass
from functools import cached_property

from konkyo.models.architecture import Architecture
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.primitives.canvas import MARGIN, TOP, Box

_COLUMNS, _WIDTH, _GAP = 5, 172, 24
# Heights in a panel, from the top: heading, space, each of the first and second pair, and the space beneath.
_HEAD, _ABOVE_PLACES, _PLACE, _END = 22, 14, 38, 14
_CELL, _CELL_GAPS = (48, 26), (14, 25)
_SMALL_CELL = 16
_ICON = 20
# The filters above: width of the layer's name, maximum side of a filter, maximum width of a layer, and gap.
_NAME, _FILTER_SIDE, _LAYER_WIDTH, _LAYER_GAP = 44, 30, 330, 36
_NUMBERS, _ABOVE_PANELS = 18, 26


@dataclass(frozen=True)
class Panels:
    """The filters of both layers, and five panels a row.

    A panel has a cell for each pair: a row for each conv1 filter and a column for each conv2 filter.

    Parameters
    ----------
    architecture
        The architecture of the network.
    """

    architecture: Architecture

    @cached_property
    def dense(self) -> bool:
        """Whether cells are small and without numbers, because there are many filters."""
        return Table(self.architecture).dense

    def filter(self, conv1: int) -> Box:
        """A conv1 filter."""
        side, pitch = self._sizes(self.architecture.conv1_filters, self.architecture.conv1_kernel)
        left = MARGIN + _NAME + conv1 * pitch
        return Box(left, TOP, left + side, TOP + side)

    def kernel(self, conv1: int, conv2: int) -> Box:
        """A conv2 kernel. With summed wiring a filter has one for each conv1 filter, from top to bottom."""
        side, pitch = self._kernel_sizes
        left = self.filter(self.architecture.conv1_filters - 1).right + _LAYER_GAP + _NAME + conv2 * pitch
        top = TOP + conv1 * pitch
        return Box(left, top, left + side, top + side)

    @property
    def kernel_pitch(self) -> int:
        """Distance between kernels, down and to the right."""
        return self._kernel_sizes[1]

    @property
    def filters_bottom(self) -> int:
        """Bottom edge of the filters and their numbers."""
        lowest = max(self.filter(0).bottom, self.kernel(self.architecture.kernels_per_filter - 1, 0).bottom)
        return lowest + (0 if self.dense else _NUMBERS)

    def panel(self, number: int) -> Box:
        """The panel of a class."""
        row, column = divmod(number, _COLUMNS)
        cells = self.architecture.conv1_filters * self.pitch[0]
        height = _HEAD + cells + _ABOVE_PLACES + 2 * _PLACE + _END
        left, top = MARGIN + column * (_WIDTH + _GAP), self.filters_bottom + _ABOVE_PANELS + row * height
        return Box(left, top, left + _WIDTH, top + height)

    def cell(self, number: int, conv1: int, conv2: int) -> Box:
        """A pair's cell in the panel of a class."""
        panel, (down, right) = self.panel(number), self.pitch
        left, top = panel.left + conv2 * right, panel.top + _HEAD + conv1 * down
        wide, high = (right - 1, down - 1) if self.dense else _CELL
        return Box(left, top, left + wide, top + high)

    @cached_property
    def pitch(self) -> tuple[int, int]:
        """Distance between cells, down and to the right."""
        if not self.dense:
            return _CELL[1] + _CELL_GAPS[1], _CELL[0] + _CELL_GAPS[0]
        most = max(self.architecture.conv1_filters, self.architecture.conv2_filters)
        small = min(_WIDTH // most, _SMALL_CELL)
        return small, small

    @property
    def frame(self) -> tuple[int, int]:
        """Thickness of the frames of the first and second pair, and their distance from a cell."""
        return 2, (0 if self.dense else 2)

    def icons(self, number: int, place: int) -> tuple[Box, Box]:
        """The conv1 filter and the conv2 kernel of the first or second pair, beneath the cells."""
        panel = self.panel(number)
        top = panel.bottom - _END - (2 - place) * _PLACE
        kernels = self.architecture.conv1_kernel, self.architecture.conv2_kernel
        sides = [max(_ICON // cells, 1) * cells for cells in kernels]
        first = Box(panel.left, top, panel.left + sides[0], top + sides[0])
        return first, Box(first.right + 9, top, first.right + 9 + sides[1], top + sides[1])

    @property
    def filters_right(self) -> int:
        """Right edge of the filters."""
        return self.kernel(0, self.architecture.conv2_filters - 1).right

    @property
    def right(self) -> int:
        """Right edge of the panels and the filters."""
        return max(self.panel(min(self.architecture.classes, _COLUMNS) - 1).right, self.filters_right)

    @property
    def bottom(self) -> int:
        """Bottom edge of the last row of panels."""
        return self.panel(self.architecture.classes - 1).bottom

    @property
    def _kernel_sizes(self) -> tuple[int, int]:
        shape = self.architecture
        return self._sizes(max(shape.conv2_filters, shape.kernels_per_filter), shape.conv2_kernel)

    def _sizes(self, filters: int, cells: int) -> tuple[int, int]:
        """Side of a filter of ``cells`` × ``cells`` weights, and distance between ``filters`` of them side by side."""
        gap = 16 if not self.dense else 4 if filters <= 16 else 1
        unit = max(min(_LAYER_WIDTH // filters - gap, _FILTER_SIDE) // cells, 1)
        return unit * cells, unit * cells + gap
