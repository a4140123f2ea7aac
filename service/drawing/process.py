"""Picture of the whole process as a slide: from the image through every stage to the prediction (Fig. 2)."""

from collections.abc import Sequence

import numpy as np

from konkyo.models.activations import activation
from konkyo.models.architecture import Stage
from konkyo.models.filters.contributions import greatest
from konkyo.models.filters.process import Process, worth_of_maps
from konkyo.models.network import IntArray
from konkyo.models.rounding import decimals_for
from konkyo.models.rounding import number as written
from konkyo.service.drawing.layout.filters import draw_filter
from konkyo.service.drawing.layout.grid import Grid
from konkyo.service.drawing.layout.places import Emphasis, Pair, name_places, name_width, pairs_to_show, places
from konkyo.service.drawing.layout.slide import LINE, NAME, NAME_LINE, NAME_SIZE, NAME_WIDTH, SIZES, Slide
from konkyo.service.drawing.layout.wording import class_name, class_words
from konkyo.service.drawing.layout.words import add_words, picture, say, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, Box, Canvas
from konkyo.service.drawing.primitives.colourbar import colour_strip
from konkyo.service.drawing.primitives.colours import (
    ACCENT,
    INK,
    MUTED,
    SHADES,
    Array,
    diverging,
    grey,
    limit_of,
    signed_grey,
)
from konkyo.service.drawing.primitives.letters import wrapped
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "process": ("predicted {name}: step by step{against}", "「{name}」と認識。認識の過程{against}"),
        "against": (", pairs for {of}", "(組は「{of}」について)"),
        "per cells": ("per {block}×{block} cells", "{block}×{block} マスごと"),
        "affine": ("affine", "アフィン"),
        "head": ("head, gates of this image", "ヘッド (この画像での重み)"),
        "size in colour": ("{side}×{side}, colour", "{side}×{side}、カラー"),
        "weights, first line": ("Filters: grey is 0, ink", "フィルタの灰色は 0、"),
        "weights, second line": ("the largest weight.", "濃い色は最大の重み"),
        "before": ("before {name}", "{name} の前"),
        "after": ("after {name}", "{name} の後"),
        "convolved": ("after the convolution", "畳み込みの後"),
        "pooled as it is": ("after the pool", "プーリングの後"),
        "logits": ("logit", "ロジット"),
        "sum + bias": ("sum + bias", "和+バイアス"),
        "classes": ("class", "クラス"),
    }
)

# Background of the target's maps.
TINT = ACCENT - SHADES + 3
_PREDICTED_SIZE = 44
_LEAST_STRIP, _NAMES_GAP = 80, 20


@picture
def process(result: Process, style: Style = Style()) -> Canvas:
    """Draw the image, the maps of every stage, the maps of the pairs for all classes, and the logits.

    Convolutions are shown before the activation, what pools make of them after it. The row of the predicted class is
    emphasised. In the row of the target the greatest contribution is framed red, the second blue. Each column has its
    own scale. Lines lead from maps to the maps computed from them. The filters are drawn beside their maps, unless
    there are many. Of many maps those are drawn that matter most, and the others are counted; of many pairs also what
    the others add.
    """
    network = result.network
    slide = Slide(network.architecture, tuple(class_name(network, number) for number in range(len(network.classes))))
    canvas = blank(*slide.size, style)
    plain = result.target == result.predicted and result.versus is None
    against = "" if plain else say("against", of=class_words(result))
    canvas.heading(say("process", name=class_name(network, result.predicted), against=against))
    _draw_links(canvas, slide)
    _draw_input(canvas, slide, result)
    worth = worth_of_maps(network.architecture, result.trace, result.account)
    for layer, shape in enumerate(slide.layers):
        _draw_layer(canvas, slide, layer, result, greatest(worth[shape.stage], shape.drawn))
    for number, values in enumerate(result.trace.hidden):
        _draw_hidden(canvas, slide, number, values)
    _draw_field(canvas, slide, result)
    _draw_logits(canvas, slide, result)
    return canvas


