"""Picture of Shapley values: the heatmap with the image on it, and the sum."""

import numpy as np

from konkyo.models.hiding.shapley import PairValues, ShapleyExplanation
from konkyo.models.rounding import Sum, end_of_scale, number, percent
from konkyo.service.drawing.interactions import interactions
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import draw_pairs
from konkyo.service.drawing.layout.sums import Term, draw_sum, sum_terms
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words, logit_words
from konkyo.service.drawing.layout.words import add_words, picture, say, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Box, Canvas
from konkyo.service.drawing.primitives.colours import INK, MUTED, PAPER, limit_of
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.style import Style

add_words(
    {
        "logit of": ("logit of {name}", "「{name}」のロジット"),
        "predicted, probability": ("{name}, {share}", "「{name}」{share}"),
        "shapley": ("predicted {name}: what each region adds to {of}", "「{name}」と認識。各領域が「{of}」に加える値"),
        "shapley pairs": (
            "predicted {name}: what each region adds to each pair, for {of}",
            "「{name}」と認識。「{of}」について各領域が各組に加える値",
        ),
        "shapley note": (
            "Colour: what the region adds to a pair’s contribution to {of}, its Shapley value; "
            "the number is their sum.",
            "色: 領域が組の「{of}」への貢献度に加える値 (シャープレイ値)。数字はその和。",
        ),
        "all hidden": ("all hidden", "すべて隠したとき"),
        "all hidden: predicted": ("all hidden: predicted", "すべて隠すと"),
        "all regions": ("all regions", "全領域"),
        "value": ("Shapley value", "シャープレイ値"),
    }
)

# From the heatmap to the caption beneath the sum, and to the bottom; between two values beneath the image.
_BELOW_SUM, _END, _BETWEEN = 82, 20, 3
# Height of the paper beneath a number.
_PLATE = 15


@picture
def shapley(result: ShapleyExplanation, style: Style = Style()) -> Canvas:
    """Draw the values of the regions with the image in them; with pairs, a heatmap for each filter pair.

    Interactions have a picture of their own.
    """
    if result.interactions is not None:
        return interactions(result, style)
    if result.split is not None:
        return _pairs(result, result.split, style)
    heat, layout = result.heatmap(), Magnified(result.network.architecture.side)
    limit, shown = limit_of(heat), result.found.rounded()
    end = end_of_scale(limit, shown.decimals, shown.parts)
    canvas = blank(*layout.size(end, _BELOW_SUM + _END), style)
    predicted = class_name(result.network, result.predicted)
    heading = say("shapley", name=predicted, of=class_words(result))
    canvas.heading(heading)
    layout.draw(canvas, result.image, heat, limit)
    _draw_numbers(canvas, layout, result, shown)
    label = say("logit of", name=class_words(result))
    below = layout.write(canvas, layout.image.bottom, label, number(shown.total, shown.decimals))
    empty = say(
        "predicted, probability",
        name=class_name(result.network, result.empty.predicted),
        share=percent(result.empty.probability),
    )
    layout.write(canvas, below + _BETWEEN, say("all hidden: predicted"), empty)
    layout.draw_bar(canvas, heading, end, say("value"))
    draw_sum(canvas, layout.map.bottom, _terms(result, shown))
    canvas.text(MARGIN, layout.map.bottom + _BELOW_SUM, _caption(result), NOTE, MUTED)
    return canvas


def _pairs(result: ShapleyExplanation, split: PairValues, style: Style) -> Canvas:
    of = class_words(result)
    notes = [
        say("shapley note", of=of),
        say("hidden", hiding=_caption(result)),
    ]
    return draw_pairs(
        say("shapley pairs", name=class_name(result.network, result.predicted), of=of),
        result.network,
        result.image,
        np.moveaxis(result.pair_heatmaps(), (2, 3), (0, 1)),
        split.pairs.sum((0, 1)),
        say("value"),
        notes,
        {say("filter biases"): float(split.filter_bias.sum())},
        (say("all regions"), float(result.values.sum())),
        style,
        heat=True,
    )


def _draw_numbers(canvas: Canvas, layout: Magnified, result: ShapleyExplanation, shown: Sum) -> None:
    """Write the value of each region that has one on paper in its middle, with its sign, where there is room."""
    regions = result.hiding.regions
    for row, column in np.argwhere(result.values != 0):
        left, top, right, bottom = regions.box(int(row), int(column))
        box = Box(*(edge * layout.pixel for edge in (left, top, right, bottom))).shift(layout.map.left, layout.map.top)
        text = number(float(shown.parts[row, column]), shown.decimals, sign=True)
        wide, (x, y) = round(width(text, NOTE)) // 2 + 2, box.middle
        if 2 * wide > box.width or box.height < _PLATE:
            continue
        plate = Box(x - wide, y - _PLATE // 2, x + wide, y - _PLATE // 2 + _PLATE)
        canvas.fill(plate, PAPER)
        canvas.text((plate.left + plate.right) / 2, plate.baseline(NOTE), text, NOTE, INK, 0.5, strong=True)


def _terms(result: ShapleyExplanation, shown: Sum) -> list[Term]:
    players = int(np.count_nonzero(result.hiding.changed(result.image)))
    regions, empty = shown.terms
    terms = {say("all hidden"): empty, times(players, "region"): regions}
    return sum_terms(terms, logit_words(result), shown.total, shown.decimals)


def _caption(result: ShapleyExplanation) -> str:
    return say("exact", hiding=hiding_words(result.hiding))
