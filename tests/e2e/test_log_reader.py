"""A reader of the log that stops to read: a pipe has room for 64 KiB, which are some 300 answers."""

import json
import os
import subprocess
import sys
from typing import IO

import httpx
import pytest

from support.client import exchange, statuses
from support.folders import ROOT
from support.server import PATIENCE, free_port, wait_until_ready


def read_until(pipe: IO[bytes], text: bytes) -> bytes:
    """The first line that holds it."""
    return next(line for line in pipe if text in line)


@pytest.mark.threat("a log reader that stalls")
def test_a_reader_that_stalls_stops_no_answer() -> None:
    port = free_port()
    environment = {**os.environ, "KONKYO_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "service"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            assert {client.get("/v2").status_code for _ in range(1000)} == {200}
            # The server itself warns of each of these.
            assert {statuses(exchange(port, b"nonsense\r\n\r\n"))[0] for _ in range(2000)} == {400}
            (lost,) = (line for line in client.get("/metrics").text.splitlines() if line.startswith(LOST))
            assert float(lost.removeprefix(LOST)) > 500
            # Read again, the log goes on with whole lines.
            os.set_blocking(process.stdout.fileno(), False)
            while process.stdout.readline():
                pass
            os.set_blocking(process.stdout.fileno(), True)
            identity = client.get("/models").headers["x-request-id"]
            assert json.loads(read_until(process.stdout, identity.encode()))["route"] == "/models"
    finally:
        process.kill()
        process.communicate()


LOST = "konkyo_log_lines_lost_total "
