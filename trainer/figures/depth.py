"""What depth buys and costs: accuracy against parameters, and beside each network its finest exact regions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from konkyo.trainer.figures.style import ACCENT, AGAINST, HAIRLINE, SECOND, drawing
from konkyo.trainer.studies.depth import NUMBERS
from konkyo.trainer.studies.statistics import Estimate

COLOURS = {1: AGAINST, 2: ACCENT, 3: SECOND}
MARKERS = {1: "o", 2: "s", 3: "^"}


def draw(path: Path, found: Mapping[str, Any]) -> None:
    """A mark for each network, with the 95 % interval of its seeds; its name and its finest regions stand beside it."""
    said = (
        f"Mean accuracy over seeds on {found['judging']:,} training images that judge, with its 95 % interval; beside "
        "each network the smallest regions whose Shapley values are exact for every image."
    )
    with drawing(path, "What depth buys, and what it costs", said, 9.6, 5.2) as figure:
        axes = figure.subplots()
        for depth, words in NUMBERS.items():
            ours = [one for one in found["networks"] if one["depth"] == depth]
            estimates = [Estimate.of(one["judged"]) for one in ours]
            sizes, means = [one["parameters"] for one in ours], [100 * one.mean for one in estimates]
            intervals = [100 * one.interval for one in estimates]
            look: dict[str, Any] = {"markersize": 6.5, "elinewidth": 1.2, "ecolor": HAIRLINE, "color": COLOURS[depth]}
            axes.errorbar(sizes, means, intervals, fmt=MARKERS[depth], label=words, **look)
            for one, size, mean in zip(ours, sizes, means, strict=True):
                finest = "" if one["finest"] is None else f"\n{one['finest']}×{one['finest']} pixels"
                look = {"fontsize": 7.5, "color": COLOURS[depth], "va": "center", "textcoords": "offset points"}
                axes.annotate(f"{one['stages']}{finest}", (size, mean), (-8, 0), ha="right", **look)
        axes.set(xlabel="parameters", ylabel="accuracy, %")
        axes.margins(x=0.16, y=0.08)
        axes.legend(loc="lower right")
