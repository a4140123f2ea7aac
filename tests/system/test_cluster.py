"""A Ray cluster of several nodes on this machine, one of which is killed: during a job, and under load."""

import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # a cluster of this machine needs no token
os.environ.setdefault("RAY_worker_niceness", "0")  # else everything else on a busy machine goes first

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own code warns
    import ray
    from ray import serve
    from ray.cluster_utils import Cluster

    from konkyo.service.cluster import Konkyo

from konkyo.models.files.checkpoint import DIRECTORY, load_all
from konkyo.trainer.data import Labelled
from konkyo.trainer.data.idx import write_images
from konkyo.trainer.explaining.choices import Engine, Explanation
from konkyo.trainer.explaining.engines import run
from konkyo.trainer.explaining.job import Job, new_job
from support.pictures import sample
from support.server import free_port

pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[2]
PATIENCE = 120


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head with one processor: a worker for each is started at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        ray.init(address=started.address, log_to_driver=False)
        yield started
        ray.shutdown()
        started.shutdown()


@pytest.fixture
def kill(cluster: Any) -> Callable[[], None]:
    """Add a node to the cluster; what is given ends it at once."""
    node = cluster.add_node(num_cpus=1)
    return partial(cluster.remove_node, node, allow_graceful=False)


def files(job: Job) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(job.out.iterdir()) if path.suffix != ".writing"}


def test_a_node_that_dies_during_a_job_costs_nothing(
    kill: Callable[[], None], digits: Labelled, tmp_path: Path
) -> None:
    write_images(tmp_path / "images.idx", digits.images[:240])
    checkpoint, wanted = load_all()["paired-3x3"], [Explanation.SHAPLEY]
    jobs = [
        new_job(tmp_path / "images.idx", None, checkpoint, DIRECTORY, wanted, 10, tmp_path / name)
        for name in ("here", "there")
    ]
    assert len(list(run(jobs[0], jobs[0].begin(), Engine.LOCAL, 1))) == 24
    done = []
    for shard in run(jobs[1], jobs[1].begin(), Engine.RAY, 1):
        done.append(shard)
        if len(done) == 3:
            kill()
    assert sorted(done) == list(range(24))
    assert files(jobs[1]) == files(jobs[0])


def test_a_node_that_dies_under_load_is_hardly_noticed(kill: Callable[[], None]) -> None:
    """A client that asks again gets every answer, and every answer that comes is the right one."""
    port = free_port()
    serve.start(proxy_location="HeadOnly", http_options={"host": "127.0.0.1", "port": port})
    options = {"num_replicas": 2, "autoscaling_config": None, "max_replicas_per_node": 1}
    serve.run(Konkyo.options(**options).bind(), route_prefix="/")
    url = f"http://127.0.0.1:{port}/predict"
    outcomes: Counter[str] = Counter()
    stopped = threading.Event()

    def ask(digit: int) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            while not stopped.is_set():
                answer = None
                while answer is None or answer.status_code != 200:  # asks again
                    try:
                        answer = client.post(url, files={"file": sample(digit)})
                        outcomes["failed"] += answer.status_code != 200
                    except httpx.TransportError:
                        outcomes["failed"] += 1
                outcomes["right" if answer.json()["predicted"] == digit else "wrong"] += 1

    crowd = [threading.Thread(target=ask, args=(digit,)) for digit in range(4)]
    for one in crowd:
        one.start()

    def wait_for(answers: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while outcomes["right"] < answers and time.monotonic() < deadline:
            time.sleep(0.05)

    wait_for(50)
    before = outcomes["right"]
    kill()
    wait_for(before + 100)
    stopped.set()
    for one in crowd:
        one.join(PATIENCE)
    serve.shutdown()
    assert outcomes["wrong"] == 0
    assert outcomes["right"] >= before + 100
    print(f"{dict(outcomes)}, {before} before the node was killed")  # noqa: T201
