"""Connections that do nothing, or too little, to the real server."""

import os
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.server import PATIENCE
from tests.helpers.pictures import sample
from tests.hostile.serving import connect, exchange, get, post, received, serving, statuses

SEVEN = sample(7)
LENGTH = f"Content-Length: {len(SEVEN)}"
KEPT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def seconds(pid: int) -> float:
    """Of a processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def keep_sending(connection: socket.socket) -> None:
    """For five seconds, or until the connection has ended."""
    for _ in range(50):
        connection.sendall(KEPT)
        time.sleep(0.1)


@pytest.mark.threat("sockets without a word, directly")
@pytest.mark.parametrize("sent", [b"", b"GET /heal", KEPT + b"GET /heal"], ids=["nothing", "half", "half of the next"])
def test_a_head_has_a_deadline(sent: bytes) -> None:
    with serving(deadline=1) as server, connect(server.port) as connection:
        connection.settimeout(PATIENCE)
        connection.sendall(sent)
        started = time.monotonic()
        try:
            answer = received(connection)
        except ConnectionResetError:
            answer = b""
        assert 0.5 < time.monotonic() - started < 10
        assert statuses(answer) == ([200] if sent.startswith(KEPT) else [])
        assert statuses(exchange(server.port, get("/healthz"))) == [200]
        assert server.trouble() == ""


@pytest.mark.threat("sockets without a word, directly")
def test_a_body_may_take_longer_than_a_head() -> None:
    with serving(deadline=1) as server, connect(server.port) as connection:
        connection.sendall(post("/predict", "Content-Type: image/png", LENGTH, "Connection: close", body=SEVEN[:40]))
        time.sleep(2)
        connection.sendall(SEVEN[40:])
        assert statuses(received(connection)) == [200]


@pytest.mark.threat("bodies and answers that nobody ends")
def test_who_does_not_read_an_answer_is_left() -> None:
    """Pipelined, so that the answers exceed what the system keeps for a client."""
    asked = post("/explain/process?top=256&model=lenet-6x16", "Content-Type: image/png", LENGTH, body=SEVEN)
    with serving(deadline=1) as server, connect(server.port) as connection:
        connection.sendall(asked * 16)
        time.sleep(4)
        with pytest.raises(ConnectionError):
            keep_sending(connection)
        assert server.trouble() == ""
        assert statuses(exchange(server.port, get("/healthz"))) == [200]


@pytest.mark.threat("sockets without a word, directly")
def test_more_sockets_than_files_are_no_end() -> None:
    with serving() as server, ExitStack() as sockets:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (160, 160))
        held = [sockets.enter_context(connect(server.port)) for _ in range(90)]
        before = seconds(server.pid)
        for _ in range(200):
            sockets.enter_context(connect(server.port))
        time.sleep(2)
        assert seconds(server.pid) - before < 1
        lines = server.log.read_text().splitlines()
        assert len([line for line in lines if "too many connections" in line]) == 1
        assert len(lines) < 20
        for one in held:
            one.close()
        time.sleep(0.5)
        assert statuses(exchange(server.port, get("/healthz"))) == [200]
