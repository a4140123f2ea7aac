"""The room and the turns of a worker, and who is refused for want of either."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient

from konkyo.service.app import create_app
from konkyo.service.errors import BusyError, GoneError
from konkyo.service.http import room
from konkyo.service.http.answer import Answer
from konkyo.service.http.room import MOST_BATCHES, THREADS, Room, Share, Turns, stopping_is_busy
from konkyo.service.imaging import decoding
from konkyo.service.settings import Settings
from tests.helpers.asgi import PNG, ask, sends
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.pictures import sample
from tests.helpers.refuse import refuses
from tests.helpers.served import ARCHITECTURES, EXTREMES, serve, upload
from tests.helpers.telemetry import lines, metric
from tests.helpers.tensors import request

WAITING = 3


async def stays() -> bool:
    return False


async def leaves() -> bool:
    return True


@pytest.mark.threat("the dearest question")
def test_nothing_is_computed_for_those_who_have_left() -> None:
    async def scenario() -> int:
        turns, worked = Turns(5), []
        for _ in range(THREADS + 7):
            with refuses(GoneError, "nobody waits for the answer any more"):
                await turns.run(lambda: worked.append(1), leaves)
        assert not worked
        return await turns.run(lambda: 7, stays)

    assert anyio.run(scenario) == 7


@pytest.mark.threat("CPU exhaustion")
def test_so_many_compute_so_many_wait_and_the_rest_is_refused() -> None:
    async def scenario() -> list[str]:
        turns, release = Turns(WAITING), threading.Event()
        outcomes: list[str] = []

        async def one() -> None:
            try:
                outcomes.append(await turns.run(lambda: str(release.wait(20)), stays))
            except BusyError:
                outcomes.append("busy")

        async with anyio.create_task_group() as tasks:
            for _ in range(THREADS + WAITING + 4):
                tasks.start_soon(one)
                await anyio.sleep(0.01)
            assert outcomes == ["busy"] * 4  # at once, while all the others are still at work or waiting
            release.set()
        return outcomes

    assert anyio.run(scenario) == ["busy"] * 4 + ["True"] * (THREADS + WAITING)


def test_an_error_comes_through_and_frees_its_place() -> None:
    async def scenario() -> int:
        turns = Turns(0)
        for _ in range(2 * THREADS):
            with refuses(ZeroDivisionError, "integer division or modulo by zero"):
                await turns.run(lambda: 1 // 0, stays)
        return await turns.run(lambda: 7, stays)

    assert anyio.run(scenario) == 7


@contextmanager
def occupied(app: Any, client: TestClient) -> Iterator[None]:
    """The one thread of the worker computes for as long as the block takes."""
    turns, release = app.state.service.turns, threading.Event()
    with ThreadPoolExecutor(1) as crowd:
        assert client.portal is not None
        blocked = crowd.submit(client.portal.call, turns.run, partial(release.wait, 30), stays)
        try:
            while turns._free:
                time.sleep(0.01)
            yield
        finally:
            release.set()
        blocked.result(20)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every picture takes until the event is set."""
    release, decode = threading.Event(), decoding._decode

    def slow(*arguments: object) -> object:
        release.wait(20)
        return decode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding, "_decode", slow)
    yield release
    release.set()


@pytest.mark.threat("CPU exhaustion")
def test_a_request_for_which_there_is_no_place_is_told_to_come_back(held: threading.Event) -> None:
    with TestClient(create_app(Settings(max_waiting=WAITING))) as client, ThreadPoolExecutor(16) as crowd:

        def ask() -> int:
            answer = client.post("/predict", params={"format": "png"}, files={"file": sample(7)})
            if answer.status_code == 503:
                check_problem(answer, 503, "busy", "all workers are busy; try again in a second")
                assert answer.headers["retry-after"] == "1"
            return answer.status_code

        asked = [crowd.submit(ask) for _ in range(THREADS + WAITING + 5)]
        # Those that are refused are answered although nothing has been released yet; the others cannot be.
        refused = [one.result(20) for one in islice(as_completed(asked), 5)]
        assert refused == [503] * 5
        assert not any(one.done() and one.result() == 200 for one in asked)
        assert client.get("/healthz").status_code == 200  # while everything else is full
        held.set()
        assert sorted(one.result() for one in asked) == [200] * (THREADS + WAITING) + [503] * 5
        assert client.post("/predict", files={"file": sample(7)}).json()["predicted"] == 7


