"""The package as it is installed from its wheel, far from the checkout."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import httpx
import pytest

import konkyo
from support.folders import ROOT
from support.pictures import sample
from support.server import PATIENCE, TLS, running_service
from tests.helpers.folders import clone, tracked


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, made of a clean copy, which leaves nothing in the checkout."""
    source, made = clone(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("archive")
    code = f"from setuptools.build_meta import build_sdist; build_sdist({str(made)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    [archive] = made.iterdir()
    return archive


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the installed package. Its wheel is made of the source distribution, which may hold less."""
    wheels, target = (tmp_path_factory.mktemp(name) for name in ("wheels", "installed"))
    pip(["wheel", "--no-build-isolation", "--wheel-dir", str(wheels), str(archive)])
    (wheel,) = wheels.iterdir()
    pip(["install", "--target", str(target), str(wheel)])
    return target


def pip(arguments: list[str]) -> None:
    """Run pip without the network."""
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--no-index", "--quiet", "--no-cache-dir"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_it_takes_one_name(installed: Path) -> None:
    """Besides the command and what pip writes down."""
    assert {path.name for path in installed.iterdir()} == {"bin", "konkyo", f"konkyo-{konkyo.__version__}.dist-info"}
    assert [path.name for path in (installed / "bin").iterdir()] == ["konkyo"]


def test_every_file_is_installed(installed: Path) -> None:
    """A package or a kind of file that pyproject.toml does not find would be missing."""
    floors = {f"konkyo/{name}" for name in tracked() if name.startswith(("models/", "service/", "trainer/"))}
    own = {name for name in tracked() if name.startswith("konkyo/") and not (ROOT / name).is_symlink()}
    found = {path for path in (installed / "konkyo").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    not_installed = {f"konkyo/trainer/{name}" for name in ("Dockerfile", "requirements.txt")}
    assert {str(path.relative_to(installed)) for path in found} == (floors | own) - not_installed


def test_the_source_distribution_has_no_tests(archive: Path) -> None:
    """Some without the others and their data could not run."""
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"README.md", "LICENSE", "CITATION.cff", "models/paired-3x3.safetensors"} <= names
    assert not [name for name in names if name.startswith(("tests", "tools", "benchmarks", "docs"))]


def test_it_works_beside_modules_of_the_same_names(installed: Path, tmp_path: Path) -> None:
    """Many people have a ``models.py`` of their own."""
    for name in ("models", "service", "trainer"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('this is mine')\n")
    code = "import konkyo; print(konkyo.__file__, konkyo.load('paired-3x3').name)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(installed)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(installed / "konkyo" / "__init__.py"), "paired-3x3"]


def test_the_command_lists_what_it_can_do(installed: Path, tmp_path: Path) -> None:
    for command, said in (
        ([str(installed / "bin" / "konkyo"), "--help"], "Start the HTTP service and its page."),
        (["-m", "konkyo.service", "--help"], "--port int"),
    ):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={"PYTHONPATH": str(installed)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert said in done.stdout


def test_it_predicts_draws_and_has_the_page(installed: Path, tmp_path: Path) -> None:
    """A service of the installed package, started in an empty folder, which it leaves empty."""
    environment = {"PYTHONPATH": str(installed)}
    with (
        running_service(("konkyo", "serve"), tmp_path, environment) as address,
        httpx.Client(base_url=f"http://{address}", timeout=PATIENCE, verify=TLS) as client,
    ):
        assert client.post("/predict", files={"file": sample(3)}).json()["predicted"] == 3
        picture = client.post("/explain/filters?format=png", files={"file": sample(7)})
        assert (picture.status_code, picture.content[:4]) == (200, b"\x89PNG")
        for path, file in (("/", "index.html"), ("/web/scripts/main.js", "scripts/main.js")):
            assert client.get(path).content == (ROOT / "service" / "web" / file).read_bytes()
    assert list(tmp_path.iterdir()) == []


def test_an_installed_checkout_needs_no_links(tmp_path: Path) -> None:
    """Where git makes none, as on Windows, each is a file that says where it leads."""
    source, environment = clone(tmp_path / "source"), tmp_path / "environment"
    for name in ("models", "service", "trainer"):
        (source / "konkyo" / name).unlink()
        (source / "konkyo" / name).write_text(f"../{name}")
    venv.create(environment)
    python = environment / "bin" / "python"
    # What it stands on is that of the tests.
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    pip(["--python", str(python), "install", "--no-build-isolation", "--editable", str(source)])
    code = (
        "import konkyo.models.errors, konkyo.service.imaging.png, konkyo.trainer.importing.from_onnx\n"
        "print(konkyo.models.__file__, konkyo.load('paired-3x3').name)"
    )
    for folder in (source, tmp_path):
        said = subprocess.check_output([python, "-c", code], cwd=folder, env={}, text=True)
        assert said.split() == [str(source / "models" / "__init__.py"), "paired-3x3"]
