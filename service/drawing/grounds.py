"""Picture of the grounds: the sufficient regions on the left, the contrast on the right."""

import numpy as np
from numpy.typing import NDArray

from konkyo.models.grounds.proofs import Contrast, Grounds, Position, Status
from konkyo.models.network import softmax
from konkyo.models.rounding import percent, percents
from konkyo.service.drawing.layout.grid import square, unit
from konkyo.service.drawing.layout.wording import article, class_name, hiding_words
from konkyo.service.drawing.layout.words import add_words, picture, say, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, TOP, Box, Canvas
from konkyo.service.drawing.primitives.colours import ACCENT, INK, MUTED, NEGATIVE, TRACK
from konkyo.service.drawing.primitives.letters import cut, wrapped
from konkyo.service.drawing.primitives.outline import NONE
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "grounds": ("predicted {name}: the grounds", "「{name}」と認識。その根拠"),
        "empty": (
            "{hiding}; with everything hidden, {name} is predicted, {share}",
            "{hiding}。すべて隠すと「{name}」{share}",
        ),
        "keep nothing": ("Keep nothing: {stays}", "何も残さなくても{stays}"),
        "keep one": ("Keep this: {stays}", "ここを残せば{stays}"),
        "keep": ("Keep these: {stays}", "枠内を残せば{stays}"),
        "hide anything": ("Hide anything: {stays}", "何を隠しても{stays}"),
        "hide one": ("Hide this: it becomes {name}", "ここを隠すと「{name}」になる"),
        "hide": ("Hide these: it becomes {name}", "これらを隠すと「{name}」になる"),
        "tried, stays": ("Hidden here: it stays {name}", "これらを隠しても「{name}」のまま"),
        "tried, changes": ("Hidden here: it becomes {name}", "これらを隠すと「{name}」になる"),
        "tried": (
            "With {regions} hidden, {name} is predicted, {share}.",
            "{regions}を隠すと「{name}」と認識されます ({share})。",
        ),
        "stays": ("it stays {name}", "「{name}」のまま"),
        "nothing to hide": (
            "No region holds anything but the fill value, so there is nothing to hide.",
            "どの領域も隠した値と同じなので、隠すものがありません。",
        ),
        "none needed": (
            "No region is needed. However the {players} are hidden, in any of {ways} ways, {stays}.",
            "必要な領域はありません。{players} 領域をどう隠しても ({ways} 通り)、{stays}です。",
        ),
        "all needed": ("All {players} regions are needed.", "{players} 領域のすべてが必要です。"),
        "needed, one free": (
            "{kept} of {regions}. However the other one is hidden, in any of {ways} ways, {stays}.",
            "{regions}のうち {kept} 個。残る 1 個を隠しても ({ways} 通り)、{stays}です。",
        ),
        "needed": (
            "{kept} of {regions}. However the other {free} are hidden, in any of {ways} ways, {stays}.",
            "{regions}のうち {kept} 個。残る {free} 個をどう隠しても ({ways} 通り)、{stays}です。",
        ),
        "smallest": ("Proven: no smaller set suffices.", "証明済み: これより少ない領域では足りません。"),
        "irreducible": ("Proven: none of them can be left out.", "証明済み: どの 1 つも省けません。"),
        "whatever": ("Whatever is hidden, {stays}.", "何を隠しても{stays}です。"),
        "contrast of one": (
            "With this region hidden, {name} is predicted.",
            "この領域を隠すと「{name}」と認識されます。",
        ),
        "contrast": (
            "With these {count} regions hidden, {name} is predicted. "
            "Hiding fewer than {count} never changes the answer.",
            "この {count} 領域を隠すと「{name}」と認識されます。{count} 個より少なく隠しても結果は変わりません。",
        ),
    }
)

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


@picture
def grounds(result: Grounds, style: Style = Style()) -> Canvas:
    """Draw the image twice, each with a sentence that says what is proven.

    On the left, the sufficient regions are outlined and the others faded. On the right, the regions of the contrast
    are struck out.
    """
    stays, goes = boxes(result.network.architecture.side)
    lines = _FIRST_LINE + _LINE * (_LINES - 1 + _more_lines(result, stays.width)) + _NOTE_LINE
    height = stays.bottom + lines + _END
    canvas = blank(goes.right + MARGIN, height, style)
    canvas.heading(say("grounds", name=class_name(result.network, result.predicted)))
    _draw_sufficient(canvas, stays, result)
    if result.tried is None:
        _draw_contrast(canvas, goes, result)
    else:
        _draw_tried(canvas, goes, result, result.tried)
    empty = class_name(result.network, result.empty.predicted)
    words = say("empty", hiding=hiding_words(result.hiding), name=empty, share=percent(result.empty.probability))
    canvas.text(MARGIN, height - _END + 4, words, NOTE, MUTED)
    return canvas


