"""The networks near the border with their accuracy in each fold."""

from collections.abc import Sequence
from pathlib import Path

from konkyo.models.architecture import written_stages
from konkyo.trainer.figures.search import COLOURS, MARKERS
from konkyo.trainer.figures.style import HAIRLINE, INK, MUTED, TRACK, drawing
from konkyo.trainer.studies.smallest import CrossValidated
from konkyo.trainer.studies.smallest import smallest as choose

# All in inches.
_WIDE, _LEFT, _RIGHT, _TOP, _ROW, _BOTTOM = 9.6, 2.5, 0.45, 1.0, 0.36, 0.6


def draw(path: Path, networks: Sequence[CrossValidated], minimum_accuracy: float) -> None:
    """A row for each network, the smallest at the top: the folds, their mean, and its 95 % interval."""
    high = _TOP + _ROW * len(networks) + _BOTTOM
    chosen = list(choose(networks, minimum_accuracy))
    with drawing(path, _WIDE, high) as figure:
        axes = figure.add_axes(
            (
                _LEFT / _WIDE,
                _BOTTOM / high,
                (_WIDE - _LEFT - _RIGHT) / _WIDE,
                _ROW * len(networks) / high,
            )
        )
        axes.hlines(range(len(networks)), 0, 100, color=TRACK, linewidth=0.6, zorder=0)
        axes.axvline(100 * minimum_accuracy, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
        for row, one in enumerate(networks):
            colour = COLOURS[one.architecture.stages[-1].wiring]
            axes.plot([100 * share for share in one.folds], [row] * len(one.folds), "|", color=HAIRLINE, markersize=9)
            axes.errorbar(
                [100 * one.accuracy],
                [row],
                xerr=[100 * one.interval],
                fmt=MARKERS[one.architecture.stages[-1].wiring],
                color=colour,
                markersize=6,
                elinewidth=1.6,
            )
        axes.set_yticks(range(len(networks)), [_label(one) for one in networks])
        for label, one in zip(axes.get_yticklabels(), networks, strict=True):
            label.set(color=INK, size=9)
            label.set_fontweight("bold" if one in chosen else "normal")
        values = [100 * share for one in networks for share in one.folds]
        margin = max(0.05 * (max(values) - min(values)), 0.05)
        axes.set(xlim=(min(values) - margin, max(values) + margin), ylim=(len(networks) - 0.5, -0.5))
        axes.set_xlabel("accuracy on the images that are held out, %")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        figure.text(0.35 / _WIDE, 1 - 0.4 / high, "The smallest network, by cross-validation", size=12, weight="bold")
        said = (
            f"Marks: the mean of {len(networks[0].folds)} folds with its 95 % interval; strokes: the folds. "
            f"Bold: the fewest parameters that reach {minimum_accuracy:.1%}."
        )
        figure.text(0.35 / _WIDE, 1 - 0.68 / high, said, color=MUTED)


def _label(one: CrossValidated) -> str:
    shape = one.architecture
    return f"{written_stages(shape.stages)}: {shape.parameters:,}"
