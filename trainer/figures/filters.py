"""Which filter pairs each class uses, with their mean maps: after the paper's Fig. 4."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import SubFigure
from matplotlib.patches import Rectangle

from konkyo.models.classes import shortened
from konkyo.models.filters.usage import DOMINATES, MOST_PAIRS, ClassUsage, PlacedPair, Usage
from konkyo.models.network import Array, Network
from konkyo.trainer.figures.style import DIVERGING, FIRST, HAIRLINE, MUTED, SECOND, divided, drawing, shown
from konkyo.trainer.studies.filters import FilterStudy
from konkyo.trainer.studies.study import Asked

# From this many filters on, panels are wide, and two stand side by side instead of five.
MANY = 9
# Of more pairs than can be told apart: how many maps and filters are shown.
SHOWN = 8, 16
# Pixels of a cell of a map, and between two maps.
FINE, GAP = 6, 1
# Of a panel: its width for few and for many filters, the height of a map at most, and of a line below, in inches.
WIDTHS, TILE, LINE = (2.1, 5.3), 0.5, 0.36


def draw(path: Path, asked: Asked, found: FilterStudy) -> None:
    """A panel a class: its mean maps, a row for each map that enters the last stage, a column for each filter.

    The pair in first place is framed red, that in second place blue unless the first dominates; below stand the filters
    of both.
    """
    usage, network = found.usage, asked.checkpoint.network
    rows, columns = chosen(usage)
    limit = float(np.abs(found.maps).max())
    wide = len(columns) >= MANY
    across, width = (2, WIDTHS[1]) if wide else (5, WIDTHS[0])
    down = -(-len(usage.classes) // across)
    high = len(rows) * min(TILE, width / len(columns)) + (LINE if wide else 2 * LINE) + 0.5
    title = f"{asked.checkpoint.name}: which filter pairs each class uses"
    with drawing(path, title, _said(usage, rows, columns), across * width, down * high + 0.7) as figure:
        above, below = divided(figure, 2, 1, height_ratios=(down * high, 0.7))
        classes = zip(divided(above, down, across), network.classes, usage.classes, found.maps, strict=False)
        for panel, name, one, maps in classes:
            _draw_class(panel, wide, name, one, maps[np.ix_(rows, columns)], limit, (rows, columns), network)
        _draw_scale(below, limit)


def chosen(usage: Usage) -> tuple[list[int], list[int]]:
    """The maps and filters that are shown: all of few pairs; else those whose pairs add most, over all classes."""
    weights = np.abs(np.stack([one.mean for one in usage.classes])).sum(0)
    if weights.size <= MOST_PAIRS:
        return [*range(weights.shape[0])], [*range(weights.shape[1])]
    maps, filters = (
        np.sort(np.argsort(-weights.sum(1 - axis), kind="stable")[: SHOWN[axis]]).tolist() for axis in (0, 1)
    )
    return maps, filters


def _said(usage: Usage, rows: list[int], columns: list[int]) -> str:
    counts = [one.images for one in usage.classes]
    images = f"{min(counts):,}" if len(set(counts)) == 1 else f"{min(counts):,} to {max(counts):,}"
    maps, filters = usage.classes[0].mean.shape
    few = maps * filters == len(rows) * len(columns)
    some = ("", "") if few else (f" ({len(rows)} of {maps})", f" ({len(columns)} of {filters})")
    return (
        f"{images} correctly predicted training images a class. Rows: maps that enter the last stage{some[0]}, "
        f"columns: its filters{some[1]}. Percent: images in which the pair contributes most."
    )


def _draw_class(
    panel: SubFigure,
    wide: bool,
    name: str,
    one: ClassUsage,
    maps: Array,
    limit: float,
    places: tuple[list[int], list[int]],
    network: Network,
) -> None:
    """``maps`` are those that are shown, (rows, columns, s, s), and ``places`` their numbers."""
    firsts, seconds = ["first 0", "first 1", "first"], ["second 0", "second 1", "second"]
    lines: list[list[Any]] = [[*firsts, *seconds]] if wide else [firsts, seconds]
    tiles = len(maps) * min(TILE, WIDTHS[wide] / maps.shape[1])
    axes = panel.subplot_mosaic(
        [["maps"] * len(lines[0]), *lines],
        width_ratios=[1, 1, 4] * (2 if wide else 1),
        height_ratios=[tiles, *[LINE] * len(lines)],
    )
    fine = np.kron(maps, np.ones((FINE, FINE)))
    # Cells without a value between two maps, and around them all.
    side = fine.shape[-1] + GAP
    joined = np.full((side * maps.shape[0] + GAP, side * maps.shape[1] + GAP), np.nan)
    for row, column in np.ndindex(maps.shape[:2]):
        joined[row * side + GAP : (row + 1) * side, column * side + GAP : (column + 1) * side] = fine[row, column]
    shown(axes["maps"], joined, DIVERGING.with_extremes(bad=HAIRLINE), limit)
    axes["maps"].spines[:].set_visible(False)
    axes["maps"].set_anchor("W")
    axes["maps"].set_title(shortened(name), size=14)
    axes["maps"].set_title(f"{one.images:,} images", loc="right", size=8, weight="normal", color=MUTED)
    for key, pair, colour in (("second", one.second, SECOND), ("first", one.first, FIRST)):
        muted = key == "second" and one.dominated
        if pair is not None and not muted and pair.map in places[0] and pair.filter in places[1]:
            corner = places[1].index(pair.filter) * side + 0.5, places[0].index(pair.map) * side + 0.5
            frame = Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=1.8, zorder=3)
            axes["maps"].add_patch(frame)
        _draw_place([axes[f"{key} 0"], axes[f"{key} 1"]], axes[key], pair, MUTED if muted else colour, network)


def _draw_place(icons: list[Axes], words: Axes, pair: PlacedPair | None, colour: str, network: Network) -> None:
    """The pair's filters, framed unless the colour is muted: a dominated second place."""
    for axes in (*icons, words):
        axes.set_axis_off()
        axes.set_anchor("W")
    if pair is None:
        return
    kernels = _kernels(network, pair)
    for axes, (filters, weights) in zip(icons[-len(kernels) :], kernels, strict=True):
        axes.set_axis_on()
        shown(axes, weights, DIVERGING, float(np.abs(filters).max()))
        if colour != MUTED:
            axes.spines[:].set(color=colour, linewidth=1.8)
    words.text(0, 0.75, f"{pair.share:.1%}", weight="bold", color=colour, va="center")
    words.text(0, 0.2, f"map {pair.map} × filter {pair.filter}", size=7.5, color=MUTED, va="center")


