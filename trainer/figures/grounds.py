"""On how many regions predictions rest: sizes of sufficient sets and fewest contrasts, and what they warn of."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from konkyo.models.classes import Names, shortened
from konkyo.models.network import Array, IntArray
from konkyo.trainer.figures.style import ACCENT, AGAINST, HAIRLINE, INK, MUTED, PAPER, SECOND, TRACK, drawing
from konkyo.trainer.studies.grounds import OVER_BUDGET, GroundsStudy
from konkyo.trainer.studies.statistics import auroc

# Shares, from none to many.
_SHARES = LinearSegmentedColormap.from_list("konkyo-shares", ["#f5f4f1", "#77bcb3", "#06695f"], N=121)
# Counts from here on share a column.
_MOST = {"sufficient": 13, "fewest": 8}
# All in inches.
_WIDE, _LEFT, _GAP, _RIGHT = 13.0, 0.75, 0.6, 0.35
_WIDTHS = 4.9, 3.4, 2.4
_TOP, _BARS, _BETWEEN, _CLASSES, _BOTTOM = 1.35, 2.3, 0.85, 2.6, 0.6
# Least height of a class's row.
_ROW = 0.2


def draw(path: Path, name: str, classes: Names, found: GroundsStudy) -> None:
    """Draw the sizes of both sets for right and wrong predictions, below them by class, and the ROC curves beside.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    classes
        Their names.
    found
        What the study found.
    """
    classes_high = max(_CLASSES, _ROW * len(classes))
    high = _TOP + _BARS + _BETWEEN + classes_high + _BOTTOM
    with drawing(path, _WIDE, high) as figure:
        figure.text(
            0.35 / _WIDE, 1 - 0.42 / high, f"{name}: on how many regions a prediction rests", size=14, weight="bold"
        )
        figure.text(0.35 / _WIDE, 1 - 0.7 / high, _explanation(found), color=MUTED)
        answered = found[found.answered]
        left = _LEFT
        for (kind, most), title, width in zip(
            _MOST.items(), ("Regions that suffice", "Fewest regions that change the class"), _WIDTHS, strict=False
        ):
            below = (_BOTTOM + classes_high + _BETWEEN) / high
            counts = _counts(answered, kind)
            _draw_bars(
                figure.add_axes((left / _WIDE, below, width / _WIDE, _BARS / high)), title, counts, most, answered.right
            )
            _draw_classes(
                figure.add_axes((left / _WIDE, _BOTTOM / high, width / _WIDE, classes_high / high)),
                counts,
                most,
                answered,
                classes,
            )
            left += width + _GAP
        side = _WIDTHS[-1]
        roc = figure.add_axes(
            (left / _WIDE, (_BOTTOM + classes_high + _BETWEEN + _BARS - side) / high, side / _WIDE, side / high)
        )
        _draw_roc(roc, answered)
        for row, (words, value) in enumerate(_facts(found)):
            y = (_BOTTOM + classes_high - 0.75 - 0.27 * row) / high
            figure.text(left / _WIDE, y, words, color=MUTED)
            figure.text((left + side) / _WIDE, y, value, ha="right", weight="bold")


def _explanation(found: GroundsStudy) -> str:
    return (
        f"{len(found):,} test images. Suffice: however the others are hidden, the class stays, which is proven and not "
        "sampled; that no fewer do is proven for the share below."
    )


def _counts(found: GroundsStudy, kind: str) -> IntArray:
    """(n,): the size of each set; where nothing changes the class, −1."""
    return found.sufficient if kind == "sufficient" else np.where(found.fewest == 0, -1, found.fewest)


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
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="y")
    axes.tick_params(length=0)
    if axes.patches:
        # Where it covers the fewest bars.
        axes.legend(loc="upper right", handlelength=0.9, handleheight=0.9)
        # Room for it above the bars.
        axes.set_ylim(top=1.3 * axes.get_ylim()[1])


def _draw_classes(axes: Axes, counts: IntArray, most: int, found: GroundsStudy, classes: Names) -> None:
    names, place = _columns(counts, most)
    shares = np.zeros((len(classes), len(names)))
    np.add.at(shares, (found.predicted, place), 1)
    shares /= np.maximum(shares.sum(1, keepdims=True), 1)
    limit = float(shares.max()) or 1.0
    axes.imshow(shares, _SHARES, vmin=0, vmax=limit, aspect="auto", interpolation="nearest")
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            colour = PAPER if share > 0.55 * limit else INK
            axes.text(column, row, f"{100 * share:.0f}", size=7.5, color=colour, ha="center", va="center")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(classes)), map(shortened, classes))
    axes.set(title="By predicted class, % of its images", xlabel="regions")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_roc(axes: Axes, found: GroundsStudy) -> None:
    wrong = ~found.right
    axes.plot([0, 1], [0, 1], color=HAIRLINE, linewidth=0.8)
    for (name, warning), colour in zip(found.warnings().items(), (MUTED, SECOND), strict=True):
        area = auroc(warning, wrong)
        if area is None:
            continue
        thresholds = np.concatenate([[np.inf], np.unique(warning)[::-1]])
        axes.plot(_caught(warning[~wrong], thresholds), _caught(warning[wrong], thresholds), color=colour, linewidth=2)
        row = 0.06 if colour == MUTED else 0.16
        axes.text(0.97, row, f"{name} {area:.3f}", color=colour, weight="bold", size=8, ha="right")
    axes.set(
        title="Warning of a wrong prediction",
        xlim=(0, 1),
        ylim=(0, 1.01),
        xlabel="right ones that are warned of",
        ylabel="wrong ones that are",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, 0))
        axis.set_ticks([0, 0.5, 1])
    axes.grid(color=TRACK)
    axes.tick_params(length=0)


def _caught(warning: Array, thresholds: Array) -> Array:
    """The share of these that are at or above each threshold."""
    shares: Array = 1 - np.searchsorted(np.sort(warning), thresholds, "left") / len(warning)
    return shares


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
