"""The reliability diagram: the share of correct predictions against the probability, as trained and as published."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from scipy.stats import binomtest

from konkyo.models.files.card import BINS
from konkyo.trainer.figures.style import ACCENT, AGAINST, HAIRLINE, INK, MUTED, PAPER, drawing, in_percent
from konkyo.trainer.studies.calibration import CalibrationStudy
from konkyo.trainer.studies.study import Asked
from konkyo.trainer.training.logits import SURE, Reliability


def draw(path: Path, asked: Asked, found: CalibrationStudy) -> None:
    """Two diagrams side by side, each with the number of images in each bin below it."""
    title = f"{asked.checkpoint.name}: whether probabilities mean what they say"
    said = (
        f"{len(found.after.right):,} test images, in {BINS} bins of the predicted class's probability. "
        "On the diagonal, predictions are right as often as they say."
    )
    with drawing(path, title, said, 10, 5.6) as figure:
        panels = figure.subplots(2, 2, height_ratios=(4, 1.2), sharex=True, sharey="row")
        for (above, below), words, colour, of in (
            (panels[:, 0], "As trained", AGAINST, found.before),
            (panels[:, 1], f"Published: logits divided by {found.temperature:g}", ACCENT, found.after),
        ):
            _draw_diagram(above, words, colour, of)
            _draw_counts(below, colour, of)
        panels[0, 0].set_ylabel("share predicted correctly")
        panels[1, 0].set_ylabel("images")


def _draw_diagram(axes: Axes, words: str, colour: str, of: Reliability) -> None:
    counts, confidence, right = of.bins
    axes.plot((0, 1), (0, 1), color=HAIRLINE, linewidth=1)
    some = counts > 0
    # 95 % intervals, by Wilson, so that a bin with few images claims little.
    shares = [binomtest(round(share * count), count) for share, count in zip(right[some], counts[some], strict=True)]
    low, high = zip(*(share.proportion_ci(method="wilson") for share in shares), strict=True)
    axes.vlines(confidence[some], low, high, color=colour, linewidth=1.2, alpha=0.5)
    axes.plot(confidence[some], right[some], color=colour, marker="o", markersize=5, linewidth=1.5, clip_on=False)
    told = (
        f"negative log-likelihood  {of.nll:.4f}\n"
        f"expected calibration error  {of.ece:.2%}\n"
        f"more than {SURE:.2%}  {of.sure:.1%} of the images"
    )
    behind = {"facecolor": PAPER, "edgecolor": "none", "pad": 2}
    axes.text(0.03, 0.97, told, color=INK, va="top", linespacing=1.5, transform=axes.transAxes, bbox=behind)
    axes.set(title=words, xlim=(0, 1), ylim=(0, 1))
    axes.grid()
    in_percent(axes.xaxis, axes.yaxis)


def _draw_counts(axes: Axes, colour: str, of: Reliability) -> None:
    counts, *_ = of.bins
    axes.bar((np.arange(BINS) + 0.5) / BINS, counts, 0.86 / BINS, color=colour)
    axes.set(xlabel="probability of the predicted class", yscale="log", ylim=(0.7, None))
    for place, count in enumerate(counts.tolist()):
        if count:
            at = (place + 0.5) / BINS, count
            axes.annotate(f"{count:,}", at, (0, 2), textcoords="offset points", ha="center", size=6.5, color=MUTED)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
