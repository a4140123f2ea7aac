"""Picture of Shapley values: the heatmap with the image on it, and the sum."""

import numpy as np

from konkyo.models.hiding.shapley import PairValues, ShapleyExplanation
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import draw_pairs
from konkyo.service.drawing.layout.sums import Term, draw_sum, sum_terms
from konkyo.service.drawing.layout.wording import class_name, class_words, hiding_words, logit_words
from konkyo.service.drawing.layout.words import picture, say, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Canvas, decimals_for, number
from konkyo.service.drawing.primitives.colours import MUTED, limit_of
from konkyo.service.drawing.primitives.style import Style

# From the heatmap to the caption beneath the sum, and to the bottom; between two values beneath the image.
_BELOW_SUM, _END, _BETWEEN = 82, 20, 3


@picture
def shapley(result: ShapleyExplanation, style: Style = Style()) -> Canvas:
    """Draw the values of the regions with the image in them; with pairs, a heatmap for each filter pair."""
    if result.split is not None:
        return _pairs(result, result.split, style)
    heat, layout = result.heatmap(), Magnified(result.network.architecture.side)
    limit = limit_of(heat)
    canvas = blank(*layout.size(limit, _BELOW_SUM + _END), style)
    predicted = class_name(result.network, result.predicted)
    heading = say("shapley", name=predicted, of=class_words(result))
    canvas.heading(heading)
    layout.draw(canvas, result.image, heat, limit)
    value = result.logit
    label = say("logit of", name=class_words(result))
    below = layout.write(canvas, layout.image.bottom, label, number(value, decimals_for(value)))
    empty = say(
        "predicted, probability",
        name=class_name(result.network, result.empty.predicted),
        share=result.empty.probability,
    )
    layout.write(canvas, below + _BETWEEN, say("all hidden: predicted"), empty)
    layout.draw_bar(canvas, heading, limit, say("value"))
    draw_sum(canvas, layout.map.bottom, _terms(result))
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


def _terms(result: ShapleyExplanation) -> list[Term]:
    found = result.found
    players = int(np.count_nonzero(result.hiding.changed(result.image)))
    terms = {say("all hidden"): found.empty_logit, times(players, "region"): float(result.values.sum())}
    return sum_terms(terms, logit_words(result), result.logit)


def _caption(result: ShapleyExplanation) -> str:
    return say("exact", hiding=hiding_words(result.hiding))
