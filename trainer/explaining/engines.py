"""What runs a job: processes of this machine, or a Ray cluster. Each shard is one piece of work in either."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from threading import Thread

from konkyo.trainer.errors import RunError
from konkyo.trainer.explaining.choices import Engine
from konkyo.trainer.explaining.job import Job

# The network's matrices are so small that sharing one between cores costs more than it saves.
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
# Pieces that a cluster is given beyond those that its processors work on, so that none waits for this process.
AHEAD = 2


def run(job: Job, shards: Sequence[int], engine: Engine, workers: int) -> Iterator[int]:
    """Do what is still to be done of a job; gives the number of each shard when its file is there.

    Parameters
    ----------
    job
        Begun.
    shards
        What is still to be written, as ``Job.begin`` says.
    engine
        What does it.
    workers
        Processes of the local engine. Ray has as many as its cluster has processors.

    Raises
    ------
    RunError
        Processes die again and again.
    """
    return _ray(job, shards) if engine is Engine.RAY else _local(job, shards, workers)


def _local(job: Job, shards: Sequence[int], workers: int) -> Iterator[int]:
    """A process that dies takes the pool with it: what it had not finished is begun anew in another one."""
    left = set(shards)
    while left:
        before = len(left)
        try:
            for shard in _pool(job, sorted(left), workers):
                left.remove(shard)
                yield shard
        except BrokenProcessPool as error:
            if len(left) == before:
                raise RunError("the processes die before they finish a shard: give them more memory") from error


def _pool(job: Job, shards: Sequence[int], workers: int) -> Iterator[int]:
    os.environ.update(ENVIRONMENT)  # for the processes: numpy reads it when it is first imported
    # A fresh interpreter: a copy of this one, with its threads, could hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _initialise) as pool:
        try:
            for done in as_completed([pool.submit(job.write, shard) for shard in shards]):
                yield done.result()
        except BaseException:
            # What is begun need not be finished: the same command begins it anew.
            for process in multiprocessing.active_children():
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _initialise() -> None:
    """An interrupt reaches the whole group, and the process that was started by hand answers for all; when that one is
    killed, there is nobody to work for.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
    os._exit(1)


def _ray(job: Job, shards: Sequence[int]) -> Iterator[int]:
    """Shards of a machine that dies are begun anew on another one, by Ray. Images and files do not go through Ray."""
    import ray

    if not ray.is_initialized():
        ray.init(log_to_driver=False)  # RAY_ADDRESS names a cluster; without it this machine is one
    write = ray.remote(Job.write).options(num_cpus=1, max_retries=-1, runtime_env={"env_vars": ENVIRONMENT})
    waiting, running = list(reversed(shards)), list[object]()
    while waiting or running:
        room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while waiting and len(running) < room:
            running.append(write.remote(job, waiting.pop()))
        done, running = ray.wait(running, num_returns=1, timeout=10)
        yield from ray.get(done)
