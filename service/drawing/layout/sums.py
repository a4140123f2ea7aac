"""Draws a sum as a line of terms and their total. The rounded terms add up to the rounded total."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, Canvas, decimals_for, number
from konkyo.service.drawing.primitives.colours import MUTED, Array
from konkyo.service.drawing.primitives.letters import width

# Distances from the top of the line to the baselines of the numbers and of their names.
_NUMBERS, _NAMES = 40, 58
_GAP, _SIGN = 22, 16


class Term(NamedTuple):
    """A term: its rounded value, its sign, its text without the sign, and its name."""

    value: float
    sign: str
    text: str
    name: str

    @property
    def width(self) -> int:
        """Width in logical units, without the sign."""
        return round(max(width(self.text, SUM), width(self.name, NOTE)))


def round_to_total(values: Array, total: float, decimals: int) -> Array:
    """The values rounded so that they add up to the rounded total: the method of the largest remainder.

    Each value is rounded down, and as many as the total requires are rounded up, those with the largest remainders
    first. The error of each is less than one unit of the last decimal.

    Parameters
    ----------
    values
        Any shape. Their sum is the total up to rounding errors.
    """
    unit = 10.0**-decimals
    # Rounded, so that an error of floating point does not lower a whole number to the next one.
    scaled = np.round(values.ravel() / unit, 6)
    whole = np.floor(scaled)
    missing = round(round(total / unit) - whole.sum())
    if not 0 <= missing <= len(whole):
        # The values do not add up to the total. They are not changed to do so.
        plain: Array = np.round(values, decimals)
        return plain
    whole[np.argsort(whole - scaled, kind="stable")[:missing]] += 1
    rounded: Array = (whole * unit).reshape(values.shape)
    return rounded


def sum_terms(terms: dict[str, float], total_name: str, total: float, decimals: int | None = None) -> list[Term]:
    """The terms of a sum and its total. ``terms`` maps names to values that add up to the total."""
    values = np.array([*terms.values()])
    if decimals is None:
        decimals = decimals_for(float(np.abs([*values, total]).max()))
    line: list[Term] = []
    for name, value in zip(terms, round_to_total(values, total, decimals).tolist(), strict=True):
        text = number(value, decimals)
        # A negative term is subtracted: "− 0.12", not "+ −0.12".
        sign = ("−" if text.startswith("−") else "+") if line else ""
        line.append(Term(value, sign, text.removeprefix("−") if line else text, name))
    return [*line, Term(total, "=", number(total, decimals), total_name)]


def sum_width(terms: Sequence[Term]) -> int:
    """Width of the line, in logical units."""
    return sum(term.width + (_SIGN if term.sign else 0) for term in terms) + _GAP * (len(terms) - 1)


def draw_sum(canvas: Canvas, top: int, terms: Sequence[Term]) -> None:
    """Draw the line beneath ``top``."""
    x = MARGIN
    for term in terms:
        if term.sign:
            canvas.text(x, top + _NUMBERS, term.sign, SUM, MUTED)
            x += _SIGN
        canvas.text(x, top + _NUMBERS, term.text, SUM, strong=term.sign == "=")
        canvas.text(x, top + _NAMES, term.name, NOTE, MUTED)
        x += term.width + _GAP
