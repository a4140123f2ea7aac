"""``python -m tools.soak.rolling``: sixteen clients ask while replicas, version and network change."""

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import ne
from pathlib import Path
from tempfile import TemporaryDirectory

import konkyo
from konkyo.models.files.card import Document
from konkyo.models.files.checkpoint import DIRECTORY, load, save
from konkyo.trainer.data import read
from support.client import Answer, ClosedError, Connection, lower_priority, prepared, run
from support.container import IMAGE, compose, docker, docker_runs, environment
from support.folders import DATA, ROOT
from support.pictures import uploads
from support.server import SkippedError, free_port, until, wait_until_ready
from tools.soak.report import Check, Program, main

PROJECT = "konkyo-soak-rolling"
CLIENTS, IMAGES, RECONNECT = 16, 200, 20
MAX_REFUSAL = 5.0
NEXT = "soak-next"
DEFAULT, OTHER = "paired-3x3", "summed-3x3"
# Another version of the service, as its own answer says.
_NEXT_VERSION = rf"""
FROM {IMAGE}
USER root
RUN sed -i 's/^__version__ = .*/__version__ = "next"/' /venv/lib/python3*/site-packages/konkyo/__init__.py
USER konkyo
"""


@dataclass
class Tally:
    """What the clients saw while something changed.

    Attributes
    ----------
    answers
        (number of the image, answer) → how often.
    failed
        Reason → how often: a status other than 200, or a connection that was closed.
    """

    answers: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def wrong(self, *right: list[bytes]) -> int:
        """How many answers are none of those that the image has in these lists."""
        return sum(count for (image, body), count in self.answers.items() if body not in {one[image] for one in right})

    def said(self, wrong: int) -> str:
        """In words."""
        reasons = ", ".join(f"{number} {reason}" for reason, number in self.failed.items())
        failed = f"{self.failed.total()} failed{f' ({reasons})' * bool(reasons)}"
        return f"{self.answers.total():,} answered, {wrong} wrong, {failed}, the slowest after {self.slowest:.2f} s"


@dataclass
class Composition:
    """A running composition, and what can be changed of it."""

    port: int
    networks: Path
    version: str = konkyo.__version__

    @property
    def settings(self) -> dict[str, str]:
        return {"KONKYO_MODELS": str(self.networks), "KONKYO_VERSION": self.version}

    def compose(self, *arguments: str) -> str:
        return compose(*arguments, project=PROJECT, port=self.port, **self.settings)

    def replicas(self) -> list[str]:
        """The ids of the containers, as Docker lists them: the youngest first."""
        label = "label=com.docker.compose"
        found = docker("ps", "-q", "-f", f"{label}.project={PROJECT}", "-f", f"{label}.service=konkyo")
        return found.split()

    def add(self) -> None:
        """A second replica; returns when it has answered clients."""
        self.compose("up", "--detach", "--no-recreate", "--scale", "konkyo=2", "konkyo")
        until(lambda: asked(self.replicas()[0]))

    def kill(self) -> None:
        """The older one, as a machine that fails would."""
        docker("kill", self.replicas()[-1])

    def roll(self) -> None:
        """As docs/operations.md says."""
        everything = environment(self.port, COMPOSE_PROJECT_NAME=PROJECT, **self.settings)
        subprocess.run([ROOT / "deploy" / "roll"], env=everything, check=True, capture_output=True)

    def change_version(self, version: str) -> None:
        self.version = version
        self.roll()
        answered = docker("exec", self.replicas()[0], "python", "-c", "import konkyo; print(konkyo.__version__)")
        if (answered == "next") != (version == NEXT):
            raise RuntimeError(f"version {answered} runs, not that of the image {version}")

    def change_network(self, source: str) -> None:
        publish(source, self.networks)
        self.roll()

    def restart_workers(self) -> None:
        """Returns when both are new."""
        starts = started(self.replicas()[0])
        self.compose("kill", "-s", "HUP", "konkyo")
        until(lambda: started(self.replicas()[0]) == starts + 2)


def publish(source: str, folder: Path) -> None:
    """Put a network into the folder, under the name of the default one."""
    checkpoint = load(DIRECTORY / f"{source}.safetensors")
    said = {field: getattr(checkpoint.card, field) for field in Document.model_fields}
    document = Document.model_validate({**said, "name": DEFAULT})
    save(folder, checkpoint.network, document)


def asked(replica: str) -> bool:
    """Whether clients have asked it."""
    return '"route":"/predict"' in docker("logs", "--tail", "100", replica)


def started(replica: str) -> int:
    """How many workers have started in it."""
    said = subprocess.run(["docker", "logs", replica], capture_output=True, text=True)
    return said.stderr.count("Application startup complete")