@pytest.mark.parametrize("gives_up", ["before", "after"])
def test_a_turn_that_comes_to_who_gives_up_goes_to_the_next(gives_up: str) -> None:
    """In one step of the loop: one turn ends, and who would have the next gives up, before or after it comes."""
    worked: list[str] = []

    async def scenario() -> int:
        turns, release = Turns(5), asyncio.Event()

        async def is_gone() -> bool:
            await release.wait()
            if gives_up == "before":
                second.cancel()
            return True

        async def one() -> None:
            with refuses(GoneError, "nobody waits for the answer any more"):
                await turns.run(lambda: worked.append("first"), is_gone)
            if gives_up == "after":
                second.cancel()

        first = asyncio.create_task(one())
        second, third = (
            asyncio.create_task(turns.run(partial(worked.append, name), stays)) for name in ("second", "third")
        )
        await anyio.wait_all_tasks_blocked()
        release.set()
        await asyncio.wait([first, second, third])
        assert second.cancelled()
        assert first.exception() is third.exception() is None
        assert (turns._free, len(turns._singles)) == (THREADS, 0)
        return await turns.run(lambda: 7, stays)

    assert asyncio.run(scenario()) == 7
    assert worked == ["third"]


UNSENT = [PNG, (b"content-length", b"500")]


@pytest.mark.threat("the dearest question")
def test_nobody_waits_longer_in_the_queue_than_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_SECONDS", 0.1)
    app = create_app(Settings())
    with TestClient(app) as client:
        with occupied(app, client):
            answer = client.post("/explain/shapley", files={"file": sample(7)})
        check_problem(answer, 503, "busy", "no worker was free within 0.1 seconds; try again in a second")
        assert answer.headers["retry-after"] == "1"
        assert client.post("/explain/shapley", files={"file": sample(7)}).status_code == 200


@pytest.mark.threat("the dearest question")
def test_who_has_given_up_takes_no_place_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """One place, which three questions have one after another while the thread is busy."""
    monkeypatch.setattr(room, "MOST_SECONDS", 0.1)
    app = create_app(Settings(max_waiting=1))
    with TestClient(app) as client, occupied(app, client):
        for _ in range(3):
            answer = client.post("/explain/shapley", files={"file": sample(7)})
            check_problem(answer, 503, "busy", "no worker was free within 0.1 seconds; try again in a second")


