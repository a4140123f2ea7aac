"""The soak programs, briefly, and what the requests of a worker occupy, on the real server. Long: `make soak`."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from select import select
from socket import IPPROTO_TCP, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_NODELAY, socket
from threading import Barrier

import numpy as np
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from konkyo.service.__main__ import SILENCE_SECONDS
from konkyo.service.app import create_app
from konkyo.service.http.protocol import BoundedLoop, BoundedProtocol, SharingLoop
from konkyo.service.settings import Settings
from tests.e2e.server import PATIENCE
from tests.helpers.pictures import sample
from tests.helpers.tensors import in_bytes
from tests.helpers.tensors import request as tensors_of
from tests.hostile.serving import Server, connect, exchange, post, received, serving, statuses
from tools.soak import concurrent, kill, requests
from tools.soak.client import prepared
from tools.soak.memory import peak, resident
from tools.soak.report import Check, Program, missed

SEVEN = sample(7)


@pytest.mark.timeout(90)
@pytest.mark.threat("a killed worker", "many requests", "many at once")
@pytest.mark.parametrize(
    ("program", "count"),
    [(concurrent.PROGRAM, 80), (kill.PROGRAM, 1), (requests.PROGRAM, 300)],
    ids=lambda value: value.name if isinstance(value, Program) else "",
)
def test_a_short_run_reaches_the_goals(program: Program, count: int) -> None:
    checks = program.measure(count, program.seed)
    assert len(checks) > 3
    assert missed(checks) == []


@pytest.mark.threat("a killed worker")
def test_a_worker_that_is_killed_while_its_parent_asks_it_is_replaced() -> None:
    """The parent waited for the answer, a minute."""
    with serving(KONKYO_WORKERS="2") as server:
        until(lambda: started(server) == 2)
        victim = server.workers()[0]
        os.kill(victim, signal.SIGSTOP)
        time.sleep(1)  # it is asked every half second
        os.kill(victim, signal.SIGKILL)
        until(lambda: started(server) == 3)
        assert len(server.workers()) == 2
        assert victim not in server.workers()


def started(server: Server) -> int:
    """How many workers have ever started."""
    return server.log.read_bytes().count(kill.READY.encode())


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SILENCE_SECONDS / 2
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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


@pytest.mark.threat("bodies and answers that nobody ends")
def test_who_reads_on_in_time_gets_all_of_an_answer() -> None:
    """Where the system keeps little for a client, the rest of an answer waits, and with it a deadline."""
    path, made = "/explain/process?top=256&model=lenet-6x16", list[BoundedProtocol]()

    async def scenario() -> bytes:
        config = Config(create_app(Settings()), lifespan="off", log_config=None)
        config.load()
        listening, client = socket(), socket()
        listening.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        listening.bind(("127.0.0.1", 0))

        def protocol() -> BoundedProtocol:
            made.append(BoundedProtocol(config, ServerState(), {}))
            return made[-1]

        async with await asyncio.get_running_loop().create_server(protocol, sock=listening):
            client.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
            client.connect(listening.getsockname())
            reader, writer = await asyncio.open_connection(sock=client)
            writer.write(prepared("POST", path, SEVEN) + prepared("POST", path, SEVEN, Connection="close"))
            while not (made and made[0]._reader):
                await asyncio.sleep(0.01)
            answers = await reader.read()
            writer.close()
            return answers

    answers = asyncio.run(scenario())
    assert statuses(answers) == [200, 200]
    assert [json.loads(one.partition(b"\r\n\r\n")[2])["predicted"] for one in answers.split(b"HTTP/1.1 ")[1:]] == [7, 7]
    assert made[0]._reader is None


@pytest.mark.parametrize(("kind", "most"), [(SharingLoop, 2), (BoundedLoop, 8), (asyncio.SelectorEventLoop, 16)])
def test_of_a_burst_of_connections_few_are_accepted_in_a_turn(kind: type[asyncio.SelectorEventLoop], most: int) -> None:
    """asyncio's own loop accepts all: one worker would have nearly all of each burst, and open too many files."""

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


MOST = 1024
LENGTH = "Inference-Header-Content-Length"


def batch(count: int, *outputs: str) -> bytes:
    """Of so many images as UINT8: the most are 803 kB."""
    images = np.random.default_rng(1).integers(0, 256, (count, 784)).astype(np.uint8)
    asked = tensors_of(images, outputs, parameters={"binary_data_output": True})
    body, headers = in_bytes(asked, images)
    path = "/v2/models/paired-3x3/infer"
    head = f"Content-Length: {len(body)}", f"{LENGTH}: {headers[LENGTH]}"
    return post(path, *head, body=body, media="application/octet-stream")