def _kernels(network: Network, pair: PlacedPair) -> list[tuple[Array, Array]]:
    """(all filters of a stage, one kernel): the kernel that makes the map, where there is one, and the pair's own."""
    stages = network.architecture.stages
    *others, last = (network.weights[f"conv{number}.weight"] for number in range(1, len(stages) + 1))
    own = (last, last[pair.filter, 0 if stages[-1].paired else pair.map])
    if not others or others[-1].shape[1] > 1:
        return [own]
    return [(others[-1], others[-1][pair.map % stages[-2].filters, 0]), own]


def _draw_scale(figure: SubFigure, limit: float) -> None:
    bar, words = figure.subplots(1, 2, width_ratios=(1, 4))
    bar.set_box_aspect(0.05)
    ends = limit or 1.0
    scale = figure.colorbar(ScalarMappable(Normalize(-ends, ends), DIVERGING), cax=bar, orientation="horizontal")
    scale.set_ticks([-ends, 0, ends], labels=[f"−{limit:.2f}", "0", f"+{limit:.2f}"])
    scale.outline.set_visible(False)
    words.set_axis_off()
    note = (
        "Mean contribution a cell, to the class’s logit. Filters beside the percent: full colour is the layer’s "
        f"largest weight.\nSecond place has no frame where first has {DOMINATES:.0%}."
    )
    words.text(0, 0.5, note, size=8.5, color=MUTED, va="center")
