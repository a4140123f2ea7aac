"""What the commands that train share: named recipes, bars."""

import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar

from konkyo.models.architecture import Stage, written_stages
from konkyo.trainer.commands.terminal import console
from konkyo.trainer.data import Digits
from konkyo.trainer.processors import processors
from konkyo.trainer.recipe import BEST, PAPER, Recipe

if TYPE_CHECKING:
    from konkyo.trainer.jobs import Job
    from konkyo.trainer.train import Progress, Run

# Seconds between two lines about a run, where there is no terminal.
LINE_EVERY = 15.0


class RecipeName(StrEnum):
    """The recipes that have a name."""

    PAPER = "paper"
    BEST = "best"


RECIPES = {RecipeName.PAPER: PAPER, RecipeName.BEST: BEST}


def name_of(stages: Sequence[Stage], hidden: Sequence[int] = ()) -> str:
    """What a network is called by its shape: ``3k5-3k3q``, ``16k3-16k3-h32``."""
    return "-".join([written_stages(stages).replace(",", "-"), *(f"h{width}" for width in hidden)])


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
        TextColumn("{task.fields[told]}"),
    )
    with ProgressBar(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {
            job: bar.add_task(job.title, total=job.recipe.steps, completed=step, told="") for job, step in begun.items()
        }
        due: dict[Job, float] = {}
        for job, progress in train(list(begun), digits, processors()):
            told, now = _told(job.recipe, progress), time.monotonic()
            bar.update(tasks[job], completed=progress.step, told=told)
            # Without a terminal, as in a container's log, a line at once and then now and again takes the bar's place.
            if not console.is_terminal and now >= due.get(job, now):
                due[job] = now + LINE_EVERY
                console.print(
                    f"{job.title}: step {progress.step:,} of {job.recipe.steps:,}  {told}",
                    highlight=False,
                    soft_wrap=True,
                )
    for job in jobs:
        run = job.run(digits)
        if job in begun and run.step < job.recipe.steps:
            best = max(best.step for best in run.best)
            console.print(f"{job.title}: ended at step {run.step:,}, no better since step {best:,}")
        yield job, run


def _told(recipe: Recipe, progress: "Progress") -> str:
    """What is told of a run beside its step, with the time that is left."""
    validation = "–" if progress.validation is None else f"{progress.validation:.2%}"
    left = round(progress.seconds * (recipe.steps - progress.step) / progress.step)
    most = "at most " if recipe.patience else ""
    return f"loss {progress.loss:.4f}  validation {validation}  {most}{left // 60}:{left % 60:02} left"
