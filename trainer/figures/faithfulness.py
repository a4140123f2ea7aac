"""Deletion and insertion curves of some explanations, and every one's areas, sorted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from trainer.figures.style import ACCENT, AGAINST, FIRST, INK, MUTED, SECOND, TRACK, drawing
from trainer.studies.curves import CURVES
from trainer.studies.explanations import DEFAULT, OURS, PLAIN, RIVAL
from trainer.studies.faithfulness import Estimate, Measured, best

_COLOURS = {OURS: ACCENT, RIVAL: AGAINST, PLAIN: MUTED}
_WORDS = {OURS: "ours, by hiding and by the ledger", RIVAL: "Captum’s", PLAIN: "look at no network"}
_BETTER = {"deletion": "lower is better", "insertion": "higher is better"}
# All in inches.
_WIDE, _LEFT, _GAP, _RIGHT = 12.5, 2.75, 2.9, 0.3
_TOP, _CURVES, _BETWEEN, _ROW, _BOTTOM = 1.25, 3.3, 1.15, 0.2, 0.95


def draw(path: Path, name: str, measured: Sequence[Measured]) -> None:
    """Draw the curves over the ink of the default, the best of ours, two rivals and two plain orders; below, all areas.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    measured
        What the study found.
    """
    dots = _ROW * len(measured) + 0.2
    high = _TOP + _CURVES + _BETWEEN + dots + _BOTTOM
    width = (_WIDE - _LEFT - _GAP - _RIGHT) / 2
    with drawing(path, _WIDE, high) as figure:
        images = len(measured[0].areas)
        figure.text(0.35 / _WIDE, 1 - 0.42 / high, f"{name}: which explanation is faithful", size=14, weight="bold")
        figure.text(
            0.35 / _WIDE,
            1 - 0.7 / high,
            "Probability of the predicted digit, while the pixels are deleted from the image, or inserted into an "
            f"empty one, in an explanation’s order. The first {images:,} test images.",
            color=MUTED,
        )
        shown = _shown(measured)
        for column, curve in enumerate(CURVES):
            left = (_LEFT + column * (width + _GAP)) / _WIDE
            above = (_BOTTOM + dots + _BETWEEN) / high
            axes = figure.add_axes((left, above, width / _WIDE, _CURVES / high))
            _draw_curves(axes, curve, shown)
            if column == 0:
                handles = [Line2D([], [], label=_label(one), **style) for one, style in shown]
                figure.legend(
                    handles=handles,
                    loc="upper left",
                    bbox_to_anchor=(0.35 / _WIDE - 0.005, above + _CURVES / high),
                    borderaxespad=0,
                    labelspacing=1.0,
                    handlelength=1.6,
                )
            _draw_areas(figure.add_axes((left, _BOTTOM / high, width / _WIDE, dots / high)), curve, measured)
        kinds = [
            Line2D([], [], color=_COLOURS[kind], marker="o", linestyle="", label=_WORDS[kind]) for kind in _COLOURS
        ]
        hollow = Line2D(
            [], [], color=MUTED, marker="o", markerfacecolor="none", linestyle="", label="over all 784 pixels"
        )
        figure.legend(
            handles=[*kinds, hollow],
            loc="lower left",
            bbox_to_anchor=(_LEFT / _WIDE, 0.12 / high),
            ncols=4,
            borderaxespad=0,
            handletextpad=0.2,
        )


def _shown(measured: Sequence[Measured]) -> list[tuple[Measured, dict[str, Any]]]:
    """What has its curves drawn, and how."""
    # Of each of Captum's methods the best variant, and of these the best two.
    rivals: dict[str, Measured] = {}
    for one in sorted((one for one in measured if one.kind == RIVAL), key=lambda one: -one.gap):
        rivals.setdefault(one.name.split(",")[0], one)
    plain = [one for one in measured if one.kind == PLAIN][:2]
    [default] = [one for one in measured if one.name == DEFAULT]
    first = best(measured)
    shown: list[tuple[Measured, dict[str, Any]]] = [(default, {"color": ACCENT, "linewidth": 2.4})]
    if first is not default:
        shown.append((first, {"color": FIRST, "linewidth": 2.4}))
    for one, style in zip(rivals.values(), ("-", "--"), strict=False):
        shown.append((one, {"color": AGAINST, "linewidth": 1.8, "linestyle": style}))
    for one, colour, style in zip(plain, (SECOND, MUTED), ("-", ":"), strict=False):
        shown.append((one, {"color": colour, "linewidth": 1.5, "linestyle": style}))
    return shown


def _draw_curves(axes: Axes, curve: str, shown: Sequence[tuple[Measured, dict[str, Any]]]) -> None:
    for one, style in shown:
        points = one.points["ink"][CURVES.index(curve)]
        axes.plot(np.linspace(0, 1, len(points)), points, **style)
    axes.set(
        title=f"{curve.capitalize()}: {_BETTER[curve]}",
        xlabel=f"share of the ink’s pixels {'deleted' if curve == 'deletion' else 'inserted'}",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    axes.set_ylabel("probability")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="y")
    axes.tick_params(length=0)


def _draw_areas(axes: Axes, curve: str, measured: Sequence[Measured]) -> None:
    best_first = 1 if curve == "deletion" else -1
    ordered = sorted(measured, key=lambda one: best_first * one.area("probability", "ink", curve).mean())
    for row, one in enumerate(ordered):
        colour = _COLOURS[one.kind]
        ink, everywhere = (Estimate.of(one.area("probability", base, curve)) for base in ("ink", "all"))
        axes.plot(everywhere.mean, row, marker="o", markersize=4.5, markerfacecolor="none", color=colour, clip_on=False)
        axes.plot([ink.mean - ink.interval, ink.mean + ink.interval], [row, row], color=colour, linewidth=1.5)
        axes.plot(ink.mean, row, marker="o", markersize=5, color=colour, clip_on=False)
    axes.set_yticks(range(len(ordered)), [_label(one) for one in ordered])
    for label, one in zip(axes.get_yticklabels(), ordered, strict=True):
        label.set(color=INK if one.kind == OURS else _COLOURS[one.kind], size=8.5)
        if one.name in {DEFAULT, best(measured).name}:
            label.set_fontweight("bold")
    axes.set(title=f"{curve.capitalize()}, area: {_BETTER[curve]}", xlim=(0, 1), ylim=(len(ordered) - 0.4, -0.6))
    axes.hlines(range(len(ordered)), 0, 1, color=TRACK, linewidth=0.6, zorder=0)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)


def _label(one: Measured) -> str:
    return f"{one.name} (the default)" if one.name == DEFAULT else one.name
