from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.errors import BudgetError
from konkyo.models.grounds.budget import Budget
from konkyo.models.grounds.hitting_set import irreducible_hitting_set, smallest_hitting_set

FAMILIES = st.lists(st.integers(1, 2**9 - 1), max_size=12)


def budget(nodes: int = 10**6) -> Budget:
    return Budget(0, 0, nodes)


def meets(kept: int, sets: list[int]) -> bool:
    return all(kept & one for one in sets)


@given(FAMILIES)
def test_it_is_the_smallest(sets: list[int]) -> None:
    found = smallest_hitting_set(sets, 0, budget())
    assert meets(found, sets)
    for some in combinations(range(9), max(0, found.bit_count() - 1)):
        assert not found or not meets(sum(1 << element for element in some), sets)
    assert smallest_hitting_set(sets, found.bit_count(), budget()) == found
    assert smallest_hitting_set(sets, max(0, found.bit_count() - 1), budget()) == found


def test_two_disjoint_sets_need_two_elements_and_no_search_for_one() -> None:
    nodes = budget()
    assert smallest_hitting_set([0b0011, 0b1100], 1, nodes).bit_count() == 2
    assert 10**6 - nodes.nodes == 4


def test_no_sets_need_nothing() -> None:
    assert smallest_hitting_set([], 0, budget()) == 0


@given(FAMILIES, st.permutations(range(9)))
def test_irreducible_is_one_element_after_another(sets: list[int], order: list[int]) -> None:
    kept = set(range(9))
    for element in order:
        if meets(sum(1 << one for one in kept - {element}), sets):
            kept.remove(element)
    found = irreducible_hitting_set(sets, order)
    assert found == sum(1 << element for element in kept)
    for element in kept:
        assert not meets(found & ~(1 << element), sets)


def test_the_search_ends_with_its_budget() -> None:
    """Every pair of seven elements: six of them are needed, and that takes a search."""
    sets = [1 << one | 1 << other for one, other in combinations(range(7), 2)]
    spent = budget()
    assert smallest_hitting_set(sets, 0, spent).bit_count() == 6
    nodes = 10**6 - spent.nodes
    assert smallest_hitting_set(sets, 0, budget(nodes)).bit_count() == 6
    with pytest.raises(BudgetError):
        smallest_hitting_set(sets, 0, budget(nodes - 1))
