"""``python -m tools.soak.slow``: half-open sockets at the edge do not keep healthy clients out (slow clients)."""

import asyncio
import sys
import time

from support.client import Connection, prepared, run
from support.edge import ATTACKERS, SLOW, edge, healthy, hidden, hold
from support.pictures import sample
from support.server import serving
from tools.soak.report import Check, Program, main

HEALTHY = 200
MAX_HELD = 20.0
# From ten addresses, and from that of the healthy clients: behind a published port everybody has the gateway's.
SOURCES = (ATTACKERS, ["127.0.0.1"])


def measure(count: int, seed: int) -> list[Check]:
    with serving() as server, edge(server.port) as port:
        return run(_measure(count, port, sample(seed % 10)))


async def _measure(count: int, port: int, picture: bytes) -> list[Check]:
    begin = time.monotonic()
    kinds = [(number, source) for source in SOURCES for number in range(count)]
    sockets = [asyncio.create_task(hold(port, number, source)) for number, source in kinds]
    await asyncio.sleep(1)
    held = sum(not task.done() for task in sockets)
    good = await healthy(port, picture, HEALTHY)
    bounded = [task for (number, _), task in zip(kinds, sockets, strict=True) if SLOW[number % len(SLOW)].bounded]
    _, late = await asyncio.wait(bounded, timeout=MAX_HELD - (time.monotonic() - begin))
    seconds = time.monotonic() - begin
    for task in sockets:
        task.cancel()
    await asyncio.gather(*sockets, return_exceptions=True)
    statuses = await hidden(port)
    async with Connection(port) as connection:
        large = (await connection.ask(prepared("POST", "/predict", bytes(262_145)))).status
    return [
        Check("the slow sockets are open", f"{held} of {len(kinds)}", held > 0.9 * len(kinds)),
        Check("healthy clients meanwhile: 100 %", f"{good} of {HEALTHY}", good == HEALTHY),
        Check(
            f"slow headers and silent bodies are closed within {MAX_HELD:.0f} s",
            f"{len(bounded) - len(late)} of {len(bounded)}, in {seconds:.1f} s",
            not late,
        ),
        Check("metrics and docs through the edge: 404", str(statuses), set(statuses) == {404}),
        Check("a body too large through the edge: 413", str(large), large == 413),
    ]


PROGRAM = Program(
    "slow",
    "Half-open sockets at the edge, from ten addresses and as many from one",
    500,
    measure,
    threats=("slow clients", "one client is everybody", "exposed metrics and docs"),
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
