"""The real service, in a process of its own. ``serving`` keeps its log."""

import os
import random
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from support.folders import ROOT

# How long is waited for what must come: on the slowest of machines long enough, and no claim about speed.
PATIENCE = 60
# Below those that outgoing connections take: none of these can get in before, or between two starts of a server.
PORTS = range(20_000, 32_768)
# Of its image: what is free goes back to the system, whichever thread has held it.
MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1048576"}
# A client without one reads all certificates, which takes longer than most answers.
TLS = ssl.create_default_context()

HURRIED = """
import sys
import konkyo.service.__main__ as main
import konkyo.service.http.protocol as protocol
main.GRACE_SECONDS = {grace} or main.GRACE_SECONDS
protocol.HEAD_SECONDS = protocol.READ_SECONDS = {deadline} or protocol.HEAD_SECONDS
sys.exit(main.main([], ""))
"""
CONTAINER = "KONKYO_SOAK_CONTAINER"


class SkippedError(Exception):
    """What is asked for cannot run here; the message says why."""


@contextmanager
def running_service(
    module: Sequence[str] = ("service",),
    folder: Path = ROOT,
    inherited: Mapping[str, str] | None = None,
    /,
    **settings: str,
) -> Iterator[str]:
    """Start ``python -m service``, or another module, on a free port; gives ``127.0.0.1:PORT``, and ends it."""
    port = int(settings.get("KONKYO_PORT") or free_port())
    environment = {**(os.environ if inherited is None else inherited), **settings, "KONKYO_PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", *module], cwd=folder, env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        yield f"127.0.0.1:{port}"
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()  # does nothing to one that has ended
        process.wait()


def wait_until_ready(url: str, process: subprocess.Popen[bytes] | None = None, patience: float = PATIENCE) -> None:
    """Return when ``url`` answers 200."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"the service ended with status {process.returncode}")
        try:
            if httpx.get(url, timeout=10, verify=TLS).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer within {patience} s")


def free_port() -> int:
    """A port that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("", port))
            except OSError:
                continue
            return port


def until(reached: Callable[[], bool]) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing has changed within {PATIENCE} s")
        time.sleep(0.05)


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
        from support.container import contained

        with contained(free_port(), settings) as server:
            yield server
        return
    port = free_port()
    environment = {**os.environ, **MEMORY, "KONKYO_PORT": str(port), **settings}
    with TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        hurried = HURRIED.format(grace=grace, deadline=deadline)
        command = [sys.executable, *(("-c", hurried) if grace or deadline else ("-m", "service"))]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
            yield Server(port, process.pid, process, Path(log.name))
        finally:
            _end(process)
