"""Schemathesis, with every check it has, against the real server and its own document."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support.folders import ROOT
from support.server import Server

KEY = "a-key-for-schemathesis"


def check(server: Server, *options: str, seed: int) -> subprocess.CompletedProcess[str]:
    """Run it; the status is 0 where no check failed."""
    config = Path(__file__).with_name("schemathesis.toml")
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(config), "run"]
    command += [f"{server.url}/openapi.json", "--checks", "all", "--seed", str(seed), "--warnings", "off"]
    command += ["-H", f"X-API-Key: {KEY}", "--generation-database", "none", *options]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.hostile.schemathesis_hooks",
        "PYTHONPATH": str(ROOT),
    }
    with TemporaryDirectory() as folder:  # it keeps what it found in the folder where it runs
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def answered(server: Server, by: str = "status") -> Counter[Any]:
    """How often the server answered with each status, or with each problem (``"problem"``), by its log."""
    lines = server.log.read_text(errors="replace").splitlines()
    return Counter(json.loads(line).get(by) for line in lines if line.startswith("{") and '"answered"' in line)
