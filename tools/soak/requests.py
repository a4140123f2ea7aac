"""``python -m tools.soak.requests``: many requests of all kinds leave memory and descriptors as they were (goal 4)."""

import asyncio
import sys
from collections import Counter
from random import Random

from support.client import ClosedError, Connection, lower_priority, prepared, run
from support.pictures import uploads
from support.process import descriptors, resident
from support.server import Server, serving
from support.uploads.mutations import mutant
from support.uploads.pngs import png
from tools.soak.report import Check, Program, main, say

CLIENTS, WORKERS, IMAGES, VARIANTS = 16, 2, 300, 3_000
MAX_GROWTH = 5.0  # MiB
SETTLING = 1.0
MEDIA = "multipart/form-data; boundary=x"


def measure(count: int, seed: int) -> list[Check]:
    return run(_measure(count, seed))


async def _measure(count: int, seed: int) -> list[Check]:
    requests = _mixture(Random(seed))  # noqa: S311
    statuses: Counter[int] = Counter()
    with serving(KONKYO_WORKERS=str(WORKERS)) as server:
        lower_priority()
        warm_up = min(max(count // 10, len(requests)), count)
        await _send(server, requests, warm_up, statuses)
        before = await _settled(server)
        for fifth in range(5):
            await _send(server, requests, count // 5, statuses)
            say(f"  {(fifth + 1) * count // 5:,}: {_held(server)}")
        after = await _settled(server)
        trouble = server.trouble()
    growth = [after[worker][0] - before[worker][0] for worker in after if worker in before]
    opened = [after[worker][1] - before[worker][1] for worker in after if worker in before]
    wrong = {status: times for status, times in statuses.items() if status == 0 or status >= 500}
    say(f"  {dict(sorted(statuses.items()))}")
    return [
        Check("the same workers to the end", f"{len(growth)} of {WORKERS}", len(growth) == WORKERS),
        Check(
            f"memory of a worker grows by less than {MAX_GROWTH:.0f} MiB after {warm_up:,} to warm up",
            ", ".join(f"{value:+.1f} MiB" for value in growth),
            bool(growth) and max(growth) < MAX_GROWTH,
            absolute=True,
        ),
        Check("descriptors constant", ", ".join(f"{value:+d}" for value in opened), bool(opened) and not any(opened)),
        Check("no 5xx, no lost answer", str(wrong or "none"), not wrong),
        Check("answers of every kind", str(sorted(statuses)), {200, 400, 404, 405, 413, 415, 422} <= set(statuses)),
        Check("no exception in the log", trouble or "none", not trouble),
    ]


def _mixture(random: Random) -> list[bytes]:
    """Requests of all kinds, most of them what a user would ask."""
    digits = uploads(IMAGES)
    requests = []
    for _ in range(VARIANTS):
        digit, kind = random.choice(digits), random.random()
        if kind < 0.5:
            model = random.choice(("paired-3x3", "summed-3x3", "lenet-6x16"))
            requests.append(prepared("POST", f"/predict?model={model}", digit))
        elif kind < 0.6:
            body = (
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n'
                + digit
                + b"\r\n--x--\r\n"
            )
            requests.append(prepared("POST", "/explain/filters", body, MEDIA))
        elif kind < 0.7:
            requests.append(prepared("POST", "/explain/occlusion?region=7", digit))
        elif kind < 0.72:
            path = random.choice(("predict", "explain/filters", "explain/occlusion", "explain/process"))
            requests.append(prepared("POST", f"/{path}?format=png", digit))
        elif kind < 0.85:
            hostile = random.choice((png, mutant))(random)
            requests.append(prepared("POST", f"/predict?fit={random.choice(('exact', 'mnist'))}", hostile[:262_144]))
        elif kind < 0.9:
            requests.append(
                prepared("GET", random.choice(("/healthz", "/readyz", "/models", "/models/summed-3x3", "/metrics")))
            )
        elif kind < 0.93:
            nowhere = random.randrange(10**9)
            target = random.choice(
                (f"/{nowhere}", f"/models/{nowhere}", f"/web/{nowhere}", "/predict", f"/healthz?{nowhere}")
            )
            requests.append(prepared("GET", target))
        else:
            target, body, media = random.choice(
                (
                    (f"/predict?regoin={random.randrange(10**9)}", digit, "image/png"),
                    (f"/predict?model={random.randrange(10**9)}", digit, "image/png"),
                    ("/predict", digit, "image/gif"),
                    ("/predict", bytes(262_145), "image/png"),
                    ("/predict", b"--x\r\n" * 50, MEDIA),
                    ("/explain/occlusion?stride=9", digit, "image/png"),
                )
            )
            requests.append(prepared("POST", target, body, media))
    return requests


async def _send(server: Server, requests: list[bytes], count: int, statuses: Counter[int]) -> None:
    """Each client goes through the mixture in its own place, and opens its connection anew now and then."""
    places = iter(range(count))

    async def client() -> None:
        async with Connection(server.port) as connection:
            for place in places:
                try:
                    statuses[(await connection.ask(requests[place * 7 % len(requests)])).status] += 1
                except ClosedError:
                    statuses[0] += 1
                if place % 50 == 0:
                    connection.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


async def _settled(server: Server) -> dict[int, tuple[float, int]]:
    """The same when the clients have left."""
    await asyncio.sleep(SETTLING)
    return _held(server)


def _held(server: Server) -> dict[int, tuple[float, int]]:
    """Each worker's resident memory in MiB and its descriptors."""
    return {worker: (round(resident(worker), 1), descriptors(worker)) for worker in server.workers()}


PROGRAM = Program("requests", "Mixed requests: memory and descriptors", 200_000, measure, threats=("many requests",))

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
