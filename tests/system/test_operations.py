"""Every command of docs/operations.md, in order, in a copy of the project. Skipped where there is no Docker."""

import re
import shutil
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest

from support.container import COMPOSE, IMAGE, building, docker, docker_runs
from support.folders import ROOT
from support.server import PATIENCE, free_port, until
from tests.helpers.folders import clone
from tools.soak.rolling import started

# Prometheus' own image, or else its program, which is then put into one of ours.
OWN_IMAGE = "prom/prometheus"
PROGRAM = shutil.which("prometheus")

pytestmark = [
    pytest.mark.skipif(not docker_runs(), reason="no Docker daemon answers here"),
    pytest.mark.skipif(
        docker_runs() and not PROGRAM and not docker("images", "--quiet", OWN_IMAGE),
        reason="neither Prometheus' image nor its program is here (Debian: prometheus)",
    ),
    # Containers start and stop, in each of ten sections.
    pytest.mark.timeout(600),
]

DOCUMENT = (ROOT / "docs" / "operations.md").read_text()
PROJECT = "konkyo-operations"
PROMETHEUS = f"""
FROM {IMAGE}
USER root
COPY prometheus /bin/prometheus
RUN mkdir /prometheus
ENTRYPOINT ["/bin/prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
"""


def commands(section: str) -> list[str]:
    """Those of all blocks of a section."""
    text = DOCUMENT.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    return "".join(blocks).replace("\\\n", "").splitlines()


