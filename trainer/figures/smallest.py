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
# Told apart by wiring and by A ≤ B: neighbours have the same counts the other way round.
RIGHT_BELOW = 6.0, -10.0, "left"
PLACES = {
    (Wiring.PAIRED, True): (-5.0, -9.0, "right"),
    (Wiring.PAIRED, False): (4.0, 4.0, "right"),
    (Wiring.SUMMED, True): RIGHT_BELOW,
    (Wiring.SUMMED, False): RIGHT_BELOW,
}
# Shown below the accuracy that is enough, in percentage points; what is less accurate stands at the lower edge.
BELOW = 3.5


def draw_search(path: Path, candidates: Sequence[Candidate], minimum_accuracy: float) -> None:
    """Every network's test accuracy (mean ± sd over its seeds); the smallest that validate well enough are ringed."""
    said = (
        f"mean ± standard deviation over {len(candidates[0].runs)} seeds; ringed: the smallest that validate at "
        f"{minimum_accuracy:.1%}; at the lower edge: less accurate ones, with their mean"
    )
    with drawing(path, "How small a network may be", said, 9.6, 4.8) as figure:
        axes = figure.subplots()
        lowest = 100 * minimum_accuracy - BELOW
        axes.axhline(100 * minimum_accuracy, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for wiring in Wiring:
            ours = [one for one in candidates if one.architecture.stages[-1].wiring is wiring]
            _series(axes, wiring, [one for one in ours if 100 * one.test[0] > lowest])
            _beneath(axes, wiring, [one for one in ours if 100 * one.test[0] <= lowest], lowest)
        for one in smallest(candidates, minimum_accuracy):
            ring: dict[str, Any] = {"s": 190, "facecolors": "none", "edgecolors": FIRST, "linewidths": 1.8}
            axes.scatter([one.architecture.parameters], [100 * one.test[0]], zorder=4, **ring)
        axes.set_ylim(lowest - 0.2, min(100.0, lowest + BELOW + 2))
        axes.set(xscale="log", xlabel="parameters", ylabel="test accuracy, %")
        ticks = [300, 500, 1000, 2000, 5000]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.legend(loc="lower right")


def _series(axes: Axes, wiring: Wiring, candidates: Sequence[Candidate]) -> None:
    sizes = [one.architecture.parameters for one in candidates]
    means, spreads = ([100 * one.test[which] for one in candidates] for which in (0, 1))
    look: dict[str, Any] = {"markersize": 5.5, "elinewidth": 1, "capsize": 0, "ecolor": HAIRLINE}
    axes.errorbar(sizes, means, spreads, fmt=MARKERS[wiring], color=COLOURS[wiring], label=wiring, **look)
    for one, size, centre, spread in zip(candidates, sizes, means, spreads, strict=True):
        first, last = (stage.filters for stage in one.architecture.stages)
        place = (0.0, -30.0, "center") if _is_lenet(one) else PLACES[wiring, first <= last]
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


def _is_lenet(one: Candidate) -> bool:
    return one.architecture.stages == LENET.stages


def _name(one: Candidate) -> str:
    name = "×".join(str(stage.filters) for stage in one.architecture.stages)
    return f"LeNet's\n{name}" if _is_lenet(one) else name


def draw_folds(path: Path, networks: Sequence[CrossValidated], minimum_accuracy: float) -> None:
    """A row for each network, the smallest at the top: the folds, their mean, and its 95 % interval."""
    chosen = list(smallest(networks, minimum_accuracy))
    said = (
        f"Marks: the mean of {len(networks[0].folds)} folds with its 95 % interval; strokes: the folds. "
        f"Bold: the fewest parameters that reach {minimum_accuracy:.1%}."
    )
    height = 0.6 + 0.36 * len(networks)
    with drawing(path, "How small a network may be, by cross-validation", said, 9.6, height) as figure:
        axes = figure.subplots()
        axes.axvline(100 * minimum_accuracy, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for row, one in enumerate(networks):
            axes.axhline(row, color=TRACK, linewidth=0.6, zorder=0)
            axes.plot([100 * share for share in one.folds], [row] * len(one.folds), "|", color=HAIRLINE, markersize=9)
            wiring = one.architecture.stages[-1].wiring
            look: dict[str, Any] = {"color": COLOURS[wiring], "markersize": 6, "elinewidth": 1.6}
            axes.errorbar([100 * one.accuracy], [row], xerr=[100 * one.interval], fmt=MARKERS[wiring], **look)
        names = [f"{written_stages(one.architecture.stages)}: {one.architecture.parameters:,}" for one in networks]
        axes.set_yticks(range(len(networks)), names)
        for label, one in zip(axes.get_yticklabels(), networks, strict=True):
            label.set(color=INK, size=9, fontweight="bold" if one in chosen else "normal")
        values = [100 * share for one in networks for share in one.folds]
        margin = max(0.05 * (max(values) - min(values)), 0.05)
        axes.set(xlim=(min(values) - margin, max(values) + margin), ylim=(len(networks) - 0.5, -0.5))
        axes.set_xlabel("accuracy on the images that are held out, %")
        axes.spines["left"].set_visible(False)
