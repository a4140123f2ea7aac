"""Colour bars: legends of the diverging scale."""

from konkyo.models.rounding import End, end_of_scale, number
from konkyo.service.drawing.primitives.canvas import CAPITAL, NOTE, Box, Canvas
from konkyo.service.drawing.primitives.colours import (
    GREY,
    HAIRLINE,
    INK,
    INK_GREY,
    MIDDLE_GREY,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
)
from konkyo.service.drawing.primitives.letters import width

WIDTH = 12
_TICK, _GAP = 4, 4
# Distance from a strip to the baseline of its numbers.
STRIP_NUMBERS = 15
_TITLE_ABOVE = 12
# Minimum height of a bar with five numbers; lower ones have three.
_LOW = 120


def colour_bar(canvas: Canvas, left: int, top: int, height: int, end: End, title: str) -> None:
    """Draw a vertical bar with its numbers on the right: from the negative end at the bottom upwards.

    Parameters
    ----------
    canvas
        The canvas.
    left, top, height
        The bar in logical units. ``bar_width`` gives its width with the numbers.
    end
        Of the scale. With 0 the bar is neutral, with one number.
    title
        Title above the bar, right-aligned with the numbers; none if it is empty.
    """
    shares = {0.0: INK, 1.0: INK, -1.0: INK} if end.value else {0.0: INK}
    if end.value and height >= _LOW:
        shares |= {0.5: MUTED, -0.5: MUTED}
    ticks = {
        share: (number(share * end.value, end.decimals, sign=True) if share else "0", colour)
        for share, colour in shares.items()
    }
    shades = (POSITIVE, NEGATIVE) if end.value else (NEUTRAL, NEUTRAL)
    box = Box(left, top, left + WIDTH, top + height)
    right = box.left + bar_width(end)
    canvas.once(_draw_bar, box, shades, right, title)
    for share, (text, colour) in ticks.items():
        middle = round(box.top + (1 - share) / 2 * (box.height - 1))
        canvas.fill(Box(box.right, middle, box.right + _TICK, middle + 1), HAIRLINE)
        canvas.text(right, middle + 0.5 + NOTE * CAPITAL / 2, text, NOTE, colour, align=1)


def _draw_bar(canvas: Canvas, box: Box, shades: tuple[int, int], right: int, title: str) -> None:
    canvas.ramp(box, *shades, upright=True)
    canvas.frame(box)
    if title:
        canvas.text(right, box.top - _TITLE_ABOVE, title, NOTE, MUTED, align=1)


def bar_width(end: End) -> int:
    """Width of the bar with its ticks and numbers, in logical units."""
    longest = number(-end.value, end.decimals, sign=True)
    return WIDTH + _TICK + _GAP + round(width(longest, NOTE) + 0.5)


def colour_strip(canvas: Canvas, box: Box, limit: float, signed: bool = True, greys: bool = False) -> None:
    """Draw a level bar with the numbers of its ends beneath it, the small legend of a row of maps.

    Parameters
    ----------
    canvas
        The canvas.
    box
        The bar.
    limit
        The value of the right end. With 0 the bar is neutral, with one number.
    signed
        Whether the left end stands for −``limit``; else it stands for 0.
    greys
        Whether the scale is that of weights and responses, and not that against and for.
    """
    if greys:
        first, zero, last = GREY, MIDDLE_GREY if signed else GREY, INK_GREY
    else:
        first, zero, last = NEGATIVE if signed else NEUTRAL, NEUTRAL, POSITIVE
    canvas.ramp(box, first if limit else zero, last if limit else zero)
    canvas.frame(box)

    end = end_of_scale(limit)
    least = number(-end.value, end.decimals, sign=True) if signed else "0"
    most = number(end.value, end.decimals, sign=True)
    ends = {0.0: least, 1.0: most} if limit else {0.5: "0"}
    if limit and width(least + most, NOTE) + _GAP > box.width:
        # Without room for both numbers, the right one is enough: the scale is symmetric.
        del ends[0.0]
    for share, text in ends.items():
        # The numbers are aligned with the outer edges, since further inside they would label other colours.
        x = box.left - 1 + share * (box.width + 2)
        canvas.text(x, box.bottom + STRIP_NUMBERS, text, NOTE, MUTED, align=share)
