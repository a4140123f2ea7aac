"""Sets that meet every one of some sets. A set is an int: bit r stands for element r.

Source: Karp, "Reducibility among combinatorial problems", 1972 (hitting set).
"""

from collections.abc import Sequence

from models.budget import Budget


def irreducible_hitting_set(sets: Sequence[int], order: Sequence[int]) -> int:
    """Give up one element after another, as long as those that are kept meet every set.

    Parameters
    ----------
    sets
        None of them empty.
    order
        The numbers of all elements. Each is given up or kept when its turn comes, once and for all.
    """
    turns = {1 << element: turn for turn, element in enumerate(order)}
    last = sorted((max(turns[element] for element in _elements(one)), one) for one in sets)
    kept = 0
    for turn, one in last:
        # An element is kept if it is the last one of a set that no element kept before it meets.
        if not one & kept:
            kept |= 1 << order[turn]
    return kept


def smallest_hitting_set(sets: Sequence[int], at_least: int, budget: Budget) -> int:
    """The smallest set that meets every one of these sets, by branch and bound; of several, always the same.

    Parameters
    ----------
    sets
        None of them empty.
    at_least
        A size that it is known to have at least.
    budget
        What the search may cost.

    Raises
    ------
    BudgetError
        Not found within the budget's nodes.
    """
    ordered = sorted(sets, key=int.bit_count)
    size = at_least
    while (found := _hitting_set(ordered, size, budget)) is None:
        size += 1
    return found


def _hitting_set(sets: list[int], size: int, budget: Budget) -> int | None:
    """A set of at most so many elements that meets every set; None if there is none. Small sets should come first."""
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
        # No set with this element is small enough, so the other branches do without it.
        sets = [one & ~element for one in sets]
    return None


def _disjoint(sets: list[int]) -> int:
    """How many sets of which no two share an element are found at first sight. As many elements are needed."""
    taken = count = 0
    for one in sets:
        if not one & taken:
            taken |= one
            count += 1
    return count


def _elements(one: int) -> list[int]:
    """The elements of a set, each as a set of its own."""
    elements = []
    while one:
        elements.append(one & -one)
        one &= one - 1
    return elements
