"""Layout of the slide: the image, every stage and the logits from left to right, in logical units."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import prod

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.classes import Names, numbered
from konkyo.service.drawing.layout.grid import Grid, square, unit
from konkyo.service.drawing.layout.words import say, times
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, Box
from konkyo.service.drawing.primitives.colourbar import STRIP_NUMBERS
from konkyo.service.drawing.primitives.letters import width, wrapped

# Baselines of a column's name and sizes.
NAME, SIZES = 75, 91
# With rows of this height, a width of 1088 gives 16:9.
_TOP, _ROW, _WIDTH = 118, 43, 1088
_GAP, _IMAGE = 20, 112
# Maps of a column: so many are all drawn, so many of them in one row after the other; else so many of them are drawn.
_FEW, _ONE_COLUMN, _SHOWN = 16, 10, 8
# Side of a map that is aimed at and at most; width of several columns, and at most; side of a filter.
_AIM, _SIDE, _NARROW, _SPREAD, _FILTER_SIDE = 44, 72, 96, 140, 30
# Side of a filter divided by that of its map: of the first stage, and of others.
_FILTERS = 0.42, 0.3
# Height of the columns at most, unless the classes need more.
_TALL = 680
_MAP_GAP, _LEAD_GAP, _KERNEL_GAP, _NUMBER = 4, 6, 3, 24
# Height of the line that counts the maps that are not drawn.
OTHERS = 20
# Values in a column of a hidden layer, and the side of a value.
_HIDDEN_ROWS, _HIDDEN_SIDE = 64, 12
# The field: so many pairs are all drawn, else so many of them; its width, the side of a cell and of a map, and that of
# a map of few cells.
_FEW_PAIRS, _SHOWN_PAIRS = 12, 10
_FIELD_WIDTH, _FIELD_UNIT, _FIELD_SIDE, _FIELD_MOST, _FEW_CELLS = 420, 6, 36, 40, 30
# Side of a map and height of a row at most where columns are high, and the distance between two names of pairs.
_TALL_SIDE, _TALL_ROW, _NAMES = 48, 68, 8
_ROW_GAP, _EDGE = 5, 5
_TAG, _LOGIT, _PREDICTED, _OTHERS_WIDTH = 20, 64, 40, 66
# Names of several letters: what stands beside them; the predicted one's size, width, lines and distance.
_TAG_MARGIN, NAME_SIZE, NAME_WIDTH, NAME_LINE, _PREDICTED_GAP = 12, 18, 120, 22, 16
# So many rows high is the slide at least; more than so many rows are lower.
_FEWEST_ROWS, _MANY_ROWS, _LOW_ROW, _LOW_SIDE = 8, 16, 26, 20
# Distances below the maps: to the legends, their height, between lines, and to the bottom.
_STRIP, _STRIP_HEIGHT = 12, 6
LINE = 16
_END = 64


@dataclass(frozen=True)
class Layer:
    """A column of maps: the convolution of a stage, or what its pool makes of it.

    Attributes
    ----------
    stage
        Number of the stage, from 0.
    pooled
        Whether the maps are pooled.
    maps
        Number of maps of the layer.
    drawn
        Number of maps that are drawn, in ``groups`` of equal size above each other.
    cells, unit
        Side of a map in cells, and side of a cell.
    columns
        Maps side by side.
    lead
        Width to the left of each map, for its number and its filter.
    """

    stage: int
    pooled: bool
    maps: int
    drawn: int
    groups: int
    cells: int
    unit: int
    columns: int
    lead: int = 0

    @property
    def name(self) -> str:
        """The heading of the column."""
        return say("pooled") if self.pooled else say("stage", number=self.stage + 1)

    @property
    def sizes(self) -> str:
        """The number and the size of the maps, in words."""
        return sizes(self.maps, self.cells)

    @property
    def whole(self) -> bool:
        """Whether all maps are drawn."""
        return self.drawn == self.maps

    @property
    def side(self) -> int:
        """Side of a map."""
        return self.unit * self.cells

    @property
    def across(self) -> int:
        """Horizontal distance between maps."""
        return self.lead + self.side + _MAP_GAP

    @property
    def content(self) -> int:
        """Width of the maps."""
        return min(self.columns, self.drawn) * self.across - _MAP_GAP

    @property
    def width(self) -> int:
        """Width of the maps or of their heading, whichever is larger."""
        return max(self.content, round(width(self.sizes, NOTE)), round(width(self.name, BODY)))


def sizes(maps: int, cells: int) -> str:
    """A number and a size of maps, in words."""
    return say("sizes", maps=times(maps, "map"), cells=cells)


@dataclass(frozen=True)
class Slide:
    """From left to right: the image, the stages, hidden layers, a row of pairs' maps for each class, the prediction.

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
    def names(self) -> Names:
        """The names of the classes, as they stand at their rows."""
        return self.classes or numbered(self.architecture.classes)

    @cached_property
    def image(self) -> Box:
        """The image."""
        side = self.architecture.side * unit(self.architecture.side, _IMAGE)
        return square(MARGIN, (_TOP + self.bottom - side) // 2, side)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The columns of maps: a stage has one, and with a pool a second."""
        layers: list[Layer] = []
        for number, stage in enumerate(self.architecture.stages):
            layer = self._convolution(number, stage, not layers or layers[-1].whole)
            layers.append(layer)
            if stage.pool:
                # Drawn about three quarters as large.
                cells, side = self.architecture.sides[number + 1], (3 * layer.unit + 1) // 2
                layers.append(replace(layer, pooled=True, cells=cells, unit=side, lead=0))
        return tuple(layers)

    def _convolution(self, number: int, stage: Stage, whole: bool) -> Layer:
        """The column of a stage's convolution. ``whole`` says that all maps below are drawn."""
        maps, (below, side) = self.architecture.layer_maps[number + 1], self.architecture.below(number)
        cells = stage.sides(side)[0]
        # With paired wiring the maps of each map below stand together; the channels of the image are one picture.
        groups = below if stage.paired and stage.kernel and whole and number else 1
        height = (self.bottom - _TOP) // groups - (2 * _MAP_GAP if groups > 1 else 0)
        drawn, fold = maps, _fold(maps // groups, cells, height) if maps <= _FEW else None
        if fold is None:
            # One map always fits.
            groups, height = 1, self.bottom - _TOP - OTHERS
            each = ((some, _fold(some, cells, height)) for some in range(max(min(maps - 1, _SHOWN), 1), 0, -1))
            drawn, fold = next(found for found in each if found[1])
        side, columns = fold or (1, 1)
        lead = self._filter_side(number, side * cells) + _LEAD_GAP if self.kernels(number) else 0
        return Layer(number, False, maps, drawn, groups, cells, side, columns, lead if drawn == maps else _NUMBER)

    @property
    def filters(self) -> bool:
        """Whether any filter is drawn."""
        return any(layer.whole and self.kernels(layer.stage) for layer in self.layers)

    def kernels(self, stage: int) -> int:
        """Number of kernels beside each map of a stage; 0 if there are too many to be drawn."""
        given, (_, below, _) = self.architecture.stages[stage], self.architecture.groups(stage)
        if not given.kernel:
            return 0
        if stage == 0:
            return 1
        if self.architecture.layer_maps[stage + 1] > _FEW or max(given.filters, below) > 4:
            return 0
        return below

    def _filter_side(self, stage: int, side: int) -> int:
        """Side of a filter beside a map of this side. Several kernels above each other are about as high as the map."""
        kernel, kernels = self.architecture.stages[stage].kernel, self.kernels(stage)
        most = min(_FILTER_SIDE, side // kernels - _KERNEL_GAP if kernels > 1 else side)
        return kernel * max(min(round(_FILTERS[stage > 0] * side / kernel), most // kernel), 1)

    @cached_property
    def _columns(self) -> list[Box]:
        """From left to right: the image, the layers, the hidden layers, and the field with the logits.

        What is left of the width is spread evenly between them.
        """
        layers = [layer.width for layer in self.layers]
        hidden = [self._hidden_width(number) for number in range(len(self.architecture.hidden))]
        field = self._tag + self._row_width + _LOGIT + self._predicted
        widths = [self.image.width, *layers, *hidden, field]
        gap = max((_WIDTH - 2 * MARGIN - sum(widths)) // (len(widths) - 1), _GAP)
        lefts = accumulate((wide + gap for wide in widths[:-1]), initial=MARGIN)
        return [Box(left, _TOP, left + wide, self.bottom) for left, wide in zip(lefts, widths, strict=True)]

    def column(self, layer: int) -> Box:
        """The column of a layer."""
        return self._columns[1 + layer]

    def grids(self, layer: int) -> list[Grid]:
        """The groups of a layer's maps. A single group fills the column; several are centred in equal parts of it."""
        shape, column = self.layers[layer], self.column(layer)
        maps = shape.drawn // shape.groups
        rows, height = -(-maps // shape.columns), column.height - (0 if shape.whole else OTHERS)
        # A pooled row is at the height of its source: both have the pitch of the larger maps.
        source = self.layers[layer - 1] if shape.pooled else shape
        down = height // rows if shape.groups == 1 else source.side + _MAP_GAP
        left = column.left + (column.width - shape.content) // 2 + shape.lead
        part = height / shape.groups
        middles = (int(column.top + part * (group + 0.5) - down * (rows - 1) / 2) for group in range(shape.groups))
        return [
            Grid(square(left, middle - shape.side // 2, shape.side), (down, shape.across), maps, shape.columns)
            for middle in middles
        ]

    def others(self, layer: int) -> tuple[int, int]:
        """x of the middle, and the baseline, of the line that counts the maps that are not drawn."""
        column = self.column(layer)
        return column.middle[0], column.bottom - 4

    def filter(self, layer: int, group: int, number: int, stacked: int = 0) -> Box:
        """The filter to the left of a map. With summed wiring there is a stack of kernels, one for each map below."""
        shape = self.layers[layer]
        side = self._filter_side(shape.stage, shape.side)
        box, pitch = self.grids(layer)[group].box(number), side + _KERNEL_GAP
        top = box.top + (shape.side - self.kernels(shape.stage) * pitch + _KERNEL_GAP) // 2 + stacked * pitch
        return square(box.left - shape.lead, top, side)

    def hidden(self, number: int) -> tuple[Box, int]:
        """The box of a hidden layer's values, and the number of values side by side."""
        width_of = self.architecture.hidden[number]
        columns = -(-width_of // _HIDDEN_ROWS)
        rows = -(-width_of // columns)
        side = max(min((self.bottom - _TOP) // rows, _HIDDEN_SIDE), 1)
        column = self.hidden_column(number)
        left, top = column.middle[0] - columns * side // 2, (_TOP + self.bottom - rows * side) // 2
        return Box(left, top, left + columns * side, top + rows * side), columns

    def hidden_column(self, number: int) -> Box:
        """The column of a hidden layer."""
        return self._columns[1 + len(self.layers) + number]

    def hidden_words(self, number: int) -> tuple[str, str]:
        """The heading of a hidden layer: its name, and how many values it has."""
        one = len(self.architecture.hidden) == 1
        name = say("hidden layer") if one else say("hidden layer of many", number=number + 1)
        return name, times(self.architecture.hidden[number], "value")

    def _hidden_width(self, number: int) -> int:
        name, values = self.hidden_words(number)
        return max(round(width(name, BODY)), round(width(values, NOTE)))

    def row(self, number: int) -> Box:
        """The background of a class's maps in the field. Few rows stand in the middle of the height."""
        field = (self.bottom - _TOP - self.architecture.classes * self._row) // 2
        left, top = self._columns[-1].left + self._tag, _TOP + field + number * self._row
        return Box(left, top + 1, left + self._row_width, top + self._row - 1)

    def tag(self, number: int) -> Box:
        """The box of a class's name, at the left of its row."""
        row = self.row(number)
        return row._replace(left=row.left - self._tag, right=row.left)

    def logit(self, number: int) -> Box:
        """The box of a class's logit, at the right of its row."""
        row = self.row(number)
        return row._replace(left=row.right, right=row.right + _LOGIT)

    def pair_maps(self, number: int) -> Grid:
        """The maps of a class's row."""
        row, gap = self.row(number), self._field_gap
        content = self.pairs * (self._field_side + gap) - gap
        left = row.left + (row.width - self._others_width - content) // 2
        top = (row.top + row.bottom - self._field_side) // 2
        pitch = self._field_side + gap
        return Grid(square(left, top, self._field_side), (pitch, pitch), self.pairs, self.pairs)

    def other_pairs(self, number: int) -> Box:
        """The box of what all other pairs add to a class, at the right of its row."""
        row = self.row(number)
        return row._replace(left=row.right - self._others_width)

    @property
    def pair_names(self) -> int:
        """Baseline of the names of the pairs, above the first row."""
        return self.row(0).top - 9

    @cached_property
    def pairs(self) -> int:
        """Number of pairs in a row: all, if they are few."""
        if self._all_pairs <= _FEW_PAIRS:
            return self._all_pairs
        return min(max(_FIELD_WIDTH // (self._field_side + self._field_gap), 3), _SHOWN_PAIRS)

    @property
    def whole(self) -> bool:
        """Whether a row has all pairs."""
        return self.pairs == self._all_pairs

    @property
    def _all_pairs(self) -> int:
        return prod(self.architecture.pairs)

    @property
    def field_sizes(self) -> str:
        """The number of classes and maps in the field, and the size of the maps, in words."""
        maps = sizes(self._all_pairs, self.architecture.sides[-1])
        return say("field", classes=self.architecture.classes, sizes=maps)

    @property
    def others_words(self) -> str:
        """How many pairs a row leaves out."""
        return say("plus others", count=times(self._all_pairs - self.pairs, "other pair"))

    @cached_property
    def block(self) -> int:
        """Side of the square of cells that are drawn as one, with their sum: 1 if a map has few."""
        most = _FIELD_MOST if self.architecture.classes <= _MANY_ROWS else _LOW_SIDE
        return -(-self.architecture.sides[-1] // most)

    @property
    def _field_cells(self) -> int:
        return -(-self.architecture.sides[-1] // self.block)

    @cached_property
    def _field_side(self) -> int:
        if self.architecture.classes > _MANY_ROWS:
            return self._field_cells * max(min(_LOW_SIDE // self._field_cells, _FIELD_UNIT), 1)
        row = self._tallest // self.architecture.classes
        aim = min(max(_FIELD_SIDE, row - 2 * _ROW_GAP), _TALL_SIDE)
        return self._field_cells * min(unit(self._field_cells, aim), max(_FIELD_UNIT, _FEW_CELLS // self._field_cells))

    @cached_property
    def _field_gap(self) -> int:
        """Between maps, so that the names of the pairs have room above them."""
        rows, columns = self.architecture.pairs
        names = round(width(f"{rows - 1}×{columns - 1}", NOTE)) + _NAMES
        return max(6 if self._field_side >= 24 else 4, names - self._field_side)

    @cached_property
    def _tallest(self) -> int:
        """The height that the tallest column of maps takes, if they have about the side that is aimed at."""
        tallest = 0
        for maps, below, stage in zip(
            self.architecture.layer_maps[1:], self.architecture.sides, self.architecture.stages, strict=False
        ):
            cells = stage.sides(below)[0]
            rows = maps if maps <= _ONE_COLUMN else -(-maps // 2) if maps <= _FEW else _SHOWN
            height = rows * (cells * unit(cells, _AIM) + _MAP_GAP) + (0 if maps <= _FEW else OTHERS)
            tallest = max(tallest, height)
        return min(tallest, _TALL)

    def frame(self) -> tuple[int, int]:
        """Thickness of the frames of the first and second pair, and their distance from a map."""
        return 2, (1 if self._field_gap >= 6 else 0)

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
        return _TOP + max(self.architecture.classes * self._row, _FEWEST_ROWS * _ROW, self._tallest)

    @cached_property
    def _tag(self) -> int:
        widest = max(width(name, NOTE) for name in self.names)
        return _TAG if all(len(name) == 1 for name in self.names) else round(widest) + _TAG_MARGIN

    @cached_property
    def _predicted(self) -> int:
        """Width of the predicted class's name at the right."""
        if all(len(name) == 1 for name in self.names):
            return _PREDICTED
        lines = [line for name in self.names for line in wrapped(name, NAME_SIZE, NAME_WIDTH)]
        return _PREDICTED_GAP + round(max(width(line, NAME_SIZE) for line in lines))

    @cached_property
    def _row(self) -> int:
        least = _ROW if self.architecture.classes <= _MANY_ROWS else _LOW_ROW
        high = min(self._tallest // self.architecture.classes, _TALL_ROW)
        return max(least, self._field_side + _ROW_GAP, high)

    @property
    def _others_width(self) -> int:
        return 0 if self.whole else max(_OTHERS_WIDTH, round(width(self.others_words, NOTE)) + 16)

    @cached_property
    def _row_width(self) -> int:
        edge = max(_EDGE, self._field_gap // 2)
        maps = self.pairs * (self._field_side + self._field_gap) - self._field_gap + 2 * edge + self._others_width
        return max(maps, round(width(self.field_sizes, NOTE)) + 4 * _EDGE)


def _fold(maps: int, cells: int, height: int) -> tuple[int, int] | None:
    """The largest side of a cell with which ``maps`` maps fit into ``height``, and the number of columns; else None."""
    # Several columns only where maps are small, or do not fit otherwise.
    for spread in (_NARROW, _SPREAD):
        fits = []
        for columns in range(1, maps + 1):
            side = max(min(height // -(-maps // columns) - _MAP_GAP, _SIDE) // cells, maps == 1)
            if side >= 1 and (columns == 1 or columns * (side * cells + _MAP_GAP) <= spread):
                fits.append((side, -columns))
        if fits:
            side, columns = max(fits)
            return side, -columns
    return None
