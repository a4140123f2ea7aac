"""The package as it is installed from its wheel, far from the checkout."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import PATIENCE, ROOT, free_port, wait_until_ready
from tests.helpers.pictures import sample

PACKAGES = ("models", "service", "trainer")
NO_CACHE = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the installed packages. They are built from a copy, which leaves nothing in the checkout."""
    source, wheels, target = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "installed"))
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=NO_CACHE)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    pip(["wheel", "--no-build-isolation", "--wheel-dir", str(wheels), str(source)])
    (wheel,) = wheels.iterdir()
    pip(["install", "--target", str(target), str(wheel)])
    return target


def pip(arguments: list[str]) -> None:
    """Run pip without the network."""
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-index", "--quiet", "--no-cache-dir"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def address(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of the installed package, started in an empty folder."""
    port = free_port()
    environment = {"PYTHONPATH": str(installed), "KONKYO_PORT": str(port)}
    empty = tmp_path_factory.mktemp("empty")
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=empty, env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
    assert list(empty.iterdir()) == []


def files(folder: Path) -> set[str]:
    """The files of the packages in a folder."""
    found = [path for package in PACKAGES for path in (folder / package).rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)) for path in found if "__pycache__" not in path.parts}


def test_every_file_is_installed(installed: Path) -> None:
    """A package or a kind of file that pyproject.toml does not find would be missing."""
    assert files(installed) == files(ROOT) - {"trainer/Dockerfile"}


def test_what_is_imported_is_what_is_installed(installed: Path, tmp_path: Path) -> None:
    code = f"import json, {', '.join(PACKAGES)}; print(json.dumps([{', '.join(f'{p}.__file__' for p in PACKAGES)}]))"
    environment = {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [str(installed / package / "__init__.py") for package in PACKAGES]


@pytest.mark.parametrize("digit", [3, 7])
def test_it_predicts_a_digit(address: str, digit: int) -> None:
    answer = httpx.post(f"{address}/predict", files={"file": sample(digit)}, timeout=PATIENCE)
    assert answer.status_code == 200
    assert answer.json()["predicted"] == digit


def test_it_draws(address: str) -> None:
    answer = httpx.post(f"{address}/explain/filters?format=png", files={"file": sample(7)}, timeout=PATIENCE)
    assert (answer.status_code, answer.content[:4]) == (200, b"\x89PNG")


@pytest.mark.parametrize(
    ("path", "file"), [("/", "index.html"), ("/web/js/main.js", "js/main.js"), ("/web/css/page.css", "css/page.css")]
)
def test_it_has_the_page(address: str, path: str, file: str) -> None:
    answer = httpx.get(f"{address}{path}", timeout=PATIENCE)
    assert answer.status_code == 200
    assert answer.content == (ROOT / "service" / "web" / file).read_bytes()
