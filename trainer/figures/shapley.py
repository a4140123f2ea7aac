"""How far Captum's methods are from the exact Shapley values, over the evaluations spent and over time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from konkyo.models.hiding.cost import usual_side
from konkyo.trainer.figures.style import ACCENT, AGAINST, FIRST, INK, MUTED, SECOND, drawing, in_percent
from konkyo.trainer.studies.shapley import ENOUGH, MeasuredBaseline, ShapleyStudy
from konkyo.trainer.studies.study import Asked

# By a baseline's name, up to the comma; what is not told the players has a dashed line where both are asked.
COLOURS = {"ShapleyValueSampling": SECOND, "KernelShap": FIRST, "Lime": AGAINST, "gradient SHAP": MUTED}


def draw(path: Path, asked: Asked, found: ShapleyStudy) -> None:
    """Error and rank correlation, a row each, against evaluations and milliseconds, a column each."""
    ms = float(np.median(found.exact))
    side = usual_side(asked.checkpoint.network.architecture)
    title = f"{asked.checkpoint.name}: Shapley values, exact and sampled"
    said = (
        "Captum’s methods that are used for Shapley values, against the exact ones, on the same "
        f"{side}×{side} regions of the same {len(found.exact)} test images. Error: mean absolute error by the mean "
        "absolute value."
    )
    with drawing(path, title, said, 12.5, 6.8) as figure:
        panels = figure.subplots(2, 2, sharex="col", sharey="row")
        for row, kind in zip(panels, ("error", "rank"), strict=True):
            for axes, over in zip(row, ("evaluations", "ms"), strict=True):
                _draw_panel(axes, kind, over, ms, found.baselines)
        exact = Line2D([], [], color=ACCENT, linewidth=2.4, label=f"exact: {ms:.1f} ms, all classes")
        handles = [exact, *(Line2D([], [], label=_label(one), **_look(one)) for one in found.baselines)]
        figure.legend(handles=handles, loc="outside left upper", labelspacing=0.9, handlelength=1.9)


def _label(one: MeasuredBaseline) -> str:
    """The name, and how many evaluations an error of ``ENOUGH`` takes, to two digits."""
    needed = one.needed()
    return one.name if needed is None else f"{one.name}:\n{int(float(f'{needed:.1e}')):,} for an error of {ENOUGH:.0%}"


def _draw_panel(axes: Axes, kind: str, over: str, ms: float, measured: Sequence[MeasuredBaseline]) -> None:
    for one in measured:
        across = one.evaluations.mean(0) if over == "evaluations" else np.median(one.ms, axis=0)
        axes.plot(across, (one.error if kind == "error" else one.rank).mean(0), **_look(one))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if over == "evaluations" else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    if over == "ms":
        axes.axvline(ms, color=ACCENT, linewidth=2.4, zorder=1)
    if kind == "error":
        axes.set(title="Error", yscale="log", ylim=(0.01, 2), yticks=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.axhline(ENOUGH, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        in_percent(axes.yaxis)
    else:
        lowest = min([0.0, *(float(one.rank.mean(0).min()) for one in measured)])
        words = "evaluations of the network" if over == "evaluations" else "milliseconds of the processor, one image"
        axes.set(title="Rank correlation", ylim=(lowest, 1.02), xlabel=words)
    axes.grid(axis="y")


def _look(one: MeasuredBaseline) -> dict[str, Any]:
    colour = COLOURS.get(one.name.split(",")[0], INK)
    if len(one.error[0]) == 1:
        return {"color": INK, "marker": "D", "markersize": 5, "linestyle": ""}
    told = "told" in one.name or not one.converges
    line: dict[str, Any] = {"linestyle": "-"} if told else {"linestyle": (0, (3, 2))}
    return {"color": colour, "linewidth": 1.8, "marker": "o", "markersize": 3.5, **line}
