"""``python -m benchmarks.scaling``: requests a second of several workers, behind nginx, and on Ray Serve.

Each runs beside one worker of the service by itself. The two are loaded in turn, in rounds, and the table shows the
ratio of their medians, which a busy machine changes little. With one connection it is the overhead of a request.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.serving import PATIENCE, ROOT, Speed, measured, wait
from tools.soak.slow import edge

ROUNDS, SECONDS = 5, 3
BASELINE, PORT = 8801, 8811
THROUGHPUT = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
PATHS = ("/predict", "/explain/shapley")


def main() -> None:
    """Print the tables."""
    asked = sys.argv[1:] or list(SERVERS)
    with TemporaryDirectory() as folder, _service(BASELINE, 1):
        for path in PATHS:
            for connections in (1, 16):
                title = f"{path}, {connections} connections, medians of {ROUNDS} rounds of {SECONDS} s"
                table = Table("", "requests/s", "one worker", "ratio", "p50 ms", "one worker", title=title)
                for name in asked:
                    ours, theirs = _compared(name, path, connections, Path(folder))
                    rate, baseline = (median(one.requests_per_second for one in runs) for runs in (ours, theirs))
                    p50, alone = (median(one.p50 for one in runs) for runs in (ours, theirs))
                    ratio = f"{rate / baseline:.2f}"
                    table.add_row(name, f"{rate:,.0f}", f"{baseline:,.0f}", ratio, f"{p50:.2f}", f"{alone:.2f}")
                Console(width=110).print(table)


def _compared(name: str, path: str, connections: int, folder: Path) -> tuple[list[Speed], list[Speed]]:
    """The speeds of a server, and of one worker in the same rounds."""
    with SERVERS[name]() as port:
        runs: dict[int, list[Speed]] = {port: [], BASELINE: []}
        for turn in range(ROUNDS + 1):
            for one, found in runs.items():
                url = f"http://127.0.0.1:{one}{path}"
                speed = measured(url, folder, SECONDS if turn else 1, connections)
                if turn:
                    found.append(speed)
        return runs[port], runs[BASELINE]


@contextmanager
def _service(port: int, workers: int) -> Iterator[int]:
    with _running(["-m", "service"], {"KONKYO_PORT": str(port), "KONKYO_WORKERS": str(workers)}, port):
        yield port


@contextmanager
def _behind_nginx() -> Iterator[int]:
    with ExitStack() as stack:
        yield stack.enter_context(edge(stack.enter_context(_service(PORT, 2))))


@contextmanager
def _ray_serve(replicas: int, settings: dict[str, str]) -> Iterator[int]:
    command = ["-m", "benchmarks.servers.ray_serve", str(PORT), str(replicas)]
    with _running(command, {"RAY_AUTH_MODE": "disabled", **settings}, PORT):
        yield PORT


@contextmanager
def _running(arguments: list[str], settings: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait(f"http://127.0.0.1:{port}/predict")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


SERVERS = {
    "2 workers": lambda: _service(PORT, 2),
    "2 workers behind nginx": _behind_nginx,
    "Ray Serve, 1 replica": lambda: _ray_serve(1, {}),
    "Ray Serve, 1 replica, for throughput": lambda: _ray_serve(1, THROUGHPUT),
    "Ray Serve, 2 replicas, for throughput": lambda: _ray_serve(2, THROUGHPUT),
}

if __name__ == "__main__":
    main()
