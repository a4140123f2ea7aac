"""``python -m benchmarks.request``: where the time of a request goes, in processor time within this process.

The parts are timed one by one, each after a whole request: without one between, the processor's caches would hold all
that a part needs, and it would take less. The rest of a request is FastAPI, Starlette, the middleware and the
event loop.
"""

import asyncio
import io
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import redirect_stdout
from functools import partial
from statistics import median

import structlog
from rich.console import Console
from rich.table import Table
from starlette.requests import Request
from threadpoolctl import threadpool_limits

from benchmarks.guard import ask
from benchmarks.servers.noop import app as noop
from benchmarks.serving import DIGIT, upload
from benchmarks.timing import medians
from konkyo.models.files.card import Polarity
from konkyo.models.files.checkpoint import load_all
from konkyo.models.filters.contributions import explain_filters
from konkyo.models.hiding.occlusion import explain_occlusion
from konkyo.models.preparation.doubts import input_warnings
from konkyo.models.preparation.expected import Fit
from konkyo.models.result import predict
from konkyo.service import drawing
from konkyo.service.app import create_app
from konkyo.service.drawing.primitives.style import Style
from konkyo.service.http.body import read_image
from konkyo.service.http.room import Reservation, Room
from konkyo.service.http.telemetry import EXPLANATION_SECONDS, REQUEST_SECONDS, REQUESTS
from konkyo.service.imaging.decoding import decode_image

PATHS = ("/predict", "/explain/filters", "/explain/occlusion")
ROUNDS = 9
# Requests in one run of the event loop.
CALLS = 20
# Calls of each part.
TURNS = 300


def main() -> None:
    """Print two tables: whole requests, and parts of a request."""
    with redirect_stdout(io.StringIO()), threadpool_limits(1):
        requests, parts = measure_requests(), measure_parts()
    _print("A request, without sockets", requests)
    _print("Its parts", parts)


def measure_requests() -> dict[str, float]:
    """Seconds of one request through the whole application, for each path."""
    service = create_app()
    asked = {"FastAPI, does nothing": (noop, "/predict"), **{path: (service, path) for path in PATHS}}
    with asyncio.Runner() as runner:
        ways = {name: partial(_repeat, runner, partial(ask, app, path)) for name, (app, path) in asked.items()}
        return {name: seconds / CALLS for name, seconds in medians(ways, ROUNDS, time.process_time).items()}


def measure_parts() -> dict[str, float]:
    """Seconds of each step of a request."""
    body, media = upload()
    data = DIGIT.read_bytes()
    network = load_all()["paired-3x3"].precise
    image, _ = decode_image(data, Fit.EXACT, Polarity.AUTO)
    ledger, occlusion = explain_filters(network, image), explain_occlusion(network, image)
    picture, heatmap = drawing.ledger(ledger, Style()), drawing.occlusion(occlusion, Style())
    log, room = structlog.get_logger("konkyo"), Room()

    async def read() -> None:
        reserved = Reservation(room)
        await read_image(Request(_scope(media), partial(_receive, body)), reserved)
        reserved.release()

    parts: dict[str, Callable[[], object]] = {
        "image: decode and prepare": lambda: decode_image(data, Fit.EXACT, Polarity.AUTO),
        "of these, input warnings": lambda: input_warnings(image),
        "log line": lambda: log.info("answered", route="/predict", status=200, milliseconds=0.5),
        "metrics": _count,
        "predict: explain": lambda: predict(network, image),
        "filters: explain": lambda: explain_filters(network, image),
        "filters: draw": lambda: drawing.ledger(ledger, Style()),
        "filters: encode the PNG": picture.encode,
        "occlusion: explain": lambda: explain_occlusion(network, image),
        "occlusion: draw": lambda: drawing.occlusion(occlusion, Style()),
        "occlusion: encode the PNG": heatmap.encode,
    }
    return asyncio.run(
        _between_requests({"form: find the file": read, **{name: _call(part) for name, part in parts.items()}})
    )


async def _between_requests(parts: Mapping[str, Callable[[], Coroutine[None, None, None]]]) -> dict[str, float]:
    service = create_app()
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(TURNS):
        for name, part in parts.items():
            await ask(service, "/predict")
            started = time.process_time()
            await part()
            seconds[name].append(time.process_time() - started)
    return {name: median(values) for name, values in seconds.items()}


def _call(part: Callable[[], object]) -> Callable[[], Coroutine[None, None, None]]:
    async def called() -> None:
        part()

    return called


def _repeat(runner: asyncio.Runner, call: Callable[[], Coroutine[None, None, None]]) -> None:
    async def several() -> None:
        for _ in range(CALLS):
            await call()

    runner.run(several())


def _scope(media: str) -> dict[str, object]:
    return {"type": "http", "headers": [(b"content-type", media.encode())]}


async def _receive(body: bytes) -> dict[str, object]:
    return {"type": "http.request", "body": body, "more_body": False}


def _count() -> None:
    REQUESTS.labels("/predict", "POST", 200).inc()
    REQUEST_SECONDS.labels("/predict").observe(0.0005)
    EXPLANATION_SECONDS.labels("/predict", "json").observe(0.0002)


def _print(title: str, seconds: Mapping[str, float]) -> None:
    table = Table("", "µs", title=title, title_justify="left", min_width=50)
    table.columns[1].justify = "right"
    for name, value in seconds.items():
        table.add_row(name, f"{value * 1e6:.0f}")
    Console(width=80).print(table)


if __name__ == "__main__":
    main()
