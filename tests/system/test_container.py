"""The containers, built and run for real: what they may do, and what they are to each other.

That they answer is in test_operations.py, how the edge answers in tests/hostile/test_edge.py. Skipped, with the reason,
where there is no Docker to run them.
"""

import json
from collections.abc import Iterator

import httpx
import pytest

from support.container import compose, docker, docker_runs
from support.pictures import sample
from support.server import free_port, until, wait_until_ready
from tests.helpers.tensors import PATH
from tools.soak.composition import HEALTHY, SMALL, attacked

pytestmark = pytest.mark.skipif(not docker_runs(), reason="no Docker daemon answers here")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    chosen = free_port()
    compose("up", "--build", "--detach", "edge", port=chosen)
    try:
        wait_until_ready(f"http://127.0.0.1:{chosen}/readyz")
        yield chosen
    finally:
        compose("down", "--timeout", "20", port=chosen)


def inside(command: str) -> str:
    return docker("exec", compose("ps", "--quiet", "konkyo").strip(), "sh", "-c", command)


@pytest.mark.threat("the container")
@pytest.mark.usefixtures("port")
def test_a_plain_user_without_rights() -> None:
    assert inside("id -u") == "10001"
    assert inside("grep CapEff /proc/1/status") == "CapEff:\t0000000000000000"
    assert inside("touch /venv/x /work/x 2>/dev/null; echo $?") == "1"


@pytest.mark.usefixtures("port")
def test_both_workers_and_their_parent_add_up_their_metrics() -> None:
    """In a file system that is read-only, as an operator sees them: from inside, as the edge shows none."""
    read = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8000/metrics').read().decode())"
    found = inside(f'python -c "{read}"')
    assert "konkyo_model_info" in found
    assert found.count("\nprocess_resident_memory_bytes{pid=") == 3


@pytest.mark.usefixtures("port")
def test_no_torch_in_the_serving_image() -> None:
    assert inside("ls /venv/lib/python3.13/site-packages | grep -ci ^torch") == "0"


@pytest.mark.threat("the container", "logs without end")
@pytest.mark.parametrize("service", ["edge", "konkyo"])
def test_it_becomes_healthy_and_its_processes_processors_and_logs_have_limits(port: int, service: str) -> None:
    container = compose("ps", "--quiet", service, port=port).strip()
    until(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", container) == "healthy")
    limits = json.loads(docker("inspect", "--format", "{{json .HostConfig}}", container))
    log = limits["LogConfig"]
    assert (log["Type"], log["Config"]["max-size"], log["Config"]["max-file"]) == ("json-file", "10m", "3")
    expected = {"edge": (32, 1.0, 416), "konkyo": (512, 2.0, 512)}[service]
    found = limits["PidsLimit"], limits["CpuQuota"] / limits["CpuPeriod"], limits["Memory"] / 2**20
    assert found == expected


def test_without_the_service_the_edge_says_so_and_finds_it_again(port: int) -> None:
    """Half a minute and longer it took, when it waited for who had gone."""
    container = compose("ps", "--quiet", "konkyo", port=port).strip()
    docker("stop", container)
    try:
        for path, media in (("/predict", "application/problem+json"), (PATH, "application/json")):
            answer = httpx.post(f"http://127.0.0.1:{port}{path}", files={"file": sample(7)}, timeout=15)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.headers["content-type"] == media
            assert answer.json()["detail"] == "the service is busy or starting; try again in a second"
    finally:
        docker("start", container)
    wait_until_ready(f"http://127.0.0.1:{port}/readyz")


@pytest.mark.threat("one client is everybody")
def test_two_addresses_that_hold_all_they_may_keep_no_third_one_out(port: int) -> None:
    assert attacked(port, sample(7), 512, SMALL, "konkyo-test") == (1024, HEALTHY)
