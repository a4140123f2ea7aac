"""Layouts of filter pairs: a table of all of them, or the greatest of many in order of their contribution."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

from konkyo.models.network import Network
from konkyo.service.drawing.layout.filters import draw_filter, weights_of
from konkyo.service.drawing.layout.grid import Grid, square, unit
from konkyo.service.drawing.layout.places import Pair
from konkyo.service.drawing.layout.wording import below, pair_name
from konkyo.service.drawing.layout.words import say
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import HAIRLINE, MUTED
from konkyo.service.drawing.primitives.letters import width

# A table has at most so many pairs, rows and columns.
_MOST_PAIRS, _MOST_ROWS, _MOST_COLUMNS = 36, 6, 12
# Number of rows or columns from which on a table is dense.
_MANY = 5
# In logical units: sides of the image, and of the maps in a table, in a dense one and in a ranking.
# Heatmaps are larger.
_IMAGE, _MAP, _DENSE_MAP, _RANKED_MAP = 112, 70, 48, 84
_HEAT, _DENSE_HEAT, _RANKED_HEAT = 112, 56, 112
_HEAD_GAP, _LABEL_HEIGHT, _KERNEL_GAP = 24, 20, 4
# Columns and rows of a ranking; with heatmaps.
_RANKS, _HEAT_RANKS = (5, 4), (4, 4)
# Distances in a ranking: around a map, of its name above it, and of its number and its filters beneath it.
_RANK_GAPS, _NAME, _BENEATH = (58, 20), 8, 18
_ICON, _ICON_GAP = 18, 5


def in_table(network: Network) -> bool:
    """Whether the pairs are few enough for a table."""
    rows, columns = network.architecture.pairs
    return rows * columns <= _MOST_PAIRS and rows <= _MOST_ROWS and columns <= _MOST_COLUMNS


def ranks(heat: bool) -> int:
    """How many pairs a ranking shows: the last place is that of the others."""
    columns, rows = _HEAT_RANKS if heat else _RANKS
    return columns * rows - 1


@dataclass(frozen=True)
class Pairs(ABC):
    """What both layouts have: the image on the left, and a grid of maps with a number beneath each.

    Parameters
    ----------
    network
        The network.
    cells
        Side of a map in cells; of a heatmap in pixels.
    heat
        Whether the maps are heatmaps.
    pairs
        The pairs that are drawn, in the order of the grid.
    """

    network: Network
    cells: int
    heat: bool
    pairs: tuple[Pair, ...]

    @cached_property
    def image(self) -> Box:
        """The image."""
        side = self.network.architecture.side
        return square(MARGIN, TOP, side * unit(side, _IMAGE))

    @cached_property
    def boxes(self) -> dict[Pair, Box]:
        """The map of each pair."""
        return dict(zip(self.pairs, self.grid, strict=False))

    @property
    @abstractmethod
    def grid(self) -> Grid:
        """The maps."""

    @property
    def dense(self) -> bool:
        """Whether the maps stand close and are small."""
        return False

    @property
    def frame(self) -> tuple[int, int]:
        """Thickness of the frames of the first and second pair, and their distance from a map."""
        return (2, 1) if self.dense else (3, 2)

    @property
    def right(self) -> int:
        """Right edge of the maps."""
        return self.grid.right

    @property
    def bottom(self) -> int:
        """Baseline of the last row's numbers."""
        return max(self.number(self.grid.box(self.grid.count - 1))[1], self.image.bottom)

    @abstractmethod
    def number(self, box: Box) -> tuple[int, int, float]:
        """Where the number of a map stands: x, the baseline, and the share of its width to the left of x."""

    @abstractmethod
    def draw_heads(self, canvas: Canvas) -> None:
        """Draw the filters, and name the pairs."""


