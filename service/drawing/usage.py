"""Picture of how each class uses the filters, after the paper's Fig. 4."""

import numpy as np

from konkyo.models.filters.contributions import ranked
from konkyo.models.filters.usage import DOMINATES, ClassUsage, Usage
from konkyo.models.network import Network
from konkyo.models.rounding import decimals_for, number, percent
from konkyo.service.drawing.layout.filters import draw_filter, filters_notes, in_colour, weights_of
from konkyo.service.drawing.layout.grid import Grid
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.layout.places import Pair
from konkyo.service.drawing.layout.wording import class_name, pair_name, pairs_note
from konkyo.service.drawing.layout.words import add_words, say, styled, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import (
    BODY,
    MARGIN,
    NOTE,
    SUM,
    TITLE,
    Box,
    Canvas,
)
from konkyo.service.drawing.primitives.colourbar import colour_strip
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    HAIRLINE,
    INK,
    MUTED,
    NEGATIVE,
    POSITIVE,
    SECOND,
    diverging,
    limit_of,
    signed_grey,
)
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "usage": ("{name}: which filter pairs each class uses", "{name}: クラスごとのフィルタの組の使い方"),
        "not studied": (
            "Not studied yet; this does it: python -m trainer study filters --model {name}",
            "まだ調べていません。調べるには: python -m trainer study filters --model {name}",
        ),
        "places note": (
            "Red is first, blue second; no blue where first has {share:.0%}.",
            "赤枠は 1 位、青枠は 2 位。1 位が {share:.0%} 以上なら青枠なし。",
        ),
        "bars note": (
            "Bars: what the pair adds to the class’s logit, on average;",
            "棒: 組がクラスのロジットに加える値の平均。",
        ),
        "bars note, second line": (
            "of the pairs that add or take most, and the sum of the others.",
            "加減の大きい組と、ほかの組の合計。",
        ),
        "cells note": (
            "Rows are maps that enter stage {stage}, columns its filters.",
            "行は段 {stage} に入るマップ、列はそのフィルタ。",
        ),
        "cells note, second line": (
            "Colour: what the pair adds to the class’s logit, on average.",
            "色: 組がクラスのロジットに加える値の平均。",
        ),
        "percent note": (
            "Percent: training images in which the pair adds most.",
            "%: その組が最も貢献した訓練画像の割合。",
        ),
    }
)

_STRIP = 160, 6
# Below the panels: the left edges of two columns of notes, and the distances of their lines.
_FIRST_NOTES, _SECOND_NOTES = 196, 590
_ABOVE_NOTES, _LINE, _END = 18, 18, 24


def usage(name: str, network: Network, study: Usage | None, style: Style = Style()) -> Canvas:
    """Draw the filters, and for each class the mean contributions of the pairs, with the first and the second pair.

    Parameters
    ----------
    name
        Name of the checkpoint.
    network
        The network, whose filters are drawn.
    study
        The study of this network; None draws the filters alone.
    style
        The scale and the theme.
    """
    with styled(style):
        panels = Panels(network)
        heading = say("usage", name=name)
        missing = say("not studied", name=name)
        right, bottom = (panels.right, panels.bottom) if study else (panels.filters_right, panels.filters_bottom)
        lines = max(map(len, _notes(panels, network))) if study else 2 + len(filters_notes(network))
        end = _ABOVE_NOTES + _LINE * (lines - 1) + _END
        texts = round(max(width(heading, TITLE), 0 if study else width(missing, NOTE)))
        canvas = blank(max(right, MARGIN + texts) + MARGIN, bottom + end, style)
        canvas.heading(heading)
        _draw_filters(canvas, panels, network)
        if study:
            _draw_study(canvas, panels, network, study)
        else:
            for line, text in enumerate((missing, *filters_notes(network))):
                canvas.text(MARGIN, bottom + _ABOVE_NOTES + 6 + line * _LINE, text, NOTE, MUTED)
        return canvas


def _draw_filters(canvas: Canvas, panels: Panels, network: Network) -> None:
    for stage, grid in enumerate(panels.stages):
        canvas.text(grid.first.left, grid.first.top - 8, panels.stage_words(stage), NOTE, MUTED)
        if in_colour(network, stage):
            for place, box in enumerate(grid):
                draw_filter(canvas, box, network, stage, place)
        else:
            grid.tiles(canvas, signed_grey(panels.kernels(stage), limit_of(weights_of(network, stage))))
        if panels.numbered(stage, grid):
            for place in range(grid.columns):
                x = grid.box(place).middle[0]
                canvas.text(x + 0.5, grid.bottom + 15, str(place), NOTE, MUTED, align=0.5)