def _head(canvas: Canvas, x: int, name: str, sizes: str, align: float = 0.5) -> None:
    canvas.text(x, NAME, name, BODY, align=align, strong=True)
    canvas.text(x, SIZES, sizes, NOTE, MUTED, align=align)


def _draw_links(canvas: Canvas, slide: Slide) -> None:
    before: Sequence[Grid] = [Grid(slide.image, (1, 1), 1, 1)]
    for layer, shape in enumerate(slide.layers):
        grids = slide.grids(layer)
        if shape.pooled:
            for source, target in zip(before, grids, strict=True):
                _link_rows(canvas, source, target)
        elif shape.groups > 1:
            below = [box for grid in before for box in grid]
            for source_box, grid in zip(below, grids, strict=True):
                _link(canvas, [source_box], grid.column(0), shape.lead)
        else:
            targets = [box for grid in grids for box in grid.column(0)]
            if shape.whole:
                _link(canvas, _ends(before), targets, shape.lead)
            else:
                # The lines end before the numbers.
                _link(canvas, _ends(before), [box._replace(left=box.left - shape.lead) for box in targets])
        before = grids
    ends = _ends(before)
    for number in range(len(slide.architecture.hidden)):
        box, _ = slide.hidden(number)
        _link(canvas, ends, [box])
        ends = [box]
    _link(canvas, ends, [slide.tag(number) for number in range(slide.architecture.classes)])


def _ends(grids: Sequence[Grid]) -> list[Box]:
    """The boxes at the right of the grids."""
    return [box for grid in grids for box in grid.column(min(grid.columns, grid.count) - 1)]


def _link_rows(canvas: Canvas, grid: Grid, pooled: Grid) -> None:
    for source, target in zip(grid.column(0), pooled.column(0), strict=True):
        y = source.middle[1]
        canvas.line((source.right, y), (target.left, y))


def _link(canvas: Canvas, sources: Sequence[Box], targets: Sequence[Box], lead: int = 0) -> None:
    """Draw lines from all sources to all targets, joined by a vertical line halfway."""
    x = (max(box.right for box in sources) + min(box.left for box in targets) - lead) // 2
    heights = [box.middle[1] for box in (*sources, *targets)]
    canvas.line((x, min(heights)), (x, max(heights)))
    ends = [box.right for box in sources] + [box.left for box in targets]
    for end, y in zip(ends, heights, strict=True):
        canvas.line((x, y), (end, y))


def _draw_input(canvas: Canvas, slide: Slide, result: Process) -> None:
    side = result.image.shape[-1]
    size = say("size in colour", side=side) if result.image.ndim == 3 else f"{side}×{side}"
    _head(canvas, slide.image.middle[0], say("image"), size)
    canvas.image(slide.image, result.image)
    if slide.filters:
        words = (say("weights, first line"), say("weights, second line"))
        for baseline, text in zip(slide.lines, words, strict=True):
            canvas.text(slide.image.left, baseline, text, NOTE, MUTED)


def _draw_layer(canvas: Canvas, slide: Slide, layer: int, result: Process, numbers: IntArray) -> None:
    """Draw the maps of these numbers, with their filters or numbers beside them."""
    column, shape = slide.column(layer), slide.layers[layer]
    maps = (result.trace.layers if shape.pooled else result.trace.convolutions)[shape.stage]
    _head(canvas, column.middle[0], shape.name, shape.sizes)
    limit = limit_of(maps)
    # After ReLU nothing is below zero: the background is 0.
    signed = not shape.pooled or bool(maps.min() < 0)
    shades = signed_grey(maps[numbers], limit) if signed else grey(maps[numbers] / (limit or 1))
    grids = slide.grids(layer)
    for grid, some in zip(grids, shades.reshape(shape.groups, -1, *maps.shape[-2:]), strict=True):
        grid.tiles(canvas, some)
    if not shape.whole:
        x, baseline = slide.others(layer)
        canvas.text(
            x, baseline, say("plus others", count=times(shape.maps - shape.drawn, "other")), NOTE, MUTED, align=0.5
        )
    if not shape.pooled:
        _draw_leads(canvas, slide, layer, result, numbers)
    colour_strip(canvas, slide.strip(column.left, column.right), limit, signed=signed, greys=True)
    stage = slide.architecture.stages[shape.stage]
    canvas.text(column.middle[0], slide.lines[1], _words(stage, pooled=shape.pooled), NOTE, MUTED, align=0.5)