def measure(seconds: int, seed: int) -> list[Check]:  # noqa: ARG001
    if not docker_runs():
        raise SkippedError("no Docker daemon answers here")
    with TemporaryDirectory() as folder:
        networks = Path(folder)
        networks.chmod(0o755)  # for the container's user
        publish(DEFAULT, networks)
        composition = Composition(free_port(), networks)
        try:
            composition.compose("up", "--build", "--detach", "edge")
            wait_until_ready(f"http://127.0.0.1:{composition.port}/readyz")
            docker("build", "--quiet", "--tag", f"konkyo:{NEXT}", "-", text=_NEXT_VERSION)
            lower_priority()
            return _measured(composition, seconds)
        finally:
            composition.compose("down", "--timeout", "20")
            docker("rmi", f"konkyo:{NEXT}")


def _measured(composition: Composition, seconds: int) -> list[Check]:
    changes: dict[str, Callable[[], None]] = {
        "nothing changes": lambda: time.sleep(seconds),
        "a replica is added": composition.add,
        "the older replica is killed": composition.kill,
        "the workers are restarted": composition.restart_workers,
        "another version": lambda: composition.change_version(NEXT),
        "back to the version before": lambda: composition.change_version(konkyo.__version__),
        "another network": lambda: composition.change_network(OTHER),
        "back to the network before": lambda: composition.change_network(DEFAULT),
    }
    checks = []
    before = run(answers(composition.port))
    for name, change in changes.items():
        tally = run(load_of(composition.port, change, seconds))
        after = run(answers(composition.port))
        network = OTHER if name == "another network" else DEFAULT
        read = [json.loads(body)["predicted"] for body in after]
        wrong = tally.wrong(before, after) + sum(map(ne, read, predicted(network)))
        # A replica that is killed has begun to send some answers, which nobody can end.
        lost = CLIENTS if change == composition.kill else 0
        goal = f"{name}: nothing wrong, {f'at most {lost}' if lost else 'nothing'} failed"
        checks.append(Check(goal, tally.said(wrong), not wrong and tally.failed.total() <= lost))
        before = after
    return [*checks, _without_service(composition)]


def _without_service(composition: Composition) -> Check:
    """How long three clients wait for a refusal after the last replica has gone."""
    composition.compose("stop", "konkyo")
    refusals = [run(asked_once(composition.port)) for _ in range(3)]
    statuses, slowest = {one.status for one in refusals}, max(one.seconds for one in refusals)
    goal = f"all replicas stopped: a 503 within {MAX_REFUSAL:.0f} s"
    return Check(goal, f"{statuses}, {slowest:.2f} s", statuses == {503} and slowest < MAX_REFUSAL, absolute=True)


async def asked_once(port: int) -> Answer:
    """The answer to a client of its own."""
    async with Connection(port) as connection:
        return await connection.ask(prepared("POST", "/predict", uploads(1)[0]))


def predicted(network: str) -> list[int]:
    """The classes that a network predicts in this process."""
    images = read(DATA, "t10k").images[:IMAGES] / 255
    classes: list[int] = load(DIRECTORY / f"{network}.safetensors").precise.logits(images).argmax(-1).tolist()
    return classes


async def load_of(port: int, change: Callable[[], None], pause: int) -> Tally:
    """Sixteen clients that always ask again, from some seconds before the change to some seconds after it."""
    tally, stop = Tally(), False
    requests = [prepared("POST", "/predict", image) for image in uploads(IMAGES)]

    async def client(place: int) -> None:
        async with Connection(port) as connection:
            while not stop:
                place = (place + 7) % len(requests)
                try:
                    answer = await connection.ask(requests[place])
                except ClosedError:
                    tally.failed["closed"] += 1
                    continue
                tally.slowest = max(tally.slowest, answer.seconds)
                if place % RECONNECT == 0:
                    connection.close()
                if answer.status == 200:
                    tally.answers[place, answer.body] += 1
                else:
                    tally.failed[str(answer.status)] += 1
                    await asyncio.sleep(0.05)

    clients = [asyncio.create_task(client(number)) for number in range(CLIENTS)]
    await asyncio.sleep(pause)
    await asyncio.to_thread(change)
    await asyncio.sleep(pause)
    stop = True
    await asyncio.gather(*clients)
    return tally


async def answers(port: int) -> list[bytes]:
    """What each image is answered while nothing changes."""
    async with Connection(port) as connection:
        return [(await connection.ask(prepared("POST", "/predict", image))).body for image in uploads(IMAGES)]


PROGRAM = Program(
    "rolling",
    "Seconds of load before and after each change of the composition",
    4,
    measure,
    threats=("a change while it is asked",),
    http=False,
)

if __name__ == "__main__":
    sys.exit(main(PROGRAM))
