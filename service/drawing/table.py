"""The table of filter pairs: where the digit, the filters and the pairs' maps stand, in logical units."""

from dataclasses import dataclass
from functools import cached_property

from models.architecture import IMAGE_SIDE, Architecture
from service.drawing.canvas import MARGIN, TOP, Box, decimals_for

_DIGIT_PIXEL = 4
_HEAD_GAP = 24
_LABEL_HEIGHT = 20
_KERNEL_GAP = 4
# From this many filters of either layer on, everything is small.
_MANY = 5


@dataclass(frozen=True)
class Table:
    """One row a conv1 filter, one column a conv2 filter, the digit in the corner.

    Parameters
    ----------
    architecture
        Its filter counts, kernel sides and wiring.
    pictures
        Whether a pair's place holds a whole picture, 28×28, instead of its map.
    """

    architecture: Architecture
    pictures: bool = False

    @cached_property
    def dense(self) -> bool:
        """Whether there are so many filters that everything has to be small."""
        return max(self.architecture.conv1_filters, self.architecture.conv2_filters) >= _MANY

    @cached_property
    def digit(self) -> Box:
        """The digit; 4 logical units a pixel."""
        side = IMAGE_SIDE * _DIGIT_PIXEL
        return Box(MARGIN, TOP, MARGIN + side, TOP + side)

    def map(self, conv1: int, conv2: int) -> Box:
        """The map of a pair: the same number of logical units for each of its 5×5 cells."""
        down, right = self.pitch
        left = self.digit.right + _HEAD_GAP + (6 if self.dense else 0) + conv2 * right
        top = self._heads_bottom + (14 if self.dense else 20) + conv1 * down
        return Box(left, top, left + self._map_side, top + self._map_side)

    def total_baseline(self, conv1: int) -> int:
        """The baseline of the numbers beneath a row of maps."""
        return self.map(conv1, 0).bottom + (15 if self.dense else 19)

    def filter(self, conv1: int) -> Box:
        """A conv1 filter, at the head of its row."""
        row, side = self.map(conv1, 0), self.architecture.conv1_kernel * (6 if self.dense else 10)
        top = (row.top + row.bottom - side) // 2
        return Box(self.digit.right - side, top, self.digit.right, top + side)

    def kernel(self, conv1: int, conv2: int) -> Box:
        """A conv2 kernel at the head of its column. With summed wiring there is one for each row, stacked."""
        column, side = self.map(0, conv2), self._kernel_side
        left = (column.left + column.right - side) // 2
        top = self._heads_bottom - self._stack_height + conv1 * self.kernel_pitch[0]
        return Box(left, top, left + side, top + side)

    @cached_property
    def pitch(self) -> tuple[int, int]:
        """From one map to that below it, and to that on its right."""
        return self._map_side + (26 if self.dense else 40), self._map_side + (12 if self.dense else 26)

    @property
    def kernel_pitch(self) -> tuple[int, int]:
        """From one conv2 kernel to that below it, and to that on its right."""
        return self._kernel_side + _KERNEL_GAP, self.pitch[1]

    @cached_property
    def last(self) -> tuple[int, int]:
        """The pair in the lower right corner: numbers of its conv1 and conv2 filters."""
        return self.architecture.conv1_filters - 1, self.architecture.conv2_filters - 1

    def decimals(self, largest: float) -> int:
        """How many decimals there is room for beneath a map, for numbers up to ``largest``."""
        return max(decimals_for(largest) - self.dense, 0)

    @property
    def right(self) -> int:
        """Right edge of the maps."""
        return self.map(*self.last).right

    @property
    def bottom(self) -> int:
        """Where the last row's numbers end."""
        return self.total_baseline(self.last[0])

    @property
    def gutter(self) -> int:
        """From the maps to what stands on their right."""
        return 24 if self.dense else 28

    @property
    def frame(self) -> int:
        """Thickness of the frames of first and second place."""
        return 2 if self.dense else 3

    @property
    def frame_gap(self) -> int:
        """From a map to its frame."""
        return 1 if self.dense else 2

    @cached_property
    def _map_side(self) -> int:
        if self.pictures:
            return IMAGE_SIDE * (2 if self.dense else _DIGIT_PIXEL)
        return self.architecture.pool2_side * (6 if self.dense else 14)

    @cached_property
    def _kernel_side(self) -> int:
        cell = 4 if self.dense else (14 if self.architecture.kernels_per_filter == 1 else 8)
        return self.architecture.conv2_kernel * cell

    @cached_property
    def _stack_height(self) -> int:
        return self.architecture.kernels_per_filter * self.kernel_pitch[0] - _KERNEL_GAP

    @cached_property
    def _heads_bottom(self) -> int:
        """Foot of the digit and of the column heads: the higher of the two is flush with the top."""
        return max(self.digit.bottom, TOP + _LABEL_HEIGHT + self._stack_height)
