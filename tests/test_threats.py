"""Every threat has its tests, and docs/reliability.md names them."""

import pytest

from support.threats import GOALS, THREATS, proofs
from tools.soak.document import PROGRAMS, REPORT, proven
from tools.soak.report import SOAK

PROOFS = proofs()


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_has_a_test_that_make_test_runs(threat: str) -> None:
    """The container's are skipped where there is no Docker."""
    assert [test for test in PROOFS[threat] if not test.startswith("tests/system/test_container.py")]


@pytest.mark.parametrize("goal", GOALS)
def test_every_goal_is_measured(goal: str) -> None:
    assert goal in PROOFS or [program.name for program in PROGRAMS if goal in program.proves]


def test_only_known_threats_are_named() -> None:
    named = {*PROOFS, *(name for program in PROGRAMS for name in program.threats)}
    assert named <= {*THREATS, *GOALS}


def test_every_long_run_is_one_of_all_and_names_its_threats() -> None:
    modules = {path.stem for path in SOAK.glob("*.py") if "PROGRAM = Program(" in path.read_text()}
    assert {program.name for program in PROGRAMS} == modules
    assert all(program.threats for program in PROGRAMS)


def test_the_document_names_the_tests() -> None:
    assert proven() in REPORT.read_text(), "python -m tools.soak --only makes it anew, and measures nothing"
