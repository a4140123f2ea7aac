"""``python -m service``, as a process."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tests.e2e.server import ROOT, free_port, running_service, wait_until_ready
from tests.pictures import sample


def test_it_reads_a_digit_and_leaves_when_told() -> None:
    port = free_port()
    environment = {**os.environ, "KONKYO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", files={"file": sample(7)})
    assert answer.json()["digit"] == 7
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) in (0, -signal.SIGTERM)


def test_another_default_model() -> None:
    with running_service(KONKYO_DEFAULT_MODEL="lenet-6x16") as address:
        answer = httpx.post(f"http://{address}/predict", files={"file": sample(7)})
        assert answer.json()["model"]["name"] == "lenet-6x16"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"KONKYO_PORT": "eight"}, "error: KONKYO_PORT: Input should be a valid integer"),
        ({"KONKYO_DEFAULT_MODEL": "resnet"}, "KONKYO_DEFAULT_MODEL: 'resnet' is not one of "),
        ({"KONKYO_MODELS": "/nowhere"}, "error: /nowhere: directory: holds no *.safetensors file"),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_line(settings: dict[str, str], message: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_serving_loads_no_torch() -> None:
    script = "import sys, service.app; service.app.create_app(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0
