"""Which filter pairs each class uses, with their mean maps: after the paper's Fig. 4."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from konkyo.models.classes import shortened
from konkyo.models.network import Array, Network
from konkyo.models.usage import DOMINATES, MOST_PAIRS, ClassUsage, PlacedPair, Usage
from konkyo.trainer.figures.style import DIVERGING, FIRST, HAIRLINE, MUTED, SECOND, drawing

# All in inches, from the upper left corner.
_MARGIN, _TOP, _END = 0.35, 1.0, 0.75
_PANEL_GAP = 0.3
_HEAD, _LINE, _ICON = 0.26, 0.36, 0.25
_LARGEST_TILE, _HIGHEST = 0.52, 3.0
# From what is framed to the middle of its frame.
_AROUND = 0.02
# From this many filters on, panels are wide, and two stand side by side instead of five.
_MANY = 9
# Of more pairs than can be told apart: how many maps and filters are shown.
_SHOWN = 8, 16


@dataclass(frozen=True)
class _Layout:
    """Where the panels and their maps stand.

    Attributes
    ----------
    maps, filters
        The numbers of the maps that enter the last stage, and of its filters, that are shown.
    classes
        How many there are.
    """

    maps: list[int]
    filters: list[int]
    classes: int

    @classmethod
    def of(cls, usage: Usage) -> "_Layout":
        """All pairs where they are few; else the maps and filters whose pairs add most, over all classes."""
        weights = np.abs(np.stack([one.mean for one in usage.classes])).sum(0)
        if weights.size <= MOST_PAIRS:
            return cls([*range(weights.shape[0])], [*range(weights.shape[1])], len(usage.classes))
        maps, filters = (
            np.sort(np.argsort(-weights.sum(1 - axis), kind="stable")[: _SHOWN[axis]]).tolist() for axis in (0, 1)
        )
        return cls(maps, filters, len(usage.classes))

    @property
    def columns(self) -> int:
        return 5 if len(self.filters) < _MANY else 2

    @property
    def width(self) -> float:
        """Of a panel."""
        return 1.7 if self.columns == 5 else 4.7

    @property
    def tile(self) -> float:
        """Side of a map."""
        across, down = len(self.filters), len(self.maps)
        return min(self.width / (across * 1.14 - 0.14), _HIGHEST / (down * 1.14), _LARGEST_TILE)

    @property
    def pitch(self) -> float:
        """From one map to the next."""
        return self.tile * 1.14

    @property
    def height(self) -> float:
        """Of a panel."""
        places = 2 * _LINE if self.columns == 5 else _LINE
        return _HEAD + len(self.maps) * self.pitch + 0.08 + places + 0.22

    @property
    def size(self) -> tuple[float, float]:
        """Of the figure."""
        wide = 2 * _MARGIN + self.columns * (self.width + _PANEL_GAP) - _PANEL_GAP
        return wide, _TOP - (-self.classes // self.columns) * self.height + _END

    def panel(self, number: int) -> tuple[float, float]:
        """A class's upper left corner."""
        row, column = divmod(number, self.columns)
        return _MARGIN + column * (self.width + _PANEL_GAP), _TOP + row * self.height

    def place(self, number: int) -> tuple[float, float]:
        """First or second place, from the panel's corner."""
        below = _HEAD + len(self.maps) * self.pitch + 0.08
        return (0, below + number * _LINE) if self.columns == 5 else (number * self.width / 2, below)


def draw(path: Path, name: str, network: Network, usage: Usage, maps: Array) -> None:
    """Draw a panel a class: its mean maps, a row for each map that enters the last stage, a column for each filter.

    The pair in first place is framed red, that in second place blue unless the first dominates; below stand the filters
    of both.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    network
        Its filters are shown.
    usage, maps
        What the study found; maps are (C, A, B, s, s).
    """
    layout = _Layout.of(usage)
    wide, high = layout.size
    limit = float(np.abs(maps).max())
    with drawing(path, wide, high) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, wide), ylim=(high, 0), autoscale_on=False)
        axes.text(_MARGIN, 0.48, f"{name}: which filter pairs each class uses", size=14, weight="bold")
        axes.text(_MARGIN, 0.74, _explanation(usage, layout), color=MUTED)
        for number, (label, one, means) in enumerate(zip(network.classes, usage.classes, maps, strict=True)):
            _draw_maps(axes, layout, number, label, one, means, limit)
            for place, pair in enumerate((one.first, one.second)):
                if pair:
                    colour = MUTED if place and one.dominated else (FIRST, SECOND)[place]
                    _draw_place(axes, layout, number, place, pair, colour, network)
        _draw_scale(axes, _MARGIN, high - 0.62, limit)


