"""A client that openapi-python-client makes of the service's document, in an environment of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from support.folders import ROOT

# What makes it, and the folder of its environment, which stays for the next run.
GENERATOR = "openapi-python-client==0.29.1"
ENVIRONMENT = ROOT / "build" / "client"
# Seconds for its installation, which takes 20 where packages are near.
PATIENCE = 90
# The class of what each call gives, by the start of the function's name.
CALLS = {
    "predict_image": "PredictionAnswer",
    "explain_explain_filters": "FiltersAnswer",
    "explain_explain_occlusion": "OcclusionAnswer",
    "explain_explain_shapley": "ShapleyAnswer",
    "explain_explain_grounds": "GroundsAnswer",
    "explain_explain_process": "ProcessAnswer",
    "list_models": "ModelList",
    "show_model": "ModelCard",
    "show_filters": "ModelFilters",
    "show_weights": "ModelWeights",
    "healthz": "Health",
    "readyz": "Readiness",
    "server_live": "ServerLive",
    "server_ready": "ServerReady",
    "server_metadata": "ServerMetadata",
    "model_metadata": "ModelMetadata",
    "model_ready": "ModelReady",
    "infer": "InferResponse",
    "explain_v1": "ExplainResponse",
}


@pytest.fixture(scope="module")
def generator() -> Path:
    """The folder of its programs."""
    made, programs = ENVIRONMENT / ".made", ENVIRONMENT / "bin"
    if made.exists() and made.read_text() == GENERATOR:
        return programs
    pip: list[str | Path] = [
        programs / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        GENERATOR,
    ]
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True, timeout=PATIENCE)
        subprocess.run(pip, check=True, timeout=PATIENCE)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{GENERATOR} cannot be installed quickly: {type(error).__name__}")
    made.write_text(GENERATOR)
    return programs


@pytest.mark.timeout(300)  # where it is installed first
def test_each_call_of_a_generated_client_is_answered(generator: Path, address: str, tmp_path: Path) -> None:
    """It sends every default, and knows no key. What it parses holds all that came."""
    (tmp_path / "openapi.json").write_bytes(httpx.get(f"http://{address}/openapi.json").content)
    environment = {**os.environ, "PATH": f"{generator}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(tmp_path)}
    generate = ["generate", "--path", "openapi.json", "--meta", "none", "--output-path", "generated"]
    subprocess.run(
        [generator / "openapi-python-client", *generate], cwd=tmp_path, env=environment, check=True, capture_output=True
    )
    calls: list[str | Path] = [
        generator / "python",
        ROOT / "tests" / "helpers" / "generated_calls.py",
        f"http://{address}",
    ]
    done = subprocess.run(
        [*calls, ROOT / "docs" / "digits" / "7.png"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(CALLS)
    for start, kind in CALLS.items():
        [answer] = [found[name] for name in found if name.startswith(start)]
        assert answer == [200, kind, True], start
