"""``python -m tools.soak.healthz``: /healthz stays quick in a flood of occlusions (CPU exhaustion)."""

import asyncio
import sys

from tests.helpers.pictures import sample
from tests.hostile.serving import serving
from tools.soak.client import Connection, lower_priority, percentile, prepared, run
from tools.soak.overload import MOST_EXPENSIVE
from tools.soak.report import Check, Program, main

CLIENTS = 64
MAX_SECONDS = 0.1
PAUSE = 0.01


def measure(count: int, seed: int) -> list[Check]:
    return run(_measure(count, seed))


async def _measure(count: int, seed: int) -> list[Check]:
    heavy, light = prepared("POST", MOST_EXPENSIVE, sample(seed % 10)), prepared("GET", "/healthz")
    statuses: dict[int, int] = {}
    with serving() as server:
        lower_priority()

        async def flood() -> None:
            async with Connection(server.port) as connection:
                while True:
                    status = (await connection.ask(heavy)).status
                    statuses[status] = statuses.get(status, 0) + 1

        floods = [asyncio.create_task(flood()) for _ in range(CLIENTS)]
        await asyncio.sleep(1)
        seconds, alive = [], 0
        async with Connection(server.port) as connection:
            for _ in range(count):
                answer = await connection.ask(light)
                alive += answer.status == 200
                seconds.append(answer.seconds)
                await asyncio.sleep(PAUSE)
        for task in floods:
            task.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
    p99 = percentile(seconds, 0.99)
    return [
        Check("every probe is answered", f"{alive:,} of {count:,}", alive == count),
        Check(
            f"p99 below {MAX_SECONDS * 1e3:.0f} ms",
            f"p50 {percentile(seconds, 0.5) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, most {max(seconds) * 1e3:.1f} ms",
            p99 < MAX_SECONDS,
            absolute=True,
        ),
        Check("the flood is answered 200 or 503", str(dict(sorted(statuses.items()))), set(statuses) <= {200, 503}),
    ]


PROGRAM = Program(
    "healthz",
    "Probes of /healthz in a flood of occlusions",
    1_000,
    measure,
    threats=("CPU exhaustion",),
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
