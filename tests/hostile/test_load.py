"""The soak programs, briefly: all that does not depend on how fast the machine is. The long form: ``make soak``."""

import pytest

from tools.soak import concurrent, kill, requests
from tools.soak.report import Check, Program, missed


@pytest.mark.parametrize(
    ("program", "count"),
    [(concurrent.PROGRAM, 120), (kill.PROGRAM, 1), (requests.PROGRAM, 600)],
    ids=lambda value: value.name if isinstance(value, Program) else "",
)
def test_a_short_run_reaches_the_goals(program: Program, count: int) -> None:
    checks = program.measure(count, program.seed)
    assert len(checks) > 3
    assert missed(checks) == []


def test_only_a_goal_of_the_machine_may_be_missed() -> None:
    slow, wrong = Check("quick", "slow", False, absolute=True), Check("right", "wrong", False)
    assert missed([Check("right", "right", True), slow, wrong]) == [wrong]
