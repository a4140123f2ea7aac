"""The soak programs, briefly: all that does not depend on how fast the machine is. The long form: ``make soak``."""

import asyncio
from itertools import pairwise
from select import select
from socket import IPPROTO_TCP, TCP_NODELAY, socket

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from konkyo.service.app import create_app
from konkyo.service.http.protocol import BoundedProtocol, SharingLoop
from konkyo.service.settings import Settings
from tests.e2e.server import PATIENCE
from tests.helpers.pictures import sample
from tests.hostile.serving import Server, connect
from tools.soak import concurrent, kill, requests
from tools.soak.client import prepared
from tools.soak.report import Check, Program, missed

SEVEN = sample(7)


@pytest.mark.threat("a killed worker", "many requests", "many at once")
@pytest.mark.parametrize(
    ("program", "count"),
    [(concurrent.PROGRAM, 120), (kill.PROGRAM, 1), (requests.PROGRAM, 600)],
    ids=lambda value: value.name if isinstance(value, Program) else "",
)
def test_a_short_run_reaches_the_goals(program: Program, count: int) -> None:
    checks = program.measure(count, program.seed)
    assert len(checks) > 3
    assert missed(checks) == []


def test_only_a_goal_of_the_machine_may_be_missed() -> None:
    slow, wrong = Check("quick", "slow", False, absolute=True), Check("right", "wrong", False)
    assert missed([Check("right", "right", True), slow, wrong]) == [wrong]


def test_new_connections_do_not_wait_for_busy_ones(server: Server) -> None:
    """Before all of many clients have their first answer, no more are given than a few for each."""
    count = 40
    head = (
        f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {len(SEVEN)}\r\n\r\n"
    )
    answers = dict.fromkeys((connect(server.port) for _ in range(count)), 0)
    for client in answers:
        client.sendall(head.encode() + SEVEN)
    while not all(answers.values()):
        for client in select(list(answers), [], [], PATIENCE)[0]:
            # The head comes apart from the body, which is JSON within JSON.
            if client.recv(65536).endswith(b"}}"):
                answers[client] += 1
                client.sendall(head.encode() + SEVEN)
    for client in answers:
        client.close()
    assert sum(answers.values()) <= 4 * count


def test_a_kept_connection_waits_for_no_acknowledgement() -> None:
    """Workers share a socket. asyncio leaves Nagle's algorithm on there, and each answer would take 40 ms more."""
    delays: list[bool] = []

    class Noted(BoundedProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            delays.append(not transport.get_extra_info("socket").getsockopt(IPPROTO_TCP, TCP_NODELAY))

    async def connected() -> None:
        config = Config(create_app(Settings()), port=0, lifespan="off", log_config=None)
        config.load()
        shared = config.bind_socket()
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: Noted(config, ServerState(), {}), sock=shared):
            reader, writer = await asyncio.open_connection(*shared.getsockname())
            writer.write(prepared("POST", "/predict", SEVEN))
            assert await reader.readexactly(15) == b"HTTP/1.1 200 OK"
            writer.close()

    asyncio.run(connected())
    assert delays == [False]


@pytest.mark.parametrize(("kind", "most"), [(SharingLoop, 2), (asyncio.SelectorEventLoop, 16)])
def test_a_burst_of_connections_is_left_to_the_other_workers(kind: type[asyncio.SelectorEventLoop], most: int) -> None:
    """asyncio's own loop accepts all that wait in one turn: one worker would have nearly all of each burst."""

    class Closing(asyncio.Protocol):
        accepted = ended = 0

        def __init__(self) -> None:
            Closing.accepted += 1

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            transport.close()

        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
            Closing.ended += 1

    loop, shared = kind(), socket()
    shared.bind(("127.0.0.1", 0))
    server = loop.run_until_complete(loop.create_server(Closing, sock=shared))
    clients = [connect(shared.getsockname()[1]) for _ in range(16)]
    counts = [0]
    while Closing.ended < len(clients):
        loop.call_soon(loop.stop)
        loop.run_forever()  # one turn
        counts.append(Closing.accepted)
    assert max(after - before for before, after in pairwise(counts)) == most
    for client in clients:
        client.close()
    server.close()
    loop.run_until_complete(server.wait_closed())
    loop.close()