def _draw_study(canvas: Canvas, panels: Panels, network: Network, study: Usage) -> None:
    means = np.array([one.mean for one in study.classes])
    limit = limit_of(means)
    for place, (panel, one) in enumerate(zip(panels.grid, study.classes, strict=True)):
        images = times(one.images, "image")
        canvas.text(panel.left, panel.top + 12, cut(class_name(network, place), SUM, panel.width), SUM, strong=True)
        if panels.stacked:
            canvas.text(panel.left, panel.top + 30, images, NOTE, MUTED)
        else:
            canvas.text(panel.right, panel.top + 12, images, NOTE, MUTED, align=1)
        if panels.ranked:
            _draw_ranking(canvas, panels.bars(place), one, float(max(means.max(), 0)), float(-min(means.min(), 0)))
        else:
            _draw_cells(canvas, panels, panels.cells(place), one, limit)
        colours = _colours(one)
        for line, pair in enumerate(one.combination):
            _draw_place(canvas, panels, place, line, pair, colours.get(pair, MUTED), one)
    top = panels.bottom + _ABOVE_NOTES
    if not panels.ranked:
        strip = Box(MARGIN, top - 6, MARGIN + _STRIP[0], top - 6 + _STRIP[1])
        colour_strip(canvas, strip, limit)
    for left, lines in zip((_FIRST_NOTES, _SECOND_NOTES), _notes(panels, network), strict=True):
        for line, text in enumerate(lines):
            edge = left if not panels.ranked or left == _SECOND_NOTES else 0
            canvas.text(MARGIN + edge, top + line * _LINE, text, NOTE, MUTED)


def _notes(panels: Panels, network: Network) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The two columns of notes beneath the panels."""
    places = say("places note", share=DOMINATES)
    if panels.ranked:
        pairs = (
            say("bars note"),
            say("bars note, second line"),
        )
    else:
        pairs = (
            say("cells note", stage=len(network.architecture.stages)),
            say("cells note, second line"),
        )
    percent = say("percent note")
    return (*pairs, percent), (places, pairs_note(network), *filters_notes(network))


def _colours(one: ClassUsage) -> dict[Pair, int]:
    """The colours of the framed pairs: a dominated second place counts, but is not framed."""
    framed = one.combination[:1] if one.dominated else one.combination
    return dict(zip(framed, (FIRST, SECOND), strict=False))


def _draw_cells(canvas: Canvas, panels: Panels, cells: Grid, one: ClassUsage, limit: float) -> None:
    colours = _colours(one)
    cells.tiles(canvas, diverging(one.mean, limit).reshape(-1, 1, 1), framed=not panels.dense)
    # The first is drawn last, since the frames of adjacent cells overlap.
    for (i, j), colour in reversed(colours.items()):
        canvas.frame(cells.box(i * cells.columns + j), colour, *panels.frame)
    if panels.dense:
        return
    for ((i, j), count), box in zip(np.ndenumerate(one.firsts), cells, strict=True):
        text = f"{number(100 * count / one.images, 0)}%"
        colour = colours.get((i, j), MUTED if text == "0%" else INK)
        canvas.text((box.left + box.right) / 2, box.bottom + 16, text, NOTE, colour, 0.5, (i, j) in colours)


def _draw_ranking(canvas: Canvas, bars: Grid, one: ClassUsage, most: float, least: float) -> None:
    """List the pairs whose mean contributions are greatest in absolute value, and the sum of the others.

    ``most`` and ``least`` are the greatest mean contributions, positive and negative, of all classes.
    """
    colours = _colours(one)
    pairs = [divmod(int(pair), one.mean.shape[1]) for pair in ranked(one.mean, bars.count - 1)]
    left, wide = bars.first.left, bars.first.width
    zero = left + round(wide * least / ((most + least) or 1))
    decimals = decimals_for(max(most, least))
    others = one.mean.size - len(pairs)
    for box, pair in zip(bars, pairs, strict=False):
        value = float(one.mean[pair])
        colour = colours.get(pair, INK)
        canvas.text(left - 8, box.baseline(NOTE), f"{pair[0]}×{pair[1]}", NOTE, colour, 1, pair in colours)
        end = zero + round(wide * value / ((most + least) or 1))
        canvas.fill(box._replace(left=min(zero, end), right=max(zero, end)), POSITIVE if value > 0 else NEGATIVE)
        canvas.line((zero, box.top - 5), (zero, box.bottom + 4), HAIRLINE)
        canvas.text(bars.right + 44, box.baseline(NOTE), number(value, decimals, sign=True), NOTE, INK, 1)
    last = bars.box(len(pairs))
    rest = float(one.mean.sum() - sum(one.mean[pair] for pair in pairs))
    canvas.text(left - 44, last.baseline(NOTE), say("plus others", count=times(others, "other pair")), NOTE, MUTED)
    canvas.text(bars.right + 44, last.baseline(NOTE), number(rest, decimals, sign=True), NOTE, MUTED, 1)


def _draw_place(
    canvas: Canvas, panels: Panels, place: int, line: int, pair: Pair, colour: int, one: ClassUsage
) -> None:
    """Draw the filters of the first or second pair, with its name and its share of the images."""
    icons = panels.icons(place, line)
    for stage, box in icons:
        last = stage == len(panels.network.architecture.stages) - 1
        draw_filter(canvas, box, panels.network, stage, pair[last], pair[0] if last else 0)
        if colour != MUTED:
            canvas.frame(box, colour, 2, 1)
    left, top = icons[-1][1].right + 11, icons[-1][1].top
    canvas.text(left, top + 8, percent(one.firsts[pair] / one.images), BODY, colour, strong=True)
    canvas.text(left, top + 22, pair_name(panels.network, pair), NOTE, MUTED)
