"""What an operator sees: metrics, and one log line a request."""

import logging
import os
import select
import sys
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TextIO

import structlog
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import generate_latest as exposition
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.http.security import KeyRequired

log = structlog.get_logger("konkyo")

# Explanations take from a tenth of a millisecond to a tenth of a second.
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Counter("http_requests_total", "Requests by route, method and status.", ["handler", "method", "status"])
REQUEST_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    ["handler"],
    buckets=_BUCKETS,
)
EXPLANATION_SECONDS = Histogram(
    "konkyo_explanation_seconds",
    "Time to compute an answer, from the image's bytes to the answer's, without waiting for a turn.",
    ["path", "form"],
    buckets=_BUCKETS,
)
REJECTED = Counter("konkyo_rejected_total", "Requests that ended in a problem, by its type.", ["reason"])
LOST_LINES = Counter("konkyo_log_lines_lost_total", "Log lines that nobody was ready to read.")
MODEL = Gauge("konkyo_model_info", "1 for each model that is served.", ["name", "sha256"], multiprocess_mode="livemax")

router = APIRouter(include_in_schema=False)

_facts: ContextVar[dict[str, str | int]] = ContextVar("facts")


class LogOutput:
    """Standard output, line by line. A line that would have to wait for a reader is lost, and counted."""

    def msg(self, line: str) -> None:
        """Write a line if there is room for it."""
        if _has_room(sys.stdout):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        else:
            LOST_LINES.inc()

    info = error = msg


def _has_room(output: TextIO) -> bool:
    """Whether a line can be written without waiting: a pipe is writable while it has room for 4 KiB."""
    try:
        return bool(select.select([], [output.fileno()], [], 0)[1])
    except (OSError, ValueError):  # no file at all: a test's buffer
        return True


def configure_logs() -> None:
    """JSON lines on standard output; legible ones where that is a terminal."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: LogOutput(),
        cache_logger_on_first_use=True,
    )


def announce(models: dict[str, str]) -> None:
    """Put the served models, name → sha256, into the metrics."""
    for name, sha256 in models.items():
        MODEL.labels(name, sha256).set(1)


def new_facts() -> dict[str, str | int]:
    """An empty collection of facts for the log line of the request at hand."""
    facts: dict[str, str | int] = {}
    _facts.set(facts)
    return facts


def note(**facts: str | int) -> None:
    """Add to the log line of the request at hand. Never the image itself, nor anything the client wrote."""
    known = _facts.get(None)
    if known is not None:
        known.update(facts)


@router.get("/metrics", dependencies=[KeyRequired])
def metrics() -> Response:
    """Every metric in Prometheus' text format, added up over all workers."""
    registry = REGISTRY
    if folder := os.environ.get(_FOLDER):
        _forget_dead_workers(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(exposition(registry), media_type=CONTENT_TYPE_LATEST)


def _forget_dead_workers(folder: Path) -> None:
    """Remove what workers that have been replaced said of themselves; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, PermissionError):
            # Gone, or its number is another user's now. Another worker may be asked, and forget it, at the same time.
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
