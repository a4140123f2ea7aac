"""``python -m tools.soak.kill``: the worker with most clients is killed while sixteen of them ask (goal 2)."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from random import Random

from support.client import ClosedError, Connection, lower_priority, percentile, prepared, run
from support.pictures import uploads
from support.process import connections
from support.server import Server, serving
from tools.soak.report import Check, Program, main

WORKERS, CLIENTS, IMAGES = 2, 16, 200
TRIES, RECONNECT = 10, 20
READY = "Application startup complete"
MAX_SECONDS = 3.0
PATIENCE = 30.0


@dataclass
class Tally:
    """What the clients saw."""

    answered: int = 0
    wrong: int = 0
    failures: int = 0
    given_up: int = 0
    stop: bool = False
    statuses: set[int] = field(default_factory=set)


def measure(count: int, seed: int) -> list[Check]:
    return run(_measure(count, seed))


async def _measure(kills: int, seed: int) -> list[Check]:
    tally = Tally()
    requests = [prepared("POST", "/predict", image) for image in uploads(IMAGES)]
    Random(seed).shuffle(requests)  # noqa: S311
    with serving(KONKYO_WORKERS=str(WORKERS)) as server:
        await _until_ready(server, WORKERS)
        lower_priority()
        async with Connection(server.port) as alone:
            expected = [(await alone.ask(request)).body for request in requests]
        clients = [asyncio.create_task(_client(server.port, requests, expected, tally, n)) for n in range(CLIENTS)]
        beyond, replaced = 0, []
        for kill in range(kills):
            await asyncio.sleep(0.5)
            victim = max(server.workers(), key=lambda worker: connections(worker, server.port))
            os.kill(victim, signal.SIGSTOP)  # so that it takes no more while its connections are counted
            failed, held = tally.failures, connections(victim, server.port)
            # Its parent asks it every half second whether it lives, and must not wait for the answer of who was killed.
            await asyncio.sleep(0.75)
            os.kill(victim, signal.SIGKILL)
            replaced.append(await _until_ready(server, WORKERS + kill + 1))
            beyond += max(tally.failures - failed - held, 0)
        await asyncio.sleep(0.5)
        tally.stop = True
        await asyncio.gather(*clients)
        workers = len(server.workers())
    return [
        Check("no wrong or truncated 200", f"{tally.wrong} of {tally.answered:,}", tally.wrong == 0),
        Check("no other status than 200", str(sorted(tally.statuses)), tally.statuses == {200}),
        Check(
            "failures at most the victim's connections",
            f"{tally.failures} in {kills} kills, {beyond} beyond",
            tally.failures > 0 and beyond == 0,
        ),
        Check("a retrying client gets every answer", f"{tally.given_up} given up", tally.given_up == 0),
        Check(
            f"a new worker answers within {MAX_SECONDS:.0f} s",
            f"median {percentile(replaced, 0.5):.2f} s, longest {max(replaced):.2f} s",
            max(replaced) < MAX_SECONDS,
            absolute=True,
        ),
        Check("as many workers at the end", f"{workers} of {WORKERS}", workers == WORKERS),
    ]


async def _client(port: int, requests: list[bytes], expected: list[bytes], tally: Tally, number: int) -> None:
    place = number
    async with Connection(port) as connection:
        while not tally.stop:
            place = (place + 7) % len(requests)
            for _ in range(TRIES):
                try:
                    answer = await connection.ask(requests[place])
                except ClosedError:
                    tally.failures += 1
                    continue
                if place % RECONNECT == 0:
                    connection.close()  # both workers get some
                tally.answered += 1
                tally.statuses.add(answer.status)
                tally.wrong += answer.body != expected[place]
                break
            else:
                tally.given_up += 1


async def _until_ready(server: Server, starts: int) -> float:
    """Seconds until so many workers have ever started."""
    begin = time.monotonic()
    while server.log.read_bytes().count(READY.encode()) < starts:
        if time.monotonic() > begin + PATIENCE:
            raise TimeoutError(f"no new worker within {PATIENCE} s")
        await asyncio.sleep(0.02)
    return time.monotonic() - begin


PROGRAM = Program("kill", "Workers killed under load of sixteen clients", 20, measure, threats=("a killed worker",))

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
