import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import anyio
import pytest
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

from service.app import create_app
from service.errors import BusyError
from service.handling.capacity import SLOTS, Capacity
from service.imaging import decoding
from service.settings import Settings
from tests.pictures import sample
from tests.refuse import refuses
from tests.test_routes_questions import check_problem

WAITING = 3


async def stays() -> bool:
    return False


async def leaves() -> bool:
    return True


def test_nothing_is_computed_for_those_who_have_left() -> None:
    async def scenario() -> int:
        capacity, worked = Capacity(5), []
        for _ in range(SLOTS + 7):
            with pytest.raises(ClientDisconnect):
                await capacity.run(lambda: worked.append(1), leaves)
        assert not worked
        return await capacity.run(lambda: 7, stays)

    assert anyio.run(scenario) == 7


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


def test_beyond_capacity_a_request_is_told_to_come_back(held: threading.Event) -> None:
    with TestClient(create_app(Settings(max_waiting=WAITING))) as client, ThreadPoolExecutor(16) as crowd:

        def ask() -> int:
            answer = client.post("/predict", files={"file": sample(7)})
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
