"""Layout of the table of filter pairs: the image, the filters and the pairs' maps, in logical units."""

from dataclasses import dataclass
from functools import cached_property

from konkyo.models.architecture import IMAGE_SIDE, Architecture
from konkyo.service.drawing.primitives.canvas import MARGIN, TOP, Box, decimals_for

_DIGIT_PIXEL = 4
_HEAD_GAP = 24
_LABEL_HEIGHT = 20
_KERNEL_GAP = 4
# Number of filters of a layer from which on the table is dense.
_MANY = 5


@dataclass(frozen=True)
class Table:
    """A row for each conv1 filter, a column for each conv2 filter, and the image in the corner.

    Parameters
    ----------
    architecture
        The architecture of the network.
    pictures
        Whether a pair has a heatmap of 28×28 instead of its map.
    """

    architecture: Architecture
    pictures: bool = False

    @cached_property
    def dense(self) -> bool:
        """Whether the table is drawn small, because there are many filters."""
        return max(self.architecture.conv1_filters, self.architecture.conv2_filters) >= _MANY

    @cached_property
    def digit(self) -> Box:
        """The image, with 4 logical units for each pixel."""
        side = IMAGE_SIDE * _DIGIT_PIXEL
        return Box(MARGIN, TOP, MARGIN + side, TOP + side)

    def map(self, conv1: int, conv2: int) -> Box:
        """The map of a pair. Its side is a multiple of the number of cells."""
        down, right = self.pitch
        left = self.digit.right + _HEAD_GAP + (6 if self.dense else 0) + conv2 * right
        top = self._heads_bottom + (14 if self.dense else 20) + conv1 * down
        return Box(left, top, left + self._map_side, top + self._map_side)

    def total_baseline(self, conv1: int) -> int:
        """Baseline of the numbers beneath a row of maps."""
        return self.map(conv1, 0).bottom + (15 if self.dense else 19)

    def filter(self, conv1: int) -> Box:
        """A conv1 filter, to the left of its row."""
        row, side = self.map(conv1, 0), self.architecture.conv1_kernel * (6 if self.dense else 10)
        top = (row.top + row.bottom - side) // 2
        return Box(self.digit.right - side, top, self.digit.right, top + side)

    def kernel(self, conv1: int, conv2: int) -> Box:
        """A conv2 kernel, above its column. With summed wiring there is a stack of one kernel for each row."""
        column, side = self.map(0, conv2), self._kernel_side
        left = (column.left + column.right - side) // 2
        top = self._heads_bottom - self._stack_height + conv1 * self.kernel_pitch[0]
        return Box(left, top, left + side, top + side)

    @cached_property
    def pitch(self) -> tuple[int, int]:
        """Distance between maps, down and to the right."""
        return self._map_side + (26 if self.dense else 40), self._map_side + (12 if self.dense else 26)

    @property
    def kernel_pitch(self) -> tuple[int, int]:
        """Distance between conv2 kernels, down and to the right."""
        return self._kernel_side + _KERNEL_GAP, self.pitch[1]

    @cached_property
    def last(self) -> tuple[int, int]:
        """The conv1 and conv2 filter numbers of the pair in the lower right corner."""
        return self.architecture.conv1_filters - 1, self.architecture.conv2_filters - 1

    def decimals(self, largest: float) -> int:
        """The number of decimals that fit beneath a map, for numbers up to ``largest``."""
        return max(decimals_for(largest) - self.dense, 0)

    @property
    def right(self) -> int:
        """Right edge of the maps."""
        return self.map(*self.last).right

    @property
    def bottom(self) -> int:
        """Baseline of the last row's numbers."""
        return self.total_baseline(self.last[0])

    @property
    def gutter(self) -> int:
        """Distance from the maps to the colour bar."""
        return 24 if self.dense else 28

    @property
    def frame(self) -> int:
        """Thickness of the frames of the first and second pair."""
        return 2 if self.dense else 3

    @property
    def frame_gap(self) -> int:
        """Distance from a map to its frame."""
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
        """Bottom edge of the image and of the kernels. The taller of the two begins at the top."""
        return max(self.digit.bottom, TOP + _LABEL_HEIGHT + self._stack_height)
