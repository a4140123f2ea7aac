"""The smallest network: accuracy against parameters, and those near the border with their accuracy in each fold."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from konkyo.models.architecture import Wiring, written_stages
from konkyo.trainer.figures.style import ACCENT, AGAINST, FIRST, HAIRLINE, INK, MUTED, PAPER, TRACK, drawing
from konkyo.trainer.studies.smallest import LENET, Candidate, CrossValidated, smallest

COLOURS = {Wiring.PAIRED: ACCENT, Wiring.SUMMED: AGAINST}
MARKERS = {Wiring.PAIRED: "s", Wiring.SUMMED: "o"}


# Where a network's name stands from its mark, or if above, from the upper end of its bar, in points, and its alignment.
# Told apart by wiring and by A ≤ B.
RIGHT_BELOW = 6.0, -10.0, "left"
PLACES = {
    (Wiring.PAIRED, True): (-5.0, -9.0, "right"),
    (Wiring.PAIRED, False): (4.0, 4.0, "right"),
    (Wiring.SUMMED, True): RIGHT_BELOW,
    (Wiring.SUMMED, False): RIGHT_BELOW,
}
# Shown below the accuracy that is enough, in percentage points; what is less accurate stands at the lower edge.
BELOW = 3.5
# All in inches.
_WIDE, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 9.6, 2.5, 0.45, 1.0, 0.36, 0.6


def draw_search(path: Path, candidates: Sequence[Candidate], minimum_accuracy: float) -> None:
    """Every network's test accuracy (mean ± sd over its seeds); the smallest that validate well enough are ringed."""
    with drawing(path, 9.6, 5.6) as figure:
        axes = figure.add_subplot()
        figure.subplots_adjust(left=0.07, right=0.955, top=0.87, bottom=0.1)
        lowest = 100 * minimum_accuracy - BELOW
        axes.axhline(100 * minimum_accuracy, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for wiring in Wiring:
            ours = [one for one in candidates if one.architecture.stages[-1].wiring is wiring]
            _series(axes, wiring, [one for one in ours if 100 * one.test[0] > lowest])
            _beneath(axes, wiring, [one for one in ours if 100 * one.test[0] <= lowest], lowest)
        for one in smallest(candidates, minimum_accuracy):
            size = one.architecture.parameters
            ring: dict[str, Any] = {"s": 190, "facecolors": "none", "edgecolors": FIRST, "linewidths": 1.8}
            axes.scatter([size], [100 * one.test[0]], zorder=4, **ring)
        axes.set_ylim(lowest - 0.2, min(100.0, lowest + BELOW + 2))
        axes.set_xscale("log")
        ticks = [300, 500, 1000, 2000, 5000]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("parameters")
        axes.set_ylabel("test accuracy, %")
        axes.legend(loc="lower right")
        figure.text(0.07, 0.945, "The smallest network that predicts digits", fontsize=12, fontweight="bold", color=INK)
        seeds = len(candidates[0].runs)
        said = (
            f"mean ± standard deviation over {seeds} seeds; ringed: the smallest that validate at "
            f"{minimum_accuracy:.1%}; at the lower edge: less accurate ones, with their mean"
        )
        figure.text(0.07, 0.905, said, color=MUTED)


def _series(axes: Axes, wiring: Wiring, candidates: Sequence[Candidate]) -> None:
    sizes = [one.architecture.parameters for one in candidates]
    means, spreads = ([100 * one.test[which] for one in candidates] for which in (0, 1))
    axes.errorbar(
        sizes,
        means,
        spreads,
        fmt=MARKERS[wiring],
        color=COLOURS[wiring],
        ecolor=HAIRLINE,
        markersize=5.5,
        elinewidth=1,
        capsize=0,
        label=wiring,
    )
    # Neighbours have the same counts the other way round: their names stand on different sides of their marks.
    for one, size, centre, spread in zip(candidates, sizes, means, spreads, strict=True):
        first, last = (stage.filters for stage in one.architecture.stages)
        rises = first <= last
        place = (0.0, -30.0, "center") if one.architecture == LENET else PLACES[wiring, rises]
        _write(axes, _name(one), (size, centre + spread if place[1] > 0 else centre), place, COLOURS[wiring])


def _beneath(axes: Axes, wiring: Wiring, candidates: Sequence[Candidate], lowest: float) -> None:
    for one in candidates:
        size = one.architecture.parameters
        axes.plot([size], [lowest], "v", color=COLOURS[wiring], markersize=5.5, clip_on=False)
        _write(axes, f"{_name(one)}: {100 * one.test[0]:.0f}", (size, lowest), (0, 8, "center"), COLOURS[wiring], 90)


def _write(
    axes: Axes, text: str, at: tuple[float, float], place: tuple[float, float, str], colour: str, rotation: float = 0
) -> None:
    right, up, side = place
    look: dict[str, Any] = {"fontsize": 7, "color": colour, "rotation": rotation, "ha": side, "va": "bottom"}
    # Lines behind a name are interrupted.
    halo = [withStroke(linewidth=2.5, foreground=PAPER)]
    axes.annotate(text, at, (right, up), textcoords="offset points", path_effects=halo, **look)


def _name(one: Candidate) -> str:
    name = "×".join(str(stage.filters) for stage in one.architecture.stages)
    return f"LeNet's\n{name}" if one.architecture == LENET else name


def draw_folds(path: Path, networks: Sequence[CrossValidated], minimum_accuracy: float) -> None:
    """A row for each network, the smallest at the top: the folds, their mean, and its 95 % interval."""
    high = _TOP + _ROW * len(networks) + _BOTTOM
    chosen = list(smallest(networks, minimum_accuracy))
    with drawing(path, _WIDE, high) as figure:
        axes = figure.add_axes(
            (
                _LEFT / _WIDE,
                _BOTTOM / high,
                (_WIDE - _LEFT - _RIGHT) / _WIDE,
                _ROW * len(networks) / high,
            )
        )
        axes.hlines(range(len(networks)), 0, 100, color=TRACK, linewidth=0.6, zorder=0)
        axes.axvline(100 * minimum_accuracy, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for row, one in enumerate(networks):
            colour = COLOURS[one.architecture.stages[-1].wiring]
            axes.plot([100 * share for share in one.folds], [row] * len(one.folds), "|", color=HAIRLINE, markersize=9)
            axes.errorbar(
                [100 * one.accuracy],
                [row],
                xerr=[100 * one.interval],
                fmt=MARKERS[one.architecture.stages[-1].wiring],
                color=colour,
                markersize=6,
                elinewidth=1.6,
            )
        axes.set_yticks(range(len(networks)), [_label(one) for one in networks])
        for label, one in zip(axes.get_yticklabels(), networks, strict=True):
            label.set(color=INK, size=9)
            label.set_fontweight("bold" if one in chosen else "normal")
        values = [100 * share for one in networks for share in one.folds]
        margin = max(0.05 * (max(values) - min(values)), 0.05)
        axes.set(xlim=(min(values) - margin, max(values) + margin), ylim=(len(networks) - 0.5, -0.5))
        axes.set_xlabel("accuracy on the images that are held out, %")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        figure.text(0.35 / _WIDE, 1 - 0.4 / high, "The smallest network, by cross-validation", size=12, weight="bold")
        said = (
            f"Marks: the mean of {len(networks[0].folds)} folds with its 95 % interval; strokes: the folds. "
            f"Bold: the fewest parameters that reach {minimum_accuracy:.1%}."
        )
        figure.text(0.35 / _WIDE, 1 - 0.68 / high, said, color=MUTED)


def _label(one: CrossValidated) -> str:
    shape = one.architecture
    return f"{written_stages(shape.stages)}: {shape.parameters:,}"
