"""``python -m tools.soak.bombs``: what is small outside and large inside costs little time and memory."""

import asyncio
import sys
import time

from support.client import Connection, exchange, get, percentile, post, prepared, run
from support.container import LIMIT, account
from support.pictures import sample
from support.process import peak, resident
from support.server import Server, serving
from support.uploads.bombs import LARGEST, TOO_LARGE, forms, text_bombs
from support.uploads.jpegs import ENDLESS
from tools.soak.report import Check, Program, main, say

MAX_SECONDS = 0.1
MAX_GROWTH = 20.0  # MiB
WORKERS = 2
AT_ONCE = 16 * WORKERS
FLOOD = 200  # MiB


def measure(count: int, seed: int) -> list[Check]:
    picture = sample(seed % 10)
    refused = {f"form: {name}": (media, body) for name, (media, body) in forms(picture).items()}
    images = {**TOO_LARGE, **text_bombs(), **{f"{name} scans": data for name, data in ENDLESS.items()}}
    refused |= {f"image: {name}": ("image/png", data) for name, data in images.items()}
    raw = {
        name: post("/predict?fit=mnist", f"Content-Length: {len(b)}", media=m, body=b)
        for name, (m, b) in refused.items()
    }
    raw["ten thousand headers"] = get("/healthz", *[f"X-{n}: y" for n in range(10_000)])
    with serving(KONKYO_WORKERS=str(WORKERS)) as server:
        exchange(server.port, post("/predict", f"Content-Length: {len(picture)}", body=picture))
        before = _peak(server)
        slowest = max((_typical(server, request, count), name) for name, request in raw.items())
        after = _peak(server)
        flooded = _flood(server)
        largest = max(run(_read(server.port, data, 1)) for data in LARGEST.values())
        for data in LARGEST.values():
            run(_read(server.port, data, AT_ONCE))
        most, trouble = _peak(server), server.trouble()
        own = account(server.container)[0] if server.container else None
    say(f"  the largest pictures take up to {largest * 1e3:.0f} ms")
    checks = [
        Check(
            f"each of {len(raw)} bombs refused, or read without it, in less than {MAX_SECONDS * 1e3:.0f} ms",
            f"median at most {slowest[0] * 1e3:.1f} ms ({slowest[1]})",
            slowest[0] < MAX_SECONDS,
            absolute=True,
        ),
        Check(
            f"their peak of memory less than {MAX_GROWTH:.0f} MiB",
            f"{after - before:+.1f} MiB",
            after - before < MAX_GROWTH,
        ),
        Check(f"a body of {FLOOD} MiB in chunks: memory flat", f"{flooded:+.1f} MiB", flooded < MAX_GROWTH),
        Check(
            f"{AT_ONCE} pictures of 4 megapixels at once: {WORKERS} workers and their parent below {LIMIT} MiB",
            f"{most:.0f} MiB, from {before:.0f}",
            most < LIMIT,
        ),
        Check("no exception in the log", trouble or "none", not trouble),
    ]
    if own is not None:
        checks.append(Check(f"the kernel's account of the container below {LIMIT} MiB", f"{own:.0f} MiB", own < LIMIT))
    return checks


def _peak(server: Server) -> float:
    """The most that each of its processes ever held, together."""
    return sum(peak(process) for process in {server.pid, *server.workers()})


def _typical(server: Server, request: bytes, count: int) -> float:
    """Median seconds from connecting to the last byte."""
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        exchange(server.port, request)
        seconds.append(time.perf_counter() - start)
    return percentile(seconds, 0.5)


def _flood(server: Server) -> float:
    before, piece = sum(map(resident, server.workers())), b"100000\r\n" + bytes(2**20) + b"\r\n"
    exchange(server.port, post("/predict", "Transfer-Encoding: chunked"), *[piece] * FLOOD)
    return sum(map(resident, server.workers())) - before


async def _read(port: int, data: bytes, clients: int) -> float:
    """The longest that one of so many clients, at once, waits."""

    async def client() -> float:
        async with Connection(port) as connection:
            return (await connection.ask(prepared("POST", "/predict?fit=mnist", data))).seconds

    return max(await asyncio.gather(*(client() for _ in range(clients))))


PROGRAM = Program(
    "bombs",
    "Times for each upload that is larger inside",
    20,
    measure,
    threats=("multipart bombs", "pixel bomb", "work without bound in the decoder"),
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
