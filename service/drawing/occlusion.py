"""Picture of occlusion: the heatmap with the image on it, and the outlines of critical regions."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.architecture import CLASSES
from models.occlusion import Occlusion, OcclusionExplanation
from service.drawing.layout.magnified import (
    CAPTION,
    DIGIT,
    HEIGHT,
    MAP,
    OUTLINE,
    PIXEL,
    draw_dots,
    pixel_box,
)
from service.drawing.layout.wording import hiding_words
from service.drawing.primitives.canvas import MARGIN, NOTE, SUM, Box, Canvas, decimals_for, number
from service.drawing.primitives.colourbar import bar_width, colour_bar
from service.drawing.primitives.colours import INK, MUTED, PAPER, diverging, grey, limit_of
from service.drawing.primitives.outline import NONE, draw_outline
from service.drawing.primitives.style import Style

# In logical units.
_BAR_GAP = 20
_TAG_WIDTH, _TAG_HEIGHT = 12, 14

KEY = Box(MARGIN, DIGIT.bottom + 78, MARGIN + 2 * PIXEL + 4, DIGIT.bottom + 78 + 2 * PIXEL + 4)

_Classes = NDArray[np.intp]


def occlusion(result: OcclusionExplanation, style: Style = Style()) -> Image.Image:
    """Draw the heatmap with the image on it as dots, and outline the critical regions.

    The heat of a pixel is the mean drop of the regions that hide it. Adjacent pixels of critical regions are outlined
    together if the same class is predicted without them (see ``critical_classes``). A tag in the corner of the outline
    names that class, if there is room.
    """
    found = result.occlusion
    heat = found.heatmap()
    limit = limit_of(heat)
    canvas = Canvas(MAP.right + _BAR_GAP + bar_width(limit) + MARGIN, HEIGHT, style)
    canvas.heading(f"predicted {result.predicted}: {_question(result)}")
    canvas.tile(DIGIT, grey(result.image))
    _draw_facts(canvas, result)
    canvas.tile(MAP, diverging(heat, limit))
    draw_dots(canvas, result.image)
    classes = critical_classes(found)
    draw_outline(canvas, MAP, classes, OUTLINE)
    corners = _corners(classes)
    for row, column in corners:
        _draw_tag(canvas, pixel_box(row, column), int(classes[row, column]))
    if found.critical.any():
        _draw_key(canvas, result.predicted, int(classes[corners[0]]) if corners else None)
    colour_bar(canvas, MAP.right + _BAR_GAP, MAP.top, MAP.height, limit, f"drop in {found.score}")
    critical = f"{int(found.critical.sum())} of {found.drop.size} critical"
    canvas.text(MARGIN, CAPTION, f"{hiding_words(found.hiding)}; {critical}", NOTE, MUTED)
    return canvas.image()


def _question(result: OcclusionExplanation) -> str:
    if result.versus is not None:
        return f"which regions speak for {result.target} and not {result.versus}"
    return f"which regions speak for {result.target}"


def critical_classes(found: Occlusion) -> _Classes:
    """(28, 28): the predicted class without the critical region that hides a pixel; −1 if no critical region does.

    If several critical regions hide it, the most frequent class. A tie goes to the lowest class.
    """
    covers = found.hiding.regions.covers.astype(np.intp)
    predictions = np.stack([found.critical & (found.prediction == one) for one in range(CLASSES)])
    counts: _Classes = covers.T @ predictions @ covers
    return np.where(counts.any(0), counts.argmax(0), NONE)


def _draw_facts(canvas: Canvas, result: OcclusionExplanation) -> None:
    whole = float(result.occlusion.whole)
    value = number(whole, decimals_for(whole))
    of = f"{result.target}" if result.versus is None else f"{result.target} − {result.versus}"
    canvas.text(MARGIN, DIGIT.bottom + 30, f"{result.occlusion.score} of {of}", NOTE, MUTED)
    canvas.text(MARGIN, DIGIT.bottom + 51, value, SUM)


def _draw_key(canvas: Canvas, predicted: int, other: int | None) -> None:
    """Draw the legend of an outline and, if there is a tag, of the tag ``other``."""
    canvas.fill(KEY, INK)
    canvas.fill(KEY.grow(-OUTLINE), PAPER)
    if other is not None:
        _draw_tag(canvas, KEY, other)
    canvas.text(KEY.right + 10, KEY.top + 10, "without this,", NOTE)
    after = f"no longer {predicted}" if other is None else f"{other} is predicted"
    canvas.text(KEY.right + 10, KEY.top + 26, after, NOTE)


def _draw_tag(canvas: Canvas, corner: Box, predicted: int) -> None:
    """Write a class in reverse in the upper left corner of a box."""
    tag = Box(corner.left, corner.top, corner.left + _TAG_WIDTH, corner.top + _TAG_HEIGHT)
    canvas.fill(tag, INK)
    canvas.text((tag.left + tag.right) / 2, tag.bottom - 3, str(predicted), NOTE, INK, 0.5, reverse=True)


def _corners(classes: _Classes) -> list[tuple[int, int]]:
    """(row, column) of the first 2×2 pixels of each connected group, row by row. Smaller groups are left out."""
    left = {(int(row), int(column)) for row, column in np.argwhere(classes != NONE)}
    corners = []
    while left:
        group, border = set(), [left.pop()]
        while border:
            row, column = border.pop()
            group.add((row, column))
            for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if near in left and classes[near] == classes[row, column]:
                    left.remove(near)
                    border.append(near)
        blocks = (p for p in group if {(p[0] + 1, p[1]), (p[0], p[1] + 1), (p[0] + 1, p[1] + 1)} <= group)
        corners.extend(sorted(blocks)[:1])
    return sorted(corners)