class Table(Pairs):
    """A row for each map that enters the last stage, a column for each of its filters, and the image in the corner."""

    @cached_property
    def dense(self) -> bool:
        """Whether the table is drawn small, because there are many filters."""
        return max(self.network.architecture.pairs) >= _MANY

    @cached_property
    def grid(self) -> Grid:
        """The maps."""
        sides = (_HEAT, _DENSE_HEAT) if self.heat else (_MAP, _DENSE_MAP)
        side = self.cells * unit(self.cells, sides[self.dense])
        rows, columns = self.network.architecture.pairs
        across = max(side + (12 if self.dense else 26), round(width(say("filter", number="00"), NOTE)) + 10)
        left = self.image.right + _HEAD_GAP + (6 if self.dense else 0)
        first = square(left, self._heads_bottom + (14 if self.dense else 20), side)
        return Grid(first, (side + (28 if self.dense else 40), across), rows * columns, columns)

    def filter(self, row: int) -> Box:
        """The filter of the first stage that makes a row's map, to the left of the row."""
        box, kernel = self.grid.box(row * self.grid.columns), self.network.architecture.stages[0].kernel
        side = kernel * max((30 if self.dense else 50) // kernel, 1)
        return square(self.image.right - side, box.middle[1] - side // 2, side)

    def kernel(self, row: int, column: int) -> Box:
        """A kernel of the last stage, above its column. With summed wiring there is a stack of one for each row."""
        left = self.grid.box(column).middle[0] - self._kernel_side // 2
        top = self._heads_bottom - self._stack_height + row * (self._kernel_side + _KERNEL_GAP)
        return square(left, top, self._kernel_side)

    def number(self, box: Box) -> tuple[int, int, float]:
        """Beneath the middle of the map."""
        return (box.left + box.right) // 2, box.bottom + (16 if self.dense else 19), 0.5

    def draw_heads(self, canvas: Canvas) -> None:
        """Draw the filters beside the rows and the kernels above the columns, with their names."""
        canvas.once(_draw_heads, self)

    @cached_property
    def kernels(self) -> int:
        """Number of kernels above each column. The three of a colour image are drawn as one."""
        inputs = weights_of(self.network, len(self.network.architecture.stages) - 1).shape[1]
        return 1 if len(self.network.architecture.stages) == 1 else inputs

    @cached_property
    def _kernel_side(self) -> int:
        kernel = self.network.architecture.stages[-1].kernel
        side = 12 if self.dense and self.kernels > 1 else 30 if self.dense else 42 if self.kernels == 1 else 24
        return kernel * max(side // kernel, 1)

    @property
    def _stack_height(self) -> int:
        return self.kernels * (self._kernel_side + _KERNEL_GAP) - _KERNEL_GAP

    @property
    def _heads_bottom(self) -> int:
        """Bottom edge of the image and of the kernels. The taller of the two begins at the top."""
        return max(self.image.bottom, TOP + _LABEL_HEIGHT + self._stack_height)


def _draw_heads(canvas: Canvas, table: Table) -> None:
    (rows, columns), stages = table.network.architecture.pairs, table.network.architecture.stages
    for row in range(rows):
        box = table.grid.box(row * columns)
        edge = table.image.right
        if len(stages) == 2:
            draw_filter(canvas, table.filter(row), table.network, 0, row)
            edge = table.filter(row).left - 8
        canvas.text(edge, box.middle[1] + 4, below(table.network, row), NOTE, MUTED, align=1)
    last = len(stages) - 1
    for row in range(table.kernels):
        for column in range(columns):
            draw_filter(canvas, table.kernel(row, column), table.network, last, column, row)
        if table.kernels > 1:
            box = table.kernel(row, 0)
            canvas.text(box.left - 8, box.middle[1] + 4, str(row), NOTE, MUTED, align=1)
    for column in range(columns):
        x, top = table.grid.box(column).middle[0], table.kernel(0, column).top
        canvas.text(x, top - 9, say("filter", number=column), NOTE, MUTED, align=0.5)


class Ranking(Pairs):
    """The pairs that add and take most, from the greatest contribution to the least, and a place for all others."""

    @cached_property
    def grid(self) -> Grid:
        """The maps, and the place of the others."""
        side = self.cells * unit(self.cells, _RANKED_HEAT if self.heat else _RANKED_MAP)
        names = max(round(width(pair_name(self.network, pair), NOTE)) for pair in self.pairs)
        across = max(side, names) + _RANK_GAPS[1]
        first = square(self.image.right + _HEAD_GAP + 8, TOP + _NAME + 10, side)
        columns = (_HEAT_RANKS if self.heat else _RANKS)[0]
        return Grid(first, (side + _RANK_GAPS[0], across), len(self.pairs) + 1, columns)

    @property
    def others(self) -> Box:
        """The place of all other pairs."""
        return self.grid.box(len(self.pairs))

    def number(self, box: Box) -> tuple[int, int, float]:
        """Beneath the map, from its left edge."""
        return box.left, box.bottom + _BENEATH, 0

    def draw_heads(self, canvas: Canvas) -> None:
        """Write the name of each pair above its map, and draw its filters beneath it."""
        stages = self.network.architecture.stages
        for pair, box in self.boxes.items():
            canvas.text(box.left, box.top - _NAME, pair_name(self.network, pair), NOTE, MUTED)
            icons = [(len(stages) - 1, pair[1], pair[0]), *([(0, pair[0], 0)] if len(stages) == 2 else [])]
            right = box.right
            for stage, number, given in icons:
                side = stages[stage].kernel * max(_ICON // stages[stage].kernel, 1)
                draw_filter(canvas, square(right - side, box.bottom + 6, side), self.network, stage, number, given)
                right -= side + _ICON_GAP
        rows, columns = self.network.architecture.pairs
        canvas.frame(self.others, HAIRLINE)
        for line, text in enumerate((say("and others", count=f"{rows * columns - len(self.pairs):,}"), say("others"))):
            x, y = self.others.middle
            canvas.text(x, y + 18 * line - 2, text, BODY, MUTED, align=0.5)
