"""Picture of occlusion: the heatmap with the image on it, and the outlines of critical regions."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.hiding.occlusion import Occlusion, OcclusionExplanation
from konkyo.models.network import Network
from konkyo.service.drawing.layout.magnified import (
    CAPTION,
    DIGIT,
    HEIGHT,
    MAP,
    OUTLINE,
    PIXEL,
    draw_dots,
    pixel_box,
)
from konkyo.service.drawing.layout.wording import class_line, class_name, hiding_words
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, Box, Canvas, decimals_for, number
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import INK, MUTED, PAPER, diverging, grey, limit_of
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.outline import NONE, draw_outline
from konkyo.service.drawing.primitives.style import Style

# In logical units.
_BAR_GAP = 20
# A tag for one letter; for a longer name, what stands beside it, and its letters at most.
_TAG_WIDTH, _TAG_HEIGHT = 12, 14
_TAG_MARGIN, _TAG_LONGEST = 5, 8

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
    canvas.heading(f"predicted {class_name(result.network, result.predicted)}: {_question(result)}")
    canvas.tile(DIGIT, grey(result.image))
    _draw_facts(canvas, result)
    canvas.tile(MAP, diverging(heat, limit))
    draw_dots(canvas, result.image)
    classes = critical_classes(found)
    draw_outline(canvas, MAP, classes, OUTLINE)
    corners = _corners(classes)
    for row, column in corners:
        _draw_tag(canvas, pixel_box(row, column), _tag_name(result.network, int(classes[row, column])))
    if found.critical.any():
        _draw_key(canvas, result, int(classes[corners[0]]) if corners else None)
    colour_bar(canvas, MAP.right + _BAR_GAP, MAP.top, MAP.height, limit, f"drop in {found.score}")
    critical = f"{int(found.critical.sum())} of {found.drop.size} critical"
    canvas.text(MARGIN, CAPTION, f"{hiding_words(found.hiding)}; {critical}", NOTE, MUTED)
    return canvas.image()


def _question(result: OcclusionExplanation) -> str:
    contrast = "" if result.versus is None else f" and not {class_name(result.network, result.versus)}"
    return f"which regions speak for {class_name(result.network, result.target)}{contrast}"


def critical_classes(found: Occlusion) -> _Classes:
    """(28, 28): the predicted class without the critical region that hides a pixel; −1 if no critical region does.

    If several critical regions hide it, the most frequent class. A tie goes to the lowest class.
    """
    classes = found.logits.shape[-1]
    covers = found.hiding.regions.covers.astype(np.intp)
    predictions = np.stack([found.critical & (found.prediction == one) for one in range(classes)])
    counts: _Classes = covers.T @ predictions @ covers
    return np.where(counts.any(0), counts.argmax(0), NONE)


def _draw_facts(canvas: Canvas, result: OcclusionExplanation) -> None:
    whole = float(result.occlusion.whole)
    value = number(whole, decimals_for(whole))
    line = class_line(f"{result.occlusion.score} of ", result, NOTE, MAP.left - MARGIN - 6)
    canvas.text(MARGIN, DIGIT.bottom + 30, line, NOTE, MUTED)
    canvas.text(MARGIN, DIGIT.bottom + 51, value, SUM)


def _draw_key(canvas: Canvas, result: OcclusionExplanation, other: int | None) -> None:
    """Draw the legend of an outline and, if there is a tag, of the tag of the class ``other``."""
    canvas.fill(KEY, INK)
    canvas.fill(KEY.grow(-OUTLINE), PAPER)
    if other is not None:
        _draw_tag(canvas, KEY, _tag_name(result.network, other))
    left, most = KEY.right + 10, MAP.left - KEY.right - 16
    name = class_name(result.network, result.predicted if other is None else other)
    words = ["no longer", name] if other is None else [name, "is predicted"]
    lines = [" ".join(words)] if width(" ".join(words), NOTE) <= most else words
    for line, text in enumerate(["hide one region", "in here:", *lines]):
        canvas.text(left, KEY.top + 10 + 16 * line, cut(text, NOTE, most), NOTE)


def _tag_name(network: Network, number: int) -> str:
    return class_name(network, number, _TAG_LONGEST)


def _draw_tag(canvas: Canvas, corner: Box, name: str) -> None:
    """Write a class in reverse in the upper left corner of a box; a wide tag ends at the edge of the map."""
    wide = _TAG_WIDTH if len(name) == 1 else round(width(name, NOTE)) + _TAG_MARGIN
    left = min(corner.left, MAP.right - wide)
    tag = Box(left, corner.top, left + wide, corner.top + _TAG_HEIGHT)
    canvas.fill(tag, INK)
    canvas.text((tag.left + tag.right) / 2, tag.bottom - 3, name, NOTE, INK, 0.5, reverse=True)


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