class Operator:
    """Someone who follows the document in a folder with the project, on ports of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"8000": free_port(), "8443": free_port(), "9090": free_port()}
        programs = folder.parent / "bin"
        programs.mkdir()
        shim = programs / "docker"
        # `docker compose` of version 1 is a program of its own.
        real = shutil.which("docker")
        other = f'if [ "$1" = compose ]; then shift; exec {COMPOSE[0]} "$@"; fi\n' if len(COMPOSE) == 1 else ""
        shim.write_text(f'#!/bin/sh\n{other}exec {real} "$@"\n')
        shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
        self.environment = {
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(folder.parent),
            "COMPOSE_PROJECT_NAME": PROJECT,
            "KONKYO_PORT": str(self.ports["8000"]),
            "KONKYO_TLS_PORT": str(self.ports["8443"]),
            "PROMETHEUS_PORT": str(self.ports["9090"]),
        }

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['8000']}"

    def follow(self, section: str) -> Iterator[str]:
        """Run the commands of a section one after the other; gives each when it is done."""
        followed = commands(section)
        assert followed, section
        for command in followed:
            self.run(command)
            yield command

    def run(self, command: str) -> str:
        """What it says."""
        for shown, port in self.ports.items():
            command = command.replace(f"localhost:{shown}", f"localhost:{port}")
        with building() if "build" in command else nullcontext():
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
            )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Usage:" not in done.stdout + done.stderr, command
        return done.stdout

    def replicas(self) -> list[str]:
        label = "label=com.docker.compose"
        return docker("ps", "-q", "-f", f"{label}.project={PROJECT}", "-f", f"{label}.service=konkyo").split()

    def image(self) -> str:
        """What the only replica runs."""
        [replica] = self.replicas()
        return docker("inspect", "--format", "{{.Config.Image}}", replica)

    def model(self) -> str:
        file = {"file": (self.folder / "docs" / "digits" / "7.png").read_bytes()}
        answer = httpx.post(f"{self.url}/predict", files=file, timeout=PATIENCE).json()
        assert answer["predicted"] == 7
        name: str = answer["model"]["name"]
        return name

    def models(self) -> list[str]:
        found: list[str] = httpx.get(f"{self.url}/readyz", timeout=PATIENCE).json()["models"]
        return found


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    """Not set up yet. Whatever is left of it goes at the end."""
    folder = clone(tmp_path / "project")
    someone = Operator(folder)
    yield someone
    files = ["-f", "docker-compose.yml", "-f", "deploy/tls.yml", "-f", "deploy/prometheus.compose.yml"]
    everything = [*COMPOSE, *files, "down", "--volumes", "--timeout", "20"]
    subprocess.run(everything, cwd=folder, env=someone.environment, capture_output=True)
    docker("rmi", "konkyo:next")


def starts(operator: Operator, each: Iterator[str]) -> None:
    assert list(each)
    assert (len(operator.replicas()), operator.model()) == (1, "paired-3x3")


def changes_a_setting(operator: Operator, each: Iterator[str]) -> None:
    """And a wrong one changes nothing."""
    old = operator.replicas()
    assert list(each)
    assert (len(operator.replicas()), operator.model()) == (1, "lenet-6x16")
    assert operator.replicas() != old
    old, kept = operator.replicas(), (operator.folder / ".env").read_text()
    operator.run("sed -i 's/^KONKYO_DEFAULT_MODEL=.*/KONKYO_DEFAULT_MODEL=resnet/' .env")
    said = operator.run("if deploy/roll 2>&1; then false; fi")
    assert "KONKYO_DEFAULT_MODEL: 'resnet' is not one of animals-3x3" in said
    assert "the new replica did not become healthy and is removed; those before it still answer" in said
    assert (operator.replicas(), operator.model()) == (old, "lenet-6x16")
    (operator.folder / ".env").write_text(kept)


def changes_a_network_and_back(operator: Operator, each: Iterator[str]) -> None:
    served = [operator.models() for command in each if command == "deploy/roll"]
    shipped = len(list((ROOT / "models").glob("*.safetensors")))
    animals = len(list((ROOT / "models").glob("animals-*.safetensors")))
    assert animals > 0
    assert list(map(len, served)) == [shipped, shipped - animals, shipped]


def changes_a_version_and_back(operator: Operator, each: Iterator[str]) -> None:
    images = [operator.image() for command in each if command == "deploy/roll"]
    assert images == ["konkyo:next", IMAGE]


def adds_and_removes_a_replica(operator: Operator, each: Iterator[str]) -> None:
    assert [len(operator.replicas()) for _ in each] == [2, 1]
    assert operator.model() == "lenet-6x16"


def restarts_the_workers(operator: Operator, each: Iterator[str]) -> None:
    [replica] = operator.replicas()
    before = started(replica)
    assert list(each)
    until(lambda: started(replica) == before + 2)
    assert operator.replicas() == [replica]


def speaks_tls_and_renews_the_certificate(operator: Operator, each: Iterator[str]) -> None:
    address = ("localhost", operator.ports["8443"])
    shown = []
    for command in each:
        if command.startswith("curl"):
            shown.append(ssl.get_server_certificate(address))
            for renewal in commands("TLS")[1:3]:
                operator.run(renewal)
    renewed = (operator.folder / "tls" / "certificate.pem").read_text().split()
    assert renewed not in [one.split() for one in shown]
    until(lambda: ssl.get_server_certificate(address).split() == renewed)
    assert operator.model() == "lenet-6x16"  # without TLS as well


def is_watched(operator: Operator, each: Iterator[str]) -> None:
    """Prometheus scrapes each replica, and reads the alerts."""
    if not docker("images", "--quiet", OWN_IMAGE):
        context = operator.folder.parent / "prometheus"
        context.mkdir()
        shutil.copy(str(PROGRAM), context)
        (context / "Dockerfile").write_text(PROMETHEUS)
        docker("build", "--quiet", "--tag", OWN_IMAGE, str(context))
    assert list(each)
    prometheus = f"http://localhost:{operator.ports['9090']}/api/v1"

    def found() -> set[str]:
        query = httpx.get(f"{prometheus}/query", params={"query": "konkyo_model_info"}, timeout=PATIENCE).json()
        return {result["metric"]["name"] for result in query["data"]["result"]}

    until(lambda: found() == set(operator.models()))
    [group] = httpx.get(f"{prometheus}/rules", timeout=PATIENCE).json()["data"]["groups"]
    assert {rule["health"] for rule in group["rules"]} <= {"ok", "unknown"}
    assert len(group["rules"]) == 6


def is_backed_up(operator: Operator, each: Iterator[str]) -> None:
    assert list(each)
    kept = operator.run("tar --list --file backup.tar.gz").split()
    assert {".env", "tls/key.pem", "tls/certificate.pem", "networks/paired-3x3.safetensors"} <= set(kept)


def stops(_: Operator, each: Iterator[str]) -> None:
    assert list(each)
    assert docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}") == ""


# In the order in which an operator comes to them: what a section leaves, the next one finds.
SECTIONS: dict[str, Callable[[Operator, Iterator[str]], None]] = {
    "Start": starts,
    "Another setting": changes_a_setting,
    "Another network": changes_a_network_and_back,
    "Another version, and back": changes_a_version_and_back,
    "More replicas": adds_and_removes_a_replica,
    "Restart the workers": restarts_the_workers,
    "TLS": speaks_tls_and_renews_the_certificate,
    "Watch it": is_watched,
    "Back up": is_backed_up,
    "Stop": stops,
}


def test_an_operator_who_follows_the_document_gets_what_it_says(operator: Operator) -> None:
    assert list(SECTIONS) == [name for name in re.findall(r"^## (.+)$", DOCUMENT, re.M) if commands(name)]
    for name, happens in SECTIONS.items():
        happens(operator, operator.follow(name))
