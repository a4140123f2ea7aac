"""The soak programs, briefly, and what the requests of a worker occupy, on the real server. Long: `tools.soak`."""

import asyncio
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import pairwise
from select import select
from socket import IPPROTO_TCP, SO_RCVBUF, SO_SNDBUF, SOL_SOCKET, TCP_NODELAY, socket
from threading import Barrier

import numpy as np
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from konkyo.service.app import create_app
from konkyo.service.http.protocol import BoundedLoop, BoundedProtocol, SharingLoop
from konkyo.service.http.room import MOST_BYTES
from konkyo.service.settings import Settings
from support.client import connect, exchange, get, post, prepared, received, statuses
from support.pictures import sample
from support.process import peak, peak_from_now, resident
from support.server import PATIENCE, Server, SkippedError, serving, until
from tests.helpers.tensors import PATH, in_bytes
from tests.helpers.tensors import request as tensors_of
from tools.soak import kill, requests, slow
from tools.soak.report import Program

SEVEN = sample(7)


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A service to which only these tests have sent anything."""
    with serving() as started:
        yield started
        assert started.trouble() == ""


@pytest.mark.threat("a killed worker", "many requests", "slow clients", "one client is everybody")
@pytest.mark.parametrize(
    ("program", "count"),
    [(kill.PROGRAM, 1), (requests.PROGRAM, 400), (slow.PROGRAM, 200)],
    ids=["kill", "requests", "slow"],
)
def test_a_short_run_reaches_the_goals(program: Program, count: int) -> None:
    try:
        checks = program.measure(count, program.seed)
    except SkippedError as reason:
        pytest.skip(str(reason))
    assert len(checks) > 3
    assert [check for check in checks if not check.passed and not check.absolute] == []


def test_new_connections_do_not_wait_for_busy_ones(own: Server) -> None:
    """Before all of many clients have their first answer, no more are given than a few for each."""
    count = 40
    head = (
        f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {len(SEVEN)}\r\n\r\n"
    )
    answers = dict.fromkeys((connect(own.port) for _ in range(count)), 0)
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


@pytest.mark.threat("bodies and answers that nobody ends")
def test_who_reads_on_in_time_gets_all_of_an_answer() -> None:
    """Where the system keeps little for a client, the rest of an answer waits, and with it a deadline.

    And no piece waits for an acknowledgement: asyncio leaves Nagle's algorithm on for a socket that workers share, and
    each answer would take 40 ms more.
    """
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
            while not (made and (first := made[0]._reader)):
                await asyncio.sleep(0.01)
            assert made[0].transport.get_extra_info("socket").getsockopt(IPPROTO_TCP, TCP_NODELAY)
            answers = await reader.read()
            assert first.cancelled()
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


@pytest.mark.threat("room is what a request occupies", "bodies that do not end")
def test_six_hundred_stalled_uploads_do_not_fill_the_memory(own: Server) -> None:
    """Of each 250 kB have come, and no more come; a worker grew by 270 kB for each."""
    begun = post("/predict", "Content-Length: 260000", body=bytes(250_000))
    assert statuses(exchange(own.port, predict())) == [200]
    before = peak_from_now(own.pid)
    with ExitStack() as held:
        for _ in range(600):
            connection = held.enter_context(connect(own.port))
            connection.settimeout(10)
            with suppress(OSError):  # there is no room for it
                connection.sendall(begun)
        # Until it has read all that came.
        held_now = [0.0, resident(own.pid)]
        while held_now[-1] > held_now[-2]:
            time.sleep(0.2)
            held_now.append(resident(own.pid))
        # The bodies that find room, and again as much for what is around them; all would be 143 MiB.
        assert peak(own.pid) - before < 2 * MOST_BYTES / 2**20
        # Room is taken by those bodies alone: what needs none is answered.
        assert statuses(exchange(own.port, get("/healthz"))) == [200]
    # Those who leave give their room back.
    until(lambda: statuses(exchange(own.port, predict())) == [200])


def predict() -> bytes:
    return post("/predict", f"Content-Length: {len(SEVEN)}", body=SEVEN)


def batch(count: int, *outputs: str) -> bytes:
    """Of so many images as UINT8: the most, 1,024, are 803 kB."""
    images = np.random.default_rng(1).integers(0, 256, (count, 784)).astype(np.uint8)
    asked = tensors_of(images, outputs, parameters={"binary_data_output": True})
    body, headers = in_bytes(asked, images)
    head = f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())
    return post(PATH, *head, body=body, media="application/octet-stream")


@pytest.mark.threat("room is what a request occupies", "fair turns")
def test_forty_batches_at_once_do_not_fill_the_memory(own: Server) -> None:
    """Each waited as floats, eight times as large, and a worker of 512 MiB was killed by 82."""
    count, whole = 40, batch(1024, "logits", "occlusion")
    assert statuses(exchange(own.port, batch(1, "logits"))) == [200]
    before, gate = peak_from_now(own.pid), Barrier(count)

    def send(_: int) -> bytes:
        with connect(own.port) as connection:
            gate.wait(60)
            connection.sendall(whole)
            return received(connection)

    with ThreadPoolExecutor(count) as crowd:
        answers = list(crowd.map(send, range(count)))
    found = [status for answer in answers for status in statuses(answer)]
    # How many are answered before the others have waited for too long is a matter of the machine.
    assert set(found) == {200, 503}
    for answer in answers:
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert (b"retry-after: 1" in head) == (statuses(answer) == [503])
    as_floats = count * 1024 * 784 * 8 / 2**20
    assert peak(own.pid) - before < as_floats / 2


@pytest.mark.threat("fair turns")
def test_a_single_question_is_answered_while_batches_come(own: Server) -> None:
    """Questions for Shapley values, one after another, while three clients send batches without a pause.

    First come, first served, each question would wait for a batch or two: here it waits for a piece of one.
    """
    clients, questions, whole = 3, 5, batch(256, "shapley")
    asked = post("/explain/shapley", f"Content-Length: {len(SEVEN)}", body=SEVEN)
    ended: list[bool] = []
    flooded: list[int] = []

    def flood() -> None:
        while not ended:
            flooded.extend(statuses(exchange(own.port, whole)))

    with ThreadPoolExecutor(clients) as crowd:
        floods = [crowd.submit(flood) for _ in range(clients)]
        try:
            until(lambda: 503 in flooded)  # as many batches are inside as may be
            before = flooded.count(200)
            answers = [exchange(own.port, asked) for _ in range(questions)]
            finished = flooded.count(200) - before
        finally:
            ended.append(True)
    for one in floods:
        one.result()
    assert [statuses(answer) for answer in answers] == [[200]] * questions
    assert all(json.loads(answer.partition(b"\r\n\r\n")[2])["predicted"] == 7 for answer in answers)
    assert set(flooded) == {200, 503}
    assert finished < questions
