import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import islice
from typing import Any

import anyio
import pytest
from fastapi.testclient import TestClient
from konkyo.service.handling import capacity
from konkyo.service.handling.capacity import SLOTS, Capacity
from starlette.requests import ClientDisconnect

from konkyo.service.app import create_app
from konkyo.service.errors import BusyError
from konkyo.service.imaging import decoding
from konkyo.service.settings import Settings
from tests.helpers.asgi import scope
from tests.helpers.operations import PATHS, check_problem
from tests.helpers.pictures import sample
from tests.helpers.refuse import refuses
from tests.helpers.telemetry import metric

WAITING = 3


async def stays() -> bool:
    return False


async def leaves() -> bool:
    return True


@pytest.mark.threat("the dearest question")
def test_nothing_is_computed_for_those_who_have_left() -> None:
    async def scenario() -> int:
        capacity, worked = Capacity(5), []
        for _ in range(SLOTS + 7):
            with pytest.raises(ClientDisconnect):
                await capacity.run(lambda: worked.append(1), leaves)
        assert not worked
        return await capacity.run(lambda: 7, stays)

    assert anyio.run(scenario) == 7


@pytest.mark.threat("CPU exhaustion")
def test_so_many_compute_so_many_wait_and_the_rest_is_refused() -> None:
    async def scenario() -> list[str]:
        capacity, release = Capacity(WAITING), threading.Event()
        outcomes: list[str] = []

        async def one() -> None:
            try:
                outcomes.append(await capacity.run(lambda: str(release.wait(20)), stays))
            except BusyError:
                outcomes.append("busy")

        async with anyio.create_task_group() as tasks:
            for _ in range(SLOTS + WAITING + 4):
                tasks.start_soon(one)
                await anyio.sleep(0.01)
            assert outcomes == ["busy"] * 4  # at once, while all the others are still at work or waiting
            release.set()
        return outcomes

    assert anyio.run(scenario) == ["busy"] * 4 + ["True"] * (SLOTS + WAITING)


def test_an_error_comes_through_and_frees_its_place() -> None:
    async def scenario() -> int:
        capacity = Capacity(0)
        for _ in range(2 * SLOTS):
            with refuses(ZeroDivisionError, "integer division or modulo by zero"):
                await capacity.run(lambda: 1 // 0, stays)
        return await capacity.run(lambda: 7, stays)

    assert anyio.run(scenario) == 7


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
def test_beyond_capacity_a_request_is_told_to_come_back(held: threading.Event) -> None:
    with TestClient(create_app(Settings(max_waiting=WAITING))) as client, ThreadPoolExecutor(16) as crowd:

        def ask() -> int:
            answer = client.post("/predict", params={"format": "png"}, files={"file": sample(7)})
            if answer.status_code == 503:
                check_problem(answer, 503, "busy", "all workers are busy; try again in a second")
                assert answer.headers["retry-after"] == "1"
            return answer.status_code

        asked = [crowd.submit(ask) for _ in range(SLOTS + WAITING + 5)]
        # Those that are refused are answered although nothing has been released yet; the others cannot be.
        refused = [one.result(20) for one in islice(as_completed(asked), 5)]
        assert refused == [503] * 5
        assert not any(one.done() and one.result() == 200 for one in asked)
        assert client.get("/healthz").status_code == 200  # while everything else is full
        held.set()
        assert sorted(one.result() for one in asked) == [200] * (SLOTS + WAITING) + [503] * 5
        assert client.post("/predict", files={"file": sample(7)}).json()["predicted"] == 7


async def answer_without_a_body(app: Any, path: str, query: bytes = b"") -> tuple[int, bytes]:
    """The status and the body of the answer to a request whose body never comes."""
    headers = [(b"content-type", b"image/png"), (b"content-length", b"500")]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with anyio.fail_after(20):
        await app(scope(path, headers, query), receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


@pytest.mark.threat("the dearest question")
def test_nobody_waits_longer_in_the_queue_than_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "MAX_SECONDS", 0.1)
    app, release = create_app(Settings()), threading.Event()
    with TestClient(app) as client, ThreadPoolExecutor(1) as crowd:
        assert client.portal is not None
        blocked = crowd.submit(client.portal.call, app.state.capacity.run, partial(release.wait, 30), stays)
        try:
            while not app.state.capacity._inside:
                time.sleep(0.01)
            answer = client.post("/explain/shapley", files={"file": sample(7)})
        finally:
            release.set()
        blocked.result(20)
        check_problem(answer, 503, "busy", "no worker was free within 0.1 seconds; try again in a second")
        assert answer.headers["retry-after"] == "1"
        assert client.post("/explain/shapley", files={"file": sample(7)}).status_code == 200


@pytest.mark.threat("the dearest question")
@pytest.mark.parametrize("path", PATHS)
def test_whether_it_is_busy_is_decided_before_the_body_comes(path: str) -> None:
    async def scenario() -> tuple[int, bytes]:
        app, release = create_app(Settings(max_waiting=1)), threading.Event()
        capacity: Capacity = app.state.capacity
        async with anyio.create_task_group() as tasks:
            for _ in range(SLOTS + 1):
                tasks.start_soon(partial(capacity.run, partial(release.wait, 30), stays))
                await anyio.sleep(0.01)
            try:
                answered = await answer_without_a_body(app, path, b"format=png")
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
    answered, body = anyio.run(answer_without_a_body, create_app(Settings()), path, query)
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
        while app.state.capacity._inside < 2:
            time.sleep(0.01)
        queued = time.perf_counter()
        time.sleep(0.2)
        held = time.perf_counter() - queued
        release.set()
        assert (first.result(20).status_code, second.result(20).status_code) == (200, 200)
        waited = time.perf_counter() - begun
        taken = metric(client, name) - before
    assert 0 < taken <= waited - held


CHEAP = [
    ("/predict", {}),
    ("/explain/filters", {"maps": "full", "model": "lenet-6x16"}),
    ("/explain/occlusion", {"versus": 3}),
    ("/explain/occlusion", {"region": 14, "stride": 2}),
]
EXPENSIVE = [
    ("/predict", {"fit": "mnist"}),
    ("/predict", {"format": "png"}),
    ("/explain/occlusion", {"stride": 1}),
    ("/explain/occlusion", {"pairs": True}),
    ("/explain/occlusion", {"faithfulness": True}),
    ("/explain/shapley", {}),
    ("/explain/grounds", {}),
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
    app, release = create_app(Settings(max_waiting=0)), threading.Event()
    with TestClient(app) as client, ThreadPoolExecutor(1) as crowd:
        assert client.portal is not None
        blocked = crowd.submit(client.portal.call, app.state.capacity.run, partial(release.wait, 30), stays)
        try:
            while not app.state.capacity._inside:
                time.sleep(0.01)
            answer = client.post(path, params=parameters, files={"file": sample(7)})
        finally:
            release.set()
        assert answer.status_code == status
        blocked.result(20)


def test_a_large_file_is_no_cheap_question() -> None:
    """28×28 pixels behind 100 KiB of nothing: decoding that is left to a thread."""
    padded = sample(7).ljust(100 * 1024, b"\0")
    ran: list[int] = []
    app = create_app(Settings())
    run = app.state.capacity.run

    async def counted(*arguments: Any) -> Any:
        ran.append(1)
        return await run(*arguments)

    app.state.capacity.run = counted
    with TestClient(app) as client:
        for data, threads in ((sample(7), 0), (padded, 1)):
            assert client.post("/predict", files={"file": data}).json()["predicted"] == 7
            assert len(ran) == threads
