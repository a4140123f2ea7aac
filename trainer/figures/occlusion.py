"""What hiding one region does: each class's mean drops, and how often the answer changes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from konkyo.models.classes import shortened
from konkyo.trainer.figures.style import ACCENT, AGAINST, DIVERGING, INK, MUTED, divided, drawing, in_percent, shown
from konkyo.trainer.studies.occlusion import RegionStudy
from konkyo.trainer.studies.study import Asked

# Characters of a class's name from which on its letters are smaller, and at most.
LONG, LONGEST = 7, 10


def draw(path: Path, asked: Asked, found: Sequence[RegionStudy]) -> None:
    """A row of maps, one a class, for each region size, on its own scale, and beside them the changed answers."""
    classes = asked.checkpoint.network.classes
    title = f"{asked.checkpoint.name}: what hiding one region does"
    said = (
        f"Mean drop of the logit of the predicted class, over {len(found[0].critical):,} test images. "
        "Teal: the region speaks for the class; ochre: against it."
    )
    wide = 1.2 + 0.9 * len(classes)
    with drawing(path, title, said, wide + 4, 0.3 + len(found)) as figure:
        left, right = divided(figure, 1, 2, width_ratios=(wide, 4))
        rows = left.subplots(len(found), len(classes), squeeze=False)
        for row, one in zip(rows, found, strict=True):
            limit = float(np.abs(one.heatmap).max())
            for axes, values in zip(row, one.heatmap, strict=True):
                colours = shown(axes, values, DIVERGING, limit)
            name = f"{one.region}×{one.region}"
            row[0].set_ylabel(name, color=INK, weight="bold", rotation=0, ha="right", va="center")
            digits, ends = (1 if limit >= 1 else 2), limit or 1.0
            bar = left.colorbar(colours, ax=row.tolist(), ticks=[-0.9 * ends, 0, 0.9 * ends], aspect=10, pad=0.01)
            bar.outline.set_visible(False)
            bar.ax.set_yticklabels([f"−{0.9 * limit:.{digits}f}", "0", f"+{0.9 * limit:.{digits}f}"], size=7.5)
        for axes, name in zip(rows[0], classes, strict=True):
            text = shortened(name, LONGEST)
            axes.set_title(text, loc="center", size=13 if len(text) < LONG else 9)
        _draw_curves(right.subplots(), found)


def _draw_curves(axes: Axes, found: Sequence[RegionStudy]) -> None:
    regions = [one.region for one in found]
    for label, colour, values in (
        ("images with a critical region", ACCENT, [one.images_changed for one in found]),
        ("all hidings", AGAINST, [one.hidings_changed for one in found]),
    ):
        axes.plot(regions, values, color=colour, marker="o", markersize=5, linewidth=2, clip_on=False, label=label)
        for region, value in zip(regions, values, strict=True):
            text = f"{value:.1%}" if value >= 0.1 else f"{value:.2%}"
            axes.annotate(text, (region, value), (0, 7), textcoords="offset points", ha="center", color=INK, size=8)
    axes.set(
        title="How often the answer changes",
        xticks=regions,
        xticklabels=[f"{region}×{region}" for region in regions],
        xlabel="hidden region, in pixels",
        ylim=(0, 1),
    )
    axes.margins(x=0.12)
    in_percent(axes.yaxis)
    axes.grid(axis="y")
    axes.legend(loc="upper left", labelcolor=MUTED)