@pytest.mark.threat("the dearest question")
@pytest.mark.parametrize("path", PATHS)
def test_whether_it_is_busy_is_decided_before_the_body_comes(path: str) -> None:
    async def scenario() -> tuple[int, bytes]:
        app, release = create_app(Settings(max_waiting=1)), threading.Event()
        turns: Turns = app.state.service.turns
        async with anyio.create_task_group() as tasks:
            for _ in range(THREADS + 1):
                tasks.start_soon(partial(turns.run, partial(release.wait, 30), stays))
                await anyio.sleep(0.01)
            try:
                answered = await ask(app, path, sends([]), UNSENT, b"format=png")
            finally:
                release.set()
        return answered

    status, body = anyio.run(scenario)
    assert status == 503
    assert b'"urn:konkyo:problem:busy"' in body


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        (b"model=resnet", 404, b"unknown-model"),
        (b"theme=dark", 422, b"invalid-parameter"),
        (b"secret=1", 422, b"invalid-parameter"),
        (b"fit=exact&fit=mnist", 422, b"invalid-parameter"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_what_can_be_refused_is_refused_before_the_body_comes(
    path: str, query: bytes, status: int, kind: bytes
) -> None:
    answered, body = anyio.run(ask, create_app(Settings()), path, sends([]), UNSENT, query)
    assert answered == status
    assert b"urn:konkyo:problem:" + kind in body


def test_the_time_in_the_queue_is_no_part_of_an_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first picture is held until the second one has waited for a while, which is timed from its turn on."""
    started, release, decode = threading.Event(), threading.Event(), decoding._decode

    def slow(*arguments: object) -> object:
        started.set()
        release.wait(20)
        return decode(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding, "_decode", slow)
    name = 'konkyo_explanation_seconds_sum{form="png",path="/explain/filters"}'
    app = create_app(Settings())
    with TestClient(app) as client, ThreadPoolExecutor(2) as crowd:
        before, picture = metric(client, name), {"format": "png"}
        first = crowd.submit(client.post, "/predict", params=picture, files={"file": sample(7)})
        assert started.wait(20)
        begun = time.perf_counter()
        second = crowd.submit(client.post, "/explain/filters", params=picture, files={"file": sample(7)})
        while len(app.state.service.turns._singles) < 1:
            time.sleep(0.01)
        queued = time.perf_counter()
        time.sleep(0.2)
        held = time.perf_counter() - queued
        release.set()
        assert (first.result(20).status_code, second.result(20).status_code) == (200, 200)
        waited = time.perf_counter() - begun
        taken = metric(client, name) - before
    assert 0 < taken <= waited - held


# Of each question, by itself: tests/models/test_question.py.
CHEAP = [
    ("/predict", {}),
    ("/explain/filters", {"maps": "full", "model": "lenet-6x16"}),
    ("/explain/occlusion", {"versus": 3}),
    ("/explain/occlusion", {"region": 14, "stride": 14}),
]
EXPENSIVE = [
    ("/predict", {"fit": "mnist"}),
    ("/predict", {"format": "png"}),
    ("/explain/occlusion", {"stride": 1}),
    ("/explain/shapley", {}),
    ("/explain/process", {}),
]


@pytest.mark.threat("the dearest question")
@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [(*one, 200) for one in CHEAP] + [(*one, 503) for one in EXPENSIVE],
)
def test_cheap_questions_are_answered_while_everything_else_is_full(
    path: str, parameters: dict[str, Any], status: int
) -> None:
    app = create_app(Settings(max_waiting=0))
    with TestClient(app) as client, occupied(app, client):
        assert client.post(path, params=parameters, files={"file": sample(7)}).status_code == status


@pytest.mark.threat("a question's cost grows with the network")
@pytest.mark.parametrize(
    ("model", "path", "parameters", "status"),
    [
        ("tiny", "/predict", {}, 200),
        ("tiny", "/explain/filters", {}, 200),
        ("tiny", "/explain/occlusion", {}, 200),
        ("huge", "/predict", {}, 503),
        ("huge", "/explain/filters", {}, 422),
        ("huge", "/explain/occlusion", {}, 503),
    ],
)
def test_what_is_cheap_is_a_matter_of_the_network(
    tmp_path: Path, model: str, path: str, parameters: dict[str, Any], status: int
) -> None:
    architecture = {**ARCHITECTURES, **EXTREMES}[model]
    client = serve(tmp_path, {model: architecture}, model)
    app: Any = client.app
    app.state.service.turns = Turns(0)
    with client, occupied(app, client):
        assert client.post(path, params=parameters, files=upload(architecture)[1]).status_code == status


def test_a_large_file_is_no_cheap_question() -> None:
    """28×28 pixels behind 100 KiB of nothing: decoding that is left to a thread."""
    padded = sample(7).ljust(100 * 1024, b"\0")
    ran: list[int] = []
    app = create_app(Settings())
    run = app.state.service.turns.run

    async def counted(*arguments: Any) -> Any:
        ran.append(1)
        return await run(*arguments)

    app.state.service.turns.run = counted
    with TestClient(app) as client:
        for data, threads in ((sample(7), 0), (padded, 1)):
            assert client.post("/predict", files={"file": data}).json()["predicted"] == 7
            assert len(ran) == threads


@pytest.mark.threat("room is what a request occupies")
def test_the_requests_of_a_worker_share_its_room() -> None:
    all_of_it = Room(100)
    first, second = Share(all_of_it), Share(all_of_it)
    first.take(60)
    second.take(40)
    with refuses(BusyError, "all workers are busy; try again in a second"):
        second.take(1)
    first.release()
    second.take(60)
    first.release()
    second.release()
    Share(all_of_it).take(100)


@pytest.mark.threat("room is what a request occupies", "bodies that do not end")
@pytest.mark.parametrize("path", ["/predict", "/v2/models/paired-3x3/infer"])
def test_what_has_come_takes_room_and_what_is_announced_takes_none(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_BYTES", 1000)
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
    assert app.state.service.room._left == 1000


@pytest.mark.threat("room is what a request occupies")
def test_an_answer_keeps_its_room_until_it_is_sent() -> None:
    async def scenario() -> list[int]:
        all_of_it = Room(500_000)
        share, left = Share(all_of_it), []
        share.take(300_000)

        async def send(_: Any) -> None:
            left.append(all_of_it._left)

        await Answer(bytes(200_000), "application/json", share)({"type": "http"}, sends([]), send)
        return [*left, all_of_it._left]

    *sending, sent = anyio.run(scenario)
    # The head, four pieces of at most 64 KiB, and the end.
    assert sending == [200_000] * 6
    assert sent == 500_000


@pytest.mark.threat("fair turns")
@pytest.mark.parametrize(
    ("patience", "expected"),
    [
        (60, ["a0", "first", "second", "third", "b0", "a1", "b1"]),
        (0, ["a0", "first", "b0", "second", "a1", "third", "b1"]),
    ],
)
def test_a_single_question_goes_before_the_next_piece_of_a_batch(
    patience: float, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three come while a piece of one batch is computed and one of another waits. Both kinds have their turn."""
    monkeypatch.setattr(room, "PATIENCE", patience)
    order: list[str] = []

    async def scenario() -> None:
        turns, begun, release = Turns(5), threading.Event(), threading.Event()

        def piece(name: str) -> None:
            begun.set()
            release.wait(20)
            order.append(name)

        async with anyio.create_task_group() as tasks:
            for batch in "ab":
                tasks.start_soon(turns.run_all, [partial(piece, f"{batch}{number}") for number in range(2)], stays)
            await anyio.to_thread.run_sync(begun.wait)
            for name in ("first", "second", "third"):
                tasks.start_soon(turns.run, partial(order.append, name), stays)
            await anyio.wait_all_tasks_blocked()
            release.set()

    anyio.run(scenario)
    assert order == expected


@pytest.mark.threat("fair turns")
@pytest.mark.parametrize("path", ["/v2/models/paired-3x3/infer", "/v1/models/paired-3x3:explain"])
def test_a_third_batch_is_refused_before_its_body_comes(path: str) -> None:
    async def scenario() -> tuple[int, bytes]:
        app, release = create_app(Settings()), threading.Event()
        turns: Turns = app.state.service.turns
        async with anyio.create_task_group() as tasks:
            for _ in range(MOST_BATCHES):
                tasks.start_soon(turns.run_all, [partial(release.wait, 30)], stays)
            await anyio.wait_all_tasks_blocked()
            try:
                answered = await ask(app, path, sends([]), UNSENT)
                # A single one is not refused for it, but waits.
                turns.check()
            finally:
                release.set()
        turns.check(batch=True)
        return answered

    status, body = anyio.run(scenario)
    assert (status, json.loads(body)["type"]) == (503, "urn:konkyo:problem:busy")


CANCELLATIONS = [("Task cancelled, timeout graceful shutdown exceeded", BusyError), ("", asyncio.CancelledError)]


@pytest.mark.threat("stuck shutdown")
@pytest.mark.parametrize(("words", "error"), CANCELLATIONS)
def test_only_a_server_that_stops_makes_a_cancellation_a_refusal(words: str, error: type[BaseException]) -> None:
    with pytest.raises(error) as caught, stopping_is_busy():
        raise asyncio.CancelledError(words)
    if error is BusyError:
        assert str(caught.value) == "the service is being stopped; try again in a second"


@pytest.mark.parametrize("path", ["/explain/shapley", "/v2/models/paired-3x3/infer"])
@pytest.mark.parametrize(("words", "statuses"), [(CANCELLATIONS[0][0], [503]), ("another", [])])
def test_the_status_of_a_request_that_is_cancelled(
    path: str, words: str, statuses: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    """While its body comes. Uvicorn cancels so when it stops; any other cancellation goes on, without an answer."""

    async def scenario() -> list[int]:
        app, answered = create_app(Settings()), []

        async def one() -> None:
            answered.append((await ask(app, path, sends([b"x"], whole=False)))[0])

        task = asyncio.create_task(one())
        await anyio.wait_all_tasks_blocked()
        task.cancel(words)
        await asyncio.wait([task])
        assert app.state.service.room._left == room.MOST_BYTES
        return answered

    assert anyio.run(scenario) == statuses
    [line] = lines(capsys)
    assert line["status"] == (statuses or [0])[0]


@pytest.mark.parametrize("path", ["/explain/shapley", "/v2/models/paired-3x3/infer"])
def test_a_client_that_leaves_while_it_waits_is_not_blamed(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It had sent all of its body, and was logged as one whose body ended early."""
    app = create_app(Settings())
    whole = sample(7) if path.startswith("/explain") else json.dumps(request()).encode()
    status, body = anyio.run(ask, app, path, sends([whole], leaves=True))
    [line] = lines(capsys)
    assert (status, body, line["status"], line["problem"]) == (499, b"", 499, "gone")
    assert app.state.service.room._left == room.MOST_BYTES
