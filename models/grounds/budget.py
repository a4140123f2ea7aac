"""A limit on the work of one answer. Work is counted and not timed, so an image has one answer under any load."""

from dataclasses import dataclass

from konkyo.models import steps
from konkyo.models.errors import BudgetError


@dataclass
class SearchBudget:
    """The work that is still allowed.

    Attributes
    ----------
    entries
        Numbers in the tables of eliminations: about 3 ns each.
    hidings
        Hidings whose value is looked up in the tables: about 1 µs each.
    nodes
        Nodes of the search for hitting sets: about 10 µs each.
    """

    entries: int
    hidings: int
    nodes: int

    def spend(self, *, entries: int = 0, hidings: int = 0, nodes: int = 0) -> None:
        """Subtract work from the budget before it is done.

        Raises
        ------
        BudgetError
            The work exceeds what is left.
        """
        # How far a search is nobody knows.
        steps.done(0)
        self.entries -= entries
        self.hidings -= hidings
        self.nodes -= nodes
        if min(self.entries, self.hidings, self.nodes) < 0:
            raise BudgetError(
                "weighing every combination of these regions takes more work than one answer may; "
                "larger regions take less"
            )
