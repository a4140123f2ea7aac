"""nginx before the service, with the project's own configuration. The long form: ``python -m tests.soak.slow``."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.hostile.broken import BROKEN
from tests.hostile.serving import Server, exchange, get, post, problem, statuses
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


# What nginx makes sense of, and passes on.
READ = {"bare line feeds": [200], "chunks that end in line feeds": [415]}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_http_is_a_400_at_the_edge_as_well(port: int, name: str) -> None:
    answer = exchange(port, BROKEN[name])
    assert statuses(answer) == READ.get(name, [400])
    if name not in READ:
        assert problem(answer) == "malformed-request"


REFUSED = {
    "a path that is none": (get("/%zz"), 400, "malformed-request"),
    "a path that leads out": (get("/../../x"), 400, "malformed-request"),
    "another version": (b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n", 400, "malformed-request"),
    "another encoding": (post("/predict", "Transfer-Encoding: gzip", body=b"x"), 400, "malformed-request"),
    "a long path": (get("/" + "a" * 20_000), 431, "headers-too-large"),
    "a long header": (get("/healthz", "X: " + "a" * 20_000), 431, "headers-too-large"),
    "many headers": (get("/healthz", *(f"X-{n}: y" for n in range(3_000))), 431, "headers-too-large"),
    "a method that is not taken": (get("/").replace(b"GET", b"TRACE"), 405, "method-not-allowed"),
    "a place of the edge's own": (get("/.problem/busy"), 404, "not-found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_edge_refuses_is_a_problem(port: int, name: str) -> None:
    request, status, kind = REFUSED[name]
    answer = exchange(port, request)
    assert statuses(answer) == [status]
    assert problem(answer) == kind
