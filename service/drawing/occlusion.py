"""Picture of occlusion: the heatmap with the image in it, and the outlines of critical regions."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from konkyo.models.hiding.occlusion import Occlusion, OcclusionExplanation
from konkyo.models.rounding import decimals_of_sum, end_of_scale, number, rounded
from konkyo.service.drawing.layout.grid import square
from konkyo.service.drawing.layout.magnified import OUTLINE, Magnified
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words
from konkyo.service.drawing.layout.words import add_words, picture, say
from konkyo.service.drawing.pair_drops import pair_drops
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Box, Canvas
from konkyo.service.drawing.primitives.colours import INK, MUTED, PAPER, limit_of
from konkyo.service.drawing.primitives.letters import cut, width, wrapped
from konkyo.service.drawing.primitives.outline import NONE
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "occlusion": (
            "predicted {name}: which regions speak for {target}{contrast}",
            "「{name}」と認識。「{target}」を支える領域{contrast}",
        ),
        "occlusion versus": (" and not {versus}", "(「{versus}」との差)"),
        "score": ("{score} of {name}", "「{name}」の{score}"),
        "score logit": ("logit", "ロジット"),
        "score probability": ("probability", "確率"),
        "drop": ("drop in {score}", "{score}の低下"),
        "critical": (
            "{hiding}; {critical} of {regions} critical",
            "{hiding}。隠すと変わる領域 {regions} 個中 {critical} 個",
        ),
        "hide one region": ("hide one region", "中の領域を"),
        "in here": ("in here:", "1 つ隠すと"),
        "no longer": ("no longer {name}", "「{name}」でなくなる"),
        "is predicted": ("{name} is predicted", "「{name}」と認識"),
    }
)

# In logical units.
_CAPTION, _END, _ABOVE_KEY = 28, 20, 27
# A tag for one letter; for a longer name, what stands beside it.
_TAG_WIDTH, _TAG_HEIGHT, _TAG_MARGIN = 12, 14, 8
# Letters that a tag may be cut to where its name has no room.
_TAG_LETTERS = 28, 12, 8, 5
_KEY = 28

_Classes = NDArray[np.intp]


@picture
def occlusion(result: OcclusionExplanation, style: Style = Style()) -> Canvas:
    """Draw the heatmap with the image in it, and outline the critical regions; with pairs, a heatmap for each pair.

    The heat of a pixel is the mean drop of the regions that hide it. Adjacent pixels of critical regions are outlined
    together if the same class is predicted without them (see ``critical_classes``). A tag in the corner of the outline
    names that class, if there is room.
    """
    if result.pairs is not None:
        return pair_drops(result, style)
    found, layout = result.occlusion, Magnified(result.network.architecture.side)
    heat = found.heatmap()
    limit, whole = limit_of(heat), float(found.whole)
    decimals = decimals_of_sum(limit_of(found.drop), whole)
    end = end_of_scale(limit, decimals, np.array(rounded(limit, decimals)))
    canvas = blank(*layout.size(end, _CAPTION + _END), style)
    heading = _heading(result)
    score = say(f"score {found.score}")
    canvas.heading(heading)
    layout.draw(canvas, result.image, heat, limit)
    label = say("score", score=score, name=class_words(result))
    below = layout.write(canvas, layout.image.bottom, label, number(whole, decimals))
    classes = critical_classes(found)
    canvas.outline(layout.map, classes, OUTLINE)
    corners = _corners(classes, -(-_TAG_HEIGHT // layout.pixel))
    for box, name in _tags(layout, result, classes, corners):
        _draw_tag(canvas, box, name)
    if found.critical.any():
        _draw_key(canvas, layout, below + _ABOVE_KEY, result, int(classes[corners[0]]) if corners else None)
    layout.draw_bar(canvas, heading, end, say("drop", score=score))
    hiding, critical = hiding_words(found.hiding), int(found.critical.sum())
    caption = say("critical", hiding=hiding, critical=critical, regions=found.drop.size)
    canvas.text(MARGIN, layout.map.bottom + _CAPTION, caption, NOTE, MUTED)
    return canvas


def _heading(result: OcclusionExplanation) -> str:
    predicted, target = (class_name(result.network, one) for one in (result.predicted, result.target))
    versus = result.versus
    contrast = "" if versus is None else say("occlusion versus", versus=class_name(result.network, versus))
    return say("occlusion", name=predicted, target=target, contrast=contrast)


def critical_classes(found: Occlusion) -> _Classes:
    """(side, side): the predicted class without the critical region that hides a pixel; −1 if no critical one does.

    If several critical regions hide it, the most frequent class. A tie goes to the lowest class.
    """
    critical, covers = found.critical, found.hiding.regions.covers.astype(float)
    classes = np.unique(found.prediction[critical])
    if not len(classes):
        return np.full(covers.shape[1:] * 2, NONE)
    predictions = (critical & (found.prediction == classes[:, None, None])).astype(float)
    counts = covers.T @ predictions @ covers
    return np.where(counts.any(0), classes[counts.argmax(0)], NONE)


def _draw_key(canvas: Canvas, layout: Magnified, top: int, result: OcclusionExplanation, other: int | None) -> None:
    """Draw the legend of an outline and, if there is a tag, of the tag of the class ``other``."""
    key = square(MARGIN, top, _KEY)
    canvas.fill(key, INK)
    canvas.fill(key.grow(-OUTLINE), PAPER)
    left, most = key.right + 10, layout.map.left - key.right - 16
    name = class_name(result.network, result.predicted if other is None else other)
    if other is not None and len(name) == 1:
        _draw_tag(canvas, _tag(key, name, key), name)
    words = say("no longer" if other is None else "is predicted", name=name)
    lines = [cut(line, NOTE, most) for line in wrapped(words, NOTE, most)]
    for line, text in enumerate([say("hide one region"), say("in here"), *lines]):
        canvas.text(left, key.top + 10 + 16 * line, text, NOTE)


def _tags(
    layout: Magnified, result: OcclusionExplanation, classes: _Classes, corners: list[tuple[int, int]]
) -> Iterator[tuple[Box, str]]:
    """The corner and the name of each tag: a name is cut where it would lie on another tag, or else left out."""
    taken: list[Box] = []
    for row, column in corners:
        for letters in _TAG_LETTERS:
            name = class_name(result.network, int(classes[row, column]), letters)
            box = _tag(layout.box(row, column), name, layout.map)
            if not any(box.overlaps(other) for other in taken):
                taken.append(box)
                yield box, name
                break


def _tag(corner: Box, name: str, within: Box) -> Box:
    """The box of a tag: of a letter in the upper left corner of a box, of a longer name above it, if there is room."""
    if len(name) == 1:
        return Box(corner.left, corner.top, corner.left + _TAG_WIDTH, corner.top + _TAG_HEIGHT)
    wide = round(width(name, NOTE)) + _TAG_MARGIN
    left, top = min(corner.left, within.right - wide), max(corner.top - _TAG_HEIGHT, within.top)
    return Box(left, top, left + wide, top + _TAG_HEIGHT)


def _draw_tag(canvas: Canvas, tag: Box, name: str) -> None:
    """Write a class in reverse."""
    canvas.fill(tag, INK)
    canvas.text((tag.left + tag.right) / 2, tag.bottom - 3, name, NOTE, INK, 0.5, reverse=True)


def _corners(classes: _Classes, least: int) -> list[tuple[int, int]]:
    """(row, column) of the first pixel of each connected group that has room for a tag, row by row.

    A group has room if it holds a square of ``least`` pixels a side.
    """
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
        squares = [{(y + down, x + right) for down in range(least) for right in range(least)} for y, x in sorted(group)]
        corners.extend(sorted(min(some) for some in squares if some <= group)[:1])
    return sorted(corners)
