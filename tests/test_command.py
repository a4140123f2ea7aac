"""The command ``konkyo``: what it passes on, and what it says of packages that are not installed."""

import os
import re
import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import httpx
import onnx
import pytest
from typer.testing import CliRunner

import konkyo
from konkyo.__main__ import app, divided
from support.folders import ROOT
from support.server import running_service
from tests.helpers.onnx_graphs import whole


class Without(MetaPathFinder):
    """Where a package is looked for first; it is not there."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == self.package:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments, prog_name="konkyo")
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "arguments",
    [("train",), ("report",), ("study", "filters"), ("import",), ("serve",)],
    ids=" ".join,
)
def test_each_command_shows_its_own_help(arguments: tuple[str, ...]) -> None:
    status, text = said(*arguments, "--help")
    assert status == 0
    assert f"usage: konkyo {' '.join(arguments)} " in " ".join(text.replace("Usage", "usage").split())


def test_the_help_of_serve_shows_a_file_and_how_it_is_imported() -> None:
    for arguments in (("--help",), ("mine.onnx", "-h")):
        status, text = said("serve", *arguments)
        assert (status, text.startswith("usage: konkyo serve [FILE] ")) == (0, True)
        service, _, file = text.partition("FILE: ONNX or a state dict, which is imported and served alone, with these")
        assert "--port int" in service
        named = re.findall(r"^ +(--[a-z]+)", file, re.MULTILINE)
        assert named == [
            "--data", "--classes", "--name", "--range", "--mean", "--std", "--stages", "--side", "--preprocessing",
            "--polarity", "--calibrate",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("command", "module", "package", "extra"),
    [
        ("serve", "konkyo.service.__main__", "uvicorn", "serve"),
        ("train", "konkyo.trainer.cli", "rich", "train"),
        ("explain", "konkyo.trainer.cli", "rich", "cluster"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_what_installs_it(
    command: str, module: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(package), *sys.meta_path])
    message = f"error: the package {package} is not installed; `pip install 'konkyo[{extra}]'` installs it\n"
    assert said(command, "--anything") == (1, message)


def test_options_of_the_import_go_before_those_of_the_service() -> None:
    given = ["--range", "0,1", "--calibrate", "--port=80", "--name=mine", "--docs", "false", "--range"]
    assert divided(given, {"--range": True, "--name": True, "--calibrate": False}) == (
        ["--range", "0,1", "--calibrate", "--name=mine", "--range"],
        ["--port=80", "--docs", "false"],
    )


def test_a_file_is_served_in_one_go(tmp_path: Path) -> None:
    """It lies in a folder of its own, which is gone afterwards."""
    onnx.save(whole(), tmp_path / "mine.onnx")
    command = "konkyo", "serve", "mine.onnx", "--range", "0,1"
    with running_service(command, tmp_path, TMPDIR=str(tmp_path), PYTHONPATH=str(ROOT)) as address:
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


def test_a_folder_with_one_network_needs_no_name_and_a_port_in_use_is_said_at_once(tmp_path: Path) -> None:
    onnx.save(whole(), tmp_path / "mine.onnx")
    konkyo.load(tmp_path / "mine.onnx", range=(0, 1)).save(tmp_path / "own" / "mine")
    command = "konkyo", "serve", "--models", "own"
    with running_service(command, tmp_path, PYTHONPATH=str(ROOT)) as address:
        assert httpx.get(f"http://{address}/models").json()["default"] == "mine"
        host, _, port = address.partition(":")
        again = [sys.executable, "-m", *command, f"--port={port}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(again, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    picture = str(ROOT / "docs" / "digits" / "7.png")
    asked = ["explain", "--model", "own/mine.safetensors", "--data", picture, "--out", "found"]
    explained = subprocess.run([sys.executable, "-m", "konkyo", *asked], cwd=tmp_path, env=environment, check=False)
    assert (explained.returncode, (tmp_path / "found" / "part-000000.parquet").exists()) == (0, True)
    assert done.returncode == 1
    said = f"error: {host}:{port} cannot be listened on (Address already in use); another --port fits\n"
    assert (done.stdout, done.stderr) == ("", said)
