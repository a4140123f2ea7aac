"""What an operator sees: one log line a request, and metrics."""

import logging
import sys
import time
from http import HTTPStatus

import structlog
from asgi_correlation_id import correlation_id
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.catalogue import Catalogue

log = structlog.get_logger("konkyo")

# Explanations take from a tenth of a millisecond to a tenth of a second.
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)

EXPLANATION_SECONDS = Histogram(
    "konkyo_explanation_seconds", "Time from a picture's bytes to the answer's.", ["path", "form"], buckets=_BUCKETS
)
REJECTED = Counter("konkyo_rejected_total", "Requests that ended in a problem, by its type.", ["reason"])
MODEL = Gauge("konkyo_model_info", "1 for each model that is served.", ["name", "sha256"], multiprocess_mode="max")


def configure_logs() -> None:
    """JSON lines on standard output; legible ones where that is a terminal."""
    renderer = structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def announce(catalogue: Catalogue) -> None:
    """Put the served models into the metrics."""
    for checkpoint in catalogue.checkpoints.values():
        MODEL.labels(checkpoint.name, checkpoint.sha256).set(1)


def note(**facts: str | int) -> None:
    """Add to the log line of the request at hand. Never the picture itself, nor anything the client wrote."""
    structlog.contextvars.bind_contextvars(**facts)


class LogMiddleware:
    """Writes one line when a request has been answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        started, status = time.perf_counter(), int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = scope.get("route")
            log.info(
                "answered",
                request_id=correlation_id.get(),
                method=scope["method"],
                # The route and not the path, which is the client's text.
                route=getattr(route, "path", None),
                status=status,
                milliseconds=round((time.perf_counter() - started) * 1e3, 2),
            )
