"""Picture of the grounds: the sufficient regions on the left, the contrast on the right."""

import numpy as np
from numpy.typing import NDArray

from konkyo.models.grounds.proofs import Grounds, Position, Status
from konkyo.service.drawing.layout.grid import square, unit
from konkyo.service.drawing.layout.wording import article, class_name, hiding_words, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import ACCENT, INK, MUTED, NEGATIVE, TRACK
from konkyo.service.drawing.primitives.letters import cut, wrapped
from konkyo.service.drawing.primitives.outline import NONE
from konkyo.service.drawing.primitives.style import Style

# In logical units: about the side of an image, and the distance between the two.
_SIDE, _GAP = 280, 44
_HEAD = 18
# Baselines of the sentence beneath an image, and of the note on its proof.
_FIRST_LINE, _LINE, _LINES = 30, 20, 3
_NOTE_LINE = 24
_END = 26
_OUTLINE, _STROKE = 3, 2

_Mask = NDArray[np.bool_]


def boxes(side: int) -> tuple[Box, Box]:
    """The two images: what stays, and what goes."""
    stays = square(MARGIN, TOP + _HEAD, side * unit(side, _SIDE))
    return stays, stays.shift(stays.width + _GAP, 0)


def grounds(result: Grounds, style: Style = Style()) -> Canvas:
    """Draw the image twice, each with a sentence that says what is proven.

    On the left, the sufficient regions are outlined and the others faded. On the right, the regions of the contrast
    are struck out.
    """
    stays, goes = boxes(result.network.architecture.side)
    lines = _FIRST_LINE + _LINE * (_LINES - 1 + _more_lines(result, stays.width)) + _NOTE_LINE
    height = stays.bottom + lines + _END
    canvas = blank(goes.right + MARGIN, height, style)
    canvas.heading(f"predicted {class_name(result.network, result.predicted)}: the grounds")
    _draw_sufficient(canvas, stays, result)
    _draw_contrast(canvas, goes, result)
    empty = f"{class_name(result.network, result.empty.predicted)} is predicted, {result.empty.probability:.1%}"
    words = f"{hiding_words(result.hiding)}; with everything hidden, {empty}"
    canvas.text(MARGIN, height - _END + 4, words, NOTE, MUTED)
    return canvas


def _draw_sufficient(canvas: Canvas, box: Box, result: Grounds) -> None:
    needed, players = (_pixels(result, places) for places in (result.sufficient.regions, result.players))
    which = {0: "Keep nothing", 1: "Keep this"}.get(len(result.sufficient.regions), "Keep these")
    _draw_head(canvas, box, f"{which}: {_stays(result)}")
    canvas.image(box, result.image, players & ~needed)
    canvas.outline(box, np.where(needed, 0, NONE), _OUTLINE, ACCENT)
    _draw_lines(canvas, box, _sufficient_words(result), _status_words(result))


def _draw_contrast(canvas: Canvas, box: Box, result: Grounds) -> None:
    contrast = result.contrast
    regions = contrast.regions if contrast else ()
    if contrast is None:
        _draw_head(canvas, box, f"Hide anything: {_stays(result)}")
    else:
        becomes = article(class_name(result.network, contrast.predicted))
        _draw_head(canvas, box, f"Hide {'this' if len(regions) == 1 else 'these'}: it becomes {becomes}")
    canvas.image(box, result.image)
    pixel = box.width // result.network.architecture.side
    for row, column in regions:
        edges = (edge * pixel for edge in result.hiding.regions.box(row, column))
        struck = Box(*edges).shift(box.left, box.top)
        canvas.fill(struck, TRACK)
        canvas.cross(struck, NEGATIVE, _STROKE)
    canvas.outline(box, np.where(_pixels(result, regions), 0, NONE), _OUTLINE, NEGATIVE)
    _draw_lines(canvas, box, _contrast_words(result), "")


def _draw_head(canvas: Canvas, box: Box, text: str) -> None:
    canvas.text(box.left, box.top - 10, cut(text, BODY, box.width + _GAP // 2), BODY, strong=True)


def _stays(result: Grounds) -> str:
    return f"it stays {article(class_name(result.network, result.predicted))}"


def _sufficient_words(result: Grounds) -> str:
    kept, players = len(result.sufficient.regions), len(result.players)
    if not players:
        return "No region holds anything but the fill value, so there is nothing to hide."
    free = players - kept
    stays = _stays(result)
    if not kept:
        return f"No region is needed. However the {players} are hidden, in any of {_ways(result)} ways, {stays}."
    if not free:
        return f"All {players} regions are needed."
    others = "However the other one is" if free == 1 else f"However the other {free} are"
    return f"{kept} of {times(players, 'region')}. {others} hidden, in any of {_ways(result)} ways, {stays}."


def _ways(result: Grounds) -> str:
    return f"{result.sufficient.combinations:,}"


def _status_words(result: Grounds) -> str:
    if not result.sufficient.regions:
        return ""
    if result.sufficient.status is Status.SMALLEST:
        return "Proven: no smaller set suffices."
    return "Proven: none of them can be left out."


def _contrast_words(result: Grounds) -> str:
    if not result.players:
        return ""
    if result.contrast is None:
        return f"Whatever is hidden, {_stays(result)}."
    count = len(result.contrast.regions)
    fewer = "" if count == 1 else f" Hiding fewer than {count} never changes the answer."
    these = "this region" if count == 1 else f"these {count} regions"
    return f"With {these} hidden, {class_name(result.network, result.contrast.predicted)} is predicted.{fewer}"


def _pixels(result: Grounds, places: tuple[Position, ...]) -> _Mask:
    """(side, side): the pixels of some regions."""
    mask = np.zeros(result.image.shape[-2:], np.bool_)
    for row, column in places:
        left, top, right, bottom = result.hiding.regions.box(row, column)
        mask[top:bottom, left:right] = True
    return mask


def _more_lines(result: Grounds, most: int) -> int:
    """How many lines more than usual the longer text has, with its note: long names make long sentences."""
    left = len(wrapped(_sufficient_words(result), BODY, most)) + bool(_status_words(result))
    return max(left, len(wrapped(_contrast_words(result), BODY, most)), _LINES) - _LINES


def _draw_lines(canvas: Canvas, box: Box, sentence: str, note: str) -> None:
    """Write a sentence beneath an image, and a note."""
    baseline = box.bottom + _FIRST_LINE
    for line in wrapped(sentence, BODY, box.width):
        canvas.text(box.left, baseline, line, BODY, INK)
        baseline += _LINE
    if note:
        canvas.text(box.left, baseline, note, NOTE, MUTED)