def _words(stage: Stage, *, pooled: bool) -> str:
    """Where the maps of a column stand in their stage."""
    names = [activation(name).words for name in (stage.activation, stage.after) if name != "none"]
    if pooled:
        return say("after", name=names[-1]) if names else say("pooled as it is")
    return say("before", name=names[0]) if names else say("convolved")


def _draw_leads(canvas: Canvas, slide: Slide, layer: int, result: Process, numbers: IntArray) -> None:
    """Draw the filter of each map to its left; where maps are left out, write its number."""
    shape, grids = slide.layers[layer], slide.grids(layer)
    if not shape.whole:
        for number, box in zip(numbers.tolist(), grids[0], strict=True):
            canvas.text(box.left - 5, box.middle[1] + 4, str(number), NOTE, MUTED, align=1)
        return
    for group, grid in enumerate(grids):
        for place in range(grid.count):
            for stacked in range(slide.kernels(shape.stage)):
                box = slide.filter(layer, group, place, stacked)
                filters = slide.architecture.stages[shape.stage].filters
                draw_filter(canvas, box, result.network, shape.stage, place % filters, stacked)


def _draw_hidden(canvas: Canvas, slide: Slide, number: int, values: Array) -> None:
    """Draw the values of a hidden layer after the activation, from top to bottom and then from left to right."""
    column, (box, across) = slide.hidden_column(number), slide.hidden(number)
    _head(canvas, column.middle[0], *slide.hidden_words(number))
    between = activation(slide.architecture.activation)
    after = between(values.copy())
    limit, signed = limit_of(after), bool(after.min() < 0)
    padded = np.pad(after, (0, -len(after) % across)).reshape(across, -1).T
    canvas.tile(box, signed_grey(padded, limit) if signed else grey(padded / (limit or 1)))
    colour_strip(canvas, slide.strip(column.left, column.right), limit, signed=signed, greys=True)
    canvas.text(column.middle[0], slide.lines[1], say("after", name=between.words), NOTE, MUTED, align=0.5)


def _draw_field(canvas: Canvas, slide: Slide, result: Process) -> None:
    totals, ledger = result.account.contributions, result.ledger
    winners, pairs = places(totals), sorted(pairs_to_show(totals, slide.pairs))
    rows, columns = np.array(pairs).T
    # (C, P, s, s)
    weights = ledger.weights[:, rows % ledger.weights.shape[1], columns]
    maps = _blocks(weights * ledger.passed[rows, columns], slide.block)
    limit = limit_of(maps)
    canvas.fill(slide.row(result.target), TINT)
    name = say("head" if slide.architecture.hidden else "affine")
    _head(canvas, slide.row(0).middle[0], name, slide.field_sizes)
    for number, shades in enumerate(diverging(maps, limit)):
        slide.pair_maps(number).tiles(canvas, shades)
    _name_pairs(canvas, slide, pairs)
    if not slide.whole:
        others = ledger.contributions.sum((1, 2)) - ledger.contributions[:, rows, columns].sum(1)
        _draw_others(canvas, slide, others, decimals_for(limit_of(result.logits)))
    _frame_places(canvas, slide, result, winners, pairs)
    _draw_legend(canvas, slide, result, winners, limit)


