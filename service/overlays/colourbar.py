"""The colour bar: what the colours of the diverging scale stand for, in numbers."""

import numpy as np

from service.overlays.canvas import CAPITAL, NOTE, Box, Canvas, decimals_for, number
from service.overlays.colours import HAIRLINE, INK, MUTED, NEGATIVE, NEUTRAL, POSITIVE
from service.overlays.letters import width

WIDTH = 12
_TICK, _GAP = 4, 4
_TITLE_ABOVE = 12
# Below this height there is room for three numbers, not for five.
_LOW = 120


def colour_bar(canvas: Canvas, left: int, top: int, height: int, limit: float, title: str) -> None:
    """Draw an upright bar with its numbers on the right: +``limit`` at the head, −``limit`` at the foot, zero between.

    Parameters
    ----------
    canvas
        What to draw on.
    left, top, height
        Of the bar itself, in logical units; see ``bar_width`` for how much room its numbers take.
    limit
        What the ends stand for. With 0 there is nothing but zero to show: a neutral bar with one number.
    title
        Written above, flush right with the numbers.
    """
    box = Box(left, top, left + WIDTH, top + height)
    rows = height * canvas.scale
    shades = np.rint(np.linspace(POSITIVE, NEGATIVE, rows)) if limit else np.full(rows, NEUTRAL)
    canvas.region(box)[:] = shades.astype(np.uint8)[:, None]
    canvas.frame(box)

    right = left + bar_width(limit)
    canvas.text(right, top - _TITLE_ABOVE, title, NOTE, MUTED, align=1)
    halves = (0.5, -0.5) if height >= _LOW else ()
    for share in (0.0, 1.0, -1.0, *halves) if limit else (0.0,):
        middle = round(top + (1 - share) / 2 * (height - 1))
        canvas.fill(Box(box.right, middle, box.right + _TICK, middle + 1), HAIRLINE)
        text = number(share * limit, decimals_for(limit), sign=True) if share else "0"
        colour = MUTED if share in halves else INK
        canvas.text(right, middle + 0.5 + NOTE * CAPITAL / 2, text, NOTE, colour, align=1)


def bar_width(limit: float) -> int:
    """How much room the bar takes with its ticks and numbers, in logical units."""
    longest = number(-limit, decimals_for(limit), sign=True)
    return WIDTH + _TICK + _GAP + round(width(longest, NOTE) + 0.5)
