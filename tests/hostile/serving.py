"""The real server with its log, and requests to it that no client library would send."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.server import PATIENCE, ROOT, free_port, wait_until_ready

HURRIED = """
import sys
import konkyo.service.__main__ as main
import konkyo.service.http.protocol as protocol
main.GRACE_SECONDS = {grace} or main.GRACE_SECONDS
protocol.HEAD_SECONDS = protocol.READ_SECONDS = {deadline} or protocol.HEAD_SECONDS
sys.exit(main.main([], ""))
"""
CONTAINER = "KONKYO_SOAK_CONTAINER"


@dataclass(frozen=True)
class Server:
    """A running ``python -m service``.

    Attributes
    ----------
    pid
        Of its main process.
    process
        What was started here and ends with it: the service, or what follows the log of its container.
    container
        The id of that; empty where there is none.
    """

    port: int
    pid: int
    process: subprocess.Popen[bytes]
    log: Path
    container: str = ""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        """The processes that answer: the server itself, or those that it started for that."""
        found = []
        for entry in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split():
            # One that has just ended has none any more.
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"spawn_main" in Path(f"/proc/{entry}/cmdline").read_bytes():
                    found.append(int(entry))
        return sorted(found) or [self.pid]

    def seconds(self) -> float:
        """Of a processor that its main process has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def trouble(self) -> str:
        """What its log says of exceptions; empty if nothing."""
        log = self.log.read_text(errors="replace")
        return log[max(log.find("Traceback") - 200, 0) :][:2000] if "Traceback" in log else ""


@contextmanager
def serving(grace: int | None = None, deadline: int | None = None, **settings: str) -> Iterator[Server]:
    """Start the service on a free port with its output in a file; it is ended afterwards.

    With ``KONKYO_SOAK_CONTAINER`` in the environment it runs in its container.

    Parameters
    ----------
    grace
        Seconds that it leaves to requests when it is told to end, if not its own.
    deadline
        Seconds for a head, and for reading an answer, if not its own.
    settings
        Environment variables.
    """
    if CONTAINER in os.environ:
        from tools.soak.container import contained

        with contained(free_port(), settings) as server:
            yield server
        return
    port = free_port()
    environment = {**os.environ, "KONKYO_PORT": str(port), **settings}
    with TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        hurried = HURRIED.format(grace=grace, deadline=deadline)
        command = [sys.executable, *(("-c", hurried) if grace or deadline else ("-m", "service"))]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
            yield Server(port, process.pid, process, Path(log.name))
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


def received(connection: socket.socket) -> bytes:
    """Everything until the server closes.

    Raises
    ------
    TimeoutError
        It does not close.
    """
    answer = b""
    try:
        while piece := connection.recv(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def exchange(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send the pieces one after another, and give back whatever is answered."""
    with connect(port) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break
            time.sleep(pause)
        return received(connection)


def until(reached: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing has changed within {PATIENCE} s")
        time.sleep(0.05)


def problem(answer: bytes) -> str:
    """The kind of problem that a single response is."""
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"content-type: application/problem+json" in head.lower().splitlines()
    kind: str = json.loads(body)["type"]
    return kind.removeprefix("urn:konkyo:problem:")


def statuses(answer: bytes) -> list[int]:
    """The status of each response in a stream of them."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]


def get(path: str, *headers: str, host: str | None = "localhost") -> bytes:
    """A request as bytes, after which the server is asked to close."""
    named = [f"Host: {host}"] if host is not None else []
    return _lines(f"GET {path} HTTP/1.1", *named, "Connection: close", *headers)


def post(path: str = "/predict", *headers: str, body: bytes = b"", media: str = "image/png") -> bytes:
    """The same with a body; what it says of the body's length is for the caller."""
    return (
        _lines(f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Type: {media}", *headers)
        + body
    )


def _lines(*lines: str) -> bytes:
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
