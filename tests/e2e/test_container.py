"""The containers, built and run for real. Skipped, with the reason, where there is no Docker to run them."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.e2e.server import ROOT, free_port, wait_until_ready
from tests.examples import curl

COMPOSE = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]


def docker_runs() -> bool:
    return bool(shutil.which("docker")) and subprocess.run(["docker", "info"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not docker_runs(), reason="no Docker daemon answers here")


def compose(*arguments: str, port: int = 8000) -> str:
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/root", "KONKYO_PORT": str(port)}
    return subprocess.run(
        [*COMPOSE, "--project-name", "konkyo-test", *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    chosen = free_port()
    compose("up", "--build", "--detach", "konkyo", port=chosen)
    try:
        wait_until_ready(f"http://127.0.0.1:{chosen}/readyz")
        yield chosen
    finally:
        compose("down", "--timeout", "20", port=chosen)


def inside(command: str) -> str:
    container = compose("ps", "--quiet", "konkyo").strip()
    return subprocess.run(
        ["docker", "exec", container, "sh", "-c", command], capture_output=True, text=True
    ).stdout.strip()


def test_a_real_digit_is_read(port: int) -> None:
    answer = json.loads(curl(f"curl -s -F file=@docs/digits/7.png localhost:{port}/predict"))
    assert answer["digit"] == 7


@pytest.mark.usefixtures("port")
def test_a_plain_user_without_rights() -> None:
    assert inside("id -u") == "10001"
    assert inside("grep CapEff /proc/1/status") == "CapEff:\t0000000000000000"
    assert inside("touch /venv/x /work/x 2>/dev/null; echo $?") == "1"


@pytest.mark.usefixtures("port")
def test_no_torch_in_the_serving_image() -> None:
    assert inside("ls /venv/lib/python3.13/site-packages | grep -ci ^torch") == "0"


def test_it_becomes_healthy(port: int) -> None:
    container = compose("ps", "--quiet", "konkyo", port=port).strip()
    for _ in range(60):
        status = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Health.Status}}", container], capture_output=True, text=True
        ).stdout.strip()
        if status == "healthy":
            return
        time.sleep(1)
    pytest.fail(f"the container is {status}")
