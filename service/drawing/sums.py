"""A sum as a line of a picture: terms with their names, and the total. What is shown adds up."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.drawing.canvas import MARGIN, NOTE, SUM, Canvas, decimals_for, number
from service.drawing.colours import MUTED, Array
from service.drawing.letters import width

# From the line's top to the baselines of its numbers and of their names.
_NUMBERS, _NAMES = 40, 58
_GAP, _SIGN = 22, 16


class Term(NamedTuple):
    """A number of the line: its rounded value, its sign, its text without the sign, and its name."""

    value: float
    sign: str
    text: str
    name: str

    @property
    def width(self) -> int:
        """In logical units, without the sign."""
        return round(max(width(self.text, SUM), width(self.name, NOTE)))


def round_to_total(values: Array, total: float, decimals: int) -> Array:
    """The values rounded so that they add up to the rounded total: the method of the largest remainder.

    Each value is rounded down; those with the largest remainders are rounded up, as many as the total asks for. So each
    is off by less than one unit of the last decimal.

    Parameters
    ----------
    values
        Any shape; their sum is the total, but for noise of floating point.
    """
    unit = 10.0**-decimals
    # Noise must not take a whole number for one just below it.
    scaled = np.round(values.ravel() / unit, 6)
    whole = np.floor(scaled)
    missing = round(round(total / unit) - whole.sum())
    if not 0 <= missing <= len(whole):
        # A sum that does not hold is not made to hold.
        plain: Array = np.round(values, decimals)
        return plain
    whole[np.argsort(whole - scaled, kind="stable")[:missing]] += 1
    rounded: Array = (whole * unit).reshape(values.shape)
    return rounded


def sum_terms(terms: dict[str, float], total_name: str, total: float, decimals: int | None = None) -> list[Term]:
    """The terms of a line that ends with the total; ``terms`` maps names to values that add up to it."""
    values = np.array([*terms.values()])
    if decimals is None:
        decimals = decimals_for(float(np.abs([*values, total]).max()))
    line: list[Term] = []
    for name, value in zip(terms, round_to_total(values, total, decimals).tolist(), strict=True):
        text = number(value, decimals)
        # What is added and negative is subtracted: "− 0.12", not "+ −0.12".
        sign = ("−" if text.startswith("−") else "+") if line else ""
        line.append(Term(value, sign, text.removeprefix("−") if line else text, name))
    return [*line, Term(total, "=", number(total, decimals), total_name)]


def sum_width(terms: Sequence[Term]) -> int:
    """How wide the line is, in logical units."""
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
