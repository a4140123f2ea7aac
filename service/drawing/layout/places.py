"""The pair that contributes most, framed red, and the second, framed blue (Fig. 4)."""

import numpy as np

from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, Box, Canvas, number
from konkyo.service.drawing.primitives.colours import FIRST, INK, SECOND, Array
from konkyo.service.drawing.primitives.letters import width

_SWATCH, _GAP = 18, 20

# The conv1 and conv2 filter of a pair. The colour and the name of a place.
Place = tuple[int, int]
Emphasis = tuple[int, str]


def places(totals: Array) -> dict[Place, Emphasis]:
    """The first and second pair by contribution, (A, B). Ties go to the lower filter numbers.

    A single pair has no second. If every contribution is zero, there is neither.
    """
    if not totals.any():
        return {}
    order = np.argsort(-totals.ravel(), kind="stable").tolist()
    styles = ((FIRST, "first"), (SECOND, "second"))
    return {divmod(pair, totals.shape[1]): style for pair, style in zip(order, styles, strict=False)}


def draw_places(canvas: Canvas, table: Table, winners: dict[Place, Emphasis]) -> None:
    """Frame the maps of the first and second pair."""
    for pair, (colour, _) in winners.items():
        canvas.frame(table.map(*pair), colour, table.frame, table.frame_gap)


def draw_totals(canvas: Canvas, table: Table, totals: Array, winners: dict[Place, Emphasis], decimals: int) -> None:
    """Write each pair's total, (A, B), beneath its map; those of the first and second pair in their colours."""
    for pair, total in np.ndenumerate(totals):
        box = table.map(*pair)
        colour, _ = winners.get(pair, (INK, ""))
        canvas.text(
            (box.left + box.right) / 2,
            table.total_baseline(pair[0]),
            number(float(total), decimals),
            NOTE if table.dense else BODY,
            colour,
            align=0.5,
            strong=pair in winners,
        )


def name_places(canvas: Canvas, left: int, baseline: int, winners: dict[Place, Emphasis], line_height: int = 0) -> None:
    """Write the names of the first and second pair side by side, or below each other with a ``line_height``."""
    for pair, (colour, name) in winners.items():
        canvas.frame(Box(left + 2, baseline - 8, left + 9, baseline - 1), colour, 2)
        canvas.text(left + _SWATCH, baseline, _text(pair, name), NOTE)
        if line_height:
            baseline += line_height
        else:
            left += name_width(pair, name) + _GAP


def names_width(winners: dict[Place, Emphasis]) -> int:
    """Width of the names side by side, in logical units."""
    widths = [name_width(pair, name) for pair, (_, name) in winners.items()]
    return sum(widths) + _GAP * max(len(widths) - 1, 0)


def name_width(pair: Place, name: str) -> int:
    """Width of one name with its swatch, in logical units."""
    return _SWATCH + round(width(_text(pair, name), NOTE))


def _text(pair: Place, name: str) -> str:
    return f"{name}: conv1[{pair[0]}]×conv2[{pair[1]}]"