def _explanation(usage: Usage, layout: _Layout) -> str:
    counts = [one.images for one in usage.classes]
    images = f"{min(counts):,}" if len(set(counts)) == 1 else f"{min(counts):,} to {max(counts):,}"
    rows, columns = usage.classes[0].mean.shape
    few = rows * columns == len(layout.maps) * len(layout.filters)
    shown = ("", "") if few else (f" ({len(layout.maps)} of {rows})", f" ({len(layout.filters)} of {columns})")
    return (
        f"{images} correctly predicted training images a class. Rows: maps that enter the last stage{shown[0]}, "
        f"columns: its filters{shown[1]}. Percent: images in which the pair contributes most."
    )


def _draw_maps(
    axes: Axes, layout: _Layout, number: int, label: str, one: ClassUsage, means: Array, limit: float
) -> None:
    left, top = layout.panel(number)
    axes.text(left, top + 0.14, shortened(label), size=14, weight="bold")
    axes.text(left + layout.width, top + 0.14, f"{one.images:,} images", size=8, color=MUTED, ha="right")
    corners = {}
    for row, column in np.ndindex(len(layout.maps), len(layout.filters)):
        pair = layout.maps[row], layout.filters[column]
        corners[pair] = left + column * layout.pitch, top + _HEAD + row * layout.pitch
        _tile(axes, means[pair], corners[pair], layout.tile, limit)
    for placed, colour in ((None if one.dominated else one.second, SECOND), (one.first, FIRST)):
        if placed and (placed.map, placed.filter) in corners:
            _frame(axes, corners[placed.map, placed.filter], layout.tile, colour)


def _draw_place(
    axes: Axes, layout: _Layout, panel: int, number: int, pair: PlacedPair, colour: str, network: Network
) -> None:
    """The pair's filters, framed unless the colour is muted: a dominated second place."""
    x, y = (corner + place for corner, place in zip(layout.panel(panel), layout.place(number), strict=True))
    kernels = _kernels(network, pair)
    for place, (filters, weights) in enumerate(kernels):
        corner = x + place * (_ICON + 0.1), y
        _tile(axes, weights, corner, _ICON, float(np.abs(filters).max()))
        if colour != MUTED:
            _frame(axes, corner, _ICON, colour)
    text = x + len(kernels) * (_ICON + 0.1) + 0.04
    axes.text(text, y + 0.1, f"{pair.share:.1%}", size=9, weight="bold", color=colour)
    axes.text(text, y + 0.245, f"map {pair.map} × filter {pair.filter}", size=7.5, color=MUTED)


def _kernels(network: Network, pair: PlacedPair) -> list[tuple[Array, Array]]:
    """(all filters of a stage, one kernel): the kernel that makes the map, where there is one, and the pair's own."""
    stages = network.architecture.stages
    *others, last = (network.weights[f"conv{number}.weight"] for number in range(1, len(stages) + 1))
    own = (last, last[pair.filter, 0 if stages[-1].paired else pair.map])
    if not others or others[-1].shape[1] > 1:
        return [own]
    return [(others[-1], others[-1][pair.map % stages[-2].filters, 0]), own]


def _tile(axes: Axes, values: Array, corner: tuple[float, float], side: float, limit: float) -> None:
    (x, y), ends = corner, limit or 1.0
    extent = x, x + side, y + side, y
    axes.imshow(values, DIVERGING, vmin=-ends, vmax=ends, extent=extent, aspect="auto", interpolation="nearest")
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=HAIRLINE, linewidth=0.5))


def _frame(axes: Axes, corner: tuple[float, float], side: float, colour: str) -> None:
    corner, side = (corner[0] - _AROUND, corner[1] - _AROUND), side + 2 * _AROUND
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=1.8, zorder=3))


def _draw_scale(axes: Axes, left: float, top: float, limit: float) -> None:
    width, height = 2.0, 0.09
    ramp = np.linspace(-1, 1, 121)[None]
    axes.imshow(ramp, DIVERGING, extent=(left, left + width, top + height, top), aspect="auto")
    for share, align in ((-1, "left"), (0, "center"), (1, "right")):
        number = f"{share * limit:+.2f}".replace("-", "−") if share else "0"
        axes.text(left + (share + 1) / 2 * width, top + 0.25, number, size=8, color=MUTED, ha=align)
    axes.text(left + width + 0.2, top + 0.09, "mean contribution a cell, to the class’s logit", size=8.5, color=MUTED)
    note = (
        "Filters beside the percent: full colour is the layer’s largest weight. "
        f"Second place has no frame where first has {DOMINATES:.0%}."
    )
    axes.text(left + width + 0.2, top + 0.25, note, size=8.5, color=MUTED)
