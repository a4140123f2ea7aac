"""Runs in processes of their own against the same runs in this one."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from konkyo.models.architecture import Wiring, two_stages  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from konkyo.trainer.errors import RunError  # noqa: E402
from konkyo.trainer.training.jobs import train  # noqa: E402
from konkyo.trainer.training.recipe import Recipe  # noqa: E402
from konkyo.trainer.training.run import Run, Wanted  # noqa: E402
from tests.helpers.runs import SHORT, outcome  # noqa: E402

SMALL = two_stages(Wiring.SUMMED, 1, 1)


def wanted(directory: Path, count: int = 3, recipe: Recipe = SHORT) -> list[Wanted]:
    return [
        Wanted(f"run {number}", SMALL, recipe, range(number, number + 2), directory / f"{number}.pt")
        for number in range(count)
    ]


def test_several_at_once_end_as_one_after_another(digits: Digits, tmp_path: Path) -> None:
    ends = []
    for at_once in (1, 2):
        jobs = wanted(tmp_path / str(at_once))
        told = list(train(jobs, digits[:600], at_once))
        steps = {job.title: [progress.step for one, progress in told if one == job] for job in jobs}
        assert steps == {job.title: [10, 20, 30, 40] for job in jobs}
        runs = [Run(job, digits[:600]) for job in jobs]
        assert all(run.finished for run in runs)
        ends.append([outcome(run) for run in runs])
    assert ends[0] == ends[1]


def test_an_error_of_a_run_is_told(digits: Digits, tmp_path: Path) -> None:
    jobs = wanted(tmp_path, 2)
    jobs[1].state_file.write_bytes(b"no state")
    with pytest.raises(RunError, match=r"1\.pt cannot be read .* delete it to start this run again"):
        list(train(jobs, digits[:600], 2))


def test_a_process_that_is_killed_is_noticed(digits: Digits, tmp_path: Path) -> None:
    long = Recipe(steps=1_000_000, batch=20, held_out=100, evaluate_every=10)
    going: Iterator[Any] = train(wanted(tmp_path, 2, long), digits[:600], 2)
    next(going)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("needs Linux, to find a process of this one")
    for child in children.read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
    with pytest.raises(RunError, match=r"the process of run [01] has ended; the same command goes on where it was"):
        list(going)