def _name_pairs(canvas: Canvas, slide: Slide, pairs: Sequence[Pair]) -> None:
    for box, (i, j) in zip(slide.pair_maps(0), pairs, strict=True):
        canvas.text(box.middle[0], slide.pair_names, f"{i}×{j}", NOTE, MUTED, align=0.5)


def _draw_others(canvas: Canvas, slide: Slide, others: Array, decimals: int) -> None:
    """Write what all other pairs add to each class, with the decimals of the logits that they are added to."""
    right = slide.other_pairs(0).right - 8
    canvas.text(right, slide.pair_names, slide.others_words, NOTE, MUTED, align=1)
    for number, value in enumerate(others.tolist()):
        box = slide.other_pairs(number)
        canvas.text(right, box.baseline(NOTE), written(value, decimals, sign=True), NOTE, INK, align=1)


def _frame_places(
    canvas: Canvas, slide: Slide, result: Process, winners: dict[Pair, Emphasis], pairs: Sequence[Pair]
) -> None:
    grid = slide.pair_maps(result.target)
    # The first is drawn last, since the frames of adjacent maps overlap.
    for pair, (colour, _) in reversed(winners.items()):
        canvas.frame(grid.box(pairs.index(pair)), colour, *slide.frame())


def _draw_legend(canvas: Canvas, slide: Slide, result: Process, winners: dict[Pair, Emphasis], limit: float) -> None:
    field = slide.row(0)
    names = max((name_width(result.network, pair, name) for pair, (_, name) in winners.items()), default=0)
    # The names are right-aligned with the logits, if there is room.
    right = max(slide.logit(0).right - names - _NAMES_GAP, field.left + _LEAST_STRIP)
    strip = slide.strip(field.left, right)
    colour_strip(canvas, strip, limit)
    words = say("per cell" if slide.block == 1 else "per cells", block=slide.block)
    canvas.text(strip.middle[0], slide.lines[1], words, NOTE, MUTED, align=0.5)
    name_places(canvas, strip.right + _NAMES_GAP, slide.lines[0], result.network, winners, LINE)


def _blocks(maps: Array, block: int) -> Array:
    """The sums of squares of cells: (..., s, s) → (..., s / block, s / block), rounded up."""
    if block == 1:
        return maps
    missing = -maps.shape[-1] % block
    padded = np.pad(maps, [(0, 0)] * (maps.ndim - 2) + [(0, missing)] * 2)
    cells = padded.shape[-1] // block
    sums: Array = padded.reshape(*maps.shape[:-2], cells, block, cells, block).sum((-3, -1))
    return sums


def _draw_logits(canvas: Canvas, slide: Slide, result: Process) -> None:
    logits, predicted = result.logits, result.predicted
    decimals = decimals_for(limit_of(logits))
    right = slide.logit(0).right - 8
    _head(canvas, right, say("logits"), say("sum + bias"), align=1)
    for number, (name, value) in enumerate(zip(slide.names, logits.tolist(), strict=True)):
        tag, box, chosen = slide.tag(number), slide.logit(number), number == predicted
        size = SUM if len(name) == 1 else NOTE
        colour = ACCENT if chosen else INK
        if chosen:
            canvas.fill(tag, ACCENT)
            canvas.fill(box, ACCENT)
        canvas.text(tag.middle[0], tag.baseline(size), name, size, colour, 0.5, chosen, chosen)
        canvas.text(right, box.baseline(BODY), written(value, decimals), BODY, colour, 1, chosen, chosen)
    canvas.text(slide.right, NAME, say("classes"), BODY, align=1, strong=True)
    row, name = slide.row(predicted), slide.names[predicted]
    size = _PREDICTED_SIZE if len(name) == 1 else NAME_SIZE
    lines = wrapped(name, size, NAME_WIDTH)
    for line, text in enumerate(lines):
        baseline = row.baseline(size) + NAME_LINE * (line - (len(lines) - 1) / 2)
        canvas.text(slide.right, baseline, text, size, ACCENT, align=1, strong=True)
