"""docs/own-data.md as it stands: its commands are run, on a few made-up leaves and with few steps."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import free_port, wait_until_ready
from tests.helpers.commands import trainer
from tests.helpers.datasets import write_pictures

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "own-data.md"
BLOCK = re.compile(r"<!-- commands: run by tests/test_own_data_document.py -->\n```sh\n(.*?)```", re.DOTALL)


def commands() -> list[str]:
    return [line for block in BLOCK.findall(DOCUMENT.read_text()) for line in block.splitlines()]


# A training, and a service.
@pytest.mark.timeout(60)
def test_from_a_folder_of_pictures_to_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    write_pictures(tmp_path / "leaves", {"maple": 90.0, "oak": 0.0}, 40)
    pictures = sorted((tmp_path / "leaves" / "oak").iterdir())
    assert pictures[1].name == "001.png"
    settings = re.search(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert settings is not None
    (tmp_path / "leaves" / "dataset.json").write_text(settings[1])

    make, train, study, serve, *questions = commands()
    assert make == "make trainer"  # installs what these tests stand on
    assert len(questions) == 3
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KONKYO_PORT": str(port)}

    def run(command: str) -> bytes:
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def trained(command: str, *options: str) -> str:
        """In this process: the service's shows that the documented interpreter is there."""
        python, module, name, *arguments = shlex.split(command)
        assert (python, module, name) == (".venv/bin/python", "-m", "trainer")
        return trainer(*arguments, *options)

    said = trained(train, "--steps=300", "--batch=20", "--learning-rate=0.01")
    assert "test images, with 560 parameters" in " ".join(said.split())
    trained(study)
    assert (tmp_path / "own" / "leaves.usage.json").exists()
    process = subprocess.Popen(["sh", "-c", f"exec env {serve}"], env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        answers = [run(question.replace("localhost:8000", f"127.0.0.1:{port}")) for question in questions]
        card = httpx.get(f"http://127.0.0.1:{port}/models/leaves").json()
    finally:
        process.terminate()
        process.wait(60)
    assert b'"label":"oak"' in answers[0]
    assert b'"target":1,"versus":0' in answers[1]
    assert (tmp_path / "grounds.png").read_bytes().startswith(b"\x89PNG")
    assert (card["dataset"]["name"], card["dataset"]["licence"]) == ("Leaves of our park", "CC BY 4.0")
    assert card["classes"] == ["maple", "oak"]
