"""docs/own-network.md as it stands: its code and its commands are run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from tests.e2e.server import free_port, wait_until_ready  # noqa: E402
from tests.helpers.pictures import sample  # noqa: E402

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "own-network.md").read_text()
MARK = r"<!-- {}: run by tests/test_own_network_document.py -->\n```{}\n(.*?)```"
COMMANDS = [
    line for block in re.findall(MARK.format("commands", "sh"), DOCUMENT, re.DOTALL) for line in block.splitlines()
]
PYTORCH, KERAS = re.findall(MARK.format("code", "python"), DOCUMENT, re.DOTALL)
MAKE, IMPORT, SERVE, PREDICT, SHAPLEY, OCCLUSION, WEIGHTS, TINY_VGG = COMMANDS


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], str]:
    """Run a command in a folder that looks like a checkout whose environment is this one."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    command = tmp_path / ".venv" / "bin" / "konkyo"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m konkyo "$@"\n')
    command.chmod(0o755)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def run(command: str) -> str:
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace")

    return run


def execute(code: str, folder: Path) -> None:
    """Run a block of Python as a script of its own."""
    (folder / "export.py").write_text(code)
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    subprocess.run([sys.executable, "export.py"], cwd=folder, env=environment, check=True, capture_output=True)


def export(folder: Path) -> None:
    """PyTorch's block. Without onnxscript, which its exporter needs, by its older exporter."""
    code = PYTORCH
    if importlib.util.find_spec("onnxscript") is None:
        code = code.replace('"mine.onnx")', '"mine.onnx", dynamo=False)')
    save = "from safetensors.torch import save_file\nsave_file(network.state_dict(), 'mine.safetensors')\n"
    execute(code + save, folder)


def test_from_pytorch_to_answers(run: Callable[[str], str], tmp_path: Path) -> None:
    export(tmp_path)
    assert MAKE == "make importer"  # installs what these tests stand on
    said = run(IMPORT)
    shown = re.search(r"here:\n\n```text\n(.*?)```", DOCUMENT, re.DOTALL)
    assert shown is not None
    rounding = re.compile(r"at most \d\.\de-\d\d")
    assert rounding.sub("", said) == rounding.sub("", shown[1])

    run(WEIGHTS)
    one, other = (json.loads((tmp_path / "own" / f"{name}.json").read_text()) for name in ("mine", "from-weights"))
    assert one["stages"] == other["stages"]
    assert [card["accuracy"] for card in (one, other)] == [None, None]
    assert "tiny-vgg: 10k3n,10k3,10k3n,10k3; 10 classes; colour images of 64×64" in run(TINY_VGG)

    (tmp_path / "digit.png").write_bytes(sample(7))
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KONKYO_PORT": str(port)}
    process = subprocess.Popen(["sh", "-c", f"exec {SERVE}"], cwd=tmp_path, env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        address = f"127.0.0.1:{port}"
        predict, shapley, _ = (
            run(question.replace("localhost:8000", address)) for question in (PREDICT, SHAPLEY, OCCLUSION)
        )
        listed = httpx.get(f"http://{address}/models").json()["models"]
        card = httpx.get(f"http://{address}/models/mine").json()
    finally:
        process.terminate()
        process.wait(60)
    assert json.loads(predict)["model"]["name"] == "mine"
    assert json.loads(shapley)["target"] == 3
    assert (tmp_path / "occlusion.png").read_bytes().startswith(b"\x89PNG")
    assert [(one["name"], one["accuracy"], one["dataset"]) for one in listed] == [
        ("from-weights", None, None),
        ("mine", None, None),
        ("tiny-vgg", None, None),
    ]
    assert card["imported"]["range_by"] == "asked for with --range"


def test_from_keras(run: Callable[[str], str], tmp_path: Path) -> None:
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    # Training calls the network, without which Keras does not export it.
    execute(KERAS.replace("model.export", "import numpy; model(numpy.zeros((1, 28, 28, 1)))\nmodel.export"), tmp_path)
    said = run(IMPORT.replace("mine.onnx", "theirs.onnx"))
    assert said.startswith("theirs: 32k3u,64k3u; 10 classes; grey images of 28×28; 34,730 parameters")


def test_a_file_is_served_in_one_go(run: Callable[[str], str], tmp_path: Path) -> None:
    """It lies in a folder of its own, which is gone afterwards."""
    export(tmp_path)
    assert callable(run)
    port, folder = free_port(), tmp_path / "temporary"
    folder.mkdir()
    command = [sys.executable, "-m", "konkyo", "serve", "mine.onnx", "--range", "0,1", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    process = subprocess.Popen(command, cwd=tmp_path, env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        listed = httpx.get(f"http://127.0.0.1:{port}/models").json()
        assert len([*folder.glob("konkyo-*")]) == 1
    finally:
        process.terminate()
        process.wait(60)
    assert ([one["name"] for one in listed["models"]], listed["default"]) == (["mine"], "mine")
    assert [*folder.glob("konkyo-*")] == []


def test_what_is_no_network_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    command = [sys.executable, "-m", "konkyo", "serve", "text.onnx", "--port", "8000"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: text.onnx: it is not ONNX")
