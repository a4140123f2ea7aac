"""The containers, through Compose, whose own file says how they run."""

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.e2e.server import ROOT

COMPOSE = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]


def docker_runs() -> bool:
    """Whether there is a Docker daemon here."""
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


def compose(*arguments: str, project: str = "konkyo-test", port: int = 8000, **settings: str) -> str:
    """Run Compose in the project's folder; what it says."""
    command = [*COMPOSE, "--project-name", project, *arguments]
    with building() if "--build" in arguments else nullcontext():
        said = subprocess.run(command, cwd=ROOT, env=environment(port, **settings), capture_output=True, text=True)
    if said.returncode:
        raise RuntimeError(f"{' '.join(command)}: {said.stdout}{said.stderr}")
    # What version 1 does not understand is answered with its usage, and with success.
    if "Usage:" in said.stderr + said.stdout:
        raise RuntimeError(f"{' '.join(command)} is not understood")
    return said.stdout


@contextmanager
def building() -> Iterator[None]:
    """One build at a time, of all processes of the tests: two would make and remove the same layers."""
    with (Path(tempfile.gettempdir()) / "konkyo-build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(port: int, **settings: str) -> dict[str, str]:
    """What Compose gets to know: nothing of this process's own settings."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "KONKYO_PORT": str(port), **settings}


def docker(*arguments: str, text: str | None = None) -> str:
    """What ``docker`` says; ``text`` is its input."""
    return subprocess.run(["docker", *arguments], input=text, capture_output=True, text=True).stdout.strip()
