"""On how many regions predictions rest: sizes of sufficient sets and fewest contrasts, and what they warn of."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from konkyo.models.classes import Names, shortened
from konkyo.models.network import Array, IntArray
from konkyo.trainer.figures.style import ACCENT, AGAINST, HAIRLINE, MUTED, SECOND, TRACK, drawing, in_percent, tabled
from konkyo.trainer.studies.grounds import OVER_BUDGET, GroundsStudy, auroc
from konkyo.trainer.studies.study import Asked

# Counts from here on share a column.
MOST_SUFFICIENT, MOST_FEWEST = 13, 8


def draw(path: Path, asked: Asked, found: GroundsStudy) -> None:
    """The sizes of both sets for right and wrong predictions, below them by class, and the ROC curves beside."""
    classes, answered = asked.checkpoint.network.classes, found[found.answered]
    title = f"{asked.checkpoint.name}: on how many regions a prediction rests"
    said = (
        f"{len(found):,} test images. Suffice: however the others are hidden, the class stays, which is proven and not "
        "sampled; that no fewer do is proven for the share below."
    )
    # Where nothing changes the class, −1.
    fewest = np.where(answered.fewest == 0, -1, answered.fewest)
    high = max(2.9, 0.5 + 0.2 * len(classes))
    with drawing(path, title, said, 13, 2.8 + high) as figure:
        panels = figure.subplots(2, 3, width_ratios=(4.9, 3.4, 2.6), height_ratios=(2.8, high))
        for column, (words, counts, most) in enumerate(
            (
                ("Regions that suffice", answered.sufficient, MOST_SUFFICIENT),
                ("Fewest regions that change the class", fewest, MOST_FEWEST),
            )
        ):
            _draw_bars(panels[0, column], words, counts, most, answered.right)
            _draw_classes(panels[1, column], counts, most, answered, classes)
        _draw_roc(panels[0, 2], answered)
        _write_facts(panels[1, 2], found)


def _columns(counts: IntArray, most: int) -> tuple[list[str], IntArray]:
    """The columns' names, and in which one each count stands: what changes nothing in the last one."""
    none = bool((counts < 0).any())
    first, last = 0 if (counts == 0).any() else 1, min(most, int(counts.max(initial=1)))
    plus = "+" if counts.max(initial=1) > last else ""
    names = [*map(str, range(first, last)), f"{last}{plus}"] + (["none"] if none else [])
    place = np.where(counts < 0, len(names) - 1, np.minimum(counts, last) - first)
    return names, place


def _draw_bars(axes: Axes, title: str, counts: IntArray, most: int, right: NDArray[np.bool_]) -> None:
    names, place = _columns(counts, most)
    for which, colour, offset, words in ((right, ACCENT, -0.2, "right"), (~right, AGAINST, 0.2, "wrong")):
        if which.any():
            shares = np.bincount(place[which], minlength=len(names)) / which.sum()
            label = f"predicted {words}: {which.sum():,}"
            axes.bar(np.arange(len(names)) + offset, shares, 0.38, color=colour, label=label)
    axes.set_xticks(range(len(names)), names)
    axes.set(title=title, xlim=(-0.6, len(names) - 0.4), ylabel="share of images")
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    in_percent(axes.yaxis)
    axes.grid(axis="y")
    if axes.patches:
        axes.legend(loc="upper right", handlelength=0.9, handleheight=0.9)
        # Room for it above the bars.
        axes.set_ylim(top=1.3 * axes.get_ylim()[1])


def _draw_classes(axes: Axes, counts: IntArray, most: int, found: GroundsStudy, classes: Names) -> None:
    names, place = _columns(counts, most)
    shares = np.zeros((len(classes), len(names)))
    np.add.at(shares, (found.predicted, place), 1)
    shares /= np.maximum(shares.sum(1, keepdims=True), 1)
    texts = [[f"{100 * share:.0f}" if share >= 0.005 else "" for share in row] for row in shares]
    tabled(axes, shares / (float(shares.max()) or 1.0), texts, [shortened(name) for name in classes], names)
    axes.set(title="By predicted class, % of its images", xlabel="regions")


def _draw_roc(axes: Axes, found: GroundsStudy) -> None:
    wrong = ~found.right
    axes.plot([0, 1], [0, 1], color=HAIRLINE, linewidth=0.8)
    for (name, warning), colour in zip(found.warnings().items(), (MUTED, SECOND), strict=True):
        area = auroc(warning, wrong)
        if area is None:
            continue
        thresholds = np.concatenate([[np.inf], np.unique(warning)[::-1]])
        caught = [_caught(warning[which], thresholds) for which in (~wrong, wrong)]
        axes.plot(*caught, color=colour, linewidth=2, label=f"{name} {area:.3f}")
    axes.set(
        title="Warning of a wrong prediction",
        xlim=(0, 1),
        ylim=(0, 1.01),
        xlabel="right ones that are warned of",
        ylabel="wrong ones that are",
        aspect="equal",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0, 0.5, 1])
    in_percent(axes.xaxis, axes.yaxis)
    axes.grid(color=TRACK)
    if len(axes.lines) > 1:
        axes.legend(loc="lower right", handlelength=1, fontsize=8)


def _caught(warning: Array, thresholds: Array) -> Array:
    """The share of these that are at or above each threshold."""
    shares: Array = 1 - np.searchsorted(np.sort(warning), thresholds, "left") / len(warning)
    return shares


def _write_facts(axes: Axes, found: GroundsStudy) -> None:
    axes.set_axis_off()
    for row, (words, value) in enumerate(_facts(found)):
        axes.text(0, 0.9 - 0.11 * row, words, color=MUTED)
        axes.text(1, 0.9 - 0.11 * row, value, ha="right", weight="bold")


def _facts(found: GroundsStudy) -> list[tuple[str, str]]:
    numbers = found.document()
    outcomes = numbers["outcomes"]
    sufficient, contrast = numbers["sufficient"], numbers["contrast"]
    if sufficient["mean"] is None:
        return []
    return [
        ("regions with ink, mean", f"{numbers['players']['mean']:.1f}"),
        ("suffice, mean", f"{sufficient['mean']:.1f}"),
        ("proven smallest", f"{outcomes['smallest'] / len(found):.1%}"),
        ("proven irreducible", f"{outcomes['irreducible'] / len(found):.1%}"),
        ("over budget", f"{int((found.outcome == OVER_BUDGET).sum()):,} images"),
        ("none needed", f"{sufficient['share_empty']:.1%}"),
        ("a single one changes it", f"{contrast['share_single']:.1%}"),
    ]
