"""Picture of Shapley values: the heatmap with the image on it, and the sum."""

import numpy as np
from PIL import Image

from konkyo.models.hiding.shapley import PairValues, ShapleyExplanation
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import draw_pairs
from konkyo.service.drawing.layout.sums import Term, draw_sum, sum_terms
from konkyo.service.drawing.layout.wording import class_line, class_name, class_words, hiding_words, logit_words, times
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, Canvas, decimals_for, number
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import MUTED, limit_of
from konkyo.service.drawing.primitives.letters import cut, width
from konkyo.service.drawing.primitives.style import Style

_BAR_GAP = 20
# From the heatmap to the caption beneath the sum, and to the bottom.
_BELOW_SUM, _END = 82, 20


def shapley(result: ShapleyExplanation, style: Style = Style()) -> Image.Image:
    """Draw the values of the regions with the image in them; with pairs, a heatmap for each filter pair."""
    if result.pairs is not None:
        return _pairs(result, result.pairs, style)
    heat, layout = result.heatmap(), Magnified(result.network.architecture.side)
    limit = limit_of(heat)
    caption = layout.map.bottom + _BELOW_SUM
    canvas = Canvas(layout.map.right + _BAR_GAP + bar_width(limit) + MARGIN, caption + _END, style)
    predicted = class_name(result.network, result.predicted)
    canvas.heading(f"predicted {predicted}: what each region adds to {class_words(result)}")
    layout.draw(canvas, result.image, heat, limit)
    _draw_empty(canvas, layout, result)
    colour_bar(canvas, layout.map.right + _BAR_GAP, layout.map.top, layout.map.height, limit, "Shapley value")
    draw_sum(canvas, layout.map.bottom, _terms(result))
    canvas.text(MARGIN, caption, _caption(result), NOTE, MUTED)
    return canvas.picture()


def _pairs(result: ShapleyExplanation, split: PairValues, style: Style) -> Image.Image:
    of = class_words(result)
    notes = [
        f"Colour: what the region adds to a pair’s contribution to {of}, its Shapley value; the number is their sum.",
        f"Hidden: {_caption(result)}.",
    ]
    return draw_pairs(
        f"predicted {class_name(result.network, result.predicted)}: what each region adds to each pair, for {of}",
        result.network,
        result.image,
        np.moveaxis(result.pair_heatmaps(), (2, 3), (0, 1)),
        split.pairs.sum((0, 1)),
        "Shapley value",
        notes,
        {"filter biases": float(split.filter_bias.sum())},
        ("all regions", float(result.values.values.sum())),
        style,
        heat=True,
    )


def _terms(result: ShapleyExplanation) -> list[Term]:
    values = result.values
    players = int(np.count_nonzero(result.hiding.changed(result.image)))
    terms = {"empty image": values.empty_logit, times(players, "region"): float(values.values.sum())}
    return sum_terms(terms, logit_words(result), values.logit)


def _draw_empty(canvas: Canvas, layout: Magnified, result: ShapleyExplanation) -> None:
    """Write the logit, and the prediction with everything hidden."""
    top = layout.image.bottom
    canvas.text(MARGIN, top + 30, class_line("logit of ", result, NOTE, layout.column), NOTE, MUTED)
    value = result.values.logit
    canvas.text(MARGIN, top + 51, number(value, decimals_for(value)), SUM)
    canvas.text(MARGIN, top + 84, "all hidden: predicted", NOTE, MUTED)
    share = f", {result.empty.probability:.1%}"
    name = cut(class_name(result.network, result.empty.predicted), SUM, layout.column - width(share, SUM))
    canvas.text(MARGIN, top + 105, f"{name}{share}", SUM)


def _caption(result: ShapleyExplanation) -> str:
    return f"{hiding_words(result.hiding)}; exact over all combinations"
