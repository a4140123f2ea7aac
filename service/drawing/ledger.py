"""The ledger as a picture: what each filter pair adds to a logit, and the sum."""

from PIL import Image

from models.contributions import Account, FilterExplanation
from service.drawing.canvas import (
    MARGIN,
    MOST_DECIMALS,
    NOTE,
    SUM,
    Canvas,
    decimals_for,
    number,
)
from service.drawing.colourbar import bar_width, colour_bar
from service.drawing.colours import MUTED, diverging, grey, limit_of
from service.drawing.filter_heads import FILTERS_NOTE, draw_heads
from service.drawing.letters import width
from service.drawing.places import draw_places, draw_totals, name_places, names_width, places
from service.drawing.style import Style
from service.drawing.table import Table

_BAR_HEIGHT = 300
_TERM_GAP, _SIGN = 22, 16
# Below the table, baselines: the sum, the names of its terms, first and second place; then lines of notes.
_SUM, _NAMES, _PLACES, _LINE, _END = 40, 58, 90, 19, 38


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
    terms = _terms(account, target, versus)
    notes = [FILTERS_NOTE]
    if typicality:
        share = f"{typicality.percentile:.0f}%"
        notes.insert(0, f"Use of filters: more usual than in {share} of correctly predicted {target}s.")

    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        sum(_term_width(*term) for term in terms) + _TERM_GAP * (len(terms) - 1),
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
    draw_totals(canvas, table, account.contributions, winners)
    first, last = table.map(0, 0), table.map(*table.last)
    height = min(last.bottom - first.top, _BAR_HEIGHT)
    colour_bar(canvas, table.right + table.gutter, first.top, height, limit, "per cell")
    _draw_sum(canvas, table.bottom, terms)
    name_places(canvas, MARGIN, table.bottom + _PLACES, winners)
    for line, note in enumerate(notes, 1):
        canvas.text(MARGIN, table.bottom + _PLACES + _LINE * line, note, NOTE, MUTED)
    return canvas.image()


def _terms(account: Account, target: int, versus: int | None) -> list[tuple[str, str, str]]:
    """The sum line: sign, number and name of each term."""
    pairs = account.contributions.size
    values = {
        "1 pair" if pairs == 1 else f"{pairs} pairs": float(account.contributions.sum()),
        "filter biases": float(account.filter_bias.sum()),
        "class bias" if versus is None else "class biases": account.class_bias,
        f"logit {target}" if versus is None else f"logit {target} − logit {versus}": account.logit,
    }
    decimals = _adding_decimals(list(values.values()))
    texts = [number(value, decimals) for value in values.values()]
    # What is added and negative is subtracted: "− 0.12", not "+ −0.12".
    signs = ["−" if text.startswith("−") else "+" for text in texts]
    texts[1:3] = [text.removeprefix("−") for text in texts[1:3]]
    return list(zip(["", *signs[1:3], "="], texts, values, strict=True))


def _adding_decimals(values: list[float]) -> int:
    """The fewest decimals, from the usual on, with which the rounded terms add up to the rounded sum, the last value.

    A ledger that is off by 0.01 on paper looks wrong, however right it is.
    """
    usual = decimals_for(max(values, key=abs))
    for decimals in range(usual, MOST_DECIMALS + 1):
        *terms, total = (round(value * 10**decimals) for value in values)
        if sum(terms) == total:
            return decimals
    return usual


def _term_width(sign: str, text: str, name: str) -> int:
    return round(max(width(text, SUM), width(name, NOTE)) + (_SIGN if sign else 0))


def _draw_sum(canvas: Canvas, top: int, terms: list[tuple[str, str, str]]) -> None:
    x = MARGIN
    for sign, text, name in terms:
        if sign:
            canvas.text(x, top + _SUM, sign, SUM, MUTED)
            x += _SIGN
        canvas.text(x, top + _SUM, text, SUM, strong=sign == "=")
        canvas.text(x, top + _NAMES, name, NOTE, MUTED)
        x += _term_width("", text, name) + _TERM_GAP
