"""The notebook in docs/: its cells run one after another, and what they say of Captum holds."""

from typing import Any

import pytest

from support.folders import ROOT
from tools.notebook import ran, read

NOTEBOOK = ROOT / "docs" / "own-network.ipynb"


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: Any) -> list[list[str]]:
    """What a cell shows: streams and the forms of values."""
    return [sorted(output.get("data", {"stream": ""})) for output in cell.outputs]


@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_and_shows_what_it_shows_in_the_repository() -> None:
    """Its cells assert what the text says. Numbers that were trained differ from machine to machine."""
    pytest.importorskip("pandas", reason="pandas is not installed; `make check` installs what is for development")
    stored, fresh = code(read(NOTEBOOK)), code(ran(NOTEBOOK))
    assert [kinds(cell) for cell in fresh] == [kinds(cell) for cell in stored]
    assert [cell.execution_count for cell in stored] == list(range(1, len(stored) + 1))
