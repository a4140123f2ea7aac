"""``python -m tools.soak.concurrent``: many at once get the answers that each gets alone (goal 5)."""

import asyncio
import sys
from random import Random

from tests.hostile.serving import serving
from tools.soak.client import Connection, prepared, run
from tools.soak.digits import uploads
from tools.soak.report import Check, Program, main

CLIENTS = 64
PATHS = (
    "/predict",
    "/predict?model=summed-3x3",
    "/explain/filters",
    "/explain/occlusion?region=7",
    "/predict?format=png",
)


def measure(count: int, seed: int) -> list[Check]:
    random = Random(seed)  # noqa: S311
    images = uploads(count)
    paths = [random.choice(PATHS) for _ in range(count)]
    requests = [prepared("POST", path, images[n % len(images)]) for n, path in enumerate(paths)]
    with serving(KONKYO_WORKERS="2", KONKYO_MAX_WAITING=str(CLIENTS)) as server:
        serial = run(_ask_all(server.port, requests, 1))
        order = list(range(count))
        random.shuffle(order)
        shuffled = run(_ask_all(server.port, [requests[n] for n in order], CLIENTS))
        trouble = server.trouble()
    concurrent = dict(zip(order, shuffled, strict=True))
    different = [n for n in range(count) if concurrent[n] != serial[n]]
    answered = sum(status == 200 for status, _ in serial)
    distinct = len({body for _, body in serial})
    return [
        Check("every answer is a 200", f"{answered:,} of {count:,}", answered == count),
        Check("the images are told apart", f"{distinct:,} different answers", distinct > 0.9 * count),
        Check(f"{CLIENTS} at once: equal to the serial answers", f"{len(different)} differ", not different),
        Check("no exception in the log", trouble or "none", not trouble),
    ]


async def _ask_all(port: int, requests: list[bytes], clients: int) -> list[tuple[int, bytes]]:
    answers: list[tuple[int, bytes]] = [(0, b"")] * len(requests)
    places = iter(range(len(requests)))

    async def client() -> None:
        async with Connection(port) as connection:
            for place in places:
                answer = await connection.ask(requests[place])
                answers[place] = answer.status, answer.body

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers


PROGRAM = Program(
    "concurrent",
    "Concurrent answers against serial ones, a different image each",
    10_000,
    measure,
    threats=("many at once",),
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
