"""Someone who follows a document in a fresh clone, one command after another."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.folders import DATA
from support.pictures import decode
from support.server import free_port, wait_until_ready
from tests.documents.reading import Piece, pieces
from tests.helpers.datasets import described, write_idx
from tests.helpers.folders import clone

# The longest takes a minute or two on a machine that is busy with others as well.
PATIENCE = 900
# Those that documents name, in the place of which a free one is taken.
PORTS = "8000", "8080"
# Of whoever runs the tests, and no business of a reader's.
OURS = "KONKYO_", "COVERAGE_", "COV_", "PYTEST_", "PYTHON", "OPENBLAS_", "VIRTUAL_ENV", "MAKE", "MFLAGS"


@dataclass(frozen=True)
class Run:
    """A command that is run.

    Attributes
    ----------
    more
        Options behind it, which make it short.
    instead
        What is run in its place, where options are not enough.
    before
        Makes, in the clone, what the reader has.
    then
        Looks at what the command said, and at the clone.
    needs
        A program without which it is skipped.
    """

    more: str = ""
    instead: str | None = None
    before: Callable[[Path], None] | None = None
    then: Callable[["Reader", str], None] | None = None
    needs: str | None = None


@dataclass(frozen=True)
class Serve(Run):
    """A command that serves until it is ended; ``port`` where it cannot be told another."""

    port: int | None = None


@dataclass(frozen=True)
class Save(Run):
    """Code that is saved in a file of the clone; ``instead`` then runs it."""

    file: str = ""


@dataclass(frozen=True)
class By:
    """Not run here: a file of the repository does it, and names the command or the document."""

    file: str
    names: str | None = None


@dataclass(frozen=True)
class Left:
    """Not run, and why."""

    why: str


Step = Run | By | Left


@dataclass(frozen=True)
class Followed:
    """A document with a step for each piece, in its order.

    ``service`` is the command whose service answers what the document asks at ``localhost``, ``blocks`` the file that
    runs all blocks of commands, where there is one.
    """

    document: str
    steps: Mapping[str, Step]
    service: str | None = None
    blocks: str | None = None

    def pieces(self) -> dict[str, Piece]:
        """Those that need a step."""
        found = pieces(self.document)
        return {name: piece for name, piece in found.items() if not (self.blocks and piece.language == "sh")}

    @property
    def run(self) -> list[str]:
        return [name for name, step in self.steps.items() if isinstance(step, Run)]

    @contextmanager
    def reader(self, folder: Path) -> Iterator["Reader"]:
        reader = Reader(clone(folder), self)
        try:
            yield reader
        finally:
            reader.end()


class Reader:
    """What stands in the folder is what the document's commands have left there."""

    def __init__(self, folder: Path, followed: Followed) -> None:
        self.folder, self.followed = folder, followed
        self.pieces = followed.pieces()
        self.port = free_port()
        self._serving: tuple[str, subprocess.Popen[bytes]] | None = None
        # Not the tests' own environment, which has everything.
        path = [entry for entry in os.environ["PATH"].split(":") if Path(entry) != Path(sys.prefix) / "bin"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self.environment = {**kept, "PATH": ":".join(path), "PORT": f"{self.port}", "KONKYO_PORT": f"{self.port}"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def follow(self, name: str) -> None:
        """Do what a piece of the document says."""
        step, piece = self.followed.steps[name], self.pieces[name]
        assert isinstance(step, Run)
        if step.needs is not None and shutil.which(step.needs, path=self.environment["PATH"]) is None:
            pytest.skip(f"there is no {step.needs} here")
        if step.before is not None:
            step.before(self.folder)
        said = self._done(name, step, piece)
        if step.then is not None:
            step.then(self, said)

    def _done(self, name: str, step: Run, piece: Piece) -> str:
        if isinstance(step, Save):
            (self.folder / step.file).write_text(self.here(piece.code), encoding="utf-8")
        elif isinstance(step, Serve):
            self.serve(name)
            return ""
        command = step.instead if isinstance(step, Save) or step.instead else f"{piece.code} {step.more}"
        if command is None:
            return ""
        if "localhost" in piece.code and self.followed.service is not None:
            self.serve(self.followed.service)
        return self.run(command.replace("curl ", "curl --fail-with-body "))

    def run(self, command: str) -> str:
        """What a command says, which must end well. A picture that it writes must be one."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.here(command)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        if command.endswith(".png"):
            assert decode((self.folder / command.split()[-1]).read_bytes()).size > 10_000
        return done.stdout

    def serve(self, name: str) -> None:
        """Start this service in the place of another, if it is not the one that runs."""
        if self._serving is not None and self._serving[0] == name and self._serving[1].poll() is None:
            return
        self.end()
        step = self.followed.steps[name]
        assert isinstance(step, Serve)
        if step.port is not None and _is_taken(step.port):
            pytest.skip(f"another program has port {step.port}, the only one that this command takes")
        command = self.here(step.instead or f"{self.pieces[name].code} {step.more}")
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, start_new_session=True
        )
        self._serving = name, process
        wait_until_ready(f"http://127.0.0.1:{step.port or self.port}/readyz", process, PATIENCE)

    def end(self) -> None:
        """End the service that runs, if there is one, with all its processes."""
        if self._serving is None:
            return
        (name, process), self._serving = self._serving, None
        step = self.followed.steps[name]
        assert isinstance(step, Serve)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)
        # make ends before the service that it started, which still answers for a moment.
        deadline = time.monotonic() + PATIENCE
        while _is_taken(step.port or self.port):
            assert time.monotonic() < deadline, f"{name} does not end"
            time.sleep(0.05)

    def here(self, text: str) -> str:
        """With the port that is free here."""
        for port in PORTS:
            text = text.replace(port, str(self.port))
        return text

    def answer(self, path: str) -> Any:
        """What the service answers that runs."""
        found = httpx.get(f"{self.url}{path}", timeout=60)
        assert found.status_code == 200, found.text
        return found.json()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def small_mnist(folder: Path) -> None:
    """In ``data/mnist``, where the trainer looks: 1,000 of MNIST's images, and as many seconds instead of hours."""
    from konkyo.trainer.data import read

    digits, there = read(DATA, "t10k"), folder / "data" / "mnist"
    for part, some in (("train", digits[:800]), ("t10k", digits[800:1000])):
        write_idx(there, part, some.images, some.labels.tolist())
    about = digits.about
    (there / "classes.txt").write_text("\n".join(about.classes) + "\n", encoding="utf-8")
    described(there, name=about.name, licence=about.licence, warnings=list(about.warnings))
