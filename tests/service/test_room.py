"""The room and the turns of a worker, and who is refused for want of either."""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient

from konkyo.models import steps
from konkyo.service.app import create_app
from konkyo.service.errors import BusyError, GoneError
from konkyo.service.http import room
from konkyo.service.http import turns as turning
from konkyo.service.http.answer import ReservedResponse
from konkyo.service.http.room import Reservation, Room
from konkyo.service.http.turns import BATCHES_OF_ADDRESS, MOST_BATCHES, MOST_HELD, Asker, Turns
from konkyo.service.settings import Settings
from support.asgi import PNG, ask, sends
from support.pictures import sample
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.refuse import refuses
from tests.helpers.room import fits
from tests.helpers.served import ARCHITECTURES, EXTREMES, upload
from tests.helpers.telemetry import lines, metric
from tests.helpers.tensors import request

WAITING = 3


async def stays() -> bool:
    return False


async def leaves() -> bool:
    return True


SOMEBODY = Asker("192.0.2.1", stays)
OTHERS = [Asker(f"192.0.2.{number}", stays) for number in range(2, 6)]


@pytest.mark.threat("the dearest question")
def test_nothing_is_computed_for_those_who_have_left() -> None:
    async def scenario() -> int:
        turns, worked = Turns(5), []
        for _ in range(8):
            with refuses(GoneError, "nobody waits for the answer any more"):
                await turns.run(lambda: worked.append(1), Asker("192.0.2.1", leaves))
            with refuses(ZeroDivisionError, "integer division or modulo by zero"):
                await turns.run(lambda: 1 // 0, SOMEBODY)
        assert not worked
        # Each of them has given its turn back.
        return await turns.run(lambda: 7, SOMEBODY)

    assert anyio.run(scenario) == 7


@contextmanager
def occupied(app: Any, client: TestClient) -> Iterator[None]:
    """The one thread of the worker computes for as long as the block takes."""
    turns, begun, release = app.state.service.turns, threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        release.wait(30)

    with ThreadPoolExecutor(1) as crowd:
        assert client.portal is not None
        blocked = crowd.submit(client.portal.call, turns.run, work, OTHERS[0])
        try:
            assert begun.wait(20)
            yield
        finally:
            release.set()
        blocked.result(20)


def is_full(turns: Turns) -> bool:
    """Whether one more of somebody would be refused."""
    try:
        turns.check(SOMEBODY)
    except BusyError:
        return True
    return False


@pytest.mark.threat("CPU exhaustion")
def test_a_request_for_which_there_is_no_place_is_told_to_come_back() -> None:
    app = create_app(Settings(max_waiting=WAITING))
    with TestClient(app) as client, ThreadPoolExecutor(16) as crowd:

        def ask() -> int:
            answer = client.post("/predict", params={"format": "png"}, files={"file": sample(7)})
            if answer.status_code == 503:
                check_problem(answer, 503, "busy", "all workers are busy; try again in a second")
                assert answer.headers["retry-after"] == "1"
            return answer.status_code

        with occupied(app, client):
            asked = [crowd.submit(ask) for _ in range(WAITING + 5)]
            # Those that are refused are answered although nothing has been released yet; the others cannot be.
            refused = [one.result(20) for one in islice(as_completed(asked), 5)]
            assert refused == [503] * 5
            assert not any(one.done() and one.result() == 200 for one in asked)
            assert client.get("/healthz").status_code == 200  # while everything else is full
        assert sorted(one.result(20) for one in asked) == [200] * WAITING + [503] * 5
        assert client.post("/predict", files={"file": sample(7)}).json()["predicted"] == 7


@pytest.mark.parametrize("gives_up", ["before", "after"])
def test_a_turn_that_comes_to_who_gives_up_goes_to_the_next(gives_up: str) -> None:
    """In one step of the loop: one turn ends, and who would have the next gives up, before or after it comes."""
    worked: list[str] = []

    async def scenario() -> None:
        turns, release = Turns(WAITING), asyncio.Event()

        async def is_gone() -> bool:
            await release.wait()
            if gives_up == "before":
                second.cancel()
            return True

        async def one() -> None:
            with refuses(GoneError, "nobody waits for the answer any more"):
                await turns.run(lambda: worked.append("first"), Asker("192.0.2.1", is_gone))
            if gives_up == "after":
                second.cancel()

        first = asyncio.create_task(one())
        second, third = (
            asyncio.create_task(turns.run(partial(worked.append, name), SOMEBODY)) for name in ("second", "third")
        )
        await anyio.wait_all_tasks_blocked()
        release.set()
        await asyncio.wait([first, second, third])
        assert second.cancelled()
        assert first.exception() is third.exception() is None
        assert await places(turns) == 1 + WAITING

    asyncio.run(scenario())
    assert worked == ["third"]


async def places(turns: Turns) -> int:
    """How many find one, until the next is refused."""
    release, found = threading.Event(), 0
    async with anyio.create_task_group() as tasks:
        while not is_full(turns):
            tasks.start_soon(turns.run, partial(release.wait, 30), SOMEBODY)
            await anyio.wait_all_tasks_blocked()
            found += 1
        release.set()
    return found


UNSENT = [PNG, (b"content-length", b"500")]


@pytest.mark.threat("the dearest question")
def test_nobody_waits_longer_in_the_queue_than_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """One place, which three questions have one after another while the thread is busy: who gives up leaves it."""
    monkeypatch.setattr(turning, "MOST_SECONDS", 0.1)
    app = create_app(Settings(max_waiting=1))
    with TestClient(app) as client:
        with occupied(app, client):
            for _ in range(3):
                answer = client.post("/explain/shapley", files={"file": sample(7)})
                check_problem(answer, 503, "busy", "no worker was free within 0.1 seconds; try again in a second")
                assert answer.headers["retry-after"] == "1"
        assert client.post("/explain/shapley", files={"file": sample(7)}).status_code == 200


@pytest.mark.threat("the dearest question")
def test_whether_it_is_busy_is_decided_before_the_body_comes() -> None:
    async def scenario() -> list[tuple[int, bytes]]:
        app, release = create_app(Settings(max_waiting=1)), threading.Event()
        turns: Turns = app.state.service.turns
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(partial(turns.run, partial(release.wait, 30), Asker("127.0.0.1", stays)))
            await anyio.wait_all_tasks_blocked()
            try:
                answered = [await ask(app, path, sends([]), UNSENT, b"format=png") for path in PATHS]
            finally:
                release.set()
        return answered

    for status, body in anyio.run(scenario):
        assert (status, json.loads(body)["type"]) == (503, "urn:konkyo:problem:busy")


def test_what_can_be_refused_is_refused_before_the_body_comes() -> None:
    app = create_app(Settings())
    for path in PATHS:
        for query, status, kind in (
            (b"model=resnet", 404, "unknown-model"),
            (b"theme=dark", 422, "invalid-parameter"),
            (b"secret=1", 422, "invalid-parameter"),
        ):
            answered, body = anyio.run(ask, app, path, sends([]), UNSENT, query)
            assert (answered, json.loads(body)["type"]) == (status, f"urn:konkyo:problem:{kind}")


def test_the_time_in_the_queue_is_no_part_of_an_explanation() -> None:
    name = 'konkyo_explanation_seconds_sum{form="png",path="/explain/filters"}'
    app = create_app(Settings(max_waiting=1))
    with TestClient(app) as client, ThreadPoolExecutor(1) as crowd:
        before = metric(client, name)
        with occupied(app, client):
            begun = time.perf_counter()
            asked = crowd.submit(client.post, "/explain/filters?format=png", files={"file": sample(7)})
            while not is_full(app.state.service.turns):
                time.sleep(0.01)
            queued = time.perf_counter()
            time.sleep(0.2)
            held = time.perf_counter() - queued
        assert asked.result(20).status_code == 200
        waited = time.perf_counter() - begun
        taken = metric(client, name) - before
    assert 0 < taken <= waited - held


# Of each question, by itself: tests/models/test_question.py.
ASKED_WHILE_FULL = {
    "predict": 200,
    "predict?fit=mnist": 503,
    "predict?format=png": 503,
    "explain/filters?maps=full&model=lenet-6x16": 200,
    "explain/occlusion?versus=3": 200,
    "explain/occlusion?region=14&stride=14": 200,
    "explain/occlusion?stride=1": 503,
    "explain/shapley": 503,
    "explain/process": 503,
}


@pytest.mark.threat("the dearest question")
def test_cheap_questions_are_answered_while_everything_else_is_full() -> None:
    app = create_app(Settings(max_waiting=0))
    with TestClient(app) as client, occupied(app, client):
        for asked, status in ASKED_WHILE_FULL.items():
            assert client.post(f"/{asked}", files={"file": sample(7)}).status_code == status, asked
        # 28×28 pixels behind 100 KiB of nothing: their decoding is left to a thread.
        padded = sample(7).ljust(100 * 1024, b"\0")
        assert client.post("/predict", files={"file": padded}).status_code == 503
        # Without an image.
        assert client.get("/models/paired-3x3/weights").status_code == 503


@pytest.mark.threat("a question's cost grows with the network")
def test_what_is_cheap_is_a_matter_of_the_network(shapes: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app: Any = shapes.app
    monkeypatch.setattr(app.state.service, "turns", Turns(0))
    statuses = {"tiny": (200, 200, 200), "huge": (503, 422, 503)}
    with occupied(app, shapes):
        for name, expected in statuses.items():
            files = upload({**ARCHITECTURES, **EXTREMES}[name])[1]
            for path, status in zip(("/predict", "/explain/filters", "/explain/occlusion"), expected, strict=True):
                assert shapes.post(path, params={"model": name}, files=files).status_code == status, (name, path)


@pytest.mark.threat("room is what a request occupies")
def test_the_requests_of_a_worker_share_its_room() -> None:
    all_of_it = Room(100, share=60)
    first, of_same, other = (Reservation(all_of_it, address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"))
    first.take(50)
    for size in (11, 50):
        with refuses(BusyError, "all workers are busy; try again in a second"):
            of_same.take(size)
    of_same.take(10)
    other.take(40)
    with refuses(BusyError, "all workers are busy; try again in a second"):
        other.take(1)
    first.release()
    other.take(20)
    for reservation in (first, of_same, other):
        reservation.release()
    assert fits(all_of_it, 60)
    assert not fits(all_of_it, 61)


@pytest.mark.threat("room is what a request occupies", "bodies that do not end")
@pytest.mark.parametrize("path", ["/predict", "/v2/models/paired-3x3/infer"])
def test_what_has_come_takes_room_and_what_is_announced_takes_none(path: str) -> None:
    app = create_app(Settings())
    app.state.service.room = Room(1000)
    statuses: list[int] = []

    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(8):
                tasks.start_soon(ask, app, path, sends([]), [PNG, (b"content-length", b"200000")])
            tasks.start_soon(ask, app, path, sends([bytes(700)], whole=False))
            await anyio.wait_all_tasks_blocked()
            # Neither is an image: what matters is whether they are read.
            statuses.append((await ask(app, "/predict", sends([bytes(300)])))[0])
            statuses.append((await ask(app, "/predict", sends([bytes(301)])))[0])
            tasks.cancel_scope.cancel()

    anyio.run(scenario)
    assert statuses == [415, 503]
    assert fits(app.state.service.room, 1000)


@pytest.mark.threat("room is what a request occupies")
def test_an_answer_keeps_its_room_until_it_is_sent() -> None:
    """Of 500,000 bytes the question took 300,000, and its answer has 200,000."""
    all_of_it, sending = Room(500_000), []

    async def send(_: Any) -> None:
        sending.append((fits(all_of_it, 200_000), fits(all_of_it, 200_001)))

    async def scenario() -> None:
        reserved = Reservation(all_of_it, "192.0.2.1")
        reserved.take(300_000)
        await ReservedResponse(bytes(200_000), "application/json", reserved)({"type": "http"}, sends([]), send)

    anyio.run(scenario)
    # The head, four pieces of at most 64 KiB, and the end.
    assert sending == [(True, False)] * 6
    assert fits(all_of_it, 500_000)


class Course:
    """Questions that write their names in turn: each writes, computes until another one has written, and so on."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self._left: Counter[str] = Counter()

    def question(self, name: str, pieces: int) -> Callable[[], None]:
        """A question of so many pieces."""
        self._left[name] = pieces

        def work() -> None:
            for piece in range(pieces):
                self.order.append(name)
                self._left[name] -= 1
                written = len(self.order)
                while (
                    piece < pieces - 1
                    and len(self.order) == written
                    and any(self._left[other] for other in self._left if other != name)
                ):
                    time.sleep(0.001)
                    steps.done(1)

        return work


@pytest.mark.threat("fair turns", "a turn that nobody can take back")
def test_turns_go_round_by_address_and_then_by_question() -> None:
    async def scenario() -> list[str]:
        turns, course = Turns(9), Course()
        asked = [("a1", 3, SOMEBODY), ("a2", 3, SOMEBODY), ("b", 4, OTHERS[0]), ("c", 1, OTHERS[1])]
        works = [(course.question(name, pieces), asker) for name, pieces, asker in asked]
        async with anyio.create_task_group() as tasks:
            for work, asker in works:
                tasks.start_soon(turns.run, work, asker)
        return course.order

    assert anyio.run(scenario) == ["a1", "b", "c", "a2", "b", "a1", "b", "a2", "b", "a1", "a2"]


@pytest.mark.threat("a turn that nobody can take back")
def test_who_leaves_while_it_computes_is_left() -> None:
    async def scenario() -> int:
        turns, begun = Turns(1), threading.Event()

        def work() -> None:
            begun.set()
            while True:
                steps.done(1)

        async def is_gone() -> bool:
            return begun.is_set()

        with refuses(GoneError, "nobody waits for the answer any more"):
            await turns.run(work, Asker("192.0.2.1", is_gone))
        return await turns.run(lambda: 7, SOMEBODY)

    assert anyio.run(scenario) == 7


@pytest.mark.threat("one address takes the queue")
def test_where_the_queue_is_full_the_address_that_has_most_of_it_loses_a_place() -> None:
    async def scenario() -> dict[str, str]:
        turns, release, ended = Turns(2), threading.Event(), {}

        async def ask(name: str, asker: Asker) -> None:
            try:
                await turns.run(partial(release.wait, 30), asker)
                ended[name] = "answered"
            except BusyError as error:
                ended[name] = str(error)

        async with anyio.create_task_group() as tasks:
            for name, asker in (("a1", SOMEBODY), ("a2", SOMEBODY), ("a3", SOMEBODY), ("b", OTHERS[0])):
                turns.check(asker)
                tasks.start_soon(ask, name, asker)
                await anyio.wait_all_tasks_blocked()
            # Each of two has a place: none has more than its share.
            for asker in (SOMEBODY, OTHERS[0], OTHERS[1]):
                with refuses(BusyError, "all workers are busy; try again in a second"):
                    turns.check(asker)
            release.set()
        return ended

    busy = "all workers are busy; try again in a second"
    assert anyio.run(scenario) == {"a1": "answered", "a2": "answered", "a3": busy, "b": "answered"}


@pytest.mark.threat("room is what a request occupies")
def test_what_has_no_room_beside_those_that_have_begun_waits_and_what_has_goes_before() -> None:
    async def scenario() -> list[str]:
        turns, course = Turns(9), Course()
        asked = [("large", 3, MOST_HELD), ("as large", 1, MOST_HELD), ("small", 2, 0)]
        works = [(course.question(name, pieces), size) for name, pieces, size in asked]
        async with anyio.create_task_group() as tasks:
            for (work, size), asker in zip(works, OTHERS, strict=False):
                tasks.start_soon(turns.run, work, asker, size)
        return course.order

    assert anyio.run(scenario) == ["large", "small", "large", "small", "large", "as large"]


@pytest.mark.threat("fair turns")
@pytest.mark.parametrize("path", ["/v2/models/paired-3x3/infer", "/v1/models/paired-3x3:explain"])
def test_a_third_batch_of_an_address_is_refused_before_its_body_comes(path: str) -> None:
    async def scenario() -> tuple[int, bytes]:
        app = create_app(Settings())
        turns: Turns = app.state.service.turns
        with ExitStack() as batches:
            for _ in range(BATCHES_OF_ADDRESS):
                batches.enter_context(turns.batch(Asker("127.0.0.1", stays)))
            answered = await ask(app, path, sends([]), UNSENT)
            # One of another address is not refused for it, and no single one.
            for _ in range(MOST_BATCHES - BATCHES_OF_ADDRESS):
                batches.enter_context(turns.batch(SOMEBODY))
            turns.check(SOMEBODY)
            with refuses(BusyError, "all workers are busy; try again in a second"):
                turns.check(OTHERS[0], batch=True)
        turns.check(SOMEBODY, batch=True)
        return answered

    status, body = anyio.run(scenario)
    assert (status, json.loads(body)["type"]) == (503, "urn:konkyo:problem:busy")


@pytest.mark.threat("one client is everybody")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_a_client_has_an_address_or_all_of_a_network_of_version_6(host: str, expected: str) -> None:
    assert turning.client(host) == expected


@pytest.mark.threat("stuck shutdown")
@pytest.mark.parametrize("path", ["/explain/shapley", "/v2/models/paired-3x3/infer"])
@pytest.mark.parametrize("words", ["Task cancelled, timeout graceful shutdown exceeded", "another"])
def test_only_a_server_that_stops_makes_a_cancellation_a_refusal(
    path: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the body comes. Uvicorn cancels so when it stops; any other cancellation goes on, without an answer."""

    async def scenario() -> list[tuple[int, bytes]]:
        app, answered = create_app(Settings()), []

        async def one() -> None:
            answered.append(await ask(app, path, sends([b"x"], whole=False)))

        task = asyncio.create_task(one())
        await anyio.wait_all_tasks_blocked()
        task.cancel(words)
        await asyncio.wait([task])
        assert fits(app.state.service.room, room.MOST_BYTES)
        return answered

    answered = anyio.run(scenario)
    [line] = lines(capsys)
    if words == "another":
        assert (answered, line["status"]) == ([], 0)
    else:
        [(status, body)] = answered
        assert (status, line["status"]) == (503, 503)
        assert json.loads(body)["detail"] == "the service is being stopped; try again in a second"


@pytest.mark.parametrize("path", ["/explain/shapley", "/v2/models/paired-3x3/infer"])
def test_a_client_that_leaves_while_it_waits_is_not_blamed(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It had sent all of its body, and was logged as one whose body ended early."""
    app = create_app(Settings())
    whole = sample(7) if path.startswith("/explain") else json.dumps(request()).encode()
    status, body = anyio.run(ask, app, path, sends([whole], leaves=True))
    [line] = lines(capsys)
    assert (status, body, line["status"], line["problem"]) == (499, b"", 499, "gone")
    assert fits(app.state.service.room, room.MOST_BYTES)
