"""Every threat has its tests, and they are there."""

import ast
from pathlib import Path

import pytest

from tests.threats import GOALS, THREATS

TESTS = Path(__file__).parent
TOOLS = TESTS.parent / "tools"
PROOFS = sorted({proof for proofs in (*THREATS.values(), *GOALS.values()) for proof in proofs})


def functions(module: str) -> set[str]:
    """What a module of the tests, or of the long reliability runs, defines at its top."""
    folder = TOOLS if module.startswith("soak.") else TESTS
    tree = ast.parse((folder / f"{module.replace('.', '/')}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("proof", PROOFS)
def test_every_proof_is_there(proof: str) -> None:
    module, _, function = proof.partition("::")
    assert function in functions(module)


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_has_a_test_that_make_test_runs(threat: str) -> None:
    assert [proof for proof in THREATS[threat] if not proof.startswith("soak.")]


def test_every_soak_program_is_named_and_run() -> None:
    from tools.soak.__main__ import PROGRAMS

    named = {proof.removeprefix("soak.").partition("::")[0] for proof in PROOFS if proof.startswith("soak.")}
    assert {program.name for program in PROGRAMS} == named
    for program in PROGRAMS:
        assert "PROGRAM" in (TOOLS / "soak" / f"{program.name}.py").read_text()
