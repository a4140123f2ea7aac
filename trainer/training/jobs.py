"""Trainings that go on at once, each in its own process. A run's state is in its file: only progress is told."""

import signal
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait

from konkyo.models.errors import KonkyoError
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training.run import Progress, Run, Wanted


def train(jobs: Sequence[Wanted], labelled: Labelled, at_once: int) -> Iterator[tuple[Wanted, Progress]]:
    """Run all jobs to their ends, in their order, so many at once; what is told comes as it happens.

    Parameters
    ----------
    jobs
        With state files of their own.
    labelled
        The training images.
    at_once
        Processes. With one, or for one job, it is this process.

    Raises
    ------
    RunError
        A process ended before its run, or an error that nobody foresaw ended the run.
    KonkyoError, OSError
        Of a run.
    """
    if at_once == 1 or len(jobs) == 1:
        for job in jobs:
            for progress in Run(job, labelled).train():
                yield job, progress
        return
    # A fresh interpreter: a copy of this one, with its threads, could hang.
    context = get_context("spawn")
    waiting, running = list(jobs), dict[object, tuple[Connection, Wanted]]()
    while waiting or running:
        while waiting and len(running) < at_once:
            job = waiting.pop(0)
            ours, theirs = context.Pipe(duplex=False)
            # Daemons end with this process; one that was killed is noticed when there is nobody to tell.
            context.Process(target=_work, args=(job, labelled, theirs), daemon=True).start()
            theirs.close()
            running[ours] = ours, job
        for ready in wait([connection for connection, _ in running.values()]):
            connection, job = running[ready]
            try:
                told = connection.recv()
            except EOFError:
                raise RunError(f"the process of {job.title} has ended; the same command goes on where it was") from None
            if isinstance(told, Exception):
                raise told
            if told is None:
                del running[ready]
            else:
                yield job, told


def _work(job: Wanted, labelled: Labelled, connection: Connection) -> None:
    """In a process of its own: tell of the progress, then of an error or of nothing more."""
    # An interrupt reaches the whole group; the process that was started by hand answers for all.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for progress in Run(job, labelled).train():
            connection.send(progress)
    except (KonkyoError, OSError) as error:
        connection.send(error)
    except Exception as error:
        # The same command would end in the same way, so it is not said to go on. Where the error is from stands in the
        # trace of this process.
        connection.send(RunError(f"{job.title} has ended with {type(error).__name__}: {error}"))
        raise
    else:
        connection.send(None)
