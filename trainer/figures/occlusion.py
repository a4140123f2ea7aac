"""What hiding one region does: each class's mean drops, and how often the answer changes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from konkyo.models.classes import Names, shortened
from konkyo.trainer.figures.style import ACCENT, AGAINST, DIVERGING, HAIRLINE, INK, MUTED, drawing
from konkyo.trainer.studies.occlusion import RegionStudy

# All in inches.
_LEFT, _TOP, _BOTTOM, _RIGHT = 1.0, 1.2, 0.55, 0.25
_MAP, _GAP = 0.86, 0.09
_BAR_GAP, _BAR, _BAR_LABELS = 0.08, 0.1, 0.6
_CURVES_GAP, _CURVES = 0.75, 3.4
# Characters of a class's name from which on its letters are smaller, and at most.
_LONG, _LONGEST = 7, 10


def draw(path: Path, name: str, classes: Names, found: Sequence[RegionStudy]) -> None:
    """Draw a row of maps, one a class, for each region size, on its own scale, and beside them the changed answers.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    classes
        Their names.
    found
        What the study found.
    """
    pitch = _MAP + _GAP
    maps_wide = len(classes) * pitch - _GAP
    wide = _LEFT + maps_wide + _BAR_GAP + _BAR + _BAR_LABELS + _CURVES_GAP + _CURVES + _RIGHT
    high = _TOP + len(found) * pitch - _GAP + _BOTTOM
    with drawing(path, wide, high) as figure:
        images = len(found[0].critical)
        figure.text(0.35 / wide, 1 - 0.4 / high, f"{name}: what hiding one region does", size=14, weight="bold")
        figure.text(
            0.35 / wide,
            1 - 0.66 / high,
            f"Mean drop of the logit of the predicted class, over {images:,} test images. "
            "Teal: the region speaks for the class; ochre: against it.",
            color=MUTED,
        )
        for row, one in enumerate(found):
            top = _TOP + row * pitch
            _draw_row(figure, (wide, high), top, one, () if row else classes)
        left = _LEFT + maps_wide + _BAR_GAP + _BAR + _BAR_LABELS + _CURVES_GAP
        bounds = left / wide, _BOTTOM / high, _CURVES / wide, (high - _TOP - _BOTTOM) / high
        _draw_curves(figure.add_axes(bounds), found)


def _draw_row(figure: Figure, size: tuple[float, float], top: float, one: RegionStudy, titles: Names) -> None:
    wide, high = size
    heatmap = one.heatmap
    limit = float(np.abs(heatmap).max()) or 1.0
    bottom = 1 - (top + _MAP) / high
    figure.text(
        (_LEFT - 0.15) / wide,
        bottom + _MAP / 2 / high,
        f"{one.region}×{one.region}",
        weight="bold",
        ha="right",
        va="center",
    )
    for number, values in enumerate(heatmap):
        bounds = (_LEFT + number * (_MAP + _GAP)) / wide, bottom, _MAP / wide, _MAP / high
        axes = figure.add_axes(bounds)
        shown = axes.imshow(values, DIVERGING, vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=HAIRLINE, linewidth=0.5)
        if titles:
            title = shortened(titles[number], _LONGEST)
            axes.set_title(title, loc="center", size=13 if len(title) < _LONG else 9, pad=5)
    left = _LEFT + len(heatmap) * (_MAP + _GAP) - _GAP + _BAR_GAP
    bar = figure.colorbar(shown, cax=figure.add_axes((left / wide, bottom, _BAR / wide, _MAP / high)))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=MUTED, labelsize=7.5)
    digits = 1 if limit >= 1 else 2
    bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.{digits}f}", "0", f"+{limit:.{digits}f}"])
    # Within the bar's height: a row's lowest number and the next row's highest would touch.
    lowest, _, highest = bar.ax.get_yticklabels()
    lowest.set_verticalalignment("bottom")
    highest.set_verticalalignment("top")


def _draw_curves(axes: Axes, found: Sequence[RegionStudy]) -> None:
    regions = [one.region for one in found]
    for label, colour, values in (
        ("images with a critical region", ACCENT, [one.images_changed for one in found]),
        ("all hidings", AGAINST, [one.hidings_changed for one in found]),
    ):
        axes.plot(regions, values, color=colour, marker="o", markersize=5, linewidth=2, clip_on=False)
        for region, value in zip(regions, values, strict=True):
            text = f"{value:.1%}" if value >= 0.1 else f"{value:.2%}"
            axes.annotate(text, (region, value), (-4, 7), textcoords="offset points", ha="center", color=INK, size=8)
        axes.annotate(
            label,
            (regions[-1], values[-1]),
            (0, 21),
            textcoords="offset points",
            ha="right",
            color=colour,
            weight="bold",
        )
    axes.set(
        title="How often the answer changes",
        xticks=regions,
        xticklabels=[f"{region}×{region}" for region in regions],
        xlabel="hidden region, in pixels",
        ylim=(0, 1),
    )
    axes.title.set_y(1.03)
    axes.margins(x=0.12)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="y")
    axes.tick_params(length=0)
