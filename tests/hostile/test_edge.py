"""nginx before the service, with the project's own configuration. The long form: ``python -m tests.soak.slow``."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.hostile.serving import Server
from tests.pictures import sample
from tests.soak.client import run
from tests.soak.report import SkippedError
from tests.soak.slow import SLOW, edge, healthy, hidden, hold

SOCKETS = 8 * len(SLOW)


@pytest.fixture(scope="module")
def port(server: Server) -> Iterator[int]:
    try:
        with edge(server.port) as listening:
            yield listening
    except SkippedError as reason:
        pytest.skip(str(reason))


def test_slow_sockets_keep_nobody_out(port: int) -> None:
    async def scenario() -> tuple[int, int]:
        sockets = [asyncio.create_task(hold(port, number)) for number in range(SOCKETS)]
        await asyncio.sleep(0.2)
        good = await healthy(port, sample(7), 20)
        still = sum(not task.done() for task in sockets)
        for task in sockets:
            task.cancel()
        await asyncio.gather(*sockets, return_exceptions=True)
        return good, still

    assert run(scenario()) == (20, SOCKETS)


def test_metrics_and_docs_are_not_public(port: int) -> None:
    assert set(run(hidden(port))) == {404}
