"""How wrong Captum's approximations of Shapley values are, over the evaluations spent and over time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from konkyo.models.network import Array
from konkyo.trainer.figures.style import ACCENT, AGAINST, FIRST, INK, MUTED, SECOND, drawing
from konkyo.trainer.studies.shapley import ENOUGH, Measured

# By a baseline's name, up to the comma; what is not told the players has a dashed line where both are asked.
_COLOURS = {"ShapleyValueSampling": SECOND, "KernelShap": FIRST, "Lime": AGAINST, "gradient SHAP": MUTED}
# All in inches.
_WIDE, _LEFT, _GAP, _RIGHT = 12.5, 4.35, 0.75, 0.35
_TOP, _PANEL, _BETWEEN, _BOTTOM = 1.2, 2.75, 0.85, 0.6


def draw(path: Path, name: str, ours: Array, measured: Sequence[Measured]) -> None:
    """Draw error and rank correlation, a row each, against evaluations and milliseconds, a column each.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    ours
        (N,): milliseconds for the exact values.
    measured
        What the study found.
    """
    high = _TOP + 2 * _PANEL + _BETWEEN + _BOTTOM
    width = (_WIDE - _LEFT - _GAP - _RIGHT) / 2
    ms = float(np.median(ours))
    with drawing(path, _WIDE, high) as figure:
        figure.text(0.35 / _WIDE, 1 - 0.42 / high, f"{name}: Shapley values, exact and sampled", size=14, weight="bold")
        figure.text(
            0.35 / _WIDE,
            1 - 0.7 / high,
            "Captum’s approximations against the exact values, on the same 4×4 regions of the same "
            f"{len(ours)} test images. Error: mean absolute error by the mean absolute value.",
            color=MUTED,
        )
        for row, kind in enumerate(("error", "rank")):
            for column, over in enumerate(("evaluations", "ms")):
                left, bottom = _LEFT + column * (width + _GAP), _BOTTOM + (1 - row) * (_PANEL + _BETWEEN)
                axes = figure.add_axes((left / _WIDE, bottom / high, width / _WIDE, _PANEL / high))
                _draw_panel(axes, kind, over, ms, measured)
        exact = Line2D([], [], color=ACCENT, linewidth=2.4, label=f"exact: {ms:.1f} ms, all classes")
        figure.legend(
            handles=[exact, *(Line2D([], [], label=one.name, **_look(one)) for one in measured)],
            loc="upper left",
            bbox_to_anchor=(0.35 / _WIDE - 0.005, 1 - (_TOP - 0.03) / high),
            borderaxespad=0,
            labelspacing=0.9,
            handlelength=1.9,
        )
        _write_enough(figure, _BOTTOM / high, _PANEL / high, measured)


def _write_enough(figure: Figure, bottom: float, height: float, measured: Sequence[Measured]) -> None:
    """How many evaluations an error of ``ENOUGH`` takes, beside the lower panels."""
    lines = [(one, needed) for one in measured if (needed := one.needed()) is not None]
    right = (_LEFT - 0.7) / _WIDE
    for row, (one, evaluations) in enumerate(lines):
        y = bottom + height * (0.83 - 0.095 * row)
        figure.text(0.35 / _WIDE, y, one.name, color=_look(one)["color"])
        figure.text(right, y, f"{_rounded(evaluations):,}", ha="right", weight="bold")
    if lines:
        figure.text(0.35 / _WIDE, bottom + height, f"Evaluations for an error of {ENOUGH:.0%}", weight="bold", size=10)


def _rounded(number: int) -> int:
    """To two digits."""
    return int(float(f"{number:.1e}"))


def _draw_panel(axes: Axes, kind: str, over: str, ms: float, measured: Sequence[Measured]) -> None:
    for one in measured:
        across = one.evaluations.mean(0) if over == "evaluations" else np.median(one.ms, axis=0)
        axes.plot(across, (one.error if kind == "error" else one.rank).mean(0), **_look(one))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if over == "evaluations" else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    if over == "ms":
        axes.axvline(ms, color=ACCENT, linewidth=2.4, zorder=1)
        axes.annotate(
            "exact",
            (ms, 0.5),
            (6, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=ACCENT,
            weight="bold",
        )
    if kind == "error":
        axes.set_yscale("log")
        axes.set_ylim(0.01, 2)
        axes.set_yticks([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.axhline(ENOUGH, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    else:
        axes.set_ylim(min(0.0, *(float(one.rank.mean(0).min()) for one in measured), 0.0), 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0) if kind == "error" else FuncFormatter(lambda y, _: f"{y:g}"))
    axes.set(
        title="Error" if kind == "error" else "Rank correlation",
        xlabel="evaluations of the network" if over == "evaluations" else "milliseconds of the processor, one image",
    )
    axes.grid(axis="y")
    axes.tick_params(length=0)


def _look(one: Measured) -> dict[str, Any]:
    colour = _COLOURS.get(one.name.split(",")[0], INK)
    if len(one.error[0]) == 1:
        return {"color": INK, "marker": "D", "markersize": 5, "linestyle": ""}
    told = "told" in one.name or not one.converges
    line: dict[str, Any] = {"linestyle": "-"} if told else {"linestyle": (0, (3, 2))}
    return {"color": colour, "linewidth": 1.8, "marker": "o", "markersize": 3.5, **line}
