"""The notebook in docs/: its cells run one after another, and what they say of Captum holds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from support.folders import ROOT
from tools.library import PATH, page
from tools.notebook import run

NOTEBOOK = ROOT / "docs" / "own-network.ipynb"
Cell = dict[str, Any]


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """The notebook says how many threads torch may use."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def code(notebook: dict[str, Any]) -> list[Cell]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def kinds(cell: Cell) -> list[list[str]]:
    """What a cell shows: streams and the forms of values."""
    return [sorted(output.get("data", {"stream": ""})) for output in cell["outputs"]]


@pytest.mark.usefixtures("_one_thread")
@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_and_shows_what_it_shows_in_the_repository() -> None:
    """Its cells assert what the text says. Numbers that were trained differ from machine to machine."""
    stored, fresh = (json.loads(NOTEBOOK.read_text(encoding="utf-8")) for _ in range(2))
    shown = [kinds(cell) for cell in run(fresh)]
    assert shown == [kinds(cell) for cell in code(stored)]
    assert [cell["execution_count"] for cell in code(stored)] == list(range(1, len(shown) + 1))


def test_the_reference_is_that_of_the_docstrings() -> None:
    assert PATH.read_text(encoding="utf-8") == page()
