"""``python -m benchmarks.scaling``: what a request costs with several workers, behind nginx, and on Ray Serve.

Measured is the processor time of all processes of a server, for each request: a busy machine changes it little, while
requests a second are then a matter of how many processes compete. What the processes use without load is taken off.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.serving import PATIENCE, ROOT, measured, wait
from tools.soak.slow import edge

ROUNDS, SECONDS = 3, 3
PORT = 8811
# A server's processes inherit this variable, whoever starts them.
MARK = "BENCHMARKED_SERVER"
THROUGHPUT = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
PATHS = ("/predict", "/explain/shapley")
CONNECTIONS = (1, 16)


def main() -> None:
    """Print a table for each operation and number of connections."""
    with TemporaryDirectory() as folder:
        found = {name: _measured(name, Path(folder)) for name in sys.argv[1:] or SERVERS}
    for path in PATHS:
        for connections in CONNECTIONS:
            title = f"{path}, {connections} connections, medians of {ROUNDS} rounds of {SECONDS} s"
            table = Table("", "CPU ms a request", "times", "p50 ms", "requests/s", title=title, title_justify="left")
            costs = {name: [median(column) for column in runs[path, connections]] for name, runs in found.items()}
            alone = next(iter(costs.values()))[0]
            for name, (cost, p50, rate) in costs.items():
                table.add_row(name, f"{cost:.2f}", f"{cost / alone:.2f}", f"{p50:.1f}", f"{rate:,.0f}")
            Console(width=110).print(table)


def _measured(name: str, folder: Path) -> dict[tuple[str, int], list[tuple[float, ...]]]:
    """For each operation and number of connections three columns over the rounds, as the table has them."""
    found = {}
    with SERVERS[name]() as port:
        idle = _used(lambda: time.sleep(SECONDS)) / SECONDS
        for path in PATHS:
            for connections in CONNECTIONS:
                url = f"http://127.0.0.1:{port}{path}"
                measured(url, folder, 1, connections)
                rounds = [_round(url, folder, connections, idle) for _ in range(ROUNDS)]
                found[path, connections] = list(zip(*rounds, strict=True))
    return found


def _round(url: str, folder: Path, connections: int, idle: float) -> tuple[float, float, float]:
    speeds = []
    used = _used(lambda: speeds.append(measured(url, folder, SECONDS, connections)))
    [speed] = speeds
    requests = speed.requests_per_second * SECONDS
    return (used - idle * SECONDS) / requests * 1e3, speed.p50, speed.requests_per_second


def _used(work: Callable[[], object]) -> float:
    """Seconds of processor time that the server's processes take meanwhile."""
    before = _processes()
    work()
    after = _processes()
    return sum(used - before.get(pid, 0) for pid, used in after.items())


def _processes() -> dict[str, float]:
    """Processor seconds so far, of each process that carries the mark, and of nginx, which overwrites it."""
    found, session = {}, str(os.getsid(0))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().rpartition(")")
            fields = rest.split()
            is_nginx = name.endswith("(nginx") and fields[3] == session
            if is_nginx or f"{MARK}=1\0".encode() in (folder / "environ").read_bytes():
                found[folder.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended
    return found


@contextmanager
def _service(workers: int) -> Iterator[int]:
    with _running(["-m", "service"], {"KONKYO_PORT": str(PORT), "KONKYO_WORKERS": str(workers)}):
        yield PORT


@contextmanager
def _behind_nginx() -> Iterator[int]:
    with _service(2) as port, edge(port) as public:
        yield public


@contextmanager
def _ray_serve(replicas: int, settings: dict[str, str]) -> Iterator[int]:
    command = ["-m", "benchmarks.servers.ray_serve", str(PORT), str(replicas)]
    with _running(command, {"RAY_AUTH_MODE": "disabled", "RAY_worker_niceness": "0", **settings}):
        yield PORT


@contextmanager
def _running(arguments: list[str], settings: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings, MARK: "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait(f"http://127.0.0.1:{PORT}/predict")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


SERVERS: dict[str, Callable[[], AbstractContextManager[int]]] = {
    "1 worker": lambda: _service(1),
    "2 workers": lambda: _service(2),
    "2 workers behind nginx": _behind_nginx,
    "Ray Serve, 1 replica": lambda: _ray_serve(1, {}),
    "Ray Serve, 1 replica, for throughput": lambda: _ray_serve(1, THROUGHPUT),
    "Ray Serve, 2 replicas, for throughput": lambda: _ray_serve(2, THROUGHPUT),
}

if __name__ == "__main__":
    main()
