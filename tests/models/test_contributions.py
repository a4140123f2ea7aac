"""The ledger of the paper's network, on paper. On any network: ``test_hidings``."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.filters.contributions import Account, Others, RankedPair, contributions
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Labelled
from tests.helpers.asked import explain_filters
from tests.helpers.oracles import PAIRED, SUMMED, random_network


def test_on_paper() -> None:
    """Stage 1 copies the image, once as it is and once doubled; stage 2's kernels are their middle taps.

    One pixel of ink makes 1 and 2 in cell (6, 6) of stage 1, so at (5, 5) of stage 2's convolution, so in its cell
    (2, 2), which is number 12. There z_0 = 3·1 + 5·2 + 0.5 = 13.5 and 0.5 elsewhere; z_1 = −1·1 + 2·2 − 1 = 2 and −1
    elsewhere: gates shut. The affine layer looks at cells 12 and 0 of both maps, for class 7 only.
    """
    architecture = two_stages(Wiring.SUMMED, 2, 2)
    weights = {name: np.zeros(shape) for name, shape in architecture.tensor_shapes.items()}
    weights["conv1.weight"][:, 0, 2, 2] = [1, 2]
    weights["conv2.weight"][:, :, 1, 1] = [[3, 5], [-1, 2]]
    weights["conv2.bias"][:] = [0.5, -1]
    weights["affine.weight"][7, [12, 0, 25 + 12, 25 + 0]] = [10, 4, 100, 1000]
    weights["affine.bias"][:] = 0.25
    network, ink = Network(architecture, weights), np.zeros((28, 28))
    ink[14, 14] = 1
    ledger = contributions(network, ink)
    account = ledger.account(7)
    assert account.contributions.tolist() == [[10 * 3, 100 * -1], [10 * 10, 100 * 4]]
    assert account.filter_bias.tolist() == [(10 + 4) * 0.5, 100 * -1]
    assert account.class_bias == 0.25
    assert account.logit == 30 - 100 + 100 + 400 + 7 - 100 + 0.25 == 10 * 13.5 + 4 * 0.5 + 100 * 2 + 0.25
    assert account.residual == 0
    expected = np.zeros((2, 2, 5, 5))
    expected[:, :, 2, 2] = [[30, -100], [100, 400]]
    assert account.maps.tolist() == expected.tolist()
    assert [(pair.map, pair.filter, pair.contribution, pair.share) for pair in account.ranking()] == [
        (1, 1, 400, 400 / 630),
        (1, 0, 100, 100 / 630),
        (0, 0, 30, 30 / 630),
        (0, 1, -100, -100 / 630),
    ]
    others = [digit for digit in range(10) if digit != 7]
    assert not ledger.contributions[others].any()
    assert not ledger.filter_bias[others].any()
    assert ledger.logits[others].tolist() == [0.25] * 9


def test_a_residual_that_is_not_zero_shows() -> None:
    account = Account(np.zeros((2, 2, 5, 5)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]), 7.0, 30.0)
    assert account.residual == 30 - (10 + 11 + 7)


def account_of(values: Any) -> Account:
    array: Array = np.array(values, np.float64)
    return Account(np.zeros((*array.shape, 5, 5)), array, np.zeros(array.shape[1]), 0.0, 0.0)


@given(
    st.integers(1, 4).flatmap(
        lambda columns: st.lists(
            st.lists(st.integers(-(10**6), 10**6).map(lambda eighths: eighths / 8), min_size=columns, max_size=columns),
            min_size=1,
            max_size=4,
        )
    )
)
def test_the_ranking_is_the_sorted_list_of_pairs(values: list[list[float]]) -> None:
    ranking = account_of(values).ranking()
    numbered = [(-value, i, j) for i, row in enumerate(values) for j, value in enumerate(row)]
    assert [(-pair.contribution, pair.map, pair.filter) for pair in ranking] == sorted(numbered)
    total = sum(abs(value) for row in values for value in row)
    assert sum(abs(pair.share) for pair in ranking) == (pytest.approx(1, abs=1e-12) if total else 0)
    for pair in ranking:
        assert pair.share == (pytest.approx(pair.contribution / total, rel=1e-12) if total else 0)


def test_a_short_ranking_has_what_adds_or_takes_most_and_the_sum_of_the_others() -> None:
    account = account_of([[1.0, -8.0, 0.5], [4.0, -2.0, 0.25]])
    assert [(pair.map, pair.filter, pair.contribution) for pair in account.ranking(top=3)] == [
        (1, 0, 4.0),
        (1, 1, -2.0),
        (0, 1, -8.0),
    ]
    # A share is of all pairs, whether they are listed or not.
    assert account.ranking(top=1) == [RankedPair(0, 1, -8.0, -8.0 / 15.75)]
    assert account.others(3) == Others(3, 1.75)
    assert account.others(6) == Others(0, 0.0)
    assert account.ranking(top=7) == account.ranking()


def test_versus_is_the_difference_of_two_accounts(digits: Labelled) -> None:
    ledger = contributions(random_network(SUMMED, 6), digits.scaled(np.float64)[8])
    account, one, other = ledger.account(6, 5), ledger.account(6), ledger.account(5)
    for part in ("contributions", "filter_bias", "class_bias", "logit", "maps"):
        difference = getattr(one, part) - getattr(other, part)
        np.testing.assert_allclose(getattr(account, part), difference, rtol=0, atol=1e-13)
    assert abs(account.residual) < 1e-12


def test_of_many_pairs_those_that_matter_most_are_listed(digits: Labelled) -> None:
    explained = explain_filters(random_network(PAIRED, 7), digits.scaled(np.float64)[5])
    whole, short = explained.to_dict(), replace(explained, top=4).to_dict()
    assert len(whole["ranking"]) == 9
    by_size = sorted(whole["ranking"], key=lambda one: -abs(one["contribution"]))
    assert short["ranking"] == sorted(by_size[:4], key=lambda one: -one["contribution"])
    rest = sum(one["contribution"] for one in by_size[4:])
    assert short["others"] == {"pairs": 5, "contribution": pytest.approx(rest, abs=1e-12)}
    assert "contributions" not in short
