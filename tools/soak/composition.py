"""``python -m tools.soak.composition``: addresses that hold all they can get of the edge keep no other one out."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import numpy as np

from support.client import Answer, ClosedError, Connection, percentile, prepared, run
from support.container import IMAGE, account, compose, docker_runs
from support.edge import healthy
from support.pictures import sample
from support.server import SkippedError, free_port, wait_until_ready
from tools.soak.report import Check, Program, main

PROJECT = "konkyo-soak-composition"
HEALTHY = 200
LIMIT, SERVICE_LIMIT = 416, 512  # MiB
# Bytes that are sent of each body of 256 KiB: few, and more than the edge keeps in memory.
SMALL, LARGE = 100, 200 * 1024

# Opens sockets, sends part of a body on each, prints how many stay open, and goes on with a byte a second until its own
# input ends.
_ATTACK = r"""
import select, socket, sys, time
path, count, sent = sys.argv[1], *map(int, sys.argv[2:])
head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 262144\r\n\r\n"
head %= path.encode()
sockets = []
for _ in range(count):
    one = socket.create_connection(("edge", 8080))
    sockets.append(one)
    try:
        one.sendall(head + bytes(sent))
    except OSError:
        pass
def drip():
    left = []
    for one in sockets:
        try:
            if select.select([one], [], [], 0)[0]:
                raise OSError("an answer, or the end")
            one.send(b"\0")
            left.append(one)
        except OSError:
            one.close()
    sockets[:] = left
time.sleep(1)
drip()
print(len(sockets), flush=True)
while not select.select([sys.stdin], [], [], 1)[0]:
    drip()
"""

# So many connections that ask again and again, read a kilobyte of their answers a second, or leave after 0.4 s.
_CROWD = r"""
import asyncio, json, pathlib, socket, sys
import konkyo.service
path, count, pace = sys.argv[1], int(sys.argv[2]), sys.argv[3]
is_slow = pace == "slow"
if pace == "batches":
    binary = {"binary_data_size": 802816}
    images = {"name": "images", "shape": [1024, 28, 28], "datatype": "UINT8", "parameters": binary}
    body = json.dumps({"inputs": [images], "outputs": [{"name": "occlusion"}]}).encode()
    kind = f"application/octet-stream\r\nInference-Header-Content-Length: {len(body)}"
    body += bytes(range(256)) * 3136
elif pace in ("dear", "leaves"):
    import io, numpy, PIL.Image
    kind, file = "image/png", io.BytesIO()
    pixels = numpy.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype("u1")
    PIL.Image.fromarray(pixels).save(file, "PNG")
    body = file.getvalue()
else:
    kind = "image/png"
    body = (pathlib.Path(konkyo.service.__file__).parent / "web/digits/7.png").read_bytes()
head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n"
request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
address = socket.getaddrinfo("edge", 8080, socket.AF_INET)[0][4]
async def one():
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as connection:
            connection.setblocking(False)
            if is_slow:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                await loop.sock_connect(connection, address)
                await loop.sock_sendall(connection, request)
                if pace == "leaves":
                    await asyncio.sleep(0.4)
                    continue
                while await loop.sock_recv(connection, 1024):
                    await asyncio.sleep(is_slow)
            except OSError:
                pass
        await asyncio.sleep(0.1)
