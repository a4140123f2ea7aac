"""``python -m service``, as a process."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from konkyo.models.files.checkpoint import DIRECTORY
from tests.e2e.server import PATIENCE, ROOT, free_port, running_service, wait_until_ready
from tests.helpers.pictures import sample
from tests.hostile.serving import post


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


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"KONKYO_PORT": "eight"}, "error: KONKYO_PORT: Input should be a valid integer"),
        ({"KONKYO_DEFAULT_MODEL": "resnet"}, "KONKYO_DEFAULT_MODEL: 'resnet' is not one of "),
        ({"KONKYO_MODELS": "/nowhere"}, "error: /nowhere: directory: holds no *.safetensors file"),
        ({"KONKYO_API_KEY": "a-secret"}, "error: KONKYO_API_KEY is no setting; KONKYO_API_KEYS is\n"),
        ({"KONKYO_API_KEYS": ","}, "error: KONKYO_API_KEYS: holds no key; leave it empty to let everybody ask\n"),
        ({"KONKYO_API_KEYS": "a-secret-é"}, "error: KONKYO_API_KEYS: holds a key that no header can carry; "),
        ({"KONKYO_TRUSTED_HOSTS": "foo*"}, "error: KONKYO_TRUSTED_HOSTS: holds what is no host name; "),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_line(settings: dict[str, str], message: str) -> None:
    assert "secret" not in stopped(**settings, starts=message)


FILES = {
    "paired-3x3.safetensors": "paired-3x3.safetensors: file: not a readable safetensors file (",
    "paired-3x3.json": "paired-3x3.safetensors: card: paired-3x3.json cannot be read (",
    "paired-3x3.usage.json": "paired-3x3.usage.json: file: cannot be read (",
    "search.json": "search.json: file: cannot be read (",
}


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_stops_the_start_with_one_line(name: str, make: Callable[[Path], None], tmp_path: Path) -> None:
    """A pipe would be waited for, for ever."""
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    (tmp_path / name).unlink()
    make(tmp_path / name)
    reason = "not a regular file, but a folder, pipe or device)"
    assert reason in stopped(KONKYO_MODELS=str(tmp_path), starts=f"error: {FILES[name]}{reason}")


def stopped(starts: str, **settings: str) -> str:
    """The one line with which the service does not start."""
    result = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == 1
    assert starts in result.stderr
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_what_kubernetes_injects_is_left_alone() -> None:
    injected = {
        "KONKYO_SERVICE_HOST": "10.0.0.1",
        "KONKYO_SERVICE_PORT_HTTP": "8000",
        "KONKYO_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "KONKYO_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    with running_service(**injected, KONKYO_DATA="/nowhere") as address:
        assert ask(address, sample(7)).json()["predicted"] == 7


@pytest.mark.threat("what stays after the end")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_nothing_stays_where_it_was(workers: str, tmp_path: Path) -> None:
    """The workers add up their metrics in a folder."""
    with running_service(KONKYO_WORKERS=workers, TMPDIR=str(tmp_path)):
        assert len(list(tmp_path.iterdir())) == int(workers) - 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize("hosts", ["", "example.org", "*.example.org, example.com", "*"])
def test_the_container_s_own_check_passes_whichever_hosts_are_trusted(hosts: str) -> None:
    with_hosts = {"KONKYO_TRUSTED_HOSTS": hosts}
    port = str(free_port())
    environment = {**os.environ, **with_hosts, "KONKYO_PORT": port}
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while checked(environment)[0]:
            assert time.monotonic() < deadline
    finally:
        process.terminate()
        process.wait(PATIENCE)
    code, said = checked(environment)
    assert (code, said.startswith("not ready: ")) == (1, True)
    assert len(said.splitlines()) == 1


def checked(environment: dict[str, str]) -> tuple[int, str]:
    command = [sys.executable, "-m", "konkyo.service.healthcheck"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return result.returncode, result.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_nobody_is_let_in_while_the_last_answers_are_made(workers: str) -> None:
    """Who connects then must be refused at once, and not wait until the end: another replica may be asked."""
    port = free_port()
    environment = {**os.environ, "KONKYO_PORT": str(port), "KONKYO_WORKERS": workers}
    process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as half:
            half.sendall(post("/predict", "Content-Length: 9", "Expect: 100-continue"))
            assert half.recv(100).startswith(b"HTTP/1.1 100")  # a worker reads the body
            process.send_signal(signal.SIGTERM)
            while process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port), PATIENCE).close()
                except ConnectionError:
                    break
            assert process.poll() is None
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_serving_loads_no_torch() -> None:
    script = "import sys, konkyo.service.app; konkyo.service.app.create_app(); sys.exit('torch' in sys.modules)"
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
