"""Picture of Shapley values: the heatmap with the image on it, and the sum."""

import numpy as np

from konkyo.models.hiding.shapley import PairValues, ShapleyExplanation
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import draw_pairs
from konkyo.service.drawing.layout.sums import Term, draw_sum, sum_terms
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words, logit_words, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Canvas, decimals_for, number
from konkyo.service.drawing.primitives.colours import MUTED, limit_of
from konkyo.service.drawing.primitives.style import Style

# From the heatmap to the caption beneath the sum, and to the bottom; between two values beneath the image.
_BELOW_SUM, _END, _BETWEEN = 82, 20, 3


def shapley(result: ShapleyExplanation, style: Style = Style()) -> Canvas:
    """Draw the values of the regions with the image in them; with pairs, a heatmap for each filter pair."""
    if result.split is not None:
        return _pairs(result, result.split, style)
    heat, layout = result.heatmap(), Magnified(result.network.architecture.side)
    limit = limit_of(heat)
    canvas = blank(*layout.size(limit, _BELOW_SUM + _END), style)
    predicted = class_name(result.network, result.predicted)
    heading = f"predicted {predicted}: what each region adds to {class_words(result)}"
    canvas.heading(heading)
    layout.draw(canvas, result.image, heat, limit)
    value = result.logit
    label = f"logit of {class_words(result)}"
    below = layout.write(canvas, layout.image.bottom, label, number(value, decimals_for(value)))
    empty = f"{class_name(result.network, result.empty.predicted)}, {result.empty.probability:.1%}"
    layout.write(canvas, below + _BETWEEN, "all hidden: predicted", empty)
    layout.draw_bar(canvas, heading, limit, "Shapley value")
    draw_sum(canvas, layout.map.bottom, _terms(result))
    canvas.text(MARGIN, layout.map.bottom + _BELOW_SUM, _caption(result), NOTE, MUTED)
    return canvas


def _pairs(result: ShapleyExplanation, split: PairValues, style: Style) -> Canvas:
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
        ("all regions", float(result.values.sum())),
        style,
        heat=True,
    )


def _terms(result: ShapleyExplanation) -> list[Term]:
    found = result.found
    players = int(np.count_nonzero(result.hiding.changed(result.image)))
    terms = {"all hidden": found.empty_logit, times(players, "region"): float(result.values.sum())}
    return sum_terms(terms, logit_words(result), result.logit)


def _caption(result: ShapleyExplanation) -> str:
    return f"{hiding_words(result.hiding)}; exact over all combinations"
