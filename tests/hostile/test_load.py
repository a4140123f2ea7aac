"""The soak programs, briefly: all that does not depend on how fast the machine is. The long form: ``make soak``."""

import time
from contextlib import suppress
from pathlib import Path
from select import select
from socket import socket

import pytest

from tests.e2e.server import PATIENCE
from tests.helpers.pictures import sample
from tests.hostile.serving import Server, connect, serving
from tools.soak import concurrent, kill, requests
from tools.soak.client import Connection, prepared, run
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
    """Workers share a socket; with Nagle's algorithm on it, each answer on a kept connection takes 40 ms more."""
    request = prepared("POST", "/predict", SEVEN)

    async def seconds(port: int, connections: int, each: int) -> list[float]:
        found = []
        for _ in range(connections):
            async with Connection(port) as connection:
                found += [(await connection.ask(request)).seconds for _ in range(each)]
        return found

    with serving(KONKYO_WORKERS="2") as server:
        fresh, kept = run(seconds(server.port, 60, 1)), run(seconds(server.port, 1, 60))
    # The first answers on a connection are acknowledged at once in any case. On a busy machine any answer may be late.
    assert min(kept[20:]) < 5 * min(fresh)


def test_bursts_of_connections_are_shared_by_the_workers() -> None:
    """asyncio's own loop accepts all that wait: one worker would have nearly all of each burst."""
    request, kept, fewer = prepared("POST", "/predict", SEVEN), list[socket](), 0
    with serving(KONKYO_WORKERS="2") as server:
        while server.log.read_text().count("Application startup complete") < 2:
            time.sleep(0.1)
        workers = server.workers()
        for _ in range(20):
            before = [sockets_of(one) for one in workers]
            clients = [connect(server.port) for _ in range(16)]
            for client in clients:
                client.sendall(request)
            for client in clients:
                assert client.recv(15) == b"HTTP/1.1 200 OK"
            fewer += min(sockets_of(one) - earlier for one, earlier in zip(workers, before, strict=True))
            kept += clients
            time.sleep(0.1)
        for client in kept:
            client.close()
    # Of 160, if all were halved; without the loop it is 50 at most.
    assert fewer >= 80


def sockets_of(process: int) -> int:
    links = []
    for one in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            links.append(str(one.readlink()))
    return sum(link.startswith("socket:") for link in links)
