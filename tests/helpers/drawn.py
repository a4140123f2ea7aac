"""What a drawn picture shows."""

from collections.abc import Callable
from io import BytesIO
from typing import ParamSpec

import numpy as np
from PIL import Image

from konkyo.service.drawing.primitives.canvas import Box, Canvas
from konkyo.service.drawing.primitives.colours import INK, PAPER, SHADES
from konkyo.service.drawing.primitives.encoding import png
from konkyo.service.drawing.primitives.letters import letters
from konkyo.service.drawing.primitives.raster import Raster

P = ParamSpec("P")


def painted(draw: Callable[P, Canvas]) -> Callable[P, Image.Image]:
    """What draws a picture, as what gives its pixels."""

    def pixels(*arguments: P.args, **named: P.kwargs) -> Image.Image:
        canvas = draw(*arguments, **named)
        assert isinstance(canvas, Raster)
        return canvas.picture()

    return pixels


def decoded(image: Image.Image) -> np.ndarray:
    """(height, width, 3): what a reader of the PNG sees."""
    return np.asarray(Image.open(BytesIO(png(image))).convert("RGB"))


def written(
    image: Image.Image, text: str, size: int, colour: int = INK, strong: bool = False, scale: int = 1
) -> list[tuple[int, int]]:
    """Where exactly this line stands, on paper: (x, baseline) in pixels. Longer lines that hold it do not count."""
    shades, left, ascent = letters(text, size * scale, strong)
    indices = np.asarray(image)
    expected = np.where(shades > 0, shades.astype(int) + colour - SHADES, PAPER)
    rows, columns = np.nonzero(shades)
    # A little paper all around: "1.2" is not found in "−1.25".
    top, bottom, first, last = rows.min(), rows.max() + 1, columns.min() - 2 * scale, columns.max() + 1 + 2 * scale
    window = np.full((bottom - top, last - first), PAPER)
    inside = slice(max(first, 0), min(last, shades.shape[1]))
    window[:, inside.start - first : inside.stop - first] = expected[top:bottom, inside]
    height, across = window.shape
    spots = np.argwhere(indices[: 1 - height or None, : 1 - across or None] >= 0)
    # The darkest points first: they rule out nearly everywhere at once.
    for row, column in sorted(np.ndindex(*window.shape), key=lambda spot: -window[spot]):
        spots = spots[indices[spots[:, 0] + row, spots[:, 1] + column] == window[row, column]]
        if not len(spots):
            break
    return [(int(x) - int(first) - left, int(y) - int(top) + ascent) for y, x in spots]


def region(image: Image.Image, box: Box) -> np.ndarray:
    """The palette indices of a box in logical units; of a picture with photographs, its colours."""
    left, top, right, bottom = box
    return np.asarray(image)[top:bottom, left:right]


def enlarged(cells: np.ndarray, box: Box) -> np.ndarray:
    """An array of cells as a box shows it, without smoothing."""
    return cells.repeat(box.height // len(cells), 0).repeat(box.width // cells.shape[1], 1)
