"""Hitting sets: sets that share an element with each of the given sets. A set is an int; bit r stands for element r.

Source: Karp, "Reducibility among combinatorial problems", 1972 (hitting set).
"""

from collections.abc import Sequence

from konkyo.models.grounds.budget import SearchBudget


def irreducible_hitting_set(sets: Sequence[int], order: Sequence[int]) -> int:
    """A hitting set from which no element can be removed: elements are removed in this order where possible.

    Parameters
    ----------
    sets
        The sets to hit; none of them is empty.
    order
        The numbers of all elements.
    """
    turns = {1 << element: turn for turn, element in enumerate(order)}
    last = sorted((max(turns[element] for element in _elements(one)), one) for one in sets)
    kept = 0
    for turn, one in last:
        # An element is kept if it is the last one of a set that no element kept so far hits.
        if not one & kept:
            kept |= 1 << order[turn]
    return kept


def smallest_hitting_set(sets: Sequence[int], at_least: int, budget: SearchBudget) -> int:
    """A smallest hitting set, by branch and bound. Ties are broken deterministically.

    Parameters
    ----------
    sets
        The sets to hit; none of them is empty.
    at_least
        A lower bound of its size.
    budget
        The work that the search may take.

    Raises
    ------
    BudgetError
        The search exceeds the budget.
    """
    ordered = sorted(sets, key=int.bit_count)
    size = at_least
    while (found := _hitting_set(ordered, size, budget)) is None:
        size += 1
    return found


def _hitting_set(sets: list[int], size: int, budget: SearchBudget) -> int | None:
    """A hitting set of at most ``size`` elements; None if there is none. Small sets should come first."""
    budget.spend(nodes=1)
    if not sets:
        return 0
    if _disjoint(sets) > size:
        return None
    branches = _elements(min(sets, key=int.bit_count))
    branches.sort(key=lambda element: -sum(1 for one in sets if one & element))
    for element in branches:
        rest = _hitting_set([one for one in sets if not one & element], size - 1, budget)
        if rest is not None:
            return rest | element
        # No hitting set with this element is small enough, so the other branches leave it out.
        sets = [one & ~element for one in sets]
    return None


def _disjoint(sets: list[int]) -> int:
    """The number of pairwise disjoint sets that a greedy choice finds: a lower bound of a hitting set's size."""
    taken = count = 0
    for one in sets:
        if not one & taken:
            taken |= one
            count += 1
    return count


def _elements(one: int) -> list[int]:
    """The elements of a set, each as a set of one element."""
    elements = []
    while one:
        elements.append(one & -one)
        one &= one - 1
    return elements
