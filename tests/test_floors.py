"""models, service and trainer import only what they may, and the trees of errors in docstrings are complete."""

import ast
import importlib.util
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import konkyo.models.errors
import konkyo.trainer.errors

ROOT = Path(__file__).parents[1]
FLOORS = ("models", "service", "trainer")


def imported(path: Path) -> Iterator[str]:
    """The packages that a file imports, at its top or deep inside; of our own the floor: ``models``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (package(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield package(str(node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"__import__", "importlib.import_module"}:
            pytest.fail(f"{path}: an import that cannot be read off")


def package(module: str) -> str:
    """``numpy`` of ``numpy.linalg``, ``models`` of ``konkyo.models.network``."""
    first = module.split(".")[0]
    assert first not in FLOORS, f"{module} is not installed; konkyo.{module} is"
    return module.removeprefix("konkyo.").split(".")[0]


def floor(name: str) -> dict[str, set[str]]:
    """What each file of a floor imports."""
    files = sorted((ROOT / name).rglob("*.py"))
    return {str(path.relative_to(ROOT)): set(imported(path)) for path in files}


def test_models_stand_on_numpy_pydantic_and_safetensors_alone() -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "pydantic", "safetensors", "models"}
    foreign = {file: names - allowed for file, names in floor("models").items() if names - allowed}
    assert foreign == {}
    assert "models/network.py" in floor("models")


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("models", {"torch", "fastapi", "starlette", "PIL", "service", "trainer"}),
        ("service", {"torch", "captum", "typer", "rich", "trainer", "tests"}),
        ("trainer", {"fastapi", "starlette", "service", "tests"}),
    ],
)
def test_no_floor_leans_on_another(name: str, forbidden: set[str]) -> None:
    files = floor(name)
    assert files
    assert {file: names & forbidden for file, names in files.items() if names & forbidden} == {}


def test_one_file_of_the_trainer_reads_pictures() -> None:
    assert [file for file, names in floor("trainer").items() if "PIL" in names] == ["trainer/data/pictures.py"]


def modules(path: Path) -> Iterator[str]:
    """What a file imports, in full: ``from a.b import c`` is ``a.b.c``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", ["tests", "tools", "benchmarks"])
def test_helpers_are_imported_from_helper_modules(folder: str) -> None:
    """A test module can be moved or renamed, and no other breaks."""
    private = re.compile(r"tests\.(\w+\.)*(test_\w+|conftest)\b")
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    assert {str(path): name for path in files for name in modules(path) if private.match(name)} == {}


@pytest.mark.parametrize("package", ["tests", "tests/models", "tests/service", "tests/trainer"])
def test_general_helpers_have_a_folder(package: str) -> None:
    loose = {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py", "conftest.py", "threats.py"}
    assert [name for name in loose if not name.startswith("test_")] == []


SAFE = {"torch.load": "weights_only=True", "np.load": "allow_pickle=False"}


def test_no_floor_unpickles() -> None:
    """Nor do torch and numpy on their behalf: they must be told to take numbers only."""
    for name in FLOORS:
        for file, names in floor(name).items():
            assert not names & {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}, file
            for node in ast.walk(ast.parse((ROOT / file).read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in SAFE:
                    assert SAFE[ast.unparse(node.func)] in ast.unparse(node), file


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        (
            "konkyo.models.hiding.occlusion, konkyo.models.files.checkpoint",
            {"torch", "fastapi", "PIL", "service", "trainer"},
        ),
        ("konkyo.service.app", {"torch", "captum", "trainer"}),
        ("konkyo.trainer.data, konkyo.trainer.training.evaluation", {"torch", "fastapi", "service"}),
        ("konkyo.trainer.importing.command", {"torch", "onnx", "httpx", "fastapi", "service"}),
        (
            "konkyo.trainer.importing.network_file, konkyo.trainer.importing.graph",
            {"torch", "httpx", "fastapi", "service"},
        ),
    ],
)
def test_what_a_floor_needs_at_run_time(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {package(name) for name in done.stdout.split()}
    assert "numpy" in loaded
    assert loaded & absent == set()


def test_the_parts_of_the_trainer_that_need_torch_are_known() -> None:
    """The others, and so their tests, run without it."""
    using = {file for file, names in floor("trainer").items() if "torch" in names}
    modules = "augmentation", "network", "publish", "run"
    learning = {f"trainer/training/{name}.py" for name in modules}
    assert using == {
        *learning,
        "trainer/importing/torch_file.py",
        "trainer/importing/torch_module.py",
        "trainer/studies/baselines.py",
        "trainer/studies/faithfulness/captum.py",
    }
    assert importlib.util.find_spec("konkyo.trainer.data") is not None


def drawn(module: ModuleType) -> dict[str, str]:
    """Class → parent, from the tree in a module's docstring."""
    lines = str(module.__doc__).splitlines()
    root = next(line.strip() for line in lines if re.fullmatch(r"(konkyo\.models\.errors\.)?\w+Error", line.strip()))
    tree = {}
    parents = {0: root.rsplit(".", maxsplit=1)[-1]}
    for line in lines:
        if branch := re.match(r"([│ ]*)[├└]── (\w+) ", line):
            depth = len(branch[1]) // 4 + 1
            tree[branch[2]] = parents[depth - 1]
            parents[depth] = branch[2]
    return tree


@pytest.mark.parametrize(
    "module", [konkyo.models.errors, konkyo.trainer.errors], ids=lambda module: str(module.__name__)
)
def test_the_tree_of_errors_is_drawn_as_it_grows(module: ModuleType) -> None:
    defined = {
        name: value.__bases__[0].__name__
        for name, value in inspect.getmembers(module, inspect.isclass)
        if value.__module__ == module.__name__ and name != "KonkyoError"
    }
    assert drawn(module) == defined
    for name in defined:
        assert issubclass(getattr(module, name), konkyo.models.errors.KonkyoError)


def test_every_error_raised_on_purpose_is_drawn() -> None:
    """No floor defines one anywhere else, but for the service, which may have its own tree."""
    for name in ("models", "trainer"):
        for file in floor(name):
            for node in ast.walk(ast.parse((ROOT / file).read_text())):
                if isinstance(node, ast.ClassDef) and node.name.endswith(("Error", "Exception")):
                    assert file == f"{name}/errors.py", node.name
