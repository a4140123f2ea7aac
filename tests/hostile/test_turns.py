"""One address against another, on the real server: the address is the client's, and none takes the turns of others."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from io import BytesIO
from socket import socket
from statistics import median
from threading import Event

import numpy as np
import pytest
from PIL import Image

from support.client import connect, exchange, post, statuses
from support.pictures import sample
from support.server import Server, serving
from tests.helpers.tensors import PATH, in_bytes
from tests.helpers.tensors import request as tensors_of

# The dearest that Tiny VGG answers, of a picture that hiding changes everywhere: it computes for seconds.
DEAREST = "/explain/occlusion?pairs=true&faithfulness=true&model=tiny-vgg"
ATTACKER, OTHER = "192.0.2.66", "192.0.2.1"


def noise() -> bytes:
    """64×64 pixels of random colours."""
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(file := BytesIO(), "PNG")
    return file.getvalue()


def asked(path: str, address: str, body: bytes) -> bytes:
    """A question of a client that a proxy names."""
    return post(path, f"Content-Length: {len(body)}", f"X-Forwarded-For: {address}", body=body)


DEAR, SHAPLEY = asked(DEAREST, ATTACKER, noise()), asked("/explain/shapley", OTHER, sample(7))


@contextmanager
def waiting(server: Server, requests: list[bytes]) -> Iterator[list[socket]]:
    """Connections whose requests are sent, one after another."""
    with ExitStack() as connections:
        opened = []
        for request in requests:
            connection = connections.enter_context(connect(server.port))
            connection.sendall(request)
            time.sleep(0.1)
            opened.append(connection)
        yield opened


@pytest.mark.threat("one client is everybody", "one address takes the queue")
@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.1", 200), ("", 503)])
def test_a_header_names_the_client_only_where_it_comes_from_a_proxy(proxies: str, status: int) -> None:
    """One address has all places of the queue. Another one takes one of them; a header of the client's does not."""
    with serving(KONKYO_PROXIES=proxies, KONKYO_MAX_WAITING="2") as server, waiting(server, [DEAR] * 7):
        # Four have begun, two wait, and the seventh was refused.
        assert statuses(exchange(server.port, SHAPLEY)) == [status]


@pytest.mark.threat("a turn that nobody can take back", "fair turns", "the dearest question")
def test_who_asks_the_dearest_question_and_hangs_up_keeps_nobody_out() -> None:
    """Single questions and a batch of another address are answered meanwhile."""
    images = np.zeros((64, 784), np.uint8)
    body, headers = in_bytes(tensors_of(images, ("shapley",)), images)
    head = [f"{name}: {value}" for name, value in {**headers, "Content-Length": str(len(body))}.items()]
    batch = post(PATH, f"X-Forwarded-For: {OTHER}", *head, body=body, media="application/octet-stream")
    with serving(KONKYO_PROXIES="127.0.0.1") as server, ThreadPoolExecutor(4) as crowd:
        ended = Event()

        def attack() -> int:
            asked_for = 0
            while not ended.is_set():
                with connect(server.port) as connection:
                    connection.sendall(DEAR)
                    ended.wait(0.4)
                    asked_for += 1
            return asked_for

        def seconds() -> list[float]:
            taken = []
            for _ in range(20):
                begun = time.perf_counter()
                answer = exchange(server.port, SHAPLEY)
                taken.append(time.perf_counter() - begun)
                assert statuses(answer) == [200]
            return taken

        alone = median(seconds())
        attackers = [crowd.submit(attack) for _ in range(4)]
        try:
            time.sleep(1)
            beside = median(seconds())
            answer = exchange(server.port, batch)
        finally:
            ended.set()
        assert statuses(answer) == [200]
        assert sum(one.result() for one in attackers) > 8
        # A question of some milliseconds waits for two turns of 20 ms; it waited for seconds.
        assert beside < alone + 40 * max(alone, 0.005)
