"""Many clients at once: each gets the answer that it would get alone, and a probe does not wait for them."""

import asyncio
from collections import Counter
from random import Random

import pytest

from support.client import Connection, prepared, run
from support.pictures import sample, uploads
from support.server import serving

CLIENTS = 64
PATHS = (
    "/predict",
    "/predict?model=summed-3x3",
    "/explain/filters",
    "/explain/occlusion?region=7",
    "/predict?format=png",
)
# Some 100 ms of work.
DEAR = "/explain/occlusion?region=4&stride=1&pairs=true&faithfulness=true&model=lenet-6x16"


@pytest.mark.threat("many at once")
def test_many_at_once_get_the_answers_that_each_gets_alone(times: int) -> None:
    """A different image each."""
    random, count = Random(1), 80 * times  # noqa: S311
    images = uploads(count)
    requests = [prepared("POST", random.choice(PATHS), images[n % len(images)]) for n in range(count)]
    order = random.sample(range(count), count)
    with serving(KONKYO_WORKERS="2", KONKYO_MAX_WAITING=str(CLIENTS)) as server:
        serial = run(asked(server.port, requests, 1))
        shuffled = run(asked(server.port, [requests[n] for n in order], CLIENTS))
        trouble = server.trouble()
    assert {status for status, _ in serial} == {200}
    assert len({body for _, body in serial}) > 0.9 * count
    assert shuffled == [serial[n] for n in order]
    assert trouble == ""


async def asked(port: int, requests: list[bytes], clients: int) -> list[tuple[int, bytes]]:
    """The answers, in the order of the requests."""
    answers: list[tuple[int, bytes]] = [(0, b"")] * len(requests)
    places = iter(range(len(requests)))

    async def client() -> None:
        async with Connection(port) as connection:
            for place in places:
                answer = await connection.ask(requests[place])
                answers[place] = answer.status, answer.body

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers


@pytest.mark.threat("CPU exhaustion")
def test_probes_do_not_wait_for_a_flood_of_dear_questions(times: int) -> None:
    """Between two probes at most one of them is answered: first come, first served, it would be all that wait."""
    probes = 20 * times
    dear, light = prepared("POST", DEAR, sample(7)), prepared("GET", "/healthz")

    async def scenario(port: int) -> tuple[int, int, Counter[int]]:
        flooded: Counter[int] = Counter()

        async def flood() -> None:
            async with Connection(port) as connection:
                while True:
                    flooded[(await connection.ask(dear)).status] += 1

        floods = [asyncio.create_task(flood()) for _ in range(CLIENTS)]
        while not flooded[503]:  # as many wait as may
            await asyncio.sleep(0.01)
        before, alive = flooded[200], 0
        async with Connection(port) as connection:
            for _ in range(probes):
                alive += (await connection.ask(light)).status == 200
        meanwhile = flooded[200] - before
        while not flooded[200]:  # on a slow machine the probes are faster than the first of them
            await asyncio.sleep(0.01)
        for task in floods:
            task.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
        return alive, meanwhile, flooded

    with serving() as server:
        alive, meanwhile, flooded = run(scenario(server.port))
    assert alive == probes
    assert meanwhile <= probes
    assert set(flooded) == {200, 503}
