import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from konkyo.service.drawing.layout.sums import round_to_total, sum_terms
from konkyo.service.drawing.primitives.canvas import number


def shown(text: str) -> float:
    return float(text.replace("−", "-"))


@given(values=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=96), decimals=st.integers(0, 4))
def test_what_is_shown_adds_up_and_is_off_by_less_than_a_unit(values: list[float], decimals: int) -> None:
    array = np.array(values)
    total, unit = float(array.sum()), 10.0**-decimals
    rounded = round_to_total(array, total, decimals)
    units = np.array([shown(number(value, decimals)) for value in rounded.tolist()]) / unit
    assert round(units.sum()) == round(total / unit)
    assert (np.abs(rounded - array) < unit * 1.001).all()


def test_the_largest_remainders_are_rounded_up() -> None:
    """1.4 + 1.4 + 1.2 = 4: one of the 1.4 becomes 2, and the 1.2 stays 1."""
    assert round_to_total(np.array([1.4, 1.4, 1.2]), 4.0, 0).tolist() == [2, 1, 1]
    assert round_to_total(np.array([-0.4, -0.4, -0.2]), -1.0, 0).tolist() == [0, -1, 0]


def test_exact_values_stay_as_they_are() -> None:
    values = np.array([[0.1, 0.2], [0.3, -0.7]])
    np.testing.assert_allclose(round_to_total(values, float(values.sum()), 1), values, rtol=0, atol=1e-12)


def test_a_negative_term_is_subtracted() -> None:
    line = sum_terms({"pairs": 30.52, "biases": 0.0, "class bias": -0.93}, "logit", 29.59)
    assert [(term.sign, term.text, term.name) for term in line] == [
        ("", "30.52", "pairs"),
        ("+", "0.00", "biases"),
        ("−", "0.93", "class bias"),
        ("=", "29.59", "logit"),
    ]


def test_a_negative_first_term_keeps_its_sign() -> None:
    first, second, total = sum_terms({"a": -1.25, "b": 0.5}, "sum", -0.75)
    assert (first.sign, first.text) == ("", "−1.25")
    assert (second.sign, second.text) == ("+", "0.50")
    assert (total.sign, total.text) == ("=", "−0.75")
