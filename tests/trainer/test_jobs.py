"""Runs in processes of their own against the same runs in this one."""

import multiprocessing
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Wiring, two_stages
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training import jobs
from konkyo.trainer.training.run import Run, Wanted
from tests.helpers.refuse import refuses
from tests.helpers.runs import SHORT, finished, outcome

SMALL = two_stages(Wiring.SUMMED, 1, 1)


def wanted(directory: Path, count: int) -> list[Wanted]:
    return [
        Wanted(f"run {number}", SMALL, SHORT, range(number, number + 2), directory / f"{number}.pt")
        for number in range(count)
    ]


def test_several_at_once_end_as_one_after_another_and_an_error_of_one_is_told(few: Labelled, tmp_path: Path) -> None:
    """As it is: the third begins when one of the first two has ended, and cannot go on from its file."""
    some = wanted(tmp_path, 3)
    some[2].state_file.write_bytes(b"no state")
    told: dict[str, list[int]] = {job.title: [] for job in some}

    def listen(at_once: int) -> None:
        for job, progress in jobs.train(some, few, at_once):
            told[job.title].append(progress.step)

    with pytest.raises(RunError, match=rf"^{tmp_path}/2\.pt cannot be read .* delete it to start this run again$"):
        listen(2)
    assert [10, 20, 30, 40] in told.values()
    some[2].state_file.unlink()
    listen(1)
    assert [outcome(Run(job, few)) for job in some] == [
        outcome(finished(Run(job, few))) for job in wanted(tmp_path / "alone", 3)
    ]
    assert told["run 2"] == [10, 20, 30, 40]


def test_an_error_that_nobody_foresaw_is_told(few: Labelled, tmp_path: Path) -> None:
    """Labels that the network has no classes for, which no data set gives: PyTorch raises an IndexError."""
    with refuses(RunError, "run 0 has ended with IndexError: Target 12 is out of bounds."):
        list(jobs.train(wanted(tmp_path, 2)[:1] * 2, Labelled(few.images, np.full(len(few), 12, np.uint8)), 2))


def test_a_process_that_is_killed_is_noticed(few: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as it is there: so few images that they fit into its pipe are not waited for."""

    def killing(connections: Sequence[Any]) -> list[Any]:
        for process in multiprocessing.active_children():
            process.kill()
        return wait(connections)

    monkeypatch.setattr(jobs, "wait", killing)
    going: Iterator[Any] = jobs.train(wanted(tmp_path, 2), few[:20], 2)
    with pytest.raises(RunError, match=r"the process of run [01] has ended; the same command goes on where it was"):
        list(going)
