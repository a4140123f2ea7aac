"""Do networks of different seeds have the same reasons? Their Shapley maps side by side, and how much they agree."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.figures.style import ACCENT, DIGIT, DIVERGING, HAIRLINE, INK, MUTED, SECOND, drawing
from konkyo.trainer.studies.consistency import ConsistencyStudy

# Images in the figure: those whose networks agree least, and most, and between them, by the mean correlation.
_QUANTILES = 0.02, 0.25, 0.5, 0.75, 0.98
_SHOWN = "Shapley 4×4"
# All in inches.
_WIDE, _LEFT, _TOP, _BOTTOM, _TILE, _SPACE = 14.6, 0.35, 1.3, 0.75, 0.74, 0.08
_PANEL_LEFT, _PANEL, _BETWEEN = 10.95, 3.3, 0.85


def draw(path: Path, name: str, digits: Digits, found: ConsistencyStudy) -> None:
    """Draw the maps of some images, a column a network, and beside them how often networks agree.

    Parameters
    ----------
    path
        Of the PNG.
    name
        The checkpoint's.
    digits
        The images that were studied.
    found
        What the study found.
    """
    high = _TOP + len(_QUANTILES) * (_TILE + _SPACE) + _BOTTOM
    with drawing(path, _WIDE, high) as figure:
        networks = found.maps[_SHOWN].shape[1]
        title = f"{name}: do {networks} seeds have the same reasons?"
        figure.text(_LEFT / _WIDE, 1 - 0.42 / high, title, size=14, weight="bold")
        explanation = (
            f"{len(found.place):,} of {found.images:,} test images are predicted alike by all networks. "
            "What each 4×4 region adds to that class, by exact Shapley values; a column a seed."
        )
        figure.text(_LEFT / _WIDE, 1 - 0.7 / high, explanation, color=MUTED)
        _draw_maps(figure, high, digits, found)
        height = (high - _TOP - _BOTTOM - _BETWEEN) / 2
        for row, panel in enumerate((_draw_correlations, _draw_sets)):
            bottom = _BOTTOM + (1 - row) * (height + _BETWEEN)
            axes = figure.add_axes((_PANEL_LEFT / _WIDE, bottom / high, _PANEL / _WIDE, height / high))
            panel(axes, found)


def _draw_maps(figure: Figure, high: float, digits: Digits, found: ConsistencyStudy) -> None:
    agreement = found.correlation[_SHOWN].mean(1)
    order = agreement.argsort()
    shown = [int(order[round(share * (len(order) - 1))]) for share in reversed(_QUANTILES)]
    for row, image in enumerate(shown):
        maps = found.maps[_SHOWN][image]
        top = _TOP + row * (_TILE + _SPACE)
        tiles = _tiles(figure, high, top)
        axes = next(tiles)
        axes.imshow(digits.images[found.place[image]] / 255, DIGIT, vmin=0, vmax=1)
        for one, axes in zip(maps, tiles, strict=False):
            # Each network has its own scale: the logits of two networks are not of one size.
            limit = float(np.abs(one).max()) or 1.0
            axes.imshow(np.kron(one, np.ones((4, 4))), DIVERGING, vmin=-limit, vmax=limit)
            _outline(axes, digits.images[found.place[image]] / 255)
        x = (_LEFT + (len(maps) + 1) * (_TILE + _SPACE) + 0.1) / _WIDE
        figure.text(x, 1 - (top + _TILE / 2) / high, f"{agreement[image]:.2f}", weight="bold", va="center")
    x = (_LEFT + (found.maps[_SHOWN].shape[1] + 1) * (_TILE + _SPACE) + 0.1) / _WIDE
    figure.text(x, 1 - (_TOP - 0.08) / high, "agreement", color=MUTED, size=8, va="bottom")


def _tiles(figure: Figure, high: float, top: float) -> Iterator[Axes]:
    left = _LEFT
    while True:
        axes = figure.add_axes((left / _WIDE, 1 - (top + _TILE) / high, _TILE / _WIDE, _TILE / high))
        axes.set(xticks=(), yticks=())
        axes.spines[:].set_visible(True)
        axes.spines[:].set_color(HAIRLINE)
        yield axes
        left += _TILE + _SPACE


def _outline(axes: Axes, image: Array) -> None:
    side = np.arange(len(image))
    axes.contour(side, side, image, [0.5], colors=INK, linewidths=0.6)


def _draw_correlations(axes: Axes, found: ConsistencyStudy) -> None:
    bins = np.linspace(-1, 1, 41)
    for values, colour, words in (
        (found.ink[_SHOWN], HAIRLINE, "map and ink"),
        (found.correlation["occlusion 4×4"], SECOND, "occlusion"),
        (found.correlation[_SHOWN], ACCENT, "Shapley"),
    ):
        shares = np.histogram(values, bins)[0] / values.size
        axes.stairs(shares, bins, color=colour, linewidth=1.8, label=f"{words}: mean {values.mean():.2f}")
    axes.set(title="Rank correlation of two networks’ maps", xlim=(-1, 1), ylabel="share of pairs")
    axes.set_xticks([-1, -0.5, 0, 0.5, 1])
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="y")
    axes.legend(loc="upper left")


def _draw_sets(axes: Axes, found: ConsistencyStudy) -> None:
    bins = np.linspace(0, 1, 21)
    for values, colour, words in (
        (found.chance, HAIRLINE, "random sets"),
        (found.overlap, ACCENT, "proven sets"),
    ):
        known = values[~np.isnan(values)]
        shares = np.histogram(known, bins)[0] / max(known.size, 1)
        axes.stairs(shares, bins, color=colour, linewidth=1.8, label=f"{words}: mean {known.mean():.2f}")
    holds = np.nanmean(found.holds_for_others())
    axes.set(title="Overlap of two networks’ sufficient sets", xlim=(0, 1), ylabel="share of pairs")
    axes.set_xlabel(f"Jaccard index\none’s set proves the other’s class in {holds:.0%} of cases")
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.grid(axis="y")
    axes.legend(loc="upper right")
