"""How numbers are rounded and written. The page and the handout have the same cases: tests/e2e/test_page_sums.py."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.rounding import (
    decimals_for,
    decimals_of_sum,
    end_of_scale,
    number,
    percent,
    percents,
    round_to_total,
    rounded,
    rounded_sum,
)
from tests.helpers.rounding import CASES, EXPECTED

VALUES = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=96)


def test_the_table_of_cases() -> None:
    found: dict[str, list[Any]] = {
        "number": [number(case["value"], case["decimals"], case["sign"]) for case in CASES["number"]],
        "percent": [percent(case["share"]) for case in CASES["percent"]],
        "percents": [percents(np.array(case["shares"])) for case in CASES["percents"]],
        "decimals": [decimals_for(case["value"]) for case in CASES["decimals"]],
        "decimals_of_sum": [decimals_of_sum(case["greatest"], case["total"]) for case in CASES["decimals_of_sum"]],
        "round_to_total": [
            round_to_total(np.array(case["values"]), case["total"], case["decimals"]).tolist()
            for case in CASES["round_to_total"]
        ],
        "rounded_sum": [],
        "end_of_scale": [],
    }
    for case in CASES["rounded_sum"]:
        sums = rounded_sum(np.array(case["parts"]), case["rest"], case["total"], case["decimals"], case["others"])
        others = None if case["others"] is None else sums.others
        terms = {"parts": sums.parts.tolist(), "others": others, "terms": [*sums.terms], "total": sums.total}
        found["rounded_sum"].append(terms)
    for case in CASES["end_of_scale"]:
        end = end_of_scale(case["limit"], case["decimals"], np.array(case["shown"]))
        found["end_of_scale"].append([end._asdict(), number(*end)])
    assert found == EXPECTED


def units_of(value: float, decimals: int) -> int:
    """A number as it is written, in units of its last decimal."""
    return int(number(value, decimals).replace("−", "-").replace(".", ""))


@given(values=VALUES, decimals=st.integers(0, 4))
def test_what_is_shown_adds_up_and_is_off_by_less_than_a_unit(values: list[float], decimals: int) -> None:
    array = np.array(values)
    total, unit = float(array.sum()), 10.0**-decimals
    shown = round_to_total(array, total, decimals)
    assert sum(units_of(value, decimals) for value in shown.tolist()) == round(rounded(total, decimals) / unit)
    assert (np.abs(shown - array) < unit * 1.001).all()


@given(values=VALUES, rest=st.lists(st.floats(-1e4, 1e4), max_size=3), others=st.none() | st.floats(-1e4, 1e4))
def test_every_line_of_a_sum_adds_up(values: list[float], rest: list[float], others: float | None) -> None:
    parts = np.array(values)
    total = float(parts.sum()) + sum(rest) + (others or 0)
    shown = rounded_sum(parts, rest, total, 2, others)
    assert sum(units_of(term, 2) for term in shown.terms) == units_of(shown.total, 2) == units_of(total, 2)
    each = [*shown.parts.tolist(), shown.others]
    assert sum(units_of(value, 2) for value in each) == units_of(shown.terms[0], 2)
    assert np.abs(np.array(each) - [*values, others or 0]).max() < 0.0201
    # No number beside a scale is beyond its end.
    end = end_of_scale(float(np.abs(parts).max()), 2, shown.parts)
    assert (np.abs(shown.parts) <= end.value).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=64).filter(sum))
def test_percentages_add_up(weights: list[float]) -> None:
    shares = np.array(weights) / sum(weights)
    shown = percents(shares)
    assert sum(int(text.removesuffix("%").replace(".", "")) for text in shown) == 1000
    assert np.abs(np.array([float(text.removesuffix("%")) for text in shown]) - 100 * shares).max() < 0.1001
