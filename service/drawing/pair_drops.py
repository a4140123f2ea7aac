"""Occlusion of contributions as a picture: what each filter pair loses with each part of the image."""

from PIL import Image

from models.occlusion import OcclusionExplanation
from models.pair_drops import pair_heatmaps
from service.drawing.canvas import MARGIN, NOTE, Canvas
from service.drawing.colourbar import bar_width, colour_bar
from service.drawing.colours import INK, MUTED, Array, diverging, grey, limit_of
from service.drawing.filter_heads import FILTERS_NOTE, draw_heads
from service.drawing.letters import width
from service.drawing.outline import around
from service.drawing.places import draw_places, draw_totals, name_places, names_width, places
from service.drawing.style import Style
from service.drawing.table import Table
from service.drawing.wording import hiding_words

_BAR_HEIGHT = 300
# Below the table, baselines: first and second place, what was hidden, what filters' colours mean.
_PLACES, _HIDDEN, _FILTERS, _END = 36, 58, 76, 96
# From this much ink on a pixel is inside the digit's outline.
_HALF = 0.5


def pair_drops(result: OcclusionExplanation, style: Style = Style()) -> Image.Image:
    """Draw the table of all filter pairs with a heatmap for each, and the outline of the pixels of at least half ink.

    A pair's heatmap shows by how much its contribution falls when a pixel is hidden: the mean over the regions that
    cover it. All pairs share one scale, centred on zero. The greatest contribution is framed red, the second blue, as
    in the ledger; filter numbers count from 0.

    Raises
    ------
    ValueError
        A result without the pairs.
    """
    if result.pairs is None or result.contributions is None:
        raise ValueError("the result holds no pairs; explain_occlusion computes them with pairs=True")
    network, target, totals = result.network, result.target, result.contributions
    hiding = result.occlusion.hiding
    heat = pair_heatmaps(result.pairs, hiding.regions)
    of = f"{target}" if result.versus is None else f"{target} − {result.versus}"
    table = Table(network.architecture, pictures=True)
    limit = limit_of(heat)
    winners = places(totals)
    hidden = f"Hidden: {hiding_words(hiding)}."
    lines = [f"Colour: what hiding a pixel takes from a pair’s contribution to {of}.", hidden, FILTERS_NOTE]

    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        names_width(winners),
        *(round(width(line, NOTE)) for line in lines),
    )
    canvas = Canvas(inner_width + 2 * MARGIN, table.bottom + _END + 18, style)
    canvas.heading(f"predicted {result.predicted}: what each filter pair takes from where, for {of}")
    canvas.tile(table.digit, grey(result.image))
    draw_heads(canvas, table, network)
    _draw_heat(canvas, table, result.image, heat, limit)
    draw_places(canvas, table, winners)
    draw_totals(canvas, table, totals, winners)
    first, last = table.map(0, 0), table.map(*table.last)
    height = min(last.bottom - first.top, _BAR_HEIGHT)
    colour_bar(canvas, table.right + table.gutter, first.top, height, limit, "drop")
    name_places(canvas, MARGIN, table.bottom + _PLACES, winners)
    for k, line in enumerate(lines):
        canvas.text(MARGIN, table.bottom + _HIDDEN + 18 * k, line, NOTE, MUTED)
    return canvas.image()


def _draw_heat(canvas: Canvas, table: Table, image: Array, heat: Array, limit: float) -> None:
    first = table.map(0, 0)
    shades = diverging(heat, limit).transpose(2, 3, 0, 1)
    canvas.tiles(first, table.pitch, shades)
    outline = around(image >= _HALF, first.width // len(image) * canvas.scale, canvas.scale)
    # In a small picture a line of ink would outshine the heat.
    canvas.windows(first, table.pitch, shades.shape[:2])[:, :, outline] = MUTED if table.dense else INK
