"""Layout of a panel for each class and of the filters of every stage above them, in logical units."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from konkyo.models.network import Array, Network
from konkyo.service.drawing.layout.filters import in_colour, weights_of
from konkyo.service.drawing.layout.grid import Grid, square
from konkyo.service.drawing.layout.wording import class_name
from konkyo.service.drawing.layout.words import say, times
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, TOP, Box
from konkyo.service.drawing.primitives.letters import width

# Panels side by side, of few and of many classes; width of a panel, and the distance between two.
_COLUMNS, _MANY_CLASSES, _MANY_COLUMNS = 5, 20, 10
_WIDTH, _GAP, _MANY_GAP = 172, 24, 20
# Heights in a panel, from the top: heading of one or two lines, space, each of the first and second pair, and space.
_HEAD, _TWO_LINES, _ABOVE_PLACES, _PLACE, _END = 22, 40, 14, 38, 14
# Width of the number of images.
_IMAGES = 88
_CELL, _CELL_GAPS = (48, 26), (14, 25)
_SMALL_CELL, _LEAST_CELL = 16, 8
_MANY = 5
_ICON = 20
# Of many pairs: how many a panel lists, and where there are many classes; height of a line and of a bar, width of a
# name and of a number.
_RANKED, _FEWER, _LINE, _BAR, _NAME, _NUMBER = 6, 4, 18, 8, 44, 48
# The filters above: a stage's width and height at most, side of a filter, distances of stages, of their names, and of
# the numbers beneath filters.
_STAGE, _FILTER_SIDE, _STAGE_GAP, _LABEL, _NUMBERS = (264, 130), 30, 36, 10, 16
_ABOVE_PANELS = 26
# Filters in a row at most where one kernel of each is drawn; kernels of a stage that are all drawn.
_ACROSS, _MANY_KERNELS = 16, 256


@dataclass(frozen=True)
class Panels:
    """The filters of every stage, and some panels a row.

    A panel has a cell for each pair, a row for each map that enters the last stage and a column for each of its
    filters. Of many pairs it lists the greatest, and the sum of the others.

    Parameters
    ----------
    network
        The network.
    """

    network: Network

    @cached_property
    def dense(self) -> bool:
        """Whether cells are small and without numbers, because there are many filters."""
        return max(self.network.architecture.pairs) >= _MANY

    @cached_property
    def ranked(self) -> bool:
        """Whether there are too many pairs for a cell each."""
        return _WIDTH // max(self.network.architecture.pairs) < _LEAST_CELL

    @cached_property
    def stages(self) -> list[Grid]:
        """The filters of each stage, one stage after the other.

        A filter is a column of its kernels. Where each has one, or only one is drawn, rows have 16.
        """
        grids: list[Grid] = []
        left, top, below = MARGIN, TOP + _LABEL, TOP
        for number in range(len(self.network.architecture.stages)):
            filters, _, kernel, _ = weights_of(self.network, number).shape
            rows = self._rows(number)
            columns = min(filters, _ACROSS) if rows == 1 else filters
            gap = 16 if filters < _MANY and rows < _MANY else 4 if columns <= _ACROSS else 1
            most = min(_STAGE[0] // columns - gap, _STAGE[1] // rows - gap, _FILTER_SIDE)
            side = kernel * max(most // kernel, 1)
            wide = max(columns * (side + gap) - gap, round(width(self.stage_words(number), NOTE)))
            if left > MARGIN and left + wide > MARGIN + _COLUMNS * (_WIDTH + _GAP) - _GAP:
                left, top = MARGIN, below + _LABEL + _ABOVE_PANELS
            grid = Grid(square(left, top, side), (side + gap, side + gap), filters * rows, columns)
            grids.append(grid)
            below = max(below, grid.bottom + (_NUMBERS if self.numbered(number, grid) else 0))
            left += wide + _STAGE_GAP
        return grids

    def kernels(self, number: int) -> Array:
        """(count, k, k): what is drawn of the filters of a stage, in the order of its grid."""
        weights = weights_of(self.network, number)
        if self._rows(number) < weights.shape[1]:
            largest = (weights**2).sum((2, 3)).argmax(1)
            chosen: Array = weights[np.arange(len(weights)), largest]
            return chosen
        return weights.swapaxes(0, 1).reshape(-1, *weights.shape[2:])

    def _rows(self, number: int) -> int:
        """Kernels of a filter that are drawn: all, if they are few; those of a colour image as one."""
        filters, kernels, *_ = weights_of(self.network, number).shape
        return 1 if in_colour(self.network, number) or filters * kernels > _MANY_KERNELS else kernels

    def numbered(self, number: int, grid: Grid) -> bool:
        """Whether the filters of a stage have numbers beneath them, for which they must be far apart."""
        return grid.pitch[1] >= _NUMBERS and grid.columns == self.network.architecture.stages[number].filters

    def stage_words(self, number: int) -> str:
        """The name of a stage, and its filters where each has several kernels."""
        filters, kernels, *_ = weights_of(self.network, number).shape
        if kernels == 1 or in_colour(self.network, number):
            return say("stage", number=number + 1)
        if self._rows(number) < kernels:
            return say("largest kernels", number=number + 1, filters=times(filters, "filter"), kernels=kernels)
        return say("kernels", number=number + 1, filters=times(filters, "filter"), kernels=kernels)

    @property
    def filters_bottom(self) -> int:
        """Bottom edge of the filters and their numbers."""
        numbers = [_NUMBERS if self.numbered(number, grid) else 0 for number, grid in enumerate(self.stages)]
        return max(grid.bottom + below for grid, below in zip(self.stages, numbers, strict=True))

    @property
    def filters_right(self) -> int:
        """Right edge of the filters and their names."""
        names = [
            grid.first.left + round(width(self.stage_words(number), NOTE)) for number, grid in enumerate(self.stages)
        ]
        return max(*names, *(grid.right for grid in self.stages))

    @cached_property
    def grid(self) -> Grid:
        """The panel of each class."""
        classes = self.network.architecture.classes
        height = self.head + self._content + _ABOVE_PLACES + 2 * _PLACE + _END
        left, top = MARGIN, self.filters_bottom + _ABOVE_PANELS
        columns, gap = (_COLUMNS, _GAP) if classes <= _MANY_CLASSES else (_MANY_COLUMNS, _MANY_GAP)
        return Grid(Box(left, top, left + _WIDTH, top + height), (height, _WIDTH + gap), classes, columns)

    @property
    def _listed(self) -> int:
        return _RANKED if self.network.architecture.classes <= _MANY_CLASSES else _FEWER

    @cached_property
    def head(self) -> int:
        """Height of the heading: names that are too long for it have a line of their own."""
        return _TWO_LINES if self.stacked else _HEAD

    @cached_property
    def stacked(self) -> bool:
        """Whether the number of images stands beneath the name of the class."""
        names = [class_name(self.network, number) for number in range(self.network.architecture.classes)]
        return max(width(name, SUM) for name in names) > _WIDTH - _IMAGES

    @property
    def _content(self) -> int:
        """Height of what a panel shows of its pairs."""
        if self.ranked:
            return (self._listed + 1) * _LINE
        return self.network.architecture.pairs[0] * self.pitch[0]

    def cells(self, number: int) -> Grid:
        """The cells of all pairs in the panel of a class."""
        panel, (down, right) = self.grid.box(number), self.pitch
        gaps = (1, 1) if self.dense else _CELL_GAPS
        wide, high = right - gaps[0], down - gaps[1]
        rows, columns = self.network.architecture.pairs
        first = Box(panel.left, panel.top + self.head, panel.left + wide, panel.top + self.head + high)
        return Grid(first, (down, right), rows * columns, columns)

    @cached_property
    def pitch(self) -> tuple[int, int]:
        """Distance between cells, down and to the right."""
        if not self.dense:
            # Four columns are narrower.
            fits = (_WIDTH + _CELL_GAPS[0]) // self.network.architecture.pairs[1]
            return _CELL[1] + _CELL_GAPS[1], min(_CELL[0] + _CELL_GAPS[0], fits)
        small = min(_WIDTH // max(self.network.architecture.pairs), _SMALL_CELL)
        return small, small

    def bars(self, number: int) -> Grid:
        """Of many pairs: the bar of each that is listed in the panel of a class, and the line of the others."""
        panel = self.grid.box(number)
        top = panel.top + self.head + (_LINE - _BAR) // 2
        first = Box(panel.left + _NAME, top, panel.right - _NUMBER, top + _BAR)
        return Grid(first, (_LINE, 0), self._listed + 1, 1)

    @property
    def frame(self) -> tuple[int, int]:
        """Thickness of the frames of the first and second pair, and their distance from a cell."""
        return 2, (0 if self.dense else 2)

    def icons(self, number: int, place: int) -> list[tuple[int, Box]]:
        """The filters of the first or second pair, beneath the cells: the stage of each, and its box.

        That of the last stage; before it, in a network of two stages, that of the first.
        """
        panel, stages = self.grid.box(number), self.network.architecture.stages
        left, top = panel.left, panel.bottom - _END - (2 - place) * _PLACE
        icons = []
        for stage in (0, 1) if len(stages) == 2 else (len(stages) - 1,):
            side = stages[stage].kernel * max(_ICON // stages[stage].kernel, 1)
            icons.append((stage, square(left, top, side)))
            left += side + 9
        return icons

    @property
    def right(self) -> int:
        """Right edge of the panels and the filters."""
        return max(self.grid.right, self.filters_right)

    @property
    def bottom(self) -> int:
        """Bottom edge of the last row of panels."""
        return self.grid.bottom
