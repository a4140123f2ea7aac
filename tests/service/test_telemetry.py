"""What operators read: the log and the metrics."""

import hashlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest
from fastapi.testclient import TestClient

from konkyo.service.app import create_app
from konkyo.service.http import telemetry
from konkyo.service.http.telemetry import LogHandler, Output
from konkyo.service.settings import Settings
from support.folders import ROOT
from support.pictures import sample
from tests.helpers.telemetry import lines, metric


def test_one_line_for_each_request(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.post("/explain/filters", params={"model": "summed-3x3"}, files={"file": sample(7)})
    client.get("/models")
    line, following = lines(capsys)
    assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
    assert answer.headers["x-request-id"] == line["request_id"]
    assert line["image"] == hashlib.sha256(sample(7)).hexdigest()[:16]
    assert (line["method"], line["route"], line["status"]) == ("POST", "/explain/filters", 200)
    assert (line["bytes"], line["model"], line["form"]) == (len(sample(7)), "summed-3x3", "json")
    assert line["milliseconds"] > 0
    assert "image" not in following


def test_a_refusal_names_its_problem_and_nothing_of_the_clients(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/predict?secret=1", files={"file": ("secret.png", b"secret")})
    client.get("/secret")
    answered = capsys.readouterr().out
    first, second = (json.loads(line) for line in answered.splitlines())
    assert (first["status"], first["problem"], first["route"]) == (422, "invalid-parameter", "/predict")
    assert (second["status"], second["problem"], second["route"]) == (404, "not-found", None)
    assert "secret" not in answered


@pytest.mark.threat("logs without end")
def test_a_health_check_is_logged_only_where_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    client = TestClient(create_app(Settings(trusted_hosts="konkyo.example")))
    for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
        assert client.get(path, headers={"Host": "konkyo.example"}).status_code == 200
        assert client.get(path, headers={"Host": "other.example"}).status_code == 400
        [line] = lines(capsys)
        assert (line["status"], line["problem"]) == (400, "unknown-host")


@pytest.mark.parametrize(
    ("name", "asked", "data", "more"),
    [
        (
            'konkyo_explanation_seconds_count{form="png",path="/explain/occlusion"}',
            "explain/occlusion?format=png",
            sample(7),
            1,
        ),
        # A prediction of 28×28 pixels waits for no turn.
        ("konkyo_queue_seconds_count", "predict", sample(7), 0),
        ("konkyo_queue_seconds_count", "explain/shapley", sample(7), 1),
        ('konkyo_rejected_total{reason="unsupported-image"}', "predict", b"hello", 1),
    ],
)
def test_what_is_counted(client: TestClient, name: str, asked: str, data: bytes, more: int) -> None:
    before = metric(client, name)
    client.post(f"/{asked}", files={"file": data})
    assert metric(client, name) == before + more


def test_the_served_models_are_named(client: TestClient) -> None:
    for model in client.get("/models").json()["models"]:
        assert metric(client, f'konkyo_model_info{{name="{model["name"]}",sha256="{model["sha256"]}"}}') == 1


WORKER = """
import sys
from konkyo.service.http import telemetry
telemetry.announce({"net": sys.argv[1]})
telemetry.REJECTED.labels("busy").inc()
print(telemetry.metrics().body.decode())
"""


def worker(folder: Path, sha256: str) -> list[str]:
    """What a process that serves this model, and ends then, says of itself and of all before it."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    command = [sys.executable, "-c", WORKER, sha256]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("#")]


def test_a_worker_that_has_been_replaced_names_no_model_any_more(tmp_path: Path) -> None:
    """The new checkpoint's hash stands alone, and what the old worker counted still counts."""
    first = worker(tmp_path, "old")
    assert 'konkyo_model_info{name="net",sha256="old"} 1.0' in first
    [left] = tmp_path.glob("gauge_livemax_*.db")
    second = worker(tmp_path, "new")
    assert [line for line in second if line.startswith("konkyo_model_info")] == [
        'konkyo_model_info{name="net",sha256="new"} 1.0'
    ]
    assert 'konkyo_rejected_total{reason="busy"} 2.0' in second
    assert not left.exists()
    # The memory of each process is there, its parent's too: prometheus_client has it for a single one only.
    found = [line for line in second if line.startswith("process_resident_memory_bytes{")]
    memory = {int(pid): float(size) for line in found for pid, size in re.findall(r'pid="(\d+)"} (.+)', line)}
    statm = Path("/proc/self/statm").read_text().split()
    assert len(memory) == len(found) == 2
    ours = memory.pop(os.getpid())
    assert ours == pytest.approx(int(statm[1]) * os.sysconf("SC_PAGE_SIZE"), rel=0.2)
    assert 2**24 < min(memory.values()) < 2**30


def test_gauges_of_workers_that_are_gone_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that has ended, and of one whose number is another user's by now."""

    def kill(number: int, signal: int) -> None:
        assert signal == 0
        if number != 7:
            raise {8: ProcessLookupError, 9: PermissionError}[number]

    def forgotten(_: int, __: str) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(os, "kill", kill)
    for name in ("gauge_livemax_7.db", "gauge_livemax_8.db", "gauge_livemax_9.db", "counter_8.db", "histogram_9.db"):
        (tmp_path / name).touch()
    telemetry._forget_dead_workers(tmp_path)
    left = {"counter_8.db", "gauge_livemax_7.db", "histogram_9.db"}
    assert {path.name for path in tmp_path.iterdir()} == left
    # Two scrapes at once: the other one removes the file first.
    (tmp_path / "gauge_livemax_8.db").touch()
    monkeypatch.setattr(telemetry, "mark_process_dead", forgotten)
    telemetry._forget_dead_workers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*left, "gauge_livemax_8.db"}


Pipe = tuple[TextIO, TextIO]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """Where lines are read, and where they are written."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        os.set_blocking(reading, False)
        yield reader, writer


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each lost line."""
    counted: list[int] = []
    monkeypatch.setattr(Output, "counters", (lambda: counted.append(1),))
    return counted


def fill(output: Output, writer: TextIO, line: str, lost: list[int]) -> int:
    """How many lines find room."""
    for number in range(10_000):
        output.put(writer, line)
        if lost:
            return number
    raise AssertionError


@pytest.mark.threat("a log reader that stalls")
def test_a_line_without_room_is_lost_and_the_next_one_is_whole(pipe: Pipe, lost: list[int]) -> None:
    reader, writer = pipe
    output = Output()
    written = fill(output, writer, "a" * 99, lost)
    assert written >= 600
    output.put(writer, "also lost")
    assert len(lost) == 2
    assert reader.read() == ("a" * 99 + "\n") * written
    output.put(writer, "heard")
    assert reader.read() == "heard\n"
    assert len(lost) == 2


@pytest.mark.threat("a log reader that stalls")
def test_a_long_line_is_cut_where_the_room_ends(pipe: Pipe, lost: list[int]) -> None:
    """Such as a traceback; what follows begins on a line of its own."""
    reader, writer = pipe
    output, long = Output(), "é" * 20_000
    written = fill(output, writer, long, lost)
    output.put(writer, "lost as a whole")
    *whole, cut = reader.read().split("\n")
    assert (whole, len(lost)) == ([long] * written, 2)
    assert long.startswith(cut)
    assert 0 < len(cut) < len(long)
    output.put(writer, "heard")
    assert reader.read() == "\nheard\n"


@pytest.mark.threat("a log reader that stalls")
def test_the_lines_of_the_server_are_lost_as_well(pipe: Pipe, lost: list[int]) -> None:
    reader, writer = pipe
    log = logging.Logger("server")
    log.addHandler(LogHandler(writer))
    for _ in range(10_000):
        log.warning("Invalid HTTP request received.")
    assert set(reader.read().splitlines()) == {"Invalid HTTP request received."}
    assert len(lost) > 5_000


def test_a_line_that_cannot_be_written_stops_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    log, closed = logging.Logger("server"), StringIO()
    log.addHandler(LogHandler(closed))
    closed.close()
    log.warning("nobody hears it")
    assert "I/O operation on closed file" in capsys.readouterr().err
