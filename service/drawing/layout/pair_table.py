"""A table with one heatmap for each filter pair."""

from collections.abc import Sequence

from PIL import Image

from konkyo.models.network import Network
from konkyo.service.drawing.layout.filter_heads import FILTERS_NOTE, draw_heads
from konkyo.service.drawing.layout.places import draw_places, draw_totals, name_places, names_width, places
from konkyo.service.drawing.layout.sums import Term, draw_sum, round_to_total, sum_width
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Canvas
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import INK, MUTED, Array, diverging, grey, limit_of
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.outline import around
from konkyo.service.drawing.primitives.style import Style

_BAR_HEIGHT = 300
# Distances below the table: to the first and second pair, a sum, the notes, between lines, and to the bottom.
_PLACES, _SUM, _NOTES, _LINE, _END = 36, 30, 22, 18, 20
# Minimum grey value of pixels inside the outline of the image.
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
    """Draw the table of all filter pairs with a heatmap and the outline of the image for each.

    All pairs share one scale, centred on zero. The greatest total is framed red and the second blue, as in the ledger.
    Filter numbers count from 0.

    Parameters
    ----------
    heat
        (28, 28, A, B).
    totals
        (A, B): the number beneath each heatmap.
    bar_title
        Title of the colour bar.
    notes
        Lines of text beneath the table.
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
    # The rounded numbers add up to the first term of the sum.
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
    # In a small heatmap a line of ink would be too prominent.
    canvas.windows(first, table.pitch, shades.shape[:2])[:, :, outline] = MUTED if table.dense else INK
