"""How much work one answer may take. Counted, never timed: the same image gets the same answer under any load."""

from dataclasses import dataclass

from models.errors import BudgetError


@dataclass
class Budget:
    """What may still be spent.

    Attributes
    ----------
    entries
        Numbers in the tables of eliminations: about 3 ns each.
    hidings
        Hidings whose value is taken from the tables: about 1 µs each.
    nodes
        Nodes of the search for hitting sets: about 10 µs each.
    """

    entries: int
    hidings: int
    nodes: int

    def spend(self, *, entries: int = 0, hidings: int = 0, nodes: int = 0) -> None:
        """Take so much away, before the work is done.

        Raises
        ------
        BudgetError
            More than is left.
        """
        self.entries -= entries
        self.hidings -= hidings
        self.nodes -= nodes
        if min(self.entries, self.hidings, self.nodes) < 0:
            raise BudgetError(
                "weighing every combination of these regions takes more work than one answer may; "
                "larger regions take less"
            )
