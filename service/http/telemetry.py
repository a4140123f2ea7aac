"""Metrics, and one log line for each request, written without waiting for who reads them."""

import logging
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, TextIO

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as exposition
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from pydantic_core import to_json
from structlog.typing import EventDict

# Characters written at a time. A pipe is writable while it has room for 4 KiB, and a character has at most 4 bytes.
_PIECE = 1024


class Output:
    """Lines for a stream. What the stream has no room for is dropped and counted.

    Attributes
    ----------
    counters
        Called for each line that was dropped, or cut short.
    """

    counters: ClassVar[tuple[Callable[[], None], ...]] = ()
    # Whether the last line was cut short, and its end is missing.
    _cut = False

    def put(self, stream: TextIO, line: str) -> None:
        """Write a line, or as much of it as there is room for."""
        text = "\n" * self._cut + line + "\n"
        for start in range(0, len(text), _PIECE):
            if not _has_room(stream):
                self._cut = self._cut or start > 0
                for count in self.counters:
                    count()
                return
            stream.write(text[start : start + _PIECE])
            stream.flush()
        self._cut = False


class LogHandler(logging.StreamHandler[TextIO], Output):
    """For what uvicorn logs."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or drop it."""
        try:
            self.put(self.stream, self.format(record))
        except Exception:
            self.handleError(record)


def _has_room(stream: TextIO) -> bool:
    """Whether a piece can be written without waiting."""
    try:
        return bool(select.select([], [stream.fileno()], [], 0)[1])
    except (OSError, ValueError):  # a buffer in a test has no file number
        return True


log = structlog.get_logger("konkyo")

# Explanations take from 0.1 ms to a second or two; a request waits 5 s for a turn at the most, and 30 s for its body.
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Asked every few seconds for ever. Where they succeed there is nothing to say.
_PROBES = ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")

REQUESTS = Counter("http_requests_total", "Requests by route, method and status.", ["handler", "method", "status"])
REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    ["handler"],
    buckets=_BUCKETS,
)
EXPLANATION_SECONDS = Histogram(
    "konkyo_explanation_seconds",
    "Time of a processor to compute an answer, from the image's bytes to the answer's.",
    ["path", "form"],
    buckets=_BUCKETS,
)
QUEUE_SECONDS = Histogram(
    "konkyo_queue_seconds", "Time that a question waits for its turn, for each piece of it.", buckets=_BUCKETS
)
REJECTED = Counter("konkyo_rejected_total", "Requests that ended in a problem, by its type.", ["reason"])
LOST_LINES = Counter("konkyo_log_lines_lost_total", "Log lines that nobody was ready to read.")
MODEL = Gauge("konkyo_model_info", "1 for each model that is served.", ["name", "sha256"], multiprocess_mode="livemax")

router = APIRouter(include_in_schema=False)

_facts: ContextVar[dict[str, str | int]] = ContextVar("facts")


class LogOutput(Output):
    """Log lines to standard output."""

    def msg(self, line: str) -> None:
        """Write a line, or drop it."""
        self.put(sys.stdout, line)

    info = warning = error = msg


def configure_logs() -> None:
    """Log JSON lines to standard output, or readable lines to a terminal."""
    Output.counters = (LOST_LINES.inc,)
    renderer = structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer(_json)
    structlog.configure(
        processors=[
            _without_probes,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: LogOutput(),
        cache_logger_on_first_use=True,
    )


def _json(event: object, **_: object) -> str:
    return to_json(event).decode()


def _without_probes(_: object, __: str, event: EventDict) -> EventDict:
    """Drop the line of a health check that succeeded."""
    if event.get("route") in _PROBES and event.get("status") == HTTPStatus.OK:
        raise structlog.DropEvent
    return event


def announce(models: dict[str, str]) -> None:
    """Add the served models, name → sha256, to the metrics."""
    for name, sha256 in models.items():
        MODEL.labels(name, sha256).set(1)


def new_facts() -> dict[str, str | int]:
    """Start collecting facts for the log line of the current request."""
    facts: dict[str, str | int] = {}
    _facts.set(facts)
    return facts


def note(**facts: str | int) -> None:
    """Add facts to the log line of the current request. Never the image or text of the client's."""
    # Outside a request nobody reads them.
    _facts.get({}).update(facts)


@contextmanager
def timed(path: str, form: str) -> Iterator[None]:
    """Observe the processor's time of the block, in which the thread may wait for others."""
    begun = time.thread_time()
    try:
        yield
    finally:
        EXPLANATION_SECONDS.labels(path, form).observe(time.thread_time() - begun)


class _Memory(Collector):
    """Memory of each worker and of their parent, which prometheus_client leaves out where there are several."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Resident memory from /proc; nothing where there is no /proc."""
        memory = GaugeMetricFamily(
            "process_resident_memory_bytes", "Resident memory size in bytes, of each process.", labels=["pid"]
        )
        workers = {file.stem.rpartition("_")[2] for file in self._folder.glob("gauge_live*_*.db")}
        for pid in sorted({*workers, str(os.getppid())}):
            with suppress(OSError):  # it has ended meanwhile
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                memory.add_metric([pid], pages * os.sysconf("SC_PAGE_SIZE"))
        yield memory


@router.get("/metrics")
def metrics() -> Response:
    """All metrics in Prometheus' text format, summed over all workers."""
    registry = REGISTRY
    if folder := os.environ.get(_FOLDER):
        _forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(_Memory(Path(folder)))
    return Response(exposition(registry), media_type=CONTENT_TYPE_LATEST)


def _forget_dead_workers(folder: Path) -> None:
    """Remove the gauges of workers that have been replaced. Their counters are kept."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):
            # The process has ended, or another user's process has its number. Another worker may remove it meanwhile.
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