def _draw_sufficient(canvas: Canvas, box: Box, result: Grounds) -> None:
    needed, players = (_pixels(result, places) for places in (result.sufficient.regions, result.players))
    which = {0: "keep nothing", 1: "keep one"}.get(len(result.sufficient.regions), "keep")
    _draw_head(canvas, box, say(which, stays=_stays(result)))
    canvas.image(box, result.image, players & ~needed)
    canvas.outline(box, np.where(needed, 0, NONE), _OUTLINE, ACCENT)
    _draw_lines(canvas, box, _sufficient_words(result), _status_words(result))


def _draw_contrast(canvas: Canvas, box: Box, result: Grounds) -> None:
    contrast = result.contrast
    regions = contrast.regions if contrast else ()
    if contrast is None:
        _draw_head(canvas, box, say("hide anything", stays=_stays(result)))
    else:
        becomes = article(class_name(result.network, contrast.predicted))
        _draw_head(canvas, box, say("hide one" if len(regions) == 1 else "hide", name=becomes))
    _draw_hidden(canvas, box, result, regions)
    _draw_lines(canvas, box, _contrast_words(result), "")


def _draw_tried(canvas: Canvas, box: Box, result: Grounds, tried: Contrast) -> None:
    """Draw the regions that were asked to be hidden, in place of the contrast."""
    name = article(class_name(result.network, tried.predicted))
    stays = tried.predicted == result.predicted
    _draw_head(canvas, box, say("tried, stays" if stays else "tried, changes", name=name))
    _draw_hidden(canvas, box, result, tried.regions)
    _draw_lines(canvas, box, _contrast_words(result), "")


def _draw_hidden(canvas: Canvas, box: Box, result: Grounds, regions: tuple[Position, ...]) -> None:
    """Draw the image with some regions struck out."""
    canvas.image(box, result.image)
    pixel = box.width // result.network.architecture.side
    for row, column in regions:
        edges = (edge * pixel for edge in result.hiding.regions.box(row, column))
        struck = Box(*edges).shift(box.left, box.top)
        canvas.fill(struck, TRACK)
        canvas.cross(struck, NEGATIVE, _STROKE)
    canvas.outline(box, np.where(_pixels(result, regions), 0, NONE), _OUTLINE, NEGATIVE)


def _draw_head(canvas: Canvas, box: Box, text: str) -> None:
    canvas.text(box.left, box.top - 10, cut(text, BODY, box.width + _GAP // 2), BODY, strong=True)


def _stays(result: Grounds) -> str:
    return say("stays", name=article(class_name(result.network, result.predicted)))


def _sufficient_words(result: Grounds) -> str:
    kept, players = len(result.sufficient.regions), len(result.players)
    if not players:
        return say("nothing to hide")
    free = players - kept
    stays = _stays(result)
    if not kept:
        return say("none needed", players=players, ways=_ways(result), stays=stays)
    if not free:
        return say("all needed", players=players)
    which = "needed, one free" if free == 1 else "needed"
    return say(which, kept=kept, regions=times(players, "region"), free=free, ways=_ways(result), stays=stays)


def _ways(result: Grounds) -> str:
    return f"{result.sufficient.combinations:,}"


def _status_words(result: Grounds) -> str:
    if not result.sufficient.regions:
        return ""
    if result.sufficient.status is Status.SMALLEST:
        return say("smallest")
    return say("irreducible")


def _contrast_words(result: Grounds) -> str:
    if not result.players:
        return ""
    if result.tried:
        name = class_name(result.network, result.tried.predicted)
        share = percents(softmax(result.tried.logits))[result.tried.predicted]
        hidden = times(len(result.tried.regions), "region")
        return say("tried", regions=hidden, name=name, share=share)
    if result.contrast is None:
        return say("whatever", stays=_stays(result))
    count = len(result.contrast.regions)
    name = class_name(result.network, result.contrast.predicted)
    return say("contrast of one" if count == 1 else "contrast", count=count, name=name)


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
