"""What the requests of a worker occupy, and whose turn it is, measured on the real server."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from threading import Barrier

import numpy as np
import pytest

from tests.helpers.pictures import sample
from tests.helpers.tensors import in_bytes
from tests.helpers.tensors import request as tensors_of
from tests.hostile.serving import connect, exchange, post, received, serving, statuses
from tools.soak.memory import peak, resident

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
    """Questions for Shapley values, one after another, while four clients send batches without a pause."""
    clients, questions, whole = 4, 15, batch(256, "shapley")
    asked = post("/explain/shapley", f"Content-Length: {len(sample(7))}", body=sample(7))
    with serving() as server, ThreadPoolExecutor(clients) as crowd:
        until: list[bool] = []
        started = time.perf_counter()
        assert statuses(exchange(server.port, whole)) == [200]
        alone = time.perf_counter() - started

        def flood() -> list[int]:
            found = []
            while not until:
                found += statuses(exchange(server.port, whole))
            return found

        floods = [crowd.submit(flood) for _ in range(clients)]
        try:
            seconds, answers = [], []
            for _ in range(questions):
                started = time.perf_counter()
                answers.append(exchange(server.port, asked))
                seconds.append(time.perf_counter() - started)
        finally:
            until.append(True)
        flooded = [status for one in floods for status in one.result()]
        trouble = server.trouble()
    assert [statuses(answer) for answer in answers] == [[200]] * questions
    assert all(json.loads(answer.partition(b"\r\n\r\n")[2])["predicted"] == 7 for answer in answers)
    assert set(flooded) == {200, 503}
    # First come, first served, a question would wait for a batch or two. On a slow machine a piece takes longer.
    assert median(seconds) < max(1, alone / 3), f"{median(seconds):.2f} s, and a batch alone {alone:.2f} s"
    assert trouble == ""


def _predict() -> bytes:
    return post("/predict", f"Content-Length: {len(sample(7))}", body=sample(7))
