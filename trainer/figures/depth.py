"""What depth buys and costs: a row for each network, with its accuracy, its parameters and its finest exact regions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from konkyo.trainer.figures.style import ACCENT, AGAINST, HAIRLINE, INK, SECOND, TRACK, drawing
from konkyo.trainer.studies.depth import NUMBERS, finest
from konkyo.trainer.studies.statistics import Estimate

COLOURS = {1: AGAINST, 2: ACCENT, 3: SECOND}
MARKERS = {1: "o", 2: "s", 3: "^"}


def draw(path: Path, found: Mapping[str, Any]) -> None:
    """Networks of one depth stand together, the one with the fewest parameters first."""
    said = (
        f"On {found['judging']:,} training images that judge. Marks: the mean over seeds with its 95 % interval; "
        "strokes: the seeds."
    )
    networks = sorted(found["networks"], key=lambda one: (one["depth"], one["parameters"]))
    with drawing(path, "What depth buys, and what it costs", said, 9.6, 0.8 + 0.36 * len(networks)) as figure:
        axes = figure.subplots()
        for row, one in enumerate(networks):
            estimate, colour = Estimate.of(one["judged"]), COLOURS[one["depth"]]
            first = row == 0 or networks[row - 1]["depth"] != one["depth"]
            axes.axhline(row, color=TRACK, linewidth=0.6, zorder=0)
            axes.plot([100 * share for share in one["judged"]], [row] * len(one["judged"]), "|", color=HAIRLINE, ms=9)
            look: dict[str, Any] = {"color": colour, "markersize": 6, "elinewidth": 1.6, "fmt": MARKERS[one["depth"]]}
            label = NUMBERS[one["depth"]] if first else None
            axes.errorbar([100 * estimate.mean], [row], xerr=[100 * estimate.interval], label=label, **look)
            if row and first:
                axes.axhline(row - 0.5, color=HAIRLINE, linewidth=0.8)
        names = [
            f"{one['stages']}: {one['parameters']:,} parameters, exact from {finest(one)} pixels" for one in networks
        ]
        axes.set_yticks(range(len(networks)), names)
        for name in axes.get_yticklabels():
            name.set(color=INK, size=8.5)
        axes.set(xlabel="accuracy, %", ylim=(len(networks) - 0.5, -0.5))
        axes.spines["left"].set_visible(False)
        axes.legend(loc="center left")
