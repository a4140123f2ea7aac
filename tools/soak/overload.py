"""``python -m tools.soak.overload``: four times as much is asked as can be answered (goal 3)."""

import asyncio
import sys
import time
from dataclasses import dataclass, field

from support.client import Answer, ClosedError, Connection, lower_priority, percentile, prepared, run
from support.pictures import sample
from support.server import serving
from tools.soak.report import Check, Program, main

# More than 100 ms of work each, so that what the clients themselves cost does not count.
HEAVY = "/explain/occlusion?region=8&stride=1&pairs=true&model=lenet-6x16"
# Found by tools.soak.dearest, for a digit.
MOST_EXPENSIVE = "/explain/occlusion?region=4&stride=1&pairs=true&faithfulness=true&model=lenet-6x16"
FACTOR, BURST = 4, 200
PEAK_CLIENTS, PEAK_SECONDS = 8, 5.0
MIN_GOODPUT, MAX_REFUSAL, MAX_RECOVERY = 0.8, 0.02, 5.0


@dataclass
class Flood:
    """What came of an offered load."""

    good: int = 0
    refusals: list[float] = field(default_factory=list)
    lacking: int = 0
    others: int = 0

    def add(self, answer: Answer) -> None:
        """Count an answer."""
        if answer.status == 200:
            self.good += 1
        elif answer.status == 503:
            self.refusals.append(answer.seconds)
            problem = b"urn:konkyo:problem:busy" in answer.body
            self.lacking += not problem or answer.headers.get("retry-after") != "1"
        else:
            self.others += 1


def measure(count: int, seed: int) -> list[Check]:
    return run(_measure(count, prepared("POST", HEAVY, sample(seed % 10))))


async def _measure(seconds: int, request: bytes) -> list[Check]:
    with serving() as server:
        lower_priority()
        async with Connection(server.port) as connection:
            alone = percentile([(await connection.ask(request)).seconds for _ in range(20)], 0.5)
        peak = await _peak(server.port, request)
        flood = await _offer(server.port, request, FACTOR * peak, seconds)
        recovery = await _recovery(server.port, request, alone)
        burst = await _burst(server.port)
        trouble = server.trouble()
    goodput = flood.good / seconds
    slow = percentile(flood.refusals, 0.99) if flood.refusals else float("inf")
    return [
        Check(
            f"goodput at least {MIN_GOODPUT:.0%} of the peak at {FACTOR}× its rate",
            f"{goodput:.1f}/s of {peak:.1f}/s, {goodput / peak:.0%}",
            goodput >= MIN_GOODPUT * peak,
            absolute=True,
        ),
        Check(
            "the excess is refused, with Retry-After",
            f"{len(flood.refusals):,} refused, {flood.lacking} without it",
            len(flood.refusals) > 0 and not flood.lacking,
        ),
        Check(
            f"p99 of a refusal below {MAX_REFUSAL * 1e3:.0f} ms",
            f"{slow * 1e3:.1f} ms",
            slow < MAX_REFUSAL,
            absolute=True,
        ),
        Check("nothing but 200 and 503", f"{flood.others} others", not flood.others),
        Check(
            f"as quick as before within {MAX_RECOVERY:.0f} s",
            f"{recovery:.2f} s",
            recovery < MAX_RECOVERY,
            absolute=True,
        ),
        Check(
            f"/predict within {MAX_RECOVERY:.0f} s of {BURST} of the most expensive question at once",
            f"{burst:.2f} s",
            burst < MAX_RECOVERY,
            absolute=True,
        ),
        Check("no exception in the log", trouble or "none", not trouble),
    ]


async def _peak(port: int, request: bytes) -> float:
    """Answers a second with a few clients that always ask again."""
    end, good = time.monotonic() + PEAK_SECONDS, 0

    async def client() -> None:
        nonlocal good
        async with Connection(port) as connection:
            while time.monotonic() < end:
                answer = await connection.ask(request)
                good += answer.status == 200  # in a line of its own: += across an await loses counts

    await asyncio.gather(*(client() for _ in range(PEAK_CLIENTS)))
    return good / PEAK_SECONDS


async def _offer(port: int, request: bytes, rate: float, seconds: int) -> Flood:
    """Ask at that rate, whether answers come or not; what is answered in those seconds counts."""
    flood, idle, end = Flood(), list[Connection](), time.monotonic() + seconds

    async def once() -> None:
        connection = idle.pop() if idle else Connection(port)
        try:
            answer = await connection.ask(request)
        except ClosedError:
            flood.others += 1
        else:
            if time.monotonic() < end or answer.status != 200:
                flood.add(answer)
        idle.append(connection)

    tasks, begin = set(), time.monotonic()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(begin + number / rate - time.monotonic(), 0))
        tasks.add(asyncio.create_task(once()))
    await asyncio.sleep(max(end - time.monotonic(), 0))
    for task in tasks:
        task.cancel()  # the flood ends at once, with requests still waiting
    await asyncio.gather(*tasks, return_exceptions=True)
    for connection in idle:
        connection.close()
    return flood


async def _burst(port: int) -> float:
    """Seconds until /predict answers after many have asked for the most at once, and left."""
    crowd = [Connection(port) for _ in range(BURST)]
    asked = [asyncio.create_task(one.ask(prepared("POST", MOST_EXPENSIVE, sample(7)))) for one in crowd]
    await asyncio.sleep(1)
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    for one in crowd:
        one.close()
    begin = time.monotonic()
    async with Connection(port) as connection:
        while (await connection.ask(prepared("POST", "/predict", sample(7)))).status != 200:
            await asyncio.sleep(0.1)
    return time.monotonic() - begin


async def _recovery(port: int, request: bytes, alone: float) -> float:
    """Seconds after the flood until an answer takes no more than twice as long as before it."""
    begin = time.monotonic()
    async with Connection(port) as connection:
        while time.monotonic() < begin + 30:
            answer = await connection.ask(request)
            if answer.status == 200 and answer.seconds < 2 * alone:
                break
    return time.monotonic() - begin


PROGRAM = Program(
    "overload",
    "Seconds at four times the capacity",
    10,
    measure,
    threats=("CPU exhaustion", "four times the capacity", "the dearest question"),
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
