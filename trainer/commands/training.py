"""What the commands that train share: named recipes, bars."""

import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from konkyo.trainer.commands.terminal import console
from konkyo.trainer.data import Digits
from konkyo.trainer.processors import processors
from konkyo.trainer.recipe import BEST, PAPER

if TYPE_CHECKING:
    from konkyo.trainer.jobs import Job
    from konkyo.trainer.train import Run

# Seconds between two lines about a run, where there is no terminal.
LINE_EVERY = 15.0


class RecipeName(StrEnum):
    """The recipes that have a name."""

    PAPER = "paper"
    BEST = "best"


RECIPES = {RecipeName.PAPER: PAPER, RecipeName.BEST: BEST}


def groups(first: int, count: int) -> list[range]:
    """So many seeds from the first one on, as they are trained together."""
    from konkyo.trainer.ensemble import GROUP

    seeds = range(first, first + count)
    return [seeds[place : place + GROUP] for place in range(0, count, GROUP)]


def train_with_bars(jobs: Sequence["Job"], digits: Digits) -> "Iterator[tuple[Job, Run]]":
    """Train all jobs to their ends, several at once; gives each, in their order, with its finished run."""
    from konkyo.trainer.jobs import train

    begun: dict[Job, int] = {}
    for job in jobs:
        run = job.run(digits)
        if run.finished:
            console.print(f"{job.title}: trained before")
            continue
        if run.step:
            console.print(f"{job.title}: goes on from step {run.step:,} of {job.recipe.steps:,}")
        begun[job] = run.step
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}  validation {task.fields[validation]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {
            job: bar.add_task(job.title, total=job.recipe.steps, completed=step, loss="–", validation="–", start=False)
            for job, step in begun.items()
        }
        lines: dict[Job, Lines] = {}
        for job, progress in train(list(begun), digits, processors()):
            if job not in lines:
                lines[job] = Lines(job, begun[job])
                bar.start_task(tasks[job])
            validation = "–" if progress.validation is None else f"{progress.validation:.2%}"
            bar.update(tasks[job], completed=progress.step, loss=f"{progress.loss:.4f}", validation=validation)
            if not console.is_terminal:
                lines[job].tell(progress.step, f"loss {progress.loss:.4f}  validation {validation}")
    for job in jobs:
        run = job.run(digits)
        if job in begun and run.step < job.recipe.steps:
            best = max(best.step for best in run.best)
            console.print(f"{job.title}: ended at step {run.step:,}, no better since step {best:,}")
        yield job, run


class Lines:
    """What takes a bar's place without a terminal, as in a container's log: a line at once, and one now and then."""

    def __init__(self, job: "Job", step: int) -> None:
        self._job, self._first = job, step
        self._begun = time.monotonic()
        self._due = self._begun

    def tell(self, step: int, words: str) -> None:
        """Print a line if one is due: where the run is, and how much time is left."""
        now, steps = time.monotonic(), self._job.recipe.steps
        if now < self._due:
            return
        self._due = now + LINE_EVERY
        left = round((now - self._begun) * (steps - step) / max(step - self._first, 1))
        most = "at most " if self._job.recipe.patience else ""
        console.print(
            f"{self._job.title}: step {step:,} of {steps:,}  {words}  {most}{left // 60}:{left % 60:02} left",
            highlight=False,
        )
