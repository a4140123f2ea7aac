"""What the commands that train share: named recipes, bars."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from konkyo.models.architecture import Architecture
from konkyo.trainer.commands.terminal import console
from konkyo.trainer.data import Digits
from konkyo.trainer.processors import processors
from konkyo.trainer.recipe import BEST, PAPER

if TYPE_CHECKING:
    from konkyo.trainer.jobs import Job
    from konkyo.trainer.train import Run

# Of progress for each run, where there is no terminal.
LINES = 10


class RecipeName(StrEnum):
    """The recipes that have a name."""

    PAPER = "paper"
    BEST = "best"


RECIPES = {RecipeName.PAPER: PAPER, RecipeName.BEST: BEST}


def title(architecture: Architecture) -> str:
    """What a network is called by its shape: ``summed-4x3``."""
    return f"{architecture.wiring}-{architecture.conv1_filters}x{architecture.conv2_filters}"


def groups(first: int, count: int) -> list[range]:
    """So many seeds from the first one on, as they are trained together."""
    from konkyo.trainer.ensemble import GROUP

    seeds = range(first, first + count)
    return [seeds[place : place + GROUP] for place in range(0, count, GROUP)]


def train_with_bars(jobs: Sequence["Job"], digits: Digits) -> "Iterator[tuple[Job, Run]]":
    """Train all jobs to their ends, several at once; gives each, in their order, with its finished run."""
    from konkyo.trainer.jobs import train

    unfinished = []
    for job in jobs:
        run = job.run(digits)
        if run.finished:
            console.print(f"{job.title}: trained before")
            continue
        if run.step:
            console.print(f"{job.title}: goes on from step {run.step:,} of {job.recipe.steps:,}")
        unfinished.append(job)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  validation {task.fields[validation]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[Job, TaskID] = {}
        for job, progress in train(unfinished, digits, processors()):
            loss, validation = progress.loss, "–" if progress.validation is None else f"{progress.validation:.2%}"
            if job not in tasks:
                tasks[job] = bar.add_task(job.title, total=job.recipe.steps, loss=loss, validation=validation)
            bar.update(tasks[job], completed=progress.step, loss=loss, validation=validation)
            # Without a terminal, as in a container's log, a line now and then takes the bar's place.
            if not console.is_terminal and progress.step % max(job.recipe.steps // LINES, 1) == 0:
                console.print(f"{job.title}: step {progress.step:,}  loss {loss:.4f}  validation {validation}")
    for job in jobs:
        yield job, job.run(digits)
