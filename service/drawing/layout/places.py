"""The pair that contributes most, framed red, and the second, framed blue (Fig. 4)."""

from collections.abc import Sequence

import numpy as np

from konkyo.models import ties
from konkyo.models.network import Network
from konkyo.service.drawing.layout.wording import pair_name
from konkyo.service.drawing.layout.words import say
from konkyo.service.drawing.primitives.canvas import NOTE, Box, Canvas
from konkyo.service.drawing.primitives.colours import FIRST, SECOND, Array
from konkyo.service.drawing.primitives.letters import width

_SWATCH, _GAP = 18, 20

# A pair: a map that enters the last stage, and a filter of it. The colour and the name of a place.
Pair = tuple[int, int]
Emphasis = tuple[int, str]


def places(totals: Array) -> dict[Pair, Emphasis]:
    """The first and second pair by contribution, (A, B). Ties within rounding go to the lower numbers.

    A single pair has no second. If every contribution is zero, there is neither.
    """
    if not totals.any():
        return {}
    styles = ((FIRST, "first"), (SECOND, "second"))
    return {divmod(pair, totals.shape[1]): style for pair, style in zip(_order(totals), styles, strict=False)}


def pairs_to_show(totals: Array, count: int) -> list[Pair]:
    """The ``count`` pairs that add or take most, the greatest contribution first: places, and absolute values.

    Parameters
    ----------
    totals
        (A, B).
    """
    firsts, columns = list(places(totals)), totals.shape[1]
    most = [divmod(pair, columns) for pair in _order(np.abs(totals))]
    chosen = {*[*firsts, *(pair for pair in most if pair not in firsts)][:count]}
    return [pair for pair in (divmod(place, columns) for place in _order(totals)) if pair in chosen]


def _order(totals: Array) -> list[int]:
    """The numbers of the pairs, the greatest value first."""
    numbers: list[int] = ties.order(totals.ravel()).tolist()
    return numbers


def name_places(
    canvas: Canvas, left: int, baseline: int, network: Network, winners: dict[Pair, Emphasis], line_height: int = 0
) -> None:
    """Write the names of the first and second pair side by side, or below each other with a ``line_height``."""
    for pair, (colour, name) in winners.items():
        canvas.frame(Box(left + 2, baseline - 8, left + 9, baseline - 1), colour, 2)
        canvas.text(left + _SWATCH, baseline, _text(network, pair, name), NOTE)
        if line_height:
            baseline += line_height
        else:
            left += name_width(network, pair, name) + _GAP


def names_width(network: Network, winners: dict[Pair, Emphasis]) -> int:
    """Width of the names side by side, in logical units."""
    widths: Sequence[int] = [name_width(network, pair, name) for pair, (_, name) in winners.items()]
    return sum(widths) + _GAP * max(len(widths) - 1, 0)


def name_width(network: Network, pair: Pair, name: str) -> int:
    """Width of one name with its swatch, in logical units."""
    return _SWATCH + round(width(_text(network, pair, name), NOTE))


def _text(network: Network, pair: Pair, name: str) -> str:
    return say("place", place=say(name), pair=pair_name(network, pair))
