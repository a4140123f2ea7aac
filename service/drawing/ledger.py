"""The ledger as a picture: what each filter pair adds to a logit, and the sum."""

from PIL import Image

from models.contributions import FilterExplanation
from service.drawing.canvas import MARGIN, NOTE, Canvas
from service.drawing.colourbar import bar_width, colour_bar
from service.drawing.colours import MUTED, diverging, grey, limit_of
from service.drawing.filter_heads import FILTERS_NOTE, draw_heads
from service.drawing.letters import width
from service.drawing.places import draw_places, draw_totals, name_places, names_width, places
from service.drawing.style import Style
from service.drawing.sums import Term, draw_sum, round_to_total, sum_terms, sum_width
from service.drawing.table import Table
from service.drawing.wording import times

_BAR_HEIGHT = 300
# Below the table, baselines: first and second place, then lines of notes; the sum stands between.
_PLACES, _LINE, _END = 90, 19, 38


def ledger(result: FilterExplanation, style: Style = Style()) -> Image.Image:
    """Draw the table of all filter pairs, the greatest contribution framed red and the second blue, and the sum.

    Nothing is framed where every contribution is zero. Filter numbers count from 0.

    The conv1 filters stand at the heads of the rows and the conv2 kernels at those of the columns. With summed wiring a
    conv2 filter has one kernel a row, from top to bottom. All maps share one scale, centred on zero.
    """
    account, target, versus, typicality = result.account, result.target, result.versus, result.typicality
    table = Table(result.network.architecture)
    limit = limit_of(account.maps)
    winners = places(account.contributions)
    # As many decimals in the cells as in the sum: the cells add up to its first term, and the terms to its total.
    decimals = table.decimals(max(limit_of(account.contributions), abs(account.logit)))
    terms = _terms(result, decimals)
    notes = [FILTERS_NOTE]
    if typicality:
        share = f"{typicality.percentile:.0f}%"
        notes.insert(0, f"Use of filters: more usual than in {share} of correctly predicted {target}s.")

    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        sum_width(terms),
        names_width(winners),
        *(round(width(note, NOTE)) for note in notes),
    )
    bottom = table.bottom + _PLACES + _LINE * (len(notes) - 1)
    canvas = Canvas(inner_width + 2 * MARGIN, bottom + _END, style)
    canvas.heading(f"predicted {result.predicted}: why {target}" + ("?" if versus is None else f" and not {versus}?"))
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


def _terms(result: FilterExplanation, decimals: int) -> list[Term]:
    """The sum line beneath the table."""
    account, target, versus = result.account, result.target, result.versus
    terms = {
        times(account.contributions.size, "pair"): float(account.contributions.sum()),
        "filter biases": float(account.filter_bias.sum()),
        "class bias" if versus is None else "class biases": account.class_bias,
    }
    total = f"logit {target}" if versus is None else f"logit {target} − logit {versus}"
    return sum_terms(terms, total, account.logit, decimals)
