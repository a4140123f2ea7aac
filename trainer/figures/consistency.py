"""Do networks of different seeds have the same reasons? Their Shapley maps side by side, and how much they agree."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from konkyo.models.network import Array
from konkyo.trainer.figures.style import (
    ACCENT,
    DIGIT,
    DIVERGING,
    HAIRLINE,
    INK,
    SECOND,
    divided,
    drawing,
    in_percent,
    shown,
)
from konkyo.trainer.studies.consistency import ConsistencyStudy, maps_of
from konkyo.trainer.studies.study import Asked

# Images in the figure: those whose networks agree most, and least, and between them, by the mean correlation.
QUANTILES = 0.98, 0.75, 0.5, 0.25, 0.02


def draw(path: Path, asked: Asked, found: ConsistencyStudy) -> None:
    """The maps of some images, a column a network, and beside them how often networks agree."""
    (by_shares, side), (by_hiding, _), *_ = maps_of(asked.checkpoint.network.architecture).items()
    networks = found.maps[by_shares].shape[1]
    title = f"{asked.checkpoint.name}: do {networks} seeds have the same reasons?"
    said = (
        f"{len(found.place):,} of {found.images:,} test images are predicted alike by all networks. "
        f"What each {side}×{side} region adds to that class, by exact Shapley values; a column a seed. "
        "Beside: the agreement."
    )
    wide = 0.8 * (networks + 2)
    with drawing(path, title, said, wide + 4.5, 0.85 * len(QUANTILES)) as figure:
        left, right = divided(figure, 1, 2, width_ratios=(wide, 4.5))
        agreement = found.correlation[by_shares].mean(1)
        order = agreement.argsort()
        for share, row in zip(QUANTILES, left.subplots(len(QUANTILES), networks + 1), strict=True):
            which = int(order[round(share * (len(order) - 1))])
            image = asked.digits.images[found.place[which]] / 255
            shown(row[0], image if image.ndim == 2 else image.transpose(1, 2, 0), DIGIT)
            for axes, one in zip(row[1:], found.maps[by_shares][which], strict=True):
                # Each network has its own scale: the logits of two networks are not of one size.
                spread = np.kron(one, np.ones((side, side)))[: image.shape[-2], : image.shape[-1]]
                shown(axes, spread, DIVERGING, float(np.abs(one).max()))
                axes.contour(image if image.ndim == 2 else image.sum(0), [0.5], colors=INK, linewidths=0.6)
            row[-1].yaxis.set_label_position("right")
            row[-1].set_ylabel(f" {agreement[which]:.2f}", color=INK, weight="bold", rotation=0, ha="left", va="center")
        correlations, sets = right.subplots(2, 1)
        ink, occlusion = found.ink[by_shares], found.correlation[by_hiding]
        maps = [(ink, HAIRLINE, "map and ink"), (occlusion, SECOND, "occlusion")]
        _draw_shares(correlations, -1, [*maps, (found.correlation[by_shares], ACCENT, "Shapley")])
        correlations.set_title("Rank correlation of two networks’ maps")
        _draw_shares(sets, 0, [(found.chance, HAIRLINE, "random sets"), (found.overlap, ACCENT, "proven sets")])
        holds = np.nanmean(found.holds_for_others())
        sets.set_title("Overlap of two networks’ sufficient sets")
        sets.set_xlabel(f"Jaccard index\none’s set proves the other’s class in {holds:.0%} of pairs")


def _draw_shares(axes: Axes, least: int, series: Sequence[tuple[Array, str, str]]) -> None:
    """How often each value is found, from ``least`` to 1; NaN is not counted."""
    bins = np.linspace(least, 1, 20 * (1 - least) + 1)
    for values, colour, words in series:
        known = values[~np.isnan(values)]
        shares = np.histogram(known, bins)[0] / max(known.size, 1)
        axes.stairs(shares, bins, color=colour, linewidth=1.8, label=f"{words}: mean {known.mean():.2f}")
    axes.set(xlim=(least, 1), ylabel="share of pairs")
    in_percent(axes.yaxis)
    axes.grid(axis="y")
    axes.legend(loc="upper left")
    # Room for it above the curves.
    axes.set_ylim(top=(1.2 + 0.15 * len(series)) * axes.get_ylim()[1])
