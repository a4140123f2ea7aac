"""Draws filter pairs with a map or a heatmap each, and the sum of their contributions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from konkyo.models.network import Network
from konkyo.models.rounding import Sum, decimals_of_sum, end_of_scale, number, round_to_total, rounded, rounded_sum
from konkyo.service.drawing.layout.filters import filters_notes
from konkyo.service.drawing.layout.places import Emphasis, Pair, name_places, names_width, pairs_to_show, places
from konkyo.service.drawing.layout.sums import Term, draw_sum, sum_terms, sum_width
from konkyo.service.drawing.layout.table import Pairs, Ranking, Table, in_table, ranks
from konkyo.service.drawing.layout.wording import pairs_note
from konkyo.service.drawing.layout.words import say, times
from konkyo.service.drawing.primitives.blank import blank
from konkyo.service.drawing.primitives.canvas import BODY, MARGIN, NOTE, TITLE, Canvas
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import INK, MUTED, Array, diverging, limit_of, printed
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.style import Style

_BAR_HEIGHT, _BAR_GAP = 300, 28
# Distances below the pairs: of the sum, of the first and second pair, between lines of notes, and to the bottom.
_SUM, _PLACES, _NOTES, _LINE, _END = 54, 36, 22, 18, 20
# Minimum grey value of pixels inside the outline of the image.
_HALF = 0.5


def arrange(network: Network, totals: Array, cells: int, heat: bool = False) -> Table | Ranking:
    """The layout of the pairs: a table where they are few, else the greatest of them.

    Parameters
    ----------
    totals
        (A, B): the contributions.
    cells
        Side of a map.
    heat
        Whether the maps are heatmaps.
    """
    if in_table(network):
        return Table(network, cells, heat, tuple(np.ndindex(totals.shape)))
    return Ranking(network, cells, heat, tuple(pairs_to_show(totals, ranks(heat))))


def draw_pairs(
    heading: str,
    network: Network,
    image: Array,
    values: Array,
    totals: Array,
    bar_title: str,
    notes: Sequence[str],
    rest: Mapping[str, float] | None = None,
    whole: tuple[str, float] = ("", 0.0),
    style: Style = Style(),
    heat: bool = False,
) -> Canvas:
    """Draw the pairs with a map for each. Of many pairs the greatest are drawn, and the sum of the others.

    All maps share one scale, centred on zero. The greatest total is framed red and the second blue, unless all are
    zero. Numbers of maps and filters count from 0.

    Parameters
    ----------
    values
        (A, B, rows, columns).
    totals
        (A, B): the number beneath each map.
    bar_title
        Title of the colour bar.
    notes
        Lines of text at the bottom.
    rest
        The other terms of the sum that is written beneath the pairs; None for no sum.
    whole
        Name and value of the sum.
    heat
        Whether the values are heatmaps of the image, which is drawn with them.
    """
    layout = arrange(network, totals, values.shape[-1], heat)
    winners = places(totals)
    shown = _rounded(layout, totals, rest, whole[1])
    terms = [] if rest is None else _terms(layout, totals, shown, rest, whole[0])
    limit = limit_of(np.array([values[pair] for pair in layout.pairs]))
    end = end_of_scale(limit)
    if not heat:
        # A map adds up to the number beneath it.
        each = zip(layout.pairs, shown.parts.tolist(), strict=True)
        cells = np.array([round_to_total(values[pair], total, shown.decimals) for pair, total in each])
        end = end_of_scale(limit, shown.decimals, cells)
    weights, *more = filters_notes(network, len(network.architecture.stages) <= 2)
    lines = [*notes, f"{pairs_note(network)} {weights}", *more]

    inner_width = max(
        layout.right + _BAR_GAP + bar_width(end) - MARGIN,
        round(width(heading, TITLE)),
        names_width(network, winners),
        sum_width(terms) if terms else 0,
        *(round(width(line, NOTE)) for line in lines),
    )
    below = layout.bottom + (_SUM if terms else 0)
    bottom = below + _PLACES + (_NOTES if winners else 0) + _LINE * (len(lines) - 1)
    canvas = blank(inner_width + 2 * MARGIN, bottom + _END, style)
    canvas.heading(heading)
    canvas.image(layout.image, image)
    layout.draw_heads(canvas)
    _draw_maps(canvas, layout, image, values, limit)
    for pair, (colour, _) in winners.items():
        canvas.frame(layout.boxes[pair], colour, *layout.frame)
    _draw_totals(canvas, layout, shown, winners)
    height = min(layout.grid.bottom - layout.grid.first.top, _BAR_HEIGHT)
    colour_bar(canvas, layout.right + _BAR_GAP, layout.grid.first.top, height, end, bar_title)
    if terms:
        draw_sum(canvas, layout.bottom, terms)
    name_places(canvas, MARGIN, below + _PLACES, network, winners)
    for number_of, line in enumerate(reversed(lines)):
        canvas.text(MARGIN, bottom - _LINE * number_of, line, NOTE, MUTED)
    return canvas


def _rounded(layout: Pairs, totals: Array, rest: Mapping[str, float] | None, whole: float) -> Sum:
    """The numbers of the pairs that are drawn, of the others, and of the sum, as they are shown."""
    drawn, total = np.array([totals[pair] for pair in layout.pairs]), float(totals.sum())
    others = total - float(drawn.sum()) if totals.size > len(drawn) else None
    if rest is None:
        return rounded_sum(drawn, [], total, decimals_of_sum(limit_of(totals), total), others)
    return rounded_sum(drawn, [*rest.values()], whole, decimals_of_sum(limit_of(totals), whole), others)


def _terms(layout: Pairs, totals: Array, shown: Sum, rest: Mapping[str, float], name: str) -> Sequence[Term]:
    pairs, *added = shown.terms
    named = say("sum of pairs", pairs=times(len(layout.pairs), "pair"))
    terms = {named: rounded(pairs - shown.others, shown.decimals)}
    if others := totals.size - len(layout.pairs):
        terms[times(others, "other pair")] = shown.others
    return sum_terms(terms | dict(zip(rest, added, strict=True)), name, shown.total, shown.decimals)


def _draw_maps(canvas: Canvas, layout: Pairs, image: Array, values: Array, limit: float) -> None:
    shades = diverging(np.array([values[pair] for pair in layout.pairs]), limit)
    boxes = layout.boxes.values()
    if layout.heat and image.ndim == 3:
        for box, indices in zip(boxes, shades, strict=True):
            canvas.photo(box, printed(indices, image, canvas.style.theme))
        return
    replace(layout.grid, count=len(layout.pairs)).tiles(canvas, shades)
    if layout.heat:
        # In a small heatmap a line of ink would be too prominent.
        canvas.contour(boxes, image >= _HALF, MUTED if layout.dense else INK)


def _draw_totals(canvas: Canvas, layout: Table | Ranking, shown: Sum, winners: Mapping[Pair, Emphasis]) -> None:
    """Write each pair's total, and that of the others; those of the first and second pair in their colours."""
    size = NOTE if layout.dense else BODY
    for (pair, box), value in zip(layout.boxes.items(), shown.parts.tolist(), strict=True):
        colour, _ = winners.get(pair, (INK, ""))
        x, baseline, align = layout.number(box)
        canvas.text(x, baseline, number(value, shown.decimals), size, colour, align, strong=pair in winners)
    if isinstance(layout, Ranking):
        x, baseline, align = layout.number(layout.others)
        canvas.text(x, baseline, number(shown.others, shown.decimals), size, INK, align)
