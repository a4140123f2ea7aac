"""``python -m service``, as a process, and what its main function says before it serves."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import uvicorn

from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.service import healthcheck
from konkyo.service.__main__ import main
from support.client import connect, post
from support.folders import ROOT
from support.pictures import sample
from support.server import PATIENCE, TLS, Server, free_port, running_service, serving


def ask(port: int, picture: bytes = sample(7)) -> httpx.Response:
    """The answer to a picture, over a connection of its own."""
    return httpx.post(f"http://127.0.0.1:{port}/predict", files={"file": picture}, timeout=PATIENCE, verify=TLS)


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Start the service in this process, up to where it would serve: its exit status, and what it says."""

    def started(**settings: str) -> tuple[int, str]:
        # The service writes into its environment: this is a copy.
        monkeypatch.setattr(os, "environ", {**os.environ, **settings})
        monkeypatch.setattr(uvicorn.Server, "run", lambda _: None)
        return main([], "service"), capsys.readouterr().err

    return started


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"KONKYO_PORT": "eight"}, "error: KONKYO_PORT: must be a valid integer"),
        ({"KONKYO_DEFAULT_MODEL": "resnet"}, "KONKYO_DEFAULT_MODEL: 'resnet' is not one of "),
        ({"KONKYO_MODELS": "/nowhere"}, "error: /nowhere: directory: holds no *.safetensors file"),
        ({"KONKYO_API_KEY": "a-secret"}, "error: KONKYO_API_KEY is no setting; KONKYO_API_KEYS is\n"),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_line(
    start: Callable[..., tuple[int, str]], settings: dict[str, str], message: str
) -> None:
    status, said = start(**settings)
    assert (status, said.count("\n")) == (1, 1)
    assert message in said
    assert "secret" not in said


