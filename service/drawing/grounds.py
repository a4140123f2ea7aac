"""Picture of the grounds: the sufficient regions on the left, the contrast on the right."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.grounds.proofs import Grounds, Position, Status
from konkyo.service.drawing.layout.wording import article, class_name, hiding_words, times
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import ACCENT, INK, MUTED, NEGATIVE, TRACK, grey
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.outline import NONE, draw_outline
from konkyo.service.drawing.primitives.style import Style

# In logical units.
_PIXEL = 10
_SIDE = IMAGE_SIDE * _PIXEL
_GAP = 44
_HEAD = 18
# Baselines of the sentence beneath an image, and of the note on its proof.
_FIRST_LINE, _LINE, _LINES = 30, 20, 3
_NOTE_LINE = 24
_END = 26
_OUTLINE, _STROKE = 3, 2
# Share of the ink that is drawn in regions that may be hidden.
SHADED = 0.28

STAYS = Box(MARGIN, TOP + _HEAD, MARGIN + _SIDE, TOP + _HEAD + _SIDE)
GOES = Box(STAYS.right + _GAP, STAYS.top, STAYS.right + _GAP + _SIDE, STAYS.bottom)
_HEIGHT = STAYS.bottom + _FIRST_LINE + _LINE * (_LINES - 1) + _NOTE_LINE + _END

_Mask = NDArray[np.bool_]


def grounds(result: Grounds, style: Style = Style()) -> Image.Image:
    """Draw the image twice, each with a sentence that says what is proven.

    On the left, the sufficient regions are outlined and the others shaded. On the right, the regions of the contrast
    are struck out.
    """
    height = _HEIGHT + _LINE * _more_lines(result)
    canvas = Canvas(GOES.right + MARGIN, height, style)
    canvas.heading(f"predicted {class_name(result.network, result.predicted)}: the grounds")
    _draw_sufficient(canvas, result)
    _draw_contrast(canvas, result)
    empty = f"{class_name(result.network, result.empty.predicted)} is predicted, {result.empty.probability:.1%}"
    words = f"{hiding_words(result.hiding)}; with everything hidden, {empty}"
    canvas.text(MARGIN, height - _END + 4, words, NOTE, MUTED)
    return canvas.image()


def _draw_sufficient(canvas: Canvas, result: Grounds) -> None:
    needed, players = (_pixels(result, places) for places in (result.sufficient.regions, result.players))
    shaded = np.where(players & ~needed, SHADED * result.image, result.image)
    which = {0: "Keep nothing", 1: "Keep this"}.get(len(result.sufficient.regions), "Keep these")
    _draw_head(canvas, STAYS, f"{which}: {_stays(result)}")
    canvas.tile(STAYS, grey(shaded))
    draw_outline(canvas, STAYS, np.where(needed, 0, NONE), _OUTLINE, ACCENT)
    _draw_lines(canvas, STAYS, _sufficient_words(result), _status_words(result))


def _draw_contrast(canvas: Canvas, result: Grounds) -> None:
    contrast, hidden = result.contrast, np.zeros_like(result.image, np.bool_)
    if contrast is None:
        _draw_head(canvas, GOES, f"Hide anything: {_stays(result)}")
    else:
        becomes = article(class_name(result.network, contrast.predicted))
        _draw_head(canvas, GOES, f"Hide {'this' if len(contrast.regions) == 1 else 'these'}: it becomes {becomes}")
        hidden = _pixels(result, contrast.regions)
    canvas.tile(GOES, grey(np.where(hidden, result.hiding.fill, result.image)))
    if contrast is not None:
        _strike_out(canvas, result, contrast.regions)
        draw_outline(canvas, GOES, np.where(hidden, 0, NONE), _OUTLINE, NEGATIVE)
    _draw_lines(canvas, GOES, _contrast_words(result), "")


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
    """(28, 28): the pixels of some regions."""
    mask = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.bool_)
    for row, column in places:
        left, top, right, bottom = result.hiding.regions.box(row, column)
        mask[top:bottom, left:right] = True
    return mask


def _strike_out(canvas: Canvas, result: Grounds, places: tuple[Position, ...]) -> None:
    """Draw both diagonals of each region."""
    unit = _PIXEL * canvas.scale
    pixels = canvas.region(GOES)
    for row, column in places:
        left, top, right, bottom = (edge * unit for edge in result.hiding.regions.box(row, column))
        area = pixels[top:bottom, left:right]
        area[:] = TRACK
        down, across = np.ogrid[: bottom - top, : right - left]
        slope = (bottom - top) / (right - left)
        thickness = _STROKE * canvas.scale
        falls = np.abs(down - across * slope) < thickness
        rises = np.abs(down - (right - left - 1 - across) * slope) < thickness
        area[falls | rises] = NEGATIVE


def _wrapped(sentence: str) -> list[str]:
    """The lines of a sentence, wrapped to the width of the image above it."""
    lines: list[str] = []
    for word in sentence.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, BODY) <= _SIDE:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _more_lines(result: Grounds) -> int:
    """How many lines more than usual the longer text has, with its note: long names make long sentences."""
    left = len(_wrapped(_sufficient_words(result))) + bool(_status_words(result))
    return max(left, len(_wrapped(_contrast_words(result))), _LINES) - _LINES


def _draw_lines(canvas: Canvas, box: Box, sentence: str, note: str) -> None:
    """Write a sentence beneath an image, and a note."""
    baseline = box.bottom + _FIRST_LINE
    for line in _wrapped(sentence):
        canvas.text(box.left, baseline, line, BODY, INK)
        baseline += _LINE
    if note:
        canvas.text(box.left, baseline, note, NOTE, MUTED)
