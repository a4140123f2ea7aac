"""Draws a sum as a line of terms and their total."""

from collections.abc import Sequence
from typing import NamedTuple

from konkyo.models.rounding import number
from konkyo.service.drawing.primitives.canvas import MARGIN, NOTE, SUM, Canvas
from konkyo.service.drawing.primitives.colours import MUTED
from konkyo.service.drawing.primitives.letters import width

# Distances from the top of the line to the baselines of the numbers and of their names.
_NUMBERS, _NAMES = 40, 58
_GAP, _SIGN = 22, 16


class Term(NamedTuple):
    """A term: its sign, its text without the sign, and its name."""

    sign: str
    text: str
    name: str

    @property
    def width(self) -> int:
        """Width in logical units, without the sign."""
        return round(max(width(self.text, SUM), width(self.name, NOTE)))


def sum_terms(terms: dict[str, float], total_name: str, total: float, decimals: int) -> list[Term]:
    """The terms of a sum and its total. ``terms`` maps names to values that are rounded and add up to the total."""
    line: list[Term] = []
    for name, value in terms.items():
        text = number(value, decimals)
        # A negative term is subtracted: "− 0.12", not "+ −0.12".
        sign = ("−" if text.startswith("−") else "+") if line else ""
        line.append(Term(sign, text.removeprefix("−") if line else text, name))
    return [*line, Term("=", number(total, decimals), total_name)]


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