async def crowd():
    tasks = [asyncio.create_task(one()) for _ in range(count)]
    await asyncio.sleep(3)
    print(count, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
asyncio.run(crowd())
"""
TENSORS = "/v2/models/paired-3x3/infer"
LARGE_ANSWER = "/explain/occlusion?pairs=true&region=2&stride=1&model=lenet-6x16"
# Of a picture of Tiny VGG's size: it computes for seconds.
DEAREST = "/explain/occlusion?pairs=true&faithfulness=true&model=tiny-vgg"
# Seconds that another address waits at most, but for one in a hundred.
MAX_SECONDS = 1.0
# (connections, what they ask, how).
ATTACKS = (
    (1, "connection that asks the dearest question and leaves after 0.4 s", DEAREST, "leaves"),
    (16, "connections that ask the dearest question", DEAREST, "dear"),
    (160, "connections that ask for Shapley values", "/explain/shapley", "quick"),
    (4, "connections that send batches of 1,024 images", TENSORS, "batches"),
    (24, "connections that send batches of 1,024 images", TENSORS, "batches"),
    (82, "connections that send batches of 1,024 images", TENSORS, "batches"),
)


def measure(count: int, seed: int) -> list[Check]:
    """Short bodies first, then long ones, which do not all find room."""
    if not docker_runs():
        raise SkippedError("no Docker daemon answers here")
    port, picture, checks = free_port(), sample(seed % 10), []
    compose("up", "--build", "--detach", "edge", project=PROJECT, port=port)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz")
        held, good = attacked(port, picture, count, SMALL)
        checks += [
            Check("two addresses hold all that they may", f"{held:,} of {2 * count:,}", held == 2 * count),
            Check("a third address meanwhile: 100 %", f"{good} of {HEALTHY}", good == HEALTHY),
        ]
        held, good = attacked(port, picture, count, LARGE)
        answered = f"{good} of {HEALTHY}, with {held:,} held"
        checks.append(Check("the same with 200 KiB of each body", answered, good == HEALTHY))
        with attacker(56, SMALL, PROJECT, TENSORS) as held:
            name = f"56 unfinished bodies of tensors, of which {held} are held"
            checks += against(name, port, prepared("POST", "/explain/shapley", picture))
        for connections, what, path, pace in ATTACKS:
            with crowd(connections, path, pace):
                name = f"{connections} {what}"
                checks += against(name, port, prepared("POST", "/explain/shapley", picture), seconds=0.5)
                checks += against(f"{name}, predict", port, prepared("POST", "/predict", picture), seconds=0.1)
                checks += against(f"{name}, 64 images", port, batch(), 20, seconds=2.0)
        with crowd(60, LARGE_ANSWER, "slow"):
            # Of an upload this large the edge keeps a part in a file.
            large = prepared("POST", "/explain/shapley", picture + bytes(LARGE))
            checks += against("60 readers of large answers at a kilobyte a second", port, large)
            checks += against("the same, large answers", port, prepared("POST", LARGE_ANSWER, picture), 20)
        for service, limit in (("edge", LIMIT), ("konkyo", SERVICE_LIMIT)):
            most, killed = account(compose("ps", "--quiet", service, project=PROJECT, port=port).strip())
            said = f"{most:.0f} MiB, {killed} killed"
            checks.append(Check(f"{service} below {limit} MiB", said, not killed and most < limit))
    finally:
        compose("down", "--timeout", "20", project=PROJECT, port=port)
    return checks


def batch() -> bytes:
    """Shapley values of 64 images."""
    images = np.arange(64 * 784, dtype=np.uint32).astype(np.uint8).tobytes()
    tensor: dict[str, Any] = {"name": "images", "shape": [64, 28, 28], "datatype": "UINT8"}
    tensor["parameters"] = {"binary_data_size": len(images)}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "shapley"}]}).encode()
    length = {"Inference-Header-Content-Length": str(len(head))}
    return prepared("POST", TENSORS, head + images, "application/octet-stream", **length)


def against(name: str, port: int, request: bytes, count: int = HEALTHY, seconds: float = MAX_SECONDS) -> list[Check]:
    """What another address gets meanwhile."""
    answers = run(_asked(port, request, count))
    good = sum(answer.status == 200 for answer in answers)
    same = len({answer.body for answer in answers if answer.status == 200})
    slow = percentile([answer.seconds for answer in answers], 0.99) if answers else float("inf")
    return [
        Check(
            f"{name}; another address meanwhile: 100 %, all alike", f"{good} of {count}", good == count and same == 1
        ),
        Check(f"p99 below {seconds:g} s", f"{slow * 1e3:.0f} ms", slow < seconds, absolute=True),
    ]


async def _asked(port: int, request: bytes, count: int) -> list[Answer]:
    """The answers to new clients, one after another; a client that gets no whole answer is left out."""
    answers = []
    for _ in range(count):
        with suppress(ClosedError):
            async with Connection(port) as connection:
                answers.append(await connection.ask(request))
    return answers


def attacked(port: int, picture: bytes, count: int, sent: int, project: str = PROJECT) -> tuple[int, int]:
    """How many unfinished bodies two addresses hold, and how many clients behind the port are answered meanwhile."""
    with attacker(count, sent, project) as first, attacker(count, sent, project) as second:
        return first + second, run(healthy(port, picture, HEALTHY))


def attacker(count: int, sent: int, project: str, path: str = "/predict") -> AbstractContextManager[int]:
    """A container, with an address of its own, that begins so many bodies; gives how many of them are held."""
    return _container(project, _ATTACK, path, str(count), str(sent))


def crowd(count: int, path: str, pace: str = "quick") -> AbstractContextManager[int]:
    """The same with so many connections that ask."""
    return _container(PROJECT, _CROWD, path, str(count), pace)


@contextmanager
def _container(project: str, script: str, *arguments: str) -> Iterator[int]:
    command = ["docker", "run", "--rm", "--interactive", "--network", f"{project}_default", "--entrypoint", "python"]
    command += [IMAGE, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(next(iter(process.stdout or ())))
        finally:
            process.communicate("")


PROGRAM = Program(
    "composition",
    "Unfinished bodies from each of two addresses, in the composition",
    512,
    measure,
    threats=(
        "fair turns",
        "a turn that nobody can take back",
        "one client is everybody",
        "slow clients",
        "one address takes the queue",
        "answers that nobody reads",
        "the container",
    ),
    http=False,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
