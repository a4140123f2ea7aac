"""The frontier: how well networks read, against how many parameters they have."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes

from models.architecture import Wiring
from trainer.figures.style import ACCENT, AGAINST, FIRST, HAIRLINE, INK, MUTED, drawing
from trainer.search import LENET, Candidate, smallest

COLOURS = {Wiring.PAIRED: ACCENT, Wiring.SUMMED: AGAINST}
MARKERS = {Wiring.PAIRED: "s", Wiring.SUMMED: "o"}


def draw(path: Path, candidates: Sequence[Candidate], floor: float) -> None:
    """Every network's test accuracy (mean ± sd over its seeds); the smallest that validate well enough are ringed."""
    with drawing(path, 8.2, 5.0) as figure:
        axes = figure.add_subplot()
        figure.subplots_adjust(left=0.085, right=0.975, top=0.87, bottom=0.11)
        for wiring in Wiring:
            _series(axes, wiring, [one for one in candidates if one.architecture.wiring is wiring])
        axes.axhline(100 * floor, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for one in smallest(candidates, floor):
            size = one.architecture.parameters
            axes.scatter(
                [size], [100 * one.test[0]], s=190, facecolors="none", edgecolors=FIRST, linewidths=1.8, zorder=4
            )
        axes.set_xscale("log")
        ticks = [200, 500, 1000, 2000, 5000]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel("parameters")
        axes.set_ylabel("test images read, %")
        axes.legend(loc="lower right")
        figure.text(0.085, 0.945, "The smallest network that reads digits", fontsize=12, fontweight="bold", color=INK)
        seeds = len(candidates[0].runs)
        said = f"mean ± standard deviation over {seeds} seeds; ringed: the smallest that validate at {floor:.1%}"
        figure.text(0.085, 0.905, said, color=MUTED)


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
    for one, size, centre in zip(candidates, sizes, means, strict=True):
        a, b = one.architecture.conv1_filters, one.architecture.conv2_filters
        named = f"LeNet's {a}×{b}" if one.architecture == LENET else f"{a}×{b}"
        axes.annotate(named, (size, centre), (5, -9), textcoords="offset points", fontsize=6.5, color=MUTED)
