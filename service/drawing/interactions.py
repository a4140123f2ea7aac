"""Picture of the interactions: the image with lines between its regions."""

import numpy as np

from konkyo.models.hiding.shapley import Interactions, ShapleyExplanation
from konkyo.models.rounding import decimals_for, end_of_scale, number
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words
from konkyo.service.drawing.layout.words import add_words, picture, say, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, Box, Canvas
from konkyo.service.drawing.primitives.colours import (
    HAIRLINE,
    INK,
    MUTED,
    NEGATIVE,
    PAPER,
    POSITIVE,
    diverging,
)
from konkyo.service.drawing.primitives.letters import wrapped
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "interactions": (
            "predicted {name}: how regions work together for {of}",
            "「{name}」と認識。「{of}」に対する領域どうしの働き",
        ),
        "interaction": ("interaction", "相互作用"),
        "strongest": ("The strongest of {count}:", "{count}のうち最大:"),
        "interactions note": (
            "Teal line: two regions add more together than each alone; ochre: less.",
            "青緑の線: 2 領域が、別々のときより多く加える。黄土色: 少なく加える。",
        ),
        "interactions note, second line": (
            "Without a line: less than {least}; far regions have exactly 0.",
            "線のない 2 領域は {least} 未満。遠い領域どうしは厳密に 0。",
        ),
    }
)

# Lines at most, of which so many have a label; the share of the strongest value from which on there is one.
_LINES, _LABELLED, _LEAST = 60, 10, 0.1
# In logical units: thickness of lines, a label, and where labels are put along a line, the first that is free.
_THINNEST, _THICKEST, _TAG = 1.0, 8.0, (17, 15)
_ALONG = 0.5, 0.36, 0.64, 0.24, 0.76
# The list beneath the image, and the notes beneath the map, or beneath the list where that is longer.
_HEAD, _ROW, _RANK, _NOTES, _BELOW_LIST, _NOTE_LINE, _END = 28, 17, 22, 28, 22, 18, 20

_Point = tuple[float, float]


@picture
def interactions(result: ShapleyExplanation, style: Style = Style()) -> Canvas:
    """Draw a line between every two regions that work together or against each other.

    Its thickness and colour are the value. The strongest have a number, and stand in a list. Where there are more lines
    than can be told apart, those of the least values are left out.

    Raises
    ------
    ValueError
        The interactions were not requested.
    """
    if result.interactions is None:
        raise ValueError("the result holds no interactions; ask with interactions=True")
    layout, lines = Magnified(result.network.architecture.side), _lines(result.interactions)
    limit = abs(lines[0][2]) if lines else 0.0
    notes = [say("interactions note"), say("interactions note, second line", least=_least(lines, limit))]
    head = wrapped(say("strongest", count=times(len(result.interactions.ranked()), "two regions")), NOTE, layout.column)
    end_of_list = layout.image.bottom + _HEAD + (_ROW - 1) * len(head) + _ROW * len(lines[:_LABELLED])
    below = max(layout.map.bottom + _NOTES, end_of_list + _BELOW_LIST)
    end = end_of_scale(limit)
    canvas = blank(*layout.size(end, below - layout.map.bottom + _NOTE_LINE * len(notes) + _END), style)
    heading = say("interactions", name=class_name(result.network, result.predicted), of=class_words(result))
    canvas.heading(heading)
    canvas.image(layout.image, result.image)
    canvas.image(layout.map, result.image, np.ones(result.image.shape[-2:], np.bool_))
    _draw_lines(canvas, layout, result, lines, limit)
    _draw_list(canvas, layout, head, lines[:_LABELLED], limit)
    layout.draw_bar(canvas, heading, end, say("interaction"))
    for line, text in enumerate([*notes, say("exact", hiding=hiding_words(result.hiding))]):
        canvas.text(MARGIN, below + _NOTE_LINE * line, text, NOTE, MUTED)
    return canvas


def _lines(found: Interactions) -> list[tuple[int, int, float]]:
    ranked = found.ranked()[:_LINES]
    return [line for line in ranked if abs(line[2]) >= _LEAST * abs(ranked[0][2]) and line[2]]


def _least(lines: list[tuple[int, int, float]], limit: float) -> str:
    """Below which absolute value there are no lines."""
    least = max(_LEAST * limit, abs(lines[-1][2]) if len(lines) == _LINES else 0.0)
    return number(least, decimals_for(limit))


def _draw_lines(
    canvas: Canvas,
    layout: Magnified,
    result: ShapleyExplanation,
    lines: list[tuple[int, int, float]],
    limit: float,
) -> None:
    """Draw the weakest first, so that the strongest are on top; then the labels."""
    regions, pixel = result.hiding.regions, layout.pixel
    middles: list[_Point] = []
    for place in range(regions.count):
        left, top, right, bottom = regions.box(*divmod(place, regions.grid[1]))
        middles.append((layout.map.left + (left + right) * pixel / 2, layout.map.top + (top + bottom) * pixel / 2))
    ends = [(middles[one], middles[other]) for one, other, _ in lines]
    for (start, end), (_, _, value) in reversed([*zip(ends, lines, strict=True)]):
        thickness = _THINNEST + (_THICKEST - _THINNEST) * abs(value) / limit
        canvas.stroke(start, end, thickness, int(diverging(np.array(value), limit)))
    for one in sorted({place for line in lines for place in line[:2]}):
        x, y = (round(edge) for edge in middles[one])
        canvas.fill(Box(x - 2, y - 2, x + 2, y + 2), INK)
    taken: list[Box] = []
    for rank, (start, end) in enumerate(ends[:_LABELLED], 1):
        boxes = [_tag(start, end, share) for share in _ALONG]
        box = next((one for one in boxes if not any(one.overlaps(other) for other in taken)), boxes[0])
        taken.append(box)
        _draw_tag(canvas, box, rank)


def _tag(start: _Point, end: _Point, share: float) -> Box:
    """The box of a label on a line."""
    (wide, high), (x, y) = _TAG, (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
    return Box(x - wide // 2, y - high // 2, x - wide // 2 + wide, y - high // 2 + high)


def _draw_tag(canvas: Canvas, box: Box, rank: int) -> None:
    canvas.fill(box, PAPER)
    canvas.frame(box, HAIRLINE)
    canvas.text((box.left + box.right) / 2, box.baseline(NOTE), str(rank), NOTE, INK, 0.5, strong=True)


def _draw_list(
    canvas: Canvas, layout: Magnified, head: list[str], lines: list[tuple[int, int, float]], limit: float
) -> None:
    """List the strongest beneath the image: the number of each, its colour, and its value."""
    baseline = layout.image.bottom + _HEAD
    for text in head:
        canvas.text(MARGIN, baseline, text, NOTE, MUTED)
        baseline += _ROW - 1
    decimals = decimals_for(limit)
    for rank, (_, _, value) in enumerate(lines, 1):
        baseline += _ROW
        canvas.text(MARGIN + _RANK - 8, baseline, str(rank), NOTE, MUTED, align=1)
        canvas.fill(
            Box(MARGIN + _RANK, baseline - 9, MARGIN + _RANK + 9, baseline), POSITIVE if value > 0 else NEGATIVE
        )
        canvas.text(MARGIN + _RANK + 80, baseline, number(value, decimals, sign=True), BODY, INK, align=1)
