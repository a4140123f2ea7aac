"""How figures look: calm, on white, in the colours of the service's images. Matplotlib lays out what stands in them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import PercentFormatter

from konkyo.models.network import Array

# The service's colours, light theme; it and the trainer do not import each other, so a test holds the two equal.
PAPER, INK, MUTED, HAIRLINE, TRACK = "#ffffff", "#1b1c20", "#666a73", "#b4b8c0", "#e9ebee"
# First and second place.
FIRST, SECOND = "#d7182a", "#1c5fd8"
# What a figure is about, and what is against it: apart for every kind of colour vision.
ACCENT, AGAINST = "#0b766c", "#b27728"

_AGAINST = ("#875008", "#b27728", "#d3a963", "#ebd7b1")
_FOR = ("#bfe0db", "#77bcb3", "#2f9288", "#06695f")
# Signed numbers: zero in the middle, teal speaks for, ochre against.
DIVERGING = LinearSegmentedColormap.from_list("konkyo", [*_AGAINST, "#f5f4f1", *_FOR], N=121)
# Shares and ranks, from none to many.
RISING = LinearSegmentedColormap.from_list("konkyo-rising", ["#f5f4f1", "#77bcb3", "#06695f"], N=121)

_STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": HAIRLINE,
    "axes.grid": False,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "figure.dpi": 144,
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": TRACK,
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "savefig.dpi": 144,
    "text.color": INK,
    "xtick.color": HAIRLINE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 8,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": HAIRLINE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 8,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}


# Height of what stands above the panels, in inches.
HEAD = 0.8


@contextmanager
def drawing(path: Path, title: str, said: str, width: float, height: float) -> Iterator[SubFigure]:
    """A figure in the common style; at the end it is a PNG at ``path``.

    The same drawing gives the same file: it holds no date and no version.

    Parameters
    ----------
    path
        Of the PNG.
    title, said
        Stand above the panels.
    width, height
        Room for the panels, in inches.

    Yields
    ------
    SubFigure
        To draw the panels in.
    """
    with rc_context(_STYLE):
        # A margin, so that no label touches the edge.
        rect = 0.2 / width, 0.1 / (HEAD + height), 1 - 0.4 / width, 1 - 0.15 / (HEAD + height)
        figure = Figure(figsize=(width, HEAD + height), layout=ConstrainedLayoutEngine(rect=rect))
        FigureCanvasAgg(figure)
        head, body = divided(figure, 2, 1, height_ratios=(HEAD, height))
        head.text(0, 0.58, title, size=14, weight="bold")
        head.text(0, 0.2, said, color=MUTED)
        yield body
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", metadata={"Software": None})


def divided(figure: Figure | SubFigure, rows: int, columns: int, **ratios: Any) -> list[SubFigure]:
    """The parts of a figure, row by row; ``width_ratios`` and ``height_ratios`` say how large they are."""
    parts: list[SubFigure] = figure.subfigures(rows, columns, squeeze=False, **ratios).ravel().tolist()
    return parts


def shown(axes: Axes, values: Array, colours: Colormap, limit: float | None = None) -> AxesImage:
    """An image or a map, framed: of numbers from −``limit`` to it, or from 0 to 1."""
    ends = (0.0, 1.0) if limit is None else (-(limit or 1.0), limit or 1.0)
    axes.set(xticks=(), yticks=())
    axes.spines[:].set(visible=True, color=HAIRLINE, linewidth=0.5)
    return axes.imshow(values, colours, vmin=ends[0], vmax=ends[1], interpolation="nearest")


def tabled(
    axes: Axes, shades: Array, texts: Sequence[Sequence[str]], rows: Sequence[str], columns: Sequence[str]
) -> None:
    """A table of coloured cells.

    Parameters
    ----------
    shades
        (rows, columns): from 0 to 1; NaN is no cell.
    texts
        (rows, columns): what is written in each, perhaps nothing.
    rows, columns
        Their names.
    """
    axes.imshow(shades, RISING, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for (row, column), shade in np.ndenumerate(shades):
        colour = PAPER if shade > 0.55 else INK
        axes.text(column, row, texts[row][column], size=7.5, color=colour, ha="center", va="center")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)


def in_percent(*axes: Axis) -> None:
    """Shares, as percent."""
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1, 0))
