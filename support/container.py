"""The containers, through Compose, whose own file says how they run; ``contained`` is the service alone in its own."""

import fcntl
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from konkyo import __version__
from support.folders import ROOT
from support.server import PATIENCE, Server, wait_until_ready

PROJECT = "konkyo-soak"
SERVICE = "konkyo"
# The service's, as Compose builds it where nobody names a version.
IMAGE = f"konkyo:{__version__}"
LIMIT = 512  # MiB
# The kernel's own account, in the two versions of its control groups.
_ACCOUNT = "cd /sys/fs/cgroup; cat memory.events memory/memory.oom_control memory.peak memory/memory.max_usage_in_bytes"
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


class KilledError(Exception):
    """The kernel has ended processes for their memory."""


@contextmanager
def contained(port: int, settings: Mapping[str, str]) -> Iterator[Server]:
    """Build and run it on ``port`` of this machine, with its log in a file; it is ended afterwards.

    Raises
    ------
    KilledError
        It needed more memory than it has.
    """
    # The host's network, so that what is measured is the service and not what forwards its port.
    own = {"KONKYO_HOST": "127.0.0.1", "KONKYO_PORT": str(port), "KONKYO_DOCS": "true", **settings}
    changes = {"network_mode": "host", "healthcheck": {"disable": True}, "environment": own}
    with TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        override = Path(directory) / "override.yml"
        override.write_text(json.dumps({"services": {SERVICE: changes}}))  # JSON is YAML
        files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(override), "--project-directory", str(ROOT)]
        compose(*files, "up", "--build", "--detach", SERVICE, project=PROJECT)
        try:
            container = compose(*files, "ps", "--quiet", SERVICE, project=PROJECT).strip()
            follower = subprocess.Popen(["docker", "logs", "--follow", container], stdout=log, stderr=log)
            wait_until_ready(f"http://127.0.0.1:{port}/readyz")
            pid = int(docker("inspect", "--format", "{{.State.Pid}}", container))
            yield Server(port, pid, follower, Path(log.name), container)
            if killed := account(container)[1]:
                raise KilledError(f"{killed} processes were ended: more than {LIMIT} MiB were needed")
        finally:
            compose(*files, "down", "--timeout", "20", project=PROJECT)
            follower.wait(PATIENCE)


def account(container: str) -> tuple[float, int]:
    """The most memory in MiB that all of a container's processes ever had, and how many the kernel has ended for it."""
    said = docker("exec", container, "sh", "-c", f"{_ACCOUNT} 2>/dev/null")
    killed = re.search(r"^oom_kill (\d+)$", said, re.MULTILINE)
    most = re.search(r"^(\d+)$", said, re.MULTILINE)
    if killed is None or most is None:
        raise RuntimeError(f"the container keeps no account of its memory: {said}")
    return int(most[1]) / 2**20, int(killed[1])