def test_the_process_ends_with_that_line() -> None:
    environment = {**os.environ, "KONKYO_API_KEYS": "a-secret-é"}
    command = [sys.executable, "-m", "service"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: KONKYO_API_KEYS: holds a key that no header can carry; ")
    assert (ended.stderr.count("\n"), "secret" in ended.stderr) == (1, False)


FILES = {
    "paired-3x3.safetensors": "paired-3x3.safetensors: file: not a readable safetensors file (",
    "paired-3x3.json": "paired-3x3.safetensors: card: paired-3x3.json cannot be read (",
    "paired-3x3.usage.json": "paired-3x3.usage.json: file: cannot be read (",
    "search.json": "search.json: file: cannot be read (",
}


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_stops_the_start_with_one_line(
    start: Callable[..., tuple[int, str]], name: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    """A pipe would be waited for, for ever."""
    for file in [*DIRECTORY.glob("paired-3x3.*"), DIRECTORY / "search.json"]:
        shutil.copy(file, tmp_path)
    (tmp_path / name).unlink()
    make(tmp_path / name)
    said = f"error: {FILES[name]}not a regular file, but a folder, pipe or device)"
    status, complaint = start(KONKYO_MODELS=str(tmp_path))
    assert (status, complaint.count("\n")) == (1, 1)
    assert complaint.startswith(said)


def test_a_public_address_without_keys_is_said(start: Callable[..., tuple[int, str]]) -> None:
    public = "listening on 0.0.0.0 without KONKYO_API_KEYS: anyone who reaches it may ask\n"
    assert start(KONKYO_HOST="0.0.0.0") == (0, public)  # noqa: S104
    assert start(KONKYO_HOST="0.0.0.0", KONKYO_API_KEYS="key") == (0, "")  # noqa: S104
    assert start(KONKYO_HOST="127.0.0.1", KONKYO_API_KEYS="") == (0, "")


def test_settings_come_from_the_environment_and_what_kubernetes_injects_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    injected = {
        "KONKYO_SERVICE_HOST": "10.0.0.1",
        "KONKYO_SERVICE_PORT_HTTP": "8000",
        "KONKYO_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "KONKYO_PORT_8000_TCP_ADDR": "10.0.0.1",
    }
    wanted = {"KONKYO_DEFAULT_MODEL": "lenet-6x16", "KONKYO_TRUSTED_HOSTS": "*.example.org, 127.0.0.1"}
    with running_service(**injected, **wanted, KONKYO_DATA="/nowhere") as address:
        port = address.partition(":")[2]
        assert ask(int(port)).json()["model"]["name"] == "lenet-6x16"
        # With a name that it does not trust, the container's own check would not pass.
        assert httpx.get(f"http://localhost:{port}/readyz", timeout=PATIENCE, verify=TLS).status_code == 400
        check(monkeypatch, port, "*.example.org, 127.0.0.1")
        check(monkeypatch, port, "some.example.org")


@pytest.mark.threat("settings that fail open")
@pytest.mark.parametrize("hosts", ["", "*", "localhost, example.org"])
def test_the_container_s_own_check_passes_whichever_hosts_are_trusted(
    address: str, hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(monkeypatch, address.partition(":")[2], hosts)


def check(monkeypatch: pytest.MonkeyPatch, port: str, hosts: str) -> None:
    """The container's own check passes."""
    monkeypatch.setenv("KONKYO_PORT", port)
    monkeypatch.setenv("KONKYO_TRUSTED_HOSTS", hosts)
    assert healthcheck.main() == 0


def test_the_container_s_own_check_fails_with_one_line_where_nobody_answers() -> None:
    environment = {**os.environ, "KONKYO_PORT": str(free_port())}
    command = [sys.executable, "-m", "konkyo.service.healthcheck"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (result.returncode, result.stderr[:11], result.stderr.count("\n")) == (1, "not ready: ", 1)


@pytest.mark.threat("what stays after the end")
@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_stays_where_it_was(workers: int, tmp_path: Path) -> None:
    """From the start to the end, of one process, and of two workers, which add up their metrics in a folder."""
    with serving(KONKYO_WORKERS=str(workers), TMPDIR=str(tmp_path)) as server:
        assert len(list(tmp_path.iterdir())) == workers - 1
        if workers == 1:
            assert ask(server.port).json()["predicted"] == 7
        else:
            share_the_port_and_add_up_their_metrics(server)
            are_replaced_one_after_the_other_while_they_answer(server)
        end_while_it_reads(server)
    assert list(tmp_path.iterdir()) == []


def share_the_port_and_add_up_their_metrics(server: Server) -> None:
    for _ in range(40):  # connections of their own, so that both workers get some
        assert ask(server.port).json()["predicted"] == 7
    assert ask(server.port, b"hello").status_code == 415
    for _ in range(5):  # whichever worker answers
        lines = httpx.get(f"{server.url}/metrics", timeout=PATIENCE, verify=TLS).text.splitlines()
        assert 'konkyo_explanation_seconds_count{form="json",path="/predict"} 41.0' in lines
        assert 'http_requests_total{handler="/predict",method="POST",status="200"} 40.0' in lines
        assert 'http_requests_total{handler="/predict",method="POST",status="415"} 1.0' in lines


def are_replaced_one_after_the_other_while_they_answer(server: Server) -> None:
    before = set(server.workers())
    assert len(before) == 2
    server.process.send_signal(signal.SIGHUP)
    while before & set(server.workers()):
        assert ask(server.port).json()["predicted"] == 7
    assert len(set(server.workers()) - before) == 2


def end_while_it_reads(server: Server) -> None:
    """Tell it to end while it reads a body. Who connects then is refused at once: another replica may be asked.

    Who has connected before and asks then is answered.
    """
    with connect(server.port) as early, connect(server.port) as half:
        half.sendall(post("/predict", "Content-Length: 9", "Expect: 100-continue"))
        assert half.recv(100).startswith(b"HTTP/1.1 100")  # a worker reads the body
        server.process.send_signal(signal.SIGTERM)
        while server.process.poll() is None:
            try:
                connect(server.port).close()
            except ConnectionError:
                break
        early.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b"".join(iter(lambda: early.recv(1000), b"")).lower()
        assert answer.startswith(b"http/1.1 200")
        assert b"connection: close" in answer
        # Not because it has ended: it still waits for the rest of the body.
        half.setblocking(False)
        with pytest.raises(BlockingIOError):
            half.recv(1)
    assert server.process.wait(PATIENCE) in (0, -signal.SIGTERM)
