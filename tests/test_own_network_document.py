"""docs/own-network.md as it stands: its code and its commands are run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from safetensors.torch import save_file
from typer.testing import CliRunner

from konkyo.__main__ import app
from tests.e2e.server import free_port, wait_until_ready
from tests.helpers.pictures import sample

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "own-network.md").read_text()
MARK = r"<!-- {}: run by tests/test_own_network_document.py -->\n```{}\n(.*?)```"
COMMANDS = [
    line for block in re.findall(MARK.format("commands", "sh"), DOCUMENT, re.DOTALL) for line in block.splitlines()
]
PYTORCH, KERAS = re.findall(MARK.format("code", "python"), DOCUMENT, re.DOTALL)
MAKE, IMPORT, SERVE, PREDICT, SHAPLEY, OCCLUSION, WEIGHTS, TINY_VGG = COMMANDS
KONKYO = ".venv/bin/konkyo "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """It holds what PyTorch's block writes; without onnxscript, which its exporter needs, by its older exporter."""
    made = tmp_path_factory.mktemp("checkout")
    (made / "tests").symlink_to(ROOT / "tests")
    code = PYTORCH
    if importlib.util.find_spec("onnxscript") is None:
        code = code.replace('"mine.onnx")', '"mine.onnx", dynamo=False)')
    names: dict[str, Any] = {}
    with chdir(made), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of exporters
        exec(code, names)  # noqa: S102
    save_file(names["network"].state_dict(), made / "mine.safetensors")
    return made


def run(command: str, folder: Path) -> str:
    """What a command of the document says."""
    assert command.startswith(KONKYO)
    with chdir(folder):
        done = CliRunner().invoke(app, command.removeprefix(KONKYO).split())
    assert done.exit_code == 0, done.output
    return done.stdout


@contextmanager
def serving(command: str, folder: Path, **more: str) -> Iterator[str]:
    """A service that a command starts in this folder; its address."""
    assert command.startswith(KONKYO)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "konkyo", *command.removeprefix(KONKYO).split(), "--port", str(port)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_from_pytorch_to_answers(folder: Path) -> None:
    assert MAKE == "make importer"  # installs what these tests stand on
    said = run(IMPORT, folder)
    shown = re.search(r"here:\n\n```text\n(.*?)```", DOCUMENT, re.DOTALL)
    assert shown is not None
    rounding = re.compile(r"at most \d\.\de-\d\d")
    assert rounding.sub("", said) == rounding.sub("", shown[1])

    run(WEIGHTS, folder)
    one, other = (json.loads((folder / "own" / f"{name}.json").read_text()) for name in ("mine", "from-weights"))
    assert one["stages"] == other["stages"]
    assert "tiny-vgg: 10k3n,10k3,10k3n,10k3; 10 classes; colour images of 64×64" in run(TINY_VGG, folder)

    (folder / "digit.png").write_bytes(sample(7))
    with serving(SERVE, folder) as address:
        predict, shapley, _ = (
            subprocess.check_output(["sh", "-c", question.replace("localhost:8000", address)], cwd=folder)
            for question in (PREDICT, SHAPLEY, OCCLUSION)
        )
        listed = httpx.get(f"http://{address}/models").json()["models"]
        card = httpx.get(f"http://{address}/models/mine").json()
    assert json.loads(predict)["model"]["name"] == "mine"
    assert json.loads(shapley)["target"] == 3
    assert (folder / "occlusion.png").read_bytes().startswith(b"\x89PNG")
    assert [(one["name"], one["accuracy"], one["dataset"]) for one in listed] == [
        ("from-weights", None, None),
        ("mine", None, None),
        ("tiny-vgg", None, None),
    ]
    assert card["imported"]["range_by"] == "asked for with --range"


def test_from_keras(tmp_path: Path) -> None:
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    # Training calls the network, without which Keras does not export it.
    code = KERAS.replace("model.export", "import numpy; model(numpy.zeros((1, 28, 28, 1)))\nmodel.export")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True)
    said = run(IMPORT.replace("mine.onnx", "theirs.onnx"), tmp_path)
    assert said.startswith("theirs: 32k3u,64k3u; 10 classes; grey images of 28×28; 34,730 parameters")


def test_a_file_is_served_in_one_go(folder: Path, tmp_path: Path) -> None:
    """It lies in a folder of its own, which is gone afterwards."""
    with serving(f"{KONKYO}serve mine.onnx --range 0,1", folder, TMPDIR=str(tmp_path)) as address:
        listed = httpx.get(f"http://{address}/models").json()
        assert len([*tmp_path.glob("konkyo-*")]) == 1
    assert ([one["name"] for one in listed["models"]], listed["default"]) == (["mine"], "mine")
    assert [*tmp_path.glob("konkyo-*")] == []


def test_what_is_no_network_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    command = [sys.executable, "-m", "konkyo", "serve", "text.onnx"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: text.onnx: it is not ONNX")
