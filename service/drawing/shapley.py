"""Picture of Shapley values: the heatmap with the image on it, and the sum."""

import numpy as np
from PIL import Image

from konkyo.models.hiding.shapley import PairValues, ShapleyExplanation
from konkyo.service.drawing.layout.magnified import CAPTION, DIGIT, HEIGHT, MAP, draw_dots
from konkyo.service.drawing.layout.pair_table import pair_table
from konkyo.service.drawing.layout.sums import Term, draw_sum, sum_terms
from konkyo.service.drawing.layout.wording import class_line, class_name, class_words, hiding_words, logit_words, times
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, Canvas, decimals_for, number
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import MUTED, diverging, grey, limit_of
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.style import Style

_BAR_GAP = 20
# Width of the column beneath the image.
_COLUMN = MAP.left - MARGIN - 6
# From the map to the caption beneath the sum.
_BELOW_SUM = 82


def shapley(result: ShapleyExplanation, style: Style = Style()) -> Image.Image:
    """Draw the values of the regions with the image on them as dots; with pairs, a heatmap for each filter pair."""
    if result.pairs is not None:
        return _pairs(result, result.pairs, style)
    heat = result.heatmap()
    limit = limit_of(heat)
    canvas = Canvas(
        MAP.right + _BAR_GAP + bar_width(limit) + MARGIN, HEIGHT - (CAPTION - MAP.bottom) + _BELOW_SUM, style
    )
    predicted = class_name(result.network, result.predicted)
    canvas.heading(f"predicted {predicted}: what each region adds to {class_words(result)}")
    canvas.tile(DIGIT, grey(result.image))
    _draw_empty(canvas, result)
    canvas.tile(MAP, diverging(heat, limit))
    draw_dots(canvas, result.image)
    colour_bar(canvas, MAP.right + _BAR_GAP, MAP.top, MAP.height, limit, "Shapley value")
    draw_sum(canvas, MAP.bottom, _terms(result))
    canvas.text(MARGIN, MAP.bottom + _BELOW_SUM, _caption(result), NOTE, MUTED)
    return canvas.image()


def _pairs(result: ShapleyExplanation, split: PairValues, style: Style) -> Image.Image:
    of = class_words(result)
    totals, biases = split.pairs.sum((0, 1)), float(split.filter_bias.sum())
    values = {times(totals.size, "pair"): float(totals.sum()), "filter biases": biases}
    terms = sum_terms(values, "all regions", float(result.values.values.sum()))
    notes = [
        f"Colour: what the region adds to a pair’s contribution to {of}, its Shapley value; the number is their sum.",
        f"Hidden: {_caption(result)}.",
    ]
    return pair_table(
        f"predicted {class_name(result.network, result.predicted)}: what each region adds to each pair, for {of}",
        result.image,
        result.network,
        result.pair_heatmaps(),
        totals,
        "Shapley value",
        notes,
        terms,
        style,
    )


def _terms(result: ShapleyExplanation) -> list[Term]:
    values = result.values
    players = int(np.count_nonzero(result.hiding.changed(result.image)))
    terms = {"empty image": values.empty_logit, times(players, "region"): float(values.values.sum())}
    return sum_terms(terms, logit_words(result), values.logit)


def _draw_empty(canvas: Canvas, result: ShapleyExplanation) -> None:
    """Write the logit, and the prediction with everything hidden."""
    canvas.text(MARGIN, DIGIT.bottom + 30, class_line("logit of ", result, NOTE, _COLUMN), NOTE, MUTED)
    value = result.values.logit
    canvas.text(MARGIN, DIGIT.bottom + 51, number(value, decimals_for(value)), SUM)
    canvas.text(MARGIN, DIGIT.bottom + 84, "all hidden: predicted", NOTE, MUTED)
    share = f", {result.empty.probability:.1%}"
    name = cut(class_name(result.network, result.empty.predicted), SUM, _COLUMN - width(share, SUM))
    canvas.text(MARGIN, DIGIT.bottom + 105, f"{name}{share}", SUM)


def _caption(result: ShapleyExplanation) -> str:
    return f"{hiding_words(result.hiding)}; exact over all combinations"
