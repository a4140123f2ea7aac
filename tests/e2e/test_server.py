"""``python -m service``, as a process."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tests.e2e.server import PATIENCE, ROOT, free_port, running_service, wait_until_ready
from tests.pictures import sample


def ask(address: str, picture: bytes) -> httpx.Response:
    """The answer to a picture, over a connection of its own."""
    return httpx.post(f"http://{address}/predict", files={"file": picture}, timeout=PATIENCE)


def test_it_reads_a_digit_and_leaves_when_told() -> None:
    port = free_port()
    environment = {**os.environ, "KONKYO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
    assert ask(f"127.0.0.1:{port}", sample(7)).json()["predicted"] == 7
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) in (0, -signal.SIGTERM)


def test_another_default_model() -> None:
    with running_service(KONKYO_DEFAULT_MODEL="lenet-6x16") as address:
        assert ask(address, sample(7)).json()["model"]["name"] == "lenet-6x16"


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
        timeout=PATIENCE,
    )
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_serving_loads_no_torch() -> None:
    script = "import sys, service.app; service.app.create_app(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_workers_share_the_port_and_add_up_their_metrics() -> None:
    with running_service(KONKYO_WORKERS="2") as address:
        for _ in range(40):  # connections of their own, so that both workers get some
            assert ask(address, sample(7)).json()["predicted"] == 7
        assert ask(address, b"hello").status_code == 415
        for _ in range(5):  # whichever worker answers
            lines = httpx.get(f"http://{address}/metrics", timeout=PATIENCE).text.splitlines()
            assert 'konkyo_explanation_seconds_count{form="json",path="/predict"} 41.0' in lines
            assert 'http_requests_total{handler="/predict",method="POST",status="200"} 40.0' in lines
            assert 'http_requests_total{handler="/predict",method="POST",status="415"} 1.0' in lines


def test_a_public_address_without_keys_is_said() -> None:
    for keys, said in (("", True), ("key", False)):
        port = free_port()
        environment = {**os.environ, "KONKYO_HOST": "0.0.0.0", "KONKYO_PORT": str(port), "KONKYO_API_KEYS": keys}  # noqa: S104
        process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        process.terminate()
        _, complaint = process.communicate(timeout=PATIENCE)
        assert (b"without KONKYO_API_KEYS: anyone who reaches it may ask" in complaint) is said


def children(parent: int) -> set[int]:
    """The processes that a process has started and that serve: the resource tracker of multiprocessing does not."""
    found = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(parent)], capture_output=True, text=True
    ).stdout
    return {int(line.split()[0]) for line in found.splitlines() if "spawn_main" in line}


def test_workers_are_replaced_one_after_the_other_while_they_answer() -> None:
    port = free_port()
    environment = {**os.environ, "KONKYO_PORT": str(port), "KONKYO_WORKERS": "2"}
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        before = children(process.pid)
        assert len(before) == 2
        process.send_signal(signal.SIGHUP)
        for _ in range(20_000):
            assert ask(f"127.0.0.1:{port}", sample(7)).json()["predicted"] == 7
            if not children(process.pid) & before:
                break
        assert len(children(process.pid) - before) == 2
    finally:
        process.terminate()
        process.wait(PATIENCE)
