"""How numbers are rounded and written, wherever they are shown: in a picture, on the page, in the line of a result.

Numbers that are shown with their sum are rounded such that they add up as they are shown; the ends of a scale are
written as the numbers that stand beside it. ``service/web/scripts/answers/numbers.js`` is the same for the page and
the handout: both are tested with the cases of ``tests/data/rounding.json``.
"""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import NamedTuple

import numpy as np

from konkyo.models.network import Array

# Numbers that need more decimals, and numbers from a million on, are written as 1.2e−07.
MOST_DECIMALS = 4
LARGEST = 1e6
# Ten to a higher power is no number of a computer's.
MOST_POWER = 300
# Units of the last decimal are counted in so many parts. What is less is an error of floating point: it must not take a
# half for less than a half, nor a whole number for one just below it.
PARTS = 1_000_000


def decimals_for(value: float) -> int:
    """The number of decimals for numbers of this size: two, fewer from 100 on, more below 0.1."""
    exponent = math.floor(math.log10(abs(value))) if value else 0
    return min(max(3 - exponent, 0), 2) if exponent >= -1 else min(1 - exponent, MOST_POWER)


def decimals_of_sum(greatest: float, total: float) -> int:
    """The number of decimals of all numbers of a sum.

    As many as the greatest of them needs; but at least as many, up to four, as show what the greatest part is.

    Parameters
    ----------
    greatest
        The greatest absolute value of the parts.
    total
        Their sum, which may be small.
    """
    decimals, needed = decimals_for(max(greatest, abs(total))), decimals_for(greatest)
    return max(decimals, min(needed, MOST_DECIMALS)) if needed > decimals_for(1) else decimals


def rounded(value: float, decimals: int) -> float:
    """A number with so many decimals, halves away from zero."""
    units = 10.0**decimals
    whole = math.floor(math.floor(abs(value) * units * PARTS + 0.5) / PARTS + 0.5)
    return math.copysign(whole / units, value)


def number(value: float, decimals: int = 2, sign: bool = False) -> str:
    """A number with fixed decimals and the minus sign −. A number that rounds to zero has no sign.

    ``sign`` adds a plus to positive numbers. More than four decimals, and numbers from a million on, use 1.2e−07.
    """
    if (decimals > MOST_DECIMALS and value) or abs(value) >= LARGEST:
        text = _with_exponent(abs(value))
    else:
        shown = min(decimals, MOST_DECIMALS)
        text = f"{abs(rounded(value, shown)):.{shown}f}"
    if not text.strip("0."):
        return text
    return f"{'−' if value < 0 else '+' if sign else ''}{text}"


def percent(share: float) -> str:
    """A share of 1 as ``12.5%``."""
    return f"{number(100 * share, 1)}%"


def percents(shares: Array) -> list[str]:
    """Shares of 1, (N,), as percentages that add up to 100.0% as they are shown."""
    return [percent(share) for share in round_to_total(shares, 1, 3).tolist()]


def round_to_total(values: Array, total: float, decimals: int) -> Array:
    """The values rounded so that they add up to the rounded total: the method of the largest remainder.

    Each value is rounded down, and as many as the total requires are rounded up, those with the largest remainders
    first, of equal ones the first. The error of each is less than one unit of the last decimal. A total that is itself
    shown one unit off, because it is a part of another sum, is still met. A sum that does not hold is not made to hold.

    Parameters
    ----------
    values
        Any shape. Their sum is the total up to rounding errors.
    """
    units, flat = 10.0**decimals, values.ravel()
    parts = np.floor(flat * units * PARTS + 0.5)
    whole = np.floor(parts / PARTS)
    missing = round(rounded(total, decimals) * units) - int(whole.sum())
    if not flat.size or not -1 <= missing <= flat.size + 1:
        return np.array([rounded(value, decimals) for value in flat.tolist()]).reshape(values.shape)
    # What is nothing stays nothing.
    remainders = np.where(parts == 0, -1, parts - PARTS * whole)
    order = np.argsort(-remainders, kind="stable")
    for place in range(missing):
        whole[order[place % flat.size]] += 1
    if missing < 0:
        last = max(int(np.count_nonzero(parts)), 1) - 1
        whole[order[last]] -= 1
    return np.asarray((whole / units).reshape(values.shape))


class Sum(NamedTuple):
    """A sum as it is shown.

    Attributes
    ----------
    decimals
        Of all its numbers.
    parts
        Those that are shown by themselves.
    others
        All other parts together; 0 if there are none.
    terms
        First the parts with the others, then what is added to them.
    total
        The sum of the terms.
    """

    decimals: int
    parts: Array
    others: float
    terms: tuple[float, ...]
    total: float


def rounded_sum(parts: Array, rest: Sequence[float], total: float, decimals: int, others: float | None = None) -> Sum:
    """A sum of many parts and few further terms, rounded so that it holds as it is shown.

    The terms add up to the total, and the parts with the others to the first term.

    Parameters
    ----------
    parts
        Any shape.
    rest
        What is added to the parts.
    total
        The sum of all.
    others
        Parts that are shown as one number; None if there are none.
    """
    each = [*parts.ravel().tolist(), *([] if others is None else [others])]
    terms = round_to_total(np.array([sum(each), *rest]), total, decimals).tolist()
    shown = round_to_total(np.array(each), terms[0], decimals)
    count = parts.size
    return Sum(
        decimals,
        shown[:count].reshape(parts.shape),
        0.0 if others is None else float(shown[count]),
        tuple(terms),
        rounded(total, decimals),
    )


class End(NamedTuple):
    """The end of a scale that is centred on zero, as it is written: ±``value``."""

    value: float
    decimals: int


def end_of_scale(limit: float, decimals: int = 0, shown: Array | None = None) -> End:
    """The end of a scale.

    Parameters
    ----------
    limit
        The greatest absolute value.
    decimals, shown
        The numbers that stand beside the scale, as they are shown: the end is the greatest of them. Where there are
        none, or all are shown as zero, it is the limit with decimals of its own.
    """
    most = 0.0 if shown is None else float(np.abs(shown).max(initial=0))
    return End(most, decimals) if most else End(limit, decimals_for(limit))


def _with_exponent(size: float) -> str:
    """1.2e−07: one decimal, and two digits of exponent or more."""
    with localcontext(rounding=ROUND_HALF_UP):
        digits, exponent = f"{Decimal(size):.1e}".split("e")
    return f"{digits}e{'−' if exponent[0] == '-' else '+'}{exponent[1:].zfill(2)}"
