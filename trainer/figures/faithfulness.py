"""Deletion and insertion curves of some explanations, and the ranks of all by every criterion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from konkyo.trainer.figures.style import ACCENT, AGAINST, FIRST, INK, MUTED, PAPER, SECOND, drawing
from konkyo.trainer.studies.comparison import BESIDE, CRITERIA, Measured, ranks
from konkyo.trainer.studies.curves import CURVES
from konkyo.trainer.studies.explanations import BASELINE, DEFAULT, GREEDY, OURS, PLAIN, SHAPLEY

# From the last rank to the first.
_RANKS = LinearSegmentedColormap.from_list("konkyo-ranks", ["#f5f4f1", "#77bcb3", "#06695f"], N=121)
_WORDS = {"deletion": "lower is better", "insertion": "higher is better"}
# All in inches.
_WIDE, _LEFT, _GAP, _RIGHT = 12.5, 3.0, 0.7, 0.35
_TOP, _CURVES, _BETWEEN, _HEAD, _ROW, _BOTTOM = 1.2, 3.1, 0.6, 0.6, 0.27, 0.55


def draw(path: Path, name: str, measured: Sequence[Measured]) -> None:
    """Draw the curves of some explanations, and below them a table of ranks, a row for each explanation.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    measured
        What the study found.
    """
    high = _TOP + _CURVES + _BETWEEN + _HEAD + _ROW * len(measured) + _BOTTOM
    width = (_WIDE - _LEFT - _GAP - _RIGHT) / 2
    with drawing(path, _WIDE, high) as figure:
        images = len(measured[0].areas)
        figure.text(0.35 / _WIDE, 1 - 0.42 / high, f"{name}: which explanation is faithful", size=14, weight="bold")
        figure.text(
            0.35 / _WIDE,
            1 - 0.7 / high,
            "Probability of the predicted class while the pixels are deleted from the image, or inserted into an empty "
            f"one, in an explanation’s order. The first {images:,} test images.",
            color=MUTED,
        )
        shown = _shown(measured)
        bottom = high - _TOP - _CURVES
        for column, curve in enumerate(CURVES):
            left = _LEFT + column * (width + _GAP)
            axes = figure.add_axes((left / _WIDE, bottom / high, width / _WIDE, _CURVES / high))
            _draw_curves(axes, curve, shown)
        figure.legend(
            handles=[Line2D([], [], label=one.name, **style) for one, style in shown],
            loc="upper left",
            bbox_to_anchor=(0.35 / _WIDE - 0.005, (bottom + _CURVES) / high),
            borderaxespad=0,
            labelspacing=1.0,
            handlelength=1.6,
        )
        table = figure.add_axes(
            (_LEFT / _WIDE, _BOTTOM / high, (_WIDE - _LEFT - _RIGHT) / _WIDE, _ROW * len(measured) / high)
        )
        _draw_ranks(table, measured)
        note = (
            "Colour: the rank in a column, the first is darkest. Numbers: means. Deletion and insertion: the area "
            "under the curve. The greedy order is made for the first two columns."
        )
        figure.text(_LEFT / _WIDE, 0.2 / high, note, color=MUTED, size=8)


def _shown(measured: Sequence[Measured]) -> list[tuple[Measured, dict[str, Any]]]:
    """The explanations that have their curves drawn, and how."""
    by_name = {one.name: one for one in measured}
    sums = np.array([ranks(measured)[criterion] for criterion in CRITERIA]).sum(0)
    best_baselines = [
        measured[number] for number in np.argsort(sums, kind="stable") if measured[number].kind == BASELINE
    ][:2]
    plain = [one for one in measured if one.kind == PLAIN]
    styles: list[tuple[Measured | None, str, float, str]] = [
        (by_name.get(SHAPLEY), ACCENT, 2.4, "-"),
        (by_name.get(DEFAULT), SECOND, 2.4, "-"),
        *((one, AGAINST, 1.8, style) for one, style in zip(best_baselines, ("-", "--"), strict=False)),
        (by_name.get(GREEDY), FIRST, 1.2, "--"),
        *((one, MUTED, 1.2, style) for one, style in zip(plain, ("-", ":"), strict=False)),
    ]
    return [
        (one, {"color": colour, "linewidth": width, "linestyle": style})
        for one, colour, width, style in styles
        if one is not None
    ]


def _draw_curves(axes: Axes, curve: str, shown: Sequence[tuple[Measured, dict[str, Any]]]) -> None:
    for one, style in shown:
        points = one.points["background"][CURVES.index(curve)]
        axes.plot(np.linspace(0, 1, len(points)), points, **style)
    axes.set(
        title=f"{curve.capitalize()}: {_WORDS[curve]}",
        xlabel=f"share of the pixels with ink that are {'deleted' if curve == 'deletion' else 'inserted'}",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    axes.set_ylabel("probability")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="y")
    axes.tick_params(length=0)


def _draw_ranks(axes: Axes, measured: Sequence[Measured]) -> None:
    columns = [*CRITERIA, *BESIDE]
    places = ranks(measured)
    order = sorted(range(len(measured)), key=lambda number: sum(places[criterion][number] for criterion in CRITERIA))
    table = np.array([[places[column][number] for column in columns] for number in order], float)
    # A gap before what is no criterion.
    shown = np.insert(table, len(CRITERIA), np.nan, axis=1)
    axes.imshow(1 - (shown - 1) / max(len(measured) - 1, 1), _RANKS, vmin=0, vmax=1, aspect="auto")
    at = [*range(len(CRITERIA)), *range(len(CRITERIA) + 1, len(columns) + 1)]
    for row, number in enumerate(order):
        for x, column in zip(at, columns, strict=True):
            value = measured[number].values(column).mean()
            dark = places[column][number] < 0.45 * len(measured)
            axes.text(x, row, f"{value:.3f}", size=8, color=PAPER if dark else INK, ha="center", va="center")
    axes.set_xticks(at, [column.replace(", ", "\n") for column in columns])
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(order)), [measured[number].name for number in order])
    for label, number in zip(axes.get_yticklabels(), order, strict=True):
        one = measured[number]
        label.set(color=INK if one.kind == OURS else MUTED, size=8.5)
        label.set_fontweight("bold" if one.kind == OURS else "normal")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
