"""How figures look: calm, on white, in the colours of the service's images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

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
# A digit: 0 is the background and 1 is ink.
DIGIT = LinearSegmentedColormap.from_list("konkyo-digit", ["#f5f4f1", INK], N=33)

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
    "ytick.color": HAIRLINE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 8,
}


@contextmanager
def drawing(path: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure to draw on, in inches, with everything in the common style; at the end it is a PNG at ``path``.

    The same drawing gives the same file: it holds no date and no version.
    """
    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", metadata={"Software": None})
