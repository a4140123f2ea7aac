"""Which filter pairs each class uses, with their mean maps: after the paper's Fig. 4."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.classes import shortened
from konkyo.models.network import Array, Network
from konkyo.models.usage import DOMINATES, ClassUsage, PlacedPair, Usage
from konkyo.trainer.figures.style import DIVERGING, FIRST, HAIRLINE, MUTED, SECOND, drawing

# All in inches, from the upper left corner.
_MARGIN, _TOP, _END = 0.35, 1.0, 0.75
_PANEL_GAP = 0.3
_HEAD, _LINE, _ICON = 0.26, 0.36, 0.25
_LARGEST_TILE, _HIGHEST = 0.52, 3.0
# From what is framed to the middle of its frame.
_AROUND = 0.02
# From this many conv2 filters on, panels are wide, and two stand side by side instead of five.
_MANY = 9


@dataclass(frozen=True)
class _Layout:
    """Where the panels and their maps stand."""

    architecture: Architecture

    @property
    def columns(self) -> int:
        return 5 if self.architecture.conv2_filters < _MANY else 2

    @property
    def width(self) -> float:
        """Of a panel."""
        return 1.7 if self.columns == 5 else 4.7

    @property
    def tile(self) -> float:
        """Side of a map."""
        across, down = self.architecture.conv2_filters, self.architecture.conv1_filters
        return min(self.width / (across * 1.14 - 0.14), _HIGHEST / (down * 1.14), _LARGEST_TILE)

    @property
    def pitch(self) -> float:
        """From one map to the next."""
        return self.tile * 1.14

    @property
    def height(self) -> float:
        """Of a panel."""
        places = 2 * _LINE if self.columns == 5 else _LINE
        return _HEAD + self.architecture.conv1_filters * self.pitch + 0.08 + places + 0.22

    @property
    def size(self) -> tuple[float, float]:
        """Of the figure."""
        wide = 2 * _MARGIN + self.columns * (self.width + _PANEL_GAP) - _PANEL_GAP
        return wide, _TOP - (-self.architecture.classes // self.columns) * self.height + _END

    def panel(self, number: int) -> tuple[float, float]:
        """A class's upper left corner."""
        row, column = divmod(number, self.columns)
        return _MARGIN + column * (self.width + _PANEL_GAP), _TOP + row * self.height

    def place(self, number: int) -> tuple[float, float]:
        """First or second place, from the panel's corner."""
        below = _HEAD + self.architecture.conv1_filters * self.pitch + 0.08
        return (0, below + number * _LINE) if self.columns == 5 else (number * self.width / 2, below)


def draw(path: Path, name: str, network: Network, usage: Usage, maps: Array) -> None:
    """Draw a panel a class: its mean maps, a row for each conv1 filter and a column for each conv2 filter.

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
        What the study found; maps are (C, A, B, 5, 5).
    """
    layout = _Layout(network.architecture)
    wide, high = layout.size
    limit = float(np.abs(maps).max())
    with drawing(path, wide, high) as figure:
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, wide), ylim=(high, 0), autoscale_on=False)
        axes.text(_MARGIN, 0.48, f"{name}: which filter pairs each class uses", size=14, weight="bold")
        axes.text(_MARGIN, 0.74, _explanation(usage), color=MUTED)
        for number, (label, one, means) in enumerate(zip(network.classes, usage.classes, maps, strict=True)):
            _draw_maps(axes, layout, number, label, one, means, limit)
            for place, pair in enumerate((one.first, one.second)):
                if pair:
                    colour = MUTED if place and one.dominated else (FIRST, SECOND)[place]
                    _draw_place(axes, layout, number, place, pair, colour, network)
        _draw_scale(axes, _MARGIN, high - 0.62, limit)


def _explanation(usage: Usage) -> str:
    counts = [one.images for one in usage.classes]
    images = f"{min(counts):,}" if len(set(counts)) == 1 else f"{min(counts):,} to {max(counts):,}"
    return (
        f"{images} correctly predicted training images a class. "
        "Rows: conv1 filters, columns: conv2 filters. Percent: images in which the pair contributes most."
    )


def _draw_maps(
    axes: Axes, layout: _Layout, number: int, label: str, one: ClassUsage, means: Array, limit: float
) -> None:
    left, top = layout.panel(number)
    axes.text(left, top + 0.14, shortened(label), size=14, weight="bold")
    axes.text(left + layout.width, top + 0.14, f"{one.images:,} images", size=8, color=MUTED, ha="right")
    corners = {}
    for conv1, conv2 in np.ndindex(means.shape[:2]):
        corner = left + conv2 * layout.pitch, top + _HEAD + conv1 * layout.pitch
        corners[conv1, conv2] = corner
        _tile(axes, means[conv1, conv2], corner, layout.tile, limit)
    if one.second and not one.dominated:
        _frame(axes, corners[one.second.conv1, one.second.conv2], layout.tile, SECOND)
    _frame(axes, corners[one.first.conv1, one.first.conv2], layout.tile, FIRST)


def _draw_place(
    axes: Axes, layout: _Layout, panel: int, number: int, pair: PlacedPair, colour: str, network: Network
) -> None:
    """The pair's filters, framed unless the colour is muted: a dominated second place."""
    x, y = (corner + place for corner, place in zip(layout.panel(panel), layout.place(number), strict=True))
    conv1, conv2 = network.weights["conv1.weight"], network.weights["conv2.weight"]
    kernel = conv2[pair.conv2, pair.conv1 if network.architecture.wiring is Wiring.SUMMED else 0]
    for place, (filters, weights) in enumerate(((conv1, conv1[pair.conv1, 0]), (conv2, kernel))):
        corner = x + place * (_ICON + 0.1), y
        _tile(axes, weights, corner, _ICON, float(np.abs(filters).max()))
        if colour != MUTED:
            _frame(axes, corner, _ICON, colour)
    text = x + 2 * (_ICON + 0.1) + 0.04
    axes.text(text, y + 0.1, f"{pair.share:.1%}", size=9, weight="bold", color=colour)
    axes.text(text, y + 0.245, f"conv1[{pair.conv1}]×conv2[{pair.conv2}]", size=7.5, color=MUTED)


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