@pytest.mark.threat("room is what a request occupies", "fair turns")
def test_forty_batches_at_once_do_not_fill_the_memory() -> None:
    """Each waited as floats, eight times as large, and a worker of 512 MiB was killed by 82."""
    count, whole = 40, batch(MOST, "logits", "occlusion")
    with serving() as server, ThreadPoolExecutor(count) as crowd:
        [worker] = server.workers()
        assert statuses(exchange(server.port, batch(1, "logits"))) == [200]
        before, gate = resident(worker), Barrier(count)

        def send(_: int) -> bytes:
            with connect(server.port) as connection:
                gate.wait(60)
                connection.sendall(whole)
                return received(connection)

        answers = list(crowd.map(send, range(count)))
        grown = peak(worker) - before
        found = [status for answer in answers for status in statuses(answer)]
        trouble = server.trouble()
    assert set(found) <= {200, 503}
    assert found.count(200) >= 2
    for answer in answers:
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert (b"retry-after: 1" in head) == (statuses(answer) == [503])
    assert grown < 160, f"{grown:.0f} MiB"
    assert trouble == ""


@pytest.mark.threat("room is what a request occupies", "bodies that do not end")
def test_six_hundred_stalled_uploads_do_not_fill_the_memory() -> None:
    """Of each 250 kB have come, and no more come; a worker grew by 270 kB for each."""
    count, sent = 600, bytes(250_000)
    begun = post("/predict", "Content-Length: 260000", body=sent)
    with serving() as server, ExitStack() as held:
        [worker] = server.workers()
        assert statuses(exchange(server.port, _predict())) == [200]
        before, refused = resident(worker), 0
        for _ in range(count):
            connection = held.enter_context(connect(server.port))
            connection.setblocking(False)
            left = memoryview(begun)
            deadline = time.monotonic() + 10
            while left and time.monotonic() < deadline:
                try:
                    left = left[connection.send(left) :]
                except BlockingIOError:
                    time.sleep(0.001)
                except ConnectionError:
                    refused += 1
                    break
        # Until it has read all that came.
        held_now = [0.0, resident(worker)]
        while held_now[-1] > held_now[-2]:
            time.sleep(0.5)
            held_now.append(resident(worker))
        grown = peak(worker) - before
        # Room is taken by those bodies alone: what needs none is answered.
        health = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert statuses(exchange(server.port, health)) == [200]
        held.close()
        # Those who leave give their room back.
        answer = b""
        for _ in range(50):
            answer = exchange(server.port, _predict())
            if statuses(answer) == [200]:
                break
            time.sleep(0.1)
        assert statuses(answer) == [200]
        trouble = server.trouble()
    assert grown < 64, f"{grown:.0f} MiB"
    assert trouble == ""


@pytest.mark.threat("fair turns")
def test_a_single_question_is_answered_while_batches_come() -> None:
    """Questions for Shapley values, one after another, while four clients send batches without a pause.

    First come, first served, each question would wait for a batch or two: here it waits for a piece of one.
    """
    clients, questions, whole = 4, 5, batch(256, "shapley")
    asked = post("/explain/shapley", f"Content-Length: {len(SEVEN)}", body=SEVEN)
    with serving() as server, ThreadPoolExecutor(clients) as crowd:
        ended: list[bool] = []
        flooded: list[int] = []

        def flood() -> None:
            while not ended:
                flooded.extend(statuses(exchange(server.port, whole)))

        floods = [crowd.submit(flood) for _ in range(clients)]
        try:
            until(lambda: 503 in flooded)  # as many batches are inside as may be
            before = flooded.count(200)
            answers = [exchange(server.port, asked) for _ in range(questions)]
            finished = flooded.count(200) - before
        finally:
            ended.append(True)
        for one in floods:
            one.result()
        trouble = server.trouble()
    assert [statuses(answer) for answer in answers] == [[200]] * questions
    assert all(json.loads(answer.partition(b"\r\n\r\n")[2])["predicted"] == 7 for answer in answers)
    assert set(flooded) == {200, 503}
    assert finished < questions
    assert trouble == ""


def _predict() -> bytes:
    return post("/predict", f"Content-Length: {len(SEVEN)}", body=SEVEN)
