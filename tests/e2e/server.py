"""The real service, in a process of its own."""

import os
import random
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent.parent
# How long is waited for what must come: on the slowest of machines long enough, and no claim about speed.
PATIENCE = 60
# Below those that outgoing connections take: none of these can get in before, or between two starts of a server.
PORTS = range(20_000, 32_768)
# A client without one reads all certificates, which takes longer than most answers.
TLS = ssl.create_default_context()


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
        process.terminate()
        process.wait(PATIENCE)


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
