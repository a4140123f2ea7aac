import pytest

from konkyo.models.errors import BudgetError
from konkyo.models.grounds.budget import Budget
from tests.helpers.refuse import refuses


def test_all_of_it_may_be_spent() -> None:
    budget = Budget(5, 6, 7)
    budget.spend(entries=2)
    budget.spend(entries=3, hidings=6, nodes=7)
    assert budget == Budget(0, 0, 0)
    budget.spend()


@pytest.mark.threat("the dearest question")
@pytest.mark.parametrize("what", ["entries", "hidings", "nodes"])
def test_and_no_more(what: str) -> None:
    with refuses(
        BudgetError,
        "weighing every combination of these regions takes more work than one answer may; larger regions take less",
    ):
        Budget(5, 5, 5).spend(**{what: 6})
