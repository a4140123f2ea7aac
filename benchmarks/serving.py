"""``python -m benchmarks.serving``: requests a second over HTTP, against other servers on the same one core.

Every server is pinned to core 0 and the load (wrk) to core 1. The servers run side by side and are loaded one after
another, in rounds; the tables show medians over the rounds. Answers are compared before anything is timed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
DIGIT = ROOT / "docs" / "digits" / "7.png"
BOUNDARY = "konkyo-boundary"
PATIENCE = 300
ROUNDS, SECONDS, CONNECTIONS = 5, 3, 16
# Of the second table.
FEWER, MORE = 1, 64


@dataclass(frozen=True)
class Load:
    """One row: which server is asked what, and which row its speed is compared with."""

    name: str
    server: str
    path: str
    raw: bool = False
    against: str = "litserve"


LOADS = [
    Load("FastAPI, does nothing", "noop", "/predict"),
    Load("litserve", "litserve", "/predict"),
    Load("litserve + captum", "captum", "/predict"),
    Load("litserve + captum, PNG", "plotted", "/predict"),
    Load("/predict", "konkyo", "/predict"),
    Load("/predict, raw body", "konkyo", "/predict", raw=True),
    Load("/explain/filters", "konkyo", "/explain/filters"),
    Load("/explain/occlusion", "konkyo", "/explain/occlusion", against="litserve + captum"),
    Load("/explain/shapley", "konkyo", "/explain/shapley", against="litserve + captum"),
    Load("/explain/grounds", "konkyo", "/explain/grounds", against="litserve + captum"),
    Load("/predict, PNG", "konkyo", "/predict?format=png"),
    Load("/explain/filters, PNG", "konkyo", "/explain/filters?format=png"),
    Load("/explain/occlusion, PNG", "konkyo", "/explain/occlusion?format=png", against="litserve + captum, PNG"),
    Load("/explain/occlusion, SVG", "konkyo", "/explain/occlusion?format=svg", against="/explain/occlusion, PNG"),
]
SERVERS = {
    "noop": ["-m", "benchmarks.servers.noop", "{port}"],
    "litserve": ["-m", "benchmarks.servers.litserve_torch", "{port}"],
    "captum": ["-m", "benchmarks.servers.litserve_torch", "{port}", "captum"],
    "plotted": ["-m", "benchmarks.servers.litserve_torch", "{port}", "plotted"],
    "konkyo": ["-m", "service"],
}
PORTS = {name: 8701 + place for place, name in enumerate(SERVERS)}
# The rows that are also measured with other numbers of connections.
COMPARED = ("FastAPI, does nothing", "litserve", "/predict", "/explain/filters", "/explain/occlusion")


@dataclass(frozen=True)
class Speed:
    """Of one run of the load."""

    requests_per_second: float
    p50: float
    p99: float


def main() -> None:
    """Print the table."""
    if shutil.which("wrk") is None:
        sys.exit("error: wrk is not installed; Debian's package of that name has it")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        started = {name: stack.enter_context(_running(name)) for name in SERVERS}
        _check_answers()
        found: dict[tuple[str, int], list[Speed]] = {}
        for turn in range(ROUNDS + 1):
            for load, connections in product(LOADS, (FEWER, CONNECTIONS, MORE)):
                if connections == CONNECTIONS or load.name in COMPARED:
                    speed = _loaded(load, folder, SECONDS if turn else 1, connections)
                    if turn:
                        found.setdefault((load.name, connections), []).append(speed)
        memory = {name: _memory(process) for name, (process, _) in started.items()}
    _print({load.name: found[load.name, CONNECTIONS] for load in LOADS})
    _print_connections(found)
    _print_servers({name: seconds for name, (_, seconds) in started.items()}, memory)


def upload(raw: bool = False) -> tuple[bytes, str]:
    """A body with the digit, and its type."""
    if raw:
        return DIGIT.read_bytes(), "image/png"
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n'
    body = f"{head}Content-Type: image/png\r\n\r\n".encode() + DIGIT.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={BOUNDARY}"


@contextmanager
def _running(name: str) -> Iterator[tuple[int, float]]:
    """A server of its own, on core 0 alone: its process, and the seconds until it answered."""
    arguments = [part.format(port=PORTS[name]) for part in SERVERS[name]]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "KONKYO_PORT": str(PORTS[name])}
    began = time.monotonic()
    process = subprocess.Popen(
        ["taskset", "--cpu-list", "0", sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait(f"http://127.0.0.1:{PORTS[name]}/predict")
        yield process.pid, time.monotonic() - began
    finally:
        os.killpg(process.pid, 15)
        process.wait(PATIENCE)


def _memory(session: int) -> float:
    """MiB of all processes of a server. Pages that several share are counted once."""
    kibibytes = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == session:
                rollup = (folder / "smaps_rollup").read_text()
                kibibytes += sum(int(size) for size in re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended
    return kibibytes / 1024


def wait(url: str) -> None:
    """Return when a server answers."""
    body, media = upload()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if httpx.post(url, content=body, headers={"content-type": media}, timeout=30).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer within {PATIENCE} s")


def _ask(load: Load) -> Mapping[str, list[float]]:
    body, media = upload(load.raw)
    url = f"http://127.0.0.1:{PORTS[load.server]}{load.path}"
    answer = httpx.post(url, content=body, headers={"content-type": media}, timeout=30).raise_for_status()
    found: Mapping[str, list[float]] = answer.json()
    return found


def _check_answers() -> None:
    """The servers must agree before their speed means anything."""
    by_name = {load.name: load for load in LOADS}
    for name, other, field in (
        ("/predict", "litserve", "logits"),
        ("/predict, raw body", "litserve", "logits"),
        ("/explain/occlusion", "litserve + captum", "drop"),
    ):
        ours, theirs = (np.array(_ask(by_name[one])[field]) for one in (name, other))
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-3, err_msg=f"{name} and {other} differ in {field}")


def _loaded(load: Load, folder: Path, seconds: int, connections: int) -> Speed:
    """Load one server from core 1."""
    url = f"http://127.0.0.1:{PORTS[load.server]}{load.path}"
    return measured(url, folder, seconds, connections, raw=load.raw, pinned=("taskset", "--cpu-list", "1"))


def measured(
    url: str, folder: Path, seconds: int, connections: int, *, raw: bool = False, pinned: Sequence[str] = ()
) -> Speed:
    """Load a server with the digit.

    Parameters
    ----------
    url
        What is asked.
    folder
        For the load's script.
    seconds, connections
        How long, and over how many connections at once.
    raw
        Whether the body is the image itself, and no form.
    pinned
        The start of a command that keeps the load on a core.
    """
    script = folder / "post.lua"
    body, media = upload(raw)
    escaped = "".join(f"\\{byte:03d}" for byte in body)
    script.write_text(f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "{media}"\nwrk.body = "{escaped}"\n')
    command = [*pinned, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    done = subprocess.run([*command, "-s", str(script), url], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{url}: not every answer was a 200:\n{done.stdout}")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    if rate is None:
        raise RuntimeError(f"{url}: wrk said nothing of its speed:\n{done.stdout}")
    return Speed(float(rate[1]), _latency(done.stdout, "50%"), _latency(done.stdout, "99%"))


def _latency(text: str, share: str) -> float:
    """A quantile in milliseconds."""
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)\b", text)
    if found is None:
        raise RuntimeError(f"wrk printed no {share} quantile:\n{text}")
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


def _print(found: Mapping[str, list[Speed]]) -> None:
    title = f"One core each, {CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s"
    table = Table("", "requests/s", "spread", "p50 ms", "p99 ms", "times", "against", title=title, title_justify="left")
    rates = {name: median(one.requests_per_second for one in runs) for name, runs in found.items()}
    for load in LOADS:
        runs = found[load.name]
        each = [one.requests_per_second for one in runs]
        table.add_row(
            load.name,
            f"{rates[load.name]:,.0f}",
            f"{min(each):,.0f}…{max(each):,.0f}",
            f"{median(one.p50 for one in runs):.1f}",
            f"{median(one.p99 for one in runs):.1f}",
            f"{rates[load.name] / rates[load.against]:.2f}",
            load.against,
        )
    Console(width=110).print(table)
    share = rates["/predict"] / rates["FastAPI, does nothing"]
    Console(width=110).print(f"/predict answers {share:.2f} of what the endpoint that does nothing answers.")


def _print_connections(found: Mapping[tuple[str, int], list[Speed]]) -> None:
    title = f"By number of connections, medians of {ROUNDS} rounds of {SECONDS} s"
    table = Table("", "connections", "requests/s", "p50 ms", "p99 ms", title=title, title_justify="left")
    for name, connections in product(COMPARED, (FEWER, CONNECTIONS, MORE)):
        runs = found[name, connections]
        rate, p50, p99 = (median(values) for values in zip(*map(astuple, runs), strict=True))
        table.add_row(name, str(connections), f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}")
    Console(width=110).print(table)


def _print_servers(seconds: Mapping[str, float], memory: Mapping[str, float]) -> None:
    table = Table(
        "", "start s", "memory MiB", title="Until the first answer; memory after the load", title_justify="left"
    )
    for name, taken in seconds.items():
        table.add_row(name, f"{taken:.1f}", f"{memory[name]:.0f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
