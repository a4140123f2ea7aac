"""``python -m tools.soak.composition``: two addresses that hold all they can get of the edge keep no third one out."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.container import compose, docker_runs
from tests.e2e.server import free_port, wait_until_ready
from tests.helpers.pictures import sample
from tools.soak.client import run
from tools.soak.container import account
from tools.soak.report import Check, Program, SkippedError, main
from tools.soak.slow import healthy

PROJECT = "konkyo-soak-composition"
HEALTHY = 200
LIMIT = 416  # MiB
# Bytes that are sent of each body of 256 KiB: few, and more than the edge keeps in memory.
SMALL, LARGE = 100, 200 * 1024

# Opens sockets, sends part of a body on each, prints how many stay open, and goes on with a byte a second until its own
# input ends.
_ATTACK = r"""
import select, socket, sys, time
count, sent = map(int, sys.argv[1:])
head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 262144\r\n\r\n"
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
        edge = compose("ps", "--quiet", "edge", project=PROJECT, port=port).strip()
        most, killed = account(edge)
        checks.append(
            Check(f"the edge below {LIMIT} MiB", f"{most:.0f} MiB, {killed} killed", not killed and most < LIMIT)
        )
    finally:
        compose("down", "--timeout", "20", project=PROJECT, port=port)
    return checks


def attacked(port: int, picture: bytes, count: int, sent: int, project: str = PROJECT) -> tuple[int, int]:
    """How many unfinished bodies two addresses hold, and how many clients behind the port are answered meanwhile."""
    with attacker(count, sent, project) as first, attacker(count, sent, project) as second:
        return first + second, run(healthy(port, picture, HEALTHY))


@contextmanager
def attacker(count: int, sent: int, project: str) -> Iterator[int]:
    """A container, with an address of its own, that begins so many bodies; gives how many of them are held."""
    command = ["docker", "run", "--rm", "--interactive", "--network", f"{project}_default", "--entrypoint", "python"]
    command += ["konkyo", "-c", _ATTACK, str(count), str(sent)]
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
    threats=("one client is everybody", "slow clients", "the container"),
    http=False,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
