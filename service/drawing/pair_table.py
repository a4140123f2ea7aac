"""A table with one heatmap for each filter pair: how a question about regions is split by pairs."""

from collections.abc import Sequence

from PIL import Image

from models.network import Network
from service.drawing.canvas import MARGIN, NOTE, Canvas
from service.drawing.colourbar import bar_width, colour_bar
from service.drawing.colours import INK, MUTED, Array, diverging, grey, limit_of
from service.drawing.filter_heads import FILTERS_NOTE, draw_heads
from service.drawing.letters import width
from service.drawing.outline import around
from service.drawing.places import draw_places, draw_totals, name_places, names_width, places
from service.drawing.style import Style
from service.drawing.sums import Term, draw_sum, round_to_total, sum_width
from service.drawing.table import Table

_BAR_HEIGHT = 300
# Below the table, baselines: first and second place, then lines of notes; a sum stands between.
_PLACES, _SUM, _NOTES, _LINE, _END = 36, 30, 22, 18, 20
# From this much ink on a pixel is inside the digit's outline.
_HALF = 0.5


def pair_table(
    heading: str,
    image: Array,
    network: Network,
    heat: Array,
    totals: Array,
    bar_title: str,
    notes: Sequence[str],
    terms: Sequence[Term] = (),
    style: Style = Style(),
) -> Image.Image:
    """Draw the table of all filter pairs with a heatmap for each, and the outline of the pixels of at least half ink.

    All pairs share one scale, centred on zero. The greatest total is framed red, the second blue, as in the ledger;
    filter numbers count from 0.

    Parameters
    ----------
    heat
        (28, 28, A, B).
    totals
        (A, B): the number beneath each heatmap.
    bar_title
        What the colours measure.
    notes
        Lines beneath the table.
    terms
        A sum beneath the table.
    """
    table = Table(network.architecture, pictures=True)
    limit = limit_of(heat)
    winners = places(totals)
    lines = [*notes, FILTERS_NOTE]
    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        names_width(winners),
        sum_width(terms) if terms else 0,
        *(round(width(line, NOTE)) for line in lines),
    )
    below = table.bottom + (_PLACES + _SUM if terms else 0)
    bottom = below + _PLACES + _NOTES + _LINE * (len(lines) - 1)
    canvas = Canvas(inner_width + 2 * MARGIN, bottom + _END, style)
    canvas.heading(heading)
    canvas.tile(table.digit, grey(image))
    draw_heads(canvas, table, network)
    _draw_heat(canvas, table, image, heat, limit)
    draw_places(canvas, table, winners)
    decimals = table.decimals(max(limit_of(totals), *(abs(term.value) for term in terms), 0))
    # With a sum beneath, the numbers add up to its first term.
    shown = round_to_total(totals, terms[0].value if terms else float(totals.sum()), decimals)
    draw_totals(canvas, table, shown, winners, decimals)
    first, last = table.map(0, 0), table.map(*table.last)
    height = min(last.bottom - first.top, _BAR_HEIGHT)
    colour_bar(canvas, table.right + table.gutter, first.top, height, limit, bar_title)
    if terms:
        draw_sum(canvas, table.bottom, terms)
    name_places(canvas, MARGIN, below + _PLACES, winners)
    for k, line in enumerate(lines):
        canvas.text(MARGIN, below + _PLACES + _NOTES + _LINE * k, line, NOTE, MUTED)
    return canvas.image()


def _draw_heat(canvas: Canvas, table: Table, image: Array, heat: Array, limit: float) -> None:
    first = table.map(0, 0)
    shades = diverging(heat, limit).transpose(2, 3, 0, 1)
    canvas.tiles(first, table.pitch, shades)
    outline = around(image >= _HALF, first.width // len(image) * canvas.scale, canvas.scale)
    # In a small picture a line of ink would outshine the heat.
    canvas.windows(first, table.pitch, shades.shape[:2])[:, :, outline] = MUTED if table.dense else INK
