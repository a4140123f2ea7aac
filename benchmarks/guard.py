"""``python -m benchmarks.guard``: what a request costs, as a multiple of an endpoint that reads the upload only.

Both run in this process, in turns, and processor time is counted: a busy machine changes little. The bounds are wide.
They fail where the path of every request has grown heavy unseen.
"""

import asyncio
import io
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import redirect_stdout
from statistics import median

from benchmarks.servers.noop import app as noop
from benchmarks.serving import upload
from konkyo.service.app import create_app
from support.asgi import scope

ROUNDS, CALLS = 15, 20
# Multiples of the endpoint that does nothing; about twice what was measured when the bounds were set.
BOUNDS = {"/predict": 7.0, "/explain/filters": 11.0, "/explain/occlusion": 14.0}

UPLOAD = upload()

App = Callable[..., Awaitable[None]]


async def ask(app: App, path: str) -> None:
    """One request with the digit, through the application alone."""
    body, media = UPLOAD
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, object]:
        if not waiting:
            await asyncio.sleep(3600)
        return waiting.pop()

    status = 0

    async def send(message: dict[str, object]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(str(message["status"]))

    await app(scope(path, [(b"content-type", media.encode())]), receive, send)
    if status != 200:
        raise RuntimeError(f"{path} answered {status}")


async def measure() -> dict[str, float]:
    """Processor seconds of a request, medians over the rounds."""
    service = create_app()
    ways = {"nothing": (noop, "/predict"), **{path: (service, path) for path in BOUNDS}}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, (app, path) in ways.items():
            started = time.process_time()
            for _ in range(CALLS):
                await ask(app, path)
            if turn:
                seconds[name].append((time.process_time() - started) / CALLS)
    return {name: median(values) for name, values in seconds.items()}


def main() -> int:
    """1 if a request costs more than its bound."""
    with redirect_stdout(io.StringIO()):
        seconds = asyncio.run(measure())
    heavy = 0
    for path, bound in BOUNDS.items():
        times = seconds[path] / seconds["nothing"]
        heavy += times > bound
        print(f"{path}: {times:.1f} times an endpoint that does nothing; at most {bound:g} may be")
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
