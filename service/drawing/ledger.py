"""Picture of the ledger: the maps and contributions of all filter pairs, and the sum."""

from PIL import Image

from konkyo.models.contributions import FilterExplanation
from konkyo.service.drawing.layout.filter_heads import FILTERS_NOTE, draw_heads
from konkyo.service.drawing.layout.places import draw_places, draw_totals, name_places, names_width, places
from konkyo.service.drawing.layout.sums import Term, draw_sum, round_to_total, sum_terms, sum_width
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.layout.wording import class_name, logit_words, many, times
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, Canvas
from konkyo.service.drawing.primitives.colourbar import bar_width, colour_bar
from konkyo.service.drawing.primitives.colours import MUTED, diverging, grey, limit_of
from konkyo.service.drawing.primitives.letters import width
from konkyo.service.drawing.primitives.style import Style

_BAR_HEIGHT = 300
# Distances below the table: to the first and second pair, between lines of notes, and to the bottom.
_PLACES, _LINE, _END = 90, 19, 38


def ledger(result: FilterExplanation, style: Style = Style()) -> Image.Image:
    """Draw the table of all filter pairs and the sum of their contributions.

    The greatest contribution is framed red and the second blue, unless all are zero. Rows begin with the conv1 filters
    and columns with the conv2 kernels. With summed wiring a conv2 filter has one kernel for each row. All maps share
    one scale, centred on zero. Filter numbers count from 0.
    """
    account, typicality = result.account, result.typicality
    table = Table(result.network.architecture)
    limit = limit_of(account.maps)
    winners = places(account.contributions)
    # The table and the sum have the same decimals, since the table adds up to the first term of the sum.
    decimals = table.decimals(max(limit_of(account.contributions), abs(account.logit)))
    terms = _terms(result, decimals)
    notes = [FILTERS_NOTE]
    if typicality:
        share, images = f"{typicality.percentile:.0f}%", many(class_name(result.network, result.target))
        notes.insert(0, f"Use of filters: more usual than in {share} of correctly predicted {images}.")

    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        sum_width(terms),
        names_width(winners),
        *(round(width(note, NOTE)) for note in notes),
    )
    bottom = table.bottom + _PLACES + _LINE * (len(notes) - 1)
    canvas = Canvas(inner_width + 2 * MARGIN, bottom + _END, style)
    canvas.heading(_question(result))
    canvas.tile(table.digit, grey(result.image))
    draw_heads(canvas, table, result.network)
    canvas.tiles(table.map(0, 0), table.pitch, diverging(account.maps, limit))
    draw_places(canvas, table, winners)
    shown = round_to_total(account.contributions, terms[0].value, decimals)
    draw_totals(canvas, table, shown, winners, decimals)
    first, last = table.map(0, 0), table.map(*table.last)
    height = min(last.bottom - first.top, _BAR_HEIGHT)
    colour_bar(canvas, table.right + table.gutter, first.top, height, limit, "per cell")
    draw_sum(canvas, table.bottom, terms)
    name_places(canvas, MARGIN, table.bottom + _PLACES, winners)
    for line, note in enumerate(notes, 1):
        canvas.text(MARGIN, table.bottom + _PLACES + _LINE * line, note, NOTE, MUTED)
    return canvas.image()


def _question(result: FilterExplanation) -> str:
    predicted, target = (class_name(result.network, one) for one in (result.predicted, result.target))
    contrast = "" if result.versus is None else f" and not {class_name(result.network, result.versus)}"
    return f"predicted {predicted}: why {target}{contrast}?"


def _terms(result: FilterExplanation, decimals: int) -> list[Term]:
    """The terms of the sum beneath the table."""
    account = result.account
    terms = {
        times(account.contributions.size, "pair"): float(account.contributions.sum()),
        "filter biases": float(account.filter_bias.sum()),
        "class bias" if result.versus is None else "class biases": account.class_bias,
    }
    return sum_terms(terms, logit_words(result), account.logit, decimals)
