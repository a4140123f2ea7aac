"""What import-linter (pyproject.toml) does not see: what is loaded at run time, how numbers are loaded, and errors."""

import ast
import inspect
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

import konkyo.models.errors
import konkyo.trainer.errors
from support.folders import ROOT

# One process imports them, one after another: what may not be loaded beside each is not loaded by those before it.
LOADED = {
    "konkyo.models.question, konkyo.models.files.checkpoint": {"torch", "httpx", "onnx", "fastapi", "PIL"},
    "konkyo.trainer.importing.command": {"torch", "httpx", "onnx", "fastapi"},
    "konkyo.trainer.importing.network_file, konkyo.trainer.importing.from_onnx.graph": {"torch", "httpx", "fastapi"},
    "konkyo.trainer.data, konkyo.trainer.training.evaluation": {"torch", "fastapi"},
    "konkyo.trainer.cli, konkyo.trainer.studies.grounds, konkyo.trainer.figures.occlusion": {
        "torch",
        "captum",
        "fastapi",
    },
    "konkyo.service.app": {"torch", "captum"},
}


def test_what_is_loaded_at_run_time() -> None:
    code = "import sys\n" + "".join(f"import {modules}\nprint(*sys.modules)\n" for modules in LOADED)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    for (modules, absent), line in zip(LOADED.items(), done.stdout.splitlines(), strict=True):
        loaded = {name.split(".")[0] for name in line.split()}
        assert "numpy" in loaded
        assert loaded & absent == set(), modules


def test_the_packages_that_are_installed_are_the_folders() -> None:
    """Also where git made no links of ``konkyo/models`` and the others."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    inits = [path for name in ("models", "service", "trainer") for path in (ROOT / name).rglob("__init__.py")]
    folders = {path.parent.relative_to(ROOT) for path in inits}
    assert listed["packages"] == sorted(["konkyo", *(".".join(("konkyo", *folder.parts)) for folder in folders)])
    assert listed["package-dir"] == {f"konkyo.{name}": name for name in ("models", "service", "trainer")}


def test_no_folder_is_imported_by_its_own_name() -> None:
    """Its classes would be other classes than those of ``konkyo.models``."""
    lines = ["from models.errors import KonkyoError", "import service.app", "from trainer import cli"]
    command = [sys.executable, "-m", "ruff", "check", "--output-format=concise", "--stdin-filename=tools/some.py", "-"]
    done = subprocess.run(command, cwd=ROOT, input="\n".join(lines), capture_output=True, text=True)
    found = re.findall(r":(\d+):\d+: TID251 `(\w+)(?:\.\w+)?` is banned: konkyo\.(\w+) is its name", done.stdout)
    assert found == [("1", "models", "models"), ("2", "service", "service"), ("3", "trainer", "trainer")]


@cache
def nodes() -> list[tuple[Path, ast.AST]]:
    """All calls and classes of the three floors, with their files."""
    files = [path for name in ("models", "service", "trainer") for path in sorted((ROOT / name).rglob("*.py"))]
    assert ROOT / "models" / "network.py" in files
    found = ((path.relative_to(ROOT), node) for path in files for node in ast.walk(ast.parse(path.read_text())))
    return [(path, node) for path, node in found if isinstance(node, ast.Call | ast.ClassDef)]


SAFE = {"torch.load": "weights_only=True", "np.load": "allow_pickle=False"}


def test_torch_and_numpy_are_told_to_take_numbers_only() -> None:
    """And no import is hidden from the linter."""
    found = set()
    for path, node in nodes():
        function = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if function in SAFE:
            found.add(function)
            assert SAFE[function] in ast.unparse(node), path
        assert function not in {"__import__", "importlib.import_module"}, path
    assert found == set(SAFE)


@pytest.mark.parametrize(
    "module", [konkyo.models.errors, konkyo.trainer.errors], ids=lambda module: str(module.__name__)
)
def test_the_tree_of_errors_is_drawn_as_it_grows(module: ModuleType) -> None:
    defined = {
        name
        for name, value in inspect.getmembers(module, inspect.isclass)
        if value.__module__ == module.__name__ and name != "KonkyoError"
    }
    # Each but the root stands behind a branch of the tree in the docstring.
    assert set(re.findall(r"[├└]── (\w+) ", str(module.__doc__))) == defined
    for name in defined:
        assert issubclass(getattr(module, name), konkyo.models.errors.KonkyoError)


def test_errors_stand_in_their_tree() -> None:
    """But for the service, which may have its own."""
    for path, node in nodes():
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Error", "Exception")):
            assert path.parts[0] == "service" or path.parts[1:] == ("errors.py",), node.name
