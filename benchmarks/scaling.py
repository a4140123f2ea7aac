"""``python -m benchmarks.scaling``: what a request costs with several workers, behind nginx, and on Ray Serve.

The servers run side by side and are loaded in turn, in rounds. Measured is the processor time of all processes of a
server for each request: on a busy machine, requests a second are a matter of how many processes compete. What the
processes use without load is taken off.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.serving import PATIENCE, ROOT, measured, wait
from tests.e2e.server import free_port
from tools.soak.slow import edge

ROUNDS, SECONDS = 3, 3
# A server's processes inherit this variable, whoever starts them.
MARK = "BENCHMARKED_SERVER"
THROUGHPUT = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
PATHS = ("/predict", "/explain/shapley")
CONNECTIONS = (1, 16)


def main() -> None:
    """Print a table for each operation and number of connections."""
    names = sys.argv[1:] or list(SERVERS)
    found: dict[tuple[str, int, str], list[tuple[float, ...]]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        ports = {name: stack.enter_context(SERVERS[name](name)) for name in names}
        idle = {name: _used(name, lambda: time.sleep(SECONDS)) for name in names}
        for turn in range(ROUNDS + 1):
            for path, connections, name in product(PATHS, CONNECTIONS, names):
                one = _round(name, f"http://127.0.0.1:{ports[name]}{path}", folder, connections, idle[name])
                if turn:
                    found.setdefault((path, connections, name), []).append(one)
    for path, connections in product(PATHS, CONNECTIONS):
        title = f"{path}, {connections} connections, medians of {ROUNDS} rounds of {SECONDS} s"
        table = Table("", "CPU ms a request", "times", "p50 ms", "requests/s", title=title, title_justify="left")
        costs = {name: list(map(median, zip(*found[path, connections, name], strict=True))) for name in names}
        for name, (cost, p50, rate) in costs.items():
            table.add_row(name, f"{cost:.2f}", f"{cost / costs[names[0]][0]:.2f}", f"{p50:.1f}", f"{rate:,.0f}")
        Console(width=110).print(table)


def _round(name: str, url: str, folder: Path, connections: int, idle: float) -> tuple[float, float, float]:
    speeds = []
    used = _used(name, lambda: speeds.append(measured(url, folder, SECONDS, connections)))
    [speed] = speeds
    return (used - idle) / (speed.requests_per_second * SECONDS) * 1e3, speed.p50, speed.requests_per_second


def _used(name: str, work: Callable[[], object]) -> float:
    """Seconds of processor time that a server's processes take meanwhile."""
    before = _processes(name)
    work()
    after = _processes(name)
    return sum(used - before.get(pid, 0) for pid, used in after.items())


def _processes(name: str) -> dict[str, float]:
    """Processor seconds so far, of each process that carries the mark, and of nginx, which overwrites it."""
    found, session = {}, str(os.getsid(0))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, _, rest = (folder / "stat").read_text().rpartition(")")
            fields = rest.split()
            is_nginx = "nginx" in name and command.endswith("(nginx") and fields[3] == session
            if is_nginx or f"{MARK}={name}\0".encode() in (folder / "environ").read_bytes():
                found[folder.name] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended
    return found


@contextmanager
def _service(workers: int, name: str) -> Iterator[int]:
    port = free_port()
    with _running(name, ["-m", "service"], {"KONKYO_PORT": str(port), "KONKYO_WORKERS": str(workers)}, port):
        yield port


@contextmanager
def _behind_nginx(name: str) -> Iterator[int]:
    with _service(2, name) as port, edge(port) as public:
        yield public


@contextmanager
def _ray_serve(replicas: int, settings: dict[str, str], name: str) -> Iterator[int]:
    port = free_port()
    settings = {"RAY_AUTH_MODE": "disabled", "RAY_worker_niceness": "0", **settings}
    with _running(name, ["-m", "benchmarks.servers.ray_serve", str(port), str(replicas)], settings, port):
        yield port


@contextmanager
def _running(name: str, arguments: list[str], settings: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings, MARK: name},
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


SERVERS: dict[str, Callable[[str], AbstractContextManager[int]]] = {
    "1 worker": partial(_service, 1),
    "2 workers": partial(_service, 2),
    "2 workers behind nginx": _behind_nginx,
    "Ray Serve, 1 replica": partial(_ray_serve, 1, {}),
    "Ray Serve, 1 replica, for throughput": partial(_ray_serve, 1, THROUGHPUT),
    "Ray Serve, 2 replicas, for throughput": partial(_ray_serve, 2, THROUGHPUT),
}

if __name__ == "__main__":
    main()
