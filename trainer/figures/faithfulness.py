"""Deletion and insertion curves of some explanations, and the ranks of all by every criterion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from konkyo.trainer.figures.style import (
    ACCENT,
    AGAINST,
    FIRST,
    INK,
    MUTED,
    SECOND,
    divided,
    drawing,
    in_percent,
    tabled,
)
from konkyo.trainer.studies.faithfulness import FaithfulnessStudy
from konkyo.trainer.studies.faithfulness.criteria import BESIDE, CRITERIA, CURVES, MeasuredExplanation, ranks
from konkyo.trainer.studies.faithfulness.explanations import BASELINE, DEFAULT, GREEDY, OURS, PLAIN, shapley_of
from konkyo.trainer.studies.study import Asked

WORDS = {"deletion": "lower is better", "insertion": "higher is better"}


def draw(path: Path, asked: Asked, found: FaithfulnessStudy) -> None:
    """The curves of some explanations, and below them a table of ranks, a row for each explanation."""
    measured = found.measured
    title = f"{asked.checkpoint.name}: which explanation is faithful"
    said = (
        "Probability of the predicted class while the pixels are deleted from the image, or inserted into an empty "
        f"one, in an explanation’s order. The first {len(measured[0].areas):,} test images."
    )
    with drawing(path, title, said, 12.5, 4.6 + 0.27 * len(measured)) as figure:
        above, below = divided(figure, 2, 1, height_ratios=(3.6, 1 + 0.27 * len(measured)))
        lines = _shown(measured, shapley_of(asked.checkpoint.network.architecture))
        for axes, curve in zip(above.subplots(1, 2, sharey=True), CURVES, strict=True):
            _draw_curves(axes, curve, lines)
        handles = [Line2D([], [], label=one.name, **style) for one, style in lines]
        above.legend(handles=handles, loc="outside left upper", labelspacing=1.0, handlelength=1.6)
        _draw_ranks(below.subplots(), measured)


def _shown(measured: Sequence[MeasuredExplanation], shapley: str) -> list[tuple[MeasuredExplanation, dict[str, Any]]]:
    """The explanations that have their curves drawn, and how."""
    by_name = {one.name: one for one in measured}
    sums = np.array([ranks(measured)[criterion] for criterion in CRITERIA]).sum(0)
    best_baselines = [
        measured[number] for number in np.argsort(sums, kind="stable") if measured[number].kind == BASELINE
    ][:2]
    plain = [one for one in measured if one.kind == PLAIN]
    styles: list[tuple[MeasuredExplanation | None, str, float, str]] = [
        (by_name.get(shapley), ACCENT, 2.4, "-"),
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


def _draw_curves(axes: Axes, curve: str, lines: Sequence[tuple[MeasuredExplanation, dict[str, Any]]]) -> None:
    for one, style in lines:
        points = one.points["background"][CURVES.index(curve)]
        axes.plot(np.linspace(0, 1, len(points)), points, **style)
    axes.set(
        title=f"{curve.capitalize()}: {WORDS[curve]}",
        xlabel=f"share of the pixels with ink that are {'deleted' if curve == 'deletion' else 'inserted'}",
        ylabel="probability",
        xlim=(0, 1),
        ylim=(0, 1.02),
    )
    in_percent(axes.xaxis, axes.yaxis)
    axes.grid(axis="y")


def _draw_ranks(axes: Axes, measured: Sequence[MeasuredExplanation]) -> None:
    places = ranks(measured)
    order = sorted(range(len(measured)), key=lambda number: sum(places[criterion][number] for criterion in CRITERIA))
    columns = [*CRITERIA, *BESIDE]
    shades = np.array([[1 - (places[column][number] - 1) / len(measured) for column in columns] for number in order])
    # A gap before what is no criterion.
    shades, names = np.insert(shades, len(CRITERIA), np.nan, axis=1), [*CRITERIA, "", *BESIDE]
    texts = [[f"{measured[which].values(name).mean():.3f}" if name else "" for name in names] for which in order]
    tabled(axes, shades, texts, [measured[number].name for number in order], [one.replace(", ", "\n") for one in names])
    axes.xaxis.tick_top()
    for label, number in zip(axes.get_yticklabels(), order, strict=True):
        ours = measured[number].kind == OURS
        label.set(color=INK if ours else MUTED, size=8.5, fontweight="bold" if ours else "normal")
    axes.set_xlabel(
        "Colour: the rank in a column, the first is darkest. Numbers: means. Deletion and insertion: the area under "
        "the curve. The greedy order is made for the first two columns."
    )
