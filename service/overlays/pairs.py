"""Where the two methods meet, as a picture: which filter pair looked at which part of the digit."""

from PIL import Image

from models.network import Network
from service.overlays.canvas import MARGIN, NOTE, Canvas, Theme, ThemeName
from service.overlays.colourbar import bar_width, colour_bar
from service.overlays.colours import INK, MUTED, Array, diverging, grey, limit_of
from service.overlays.heads import FILTERS_NOTE, draw_heads
from service.overlays.letters import width
from service.overlays.outline import around
from service.overlays.places import draw_places, draw_totals, name_places, names_width, places
from service.overlays.table import Table

_BAR_HEIGHT = 300
# Below the table, baselines: first and second place, what was hidden, what filters' colours mean.
_PLACES, _HIDDEN, _FILTERS, _END = 36, 58, 76, 96
# From this much ink on a pixel is inside the digit's outline.
_HALF = 0.5


def pairs(
    image: Array,
    heat: Array,
    network: Network,
    *,
    totals: Array,
    predicted: int,
    target: int,
    region: int,
    stride: int,
    fill: float = 0,
    scale: int = 1,
    theme: ThemeName = Theme.LIGHT,
) -> Image.Image:
    """Draw the table of all filter pairs with a heatmap for each, and the digit's outline around its half-inked pixels.

    The greatest contribution is framed red, the second blue, as in the ledger; filter numbers count from 0.

    Parameters
    ----------
    image
        (28, 28) in [0, 1]; 1 is ink, which is dark on the light theme and light on the dark one.
    heat
        (28, 28, A, B): by how much the pair's contribution to the target falls when the pixel is hidden. All pairs
        share one scale, centred on zero.
    network
        Its conv1 filters stand at the heads of the rows and its conv2 kernels at those of the columns.
    totals
        (A, B): what each pair contributes to the target in the whole picture.
    predicted, target
        What is read, and the class whose contributions are shown.
    region, stride, fill
        What was hidden: squares of ``region`` pixels, ``stride`` pixels apart, by a grey of 0…1. For the caption.
    scale
        Pixels a logical unit, 1…4.
    theme
        Light or dark paper.
    """
    table = Table(network.architecture, pictures=True)
    limit = limit_of(heat)
    winners = places(totals)
    hidden = f"Hidden: regions of {region}×{region} pixels, stride {stride}, fill {fill:g}."
    lines = [f"Colour: what hiding a pixel takes from a pair’s contribution to {target}.", hidden, FILTERS_NOTE]

    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        names_width(winners),
        *(round(width(line, NOTE)) for line in lines),
    )
    canvas = Canvas(inner_width + 2 * MARGIN, table.bottom + _END + 18, scale, theme)
    canvas.heading(f"read {predicted}: which filters saw what" + ("" if target == predicted else f" of {target}"))
    canvas.tile(table.digit, grey(image))
    draw_heads(canvas, table, network)
    _draw_heat(canvas, table, image, heat, limit)
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
