"""The ledger as a picture: what each filter pair adds to a logit, and the sum."""

from PIL import Image

from models.contributions import Account, Pair
from models.network import Network
from service.overlays.canvas import (
    BODY,
    MARGIN,
    MOST_DECIMALS,
    NOTE,
    SUM,
    Box,
    Canvas,
    Theme,
    ThemeName,
    decimals_for,
    number,
)
from service.overlays.colourbar import bar_width, colour_bar
from service.overlays.colours import FIRST, INK, MUTED, SECOND, Array, diverging, grey, limit_of
from service.overlays.letters import width
from service.overlays.table import Table

_BAR_HEIGHT = 300
_TERM_GAP, _SIGN = 22, 16
_SWATCH, _PLACE_GAP = 18, 20
# Below the table, baselines: the sum, the names of its terms, first and second place, what filters' colours mean.
_SUM, _NAMES, _PLACES, _FILTERS, _END = 40, 58, 90, 109, 128
_NOTE_TEXT = "Filters: full colour is the layer’s largest weight."

# A pair: its conv1 and conv2 filter. And how a place is shown: its colour and its name.
Place = tuple[int, int]
Style = tuple[int, str]


def ledger(
    image: Array,
    network: Network,
    account: Account,
    *,
    predicted: int,
    target: int,
    versus: int | None = None,
    scale: int = 1,
    theme: ThemeName = Theme.LIGHT,
) -> Image.Image:
    """Draw the table of all filter pairs, the greatest contribution framed red and the second blue, and the sum.

    Nothing is framed where every contribution is zero. Filter numbers count from 0.

    Parameters
    ----------
    image
        (28, 28) in [0, 1]; 1 is ink, which is dark on the light theme and light on the dark one.
    network
        Its conv1 filters stand at the heads of the rows and its conv2 kernels at those of the columns. With summed
        wiring a conv2 filter has one kernel a row, from top to bottom.
    account
        Its maps share one scale, centred on zero.
    predicted, target, versus
        What is read, and what the account explains: why ``target``, or why ``target`` and not ``versus``.
    scale
        Pixels a logical unit, 1…4.
    theme
        Light or dark paper.
    """
    table = Table(network.architecture)
    limit = limit_of(account.maps)
    places = _places(account.ranking())
    terms = _terms(account, target, versus)

    inner_width = max(
        table.right + table.gutter + bar_width(limit) - MARGIN,
        sum(_term_width(*term) for term in terms) + _TERM_GAP * (len(terms) - 1),
        sum(_place_width(*place) for place in places.items()) + _PLACE_GAP * (len(places) - 1),
        round(width(_NOTE_TEXT, NOTE)),
    )
    canvas = Canvas(inner_width + 2 * MARGIN, table.bottom + _END, scale, theme)
    canvas.heading(f"read {predicted}: why {target}" + ("?" if versus is None else f" and not {versus}?"))
    canvas.tile(table.digit, grey(image))
    _draw_heads(canvas, table, network)
    _draw_pairs(canvas, table, account, limit, places)
    first, last = table.map(0, 0), table.map(*table.last)
    height = min(last.bottom - first.top, _BAR_HEIGHT)
    colour_bar(canvas, table.right + table.gutter, first.top, height, limit, "per cell")
    _draw_sum(canvas, table.bottom, terms)
    _name_places(canvas, table.bottom + _PLACES, places)
    canvas.text(MARGIN, table.bottom + _FILTERS, _NOTE_TEXT, NOTE, MUTED)
    return canvas.image()


def _places(ranking: list[Pair]) -> dict[Place, Style]:
    if not any(pair.contribution for pair in ranking):
        return {}
    styles = ((FIRST, "first"), (SECOND, "second"))
    return {(pair.conv1, pair.conv2): style for pair, style in zip(ranking, styles, strict=False)}


def _draw_heads(canvas: Canvas, table: Table, network: Network) -> None:
    filters, kernels = network.weights["conv1.weight"], network.weights["conv2.weight"]
    limit = limit_of(filters)
    for i, weights in enumerate(filters):
        box = table.filter(i)
        canvas.tile(box, diverging(weights[0], limit))
        canvas.text(box.left - 8, (box.top + box.bottom) / 2 + 4, f"conv1[{i}]", NOTE, MUTED, align=1)
    limit = limit_of(kernels)
    for j, stack in enumerate(kernels):
        for i, weights in enumerate(stack):
            box = table.kernel(i, j)
            canvas.tile(box, diverging(weights, limit))
            if j == 0 and len(stack) > 1:
                canvas.text(box.left - 8, (box.top + box.bottom) / 2 + 4, f"[{i}]", NOTE, MUTED, align=1)
        # Where columns are narrow, only the first has room for the layer's name.
        label = f"[{j}]" if table.dense and j else f"conv2[{j}]"
        column = table.map(0, j)
        canvas.text((column.left + column.right) / 2, table.kernel(0, j).top - 9, label, NOTE, MUTED, align=0.5)


def _draw_pairs(canvas: Canvas, table: Table, account: Account, limit: float, places: dict[Place, Style]) -> None:
    decimals = max(decimals_for(limit_of(account.contributions)) - table.dense, 0)
    rows, columns = account.contributions.shape
    for pair in ((i, j) for i in range(rows) for j in range(columns)):
        box, colour = table.map(*pair), INK
        canvas.tile(box, diverging(account.maps[pair], limit))
        if pair in places:
            colour, _ = places[pair]
            canvas.frame(box, colour, table.frame, table.frame_gap)
        canvas.text(
            (box.left + box.right) / 2,
            table.total_baseline(pair[0]),
            number(float(account.contributions[pair]), decimals),
            NOTE if table.dense else BODY,
            colour,
            align=0.5,
            strong=pair in places,
        )


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


def _name_places(canvas: Canvas, baseline: int, places: dict[Place, Style]) -> None:
    x = MARGIN
    for pair, (colour, name) in places.items():
        canvas.frame(Box(x + 2, baseline - 8, x + 9, baseline - 1), colour, 2)
        canvas.text(x + _SWATCH, baseline, _place_text(pair, name), NOTE)
        x += _place_width(pair, (colour, name)) + _PLACE_GAP


def _place_text(pair: Place, name: str) -> str:
    return f"{name}: conv1[{pair[0]}]×conv2[{pair[1]}]"


def _place_width(pair: Place, style: Style) -> int:
    return _SWATCH + round(width(_place_text(pair, style[1]), NOTE))
