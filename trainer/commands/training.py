"""What the commands that train share: named recipes, the teacher, a bar."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from trainer.commands.terminal import console
from trainer.data import Digits
from trainer.recipe import BEST, PAPER, Recipe

if TYPE_CHECKING:
    from trainer.lesson import Lesson
    from trainer.train import Run

LOG_EVERY = 10
# Seeds that are trained at once. More would not fit a processor's cache.
GROUP = 5


class RecipeName(StrEnum):
    """The recipes that have a name."""

    PAPER = "paper"
    BEST = "best"


RECIPES = {RecipeName.PAPER: PAPER, RecipeName.BEST: BEST}


def groups(first: int, count: int) -> list[range]:
    """So many seeds from the first one on, as they are trained together."""
    seeds = range(first, first + count)
    return [seeds[place : place + GROUP] for place in range(0, count, GROUP)]


def lesson_for(recipe: Recipe, digits: Digits, runs: Path) -> "Lesson | None":
    """What a teacher gives to learn, for a recipe that has one; the teacher is trained where it is not yet."""
    if not recipe.distillation:
        return None
    from trainer.lesson import prepare
    from trainer.teacher import Teacher

    training, _ = digits.split(recipe.held_out)
    teacher = Teacher(training, runs / "teacher.pt")
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("the teacher learns", total=1)
        for share in teacher.train():
            bar.update(task, completed=share)
        task = bar.add_task("the teacher answers", total=1)
        return prepare(
            teacher, training, recipe.copies, runs / "lessons", lambda share: bar.update(task, completed=share)
        )


def train_with_bar(run: "Run", title: str) -> None:
    """Train to the end, or say that it was done before."""
    if run.finished:
        console.print(f"{title}: trained before")
        return
    if run.step:
        console.print(f"{title}: goes on from step {run.step:,} of {run.recipe.steps:,}")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  validation {task.fields[validation]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=run.recipe.steps, completed=run.step, loss=float("nan"), validation="–")
        for progress in run.train():
            validation = "–" if progress.validation is None else f"{progress.validation:.2%}"
            bar.update(task, completed=progress.step, loss=progress.loss, validation=validation)
            # Without a terminal, as in a container's log, a line now and then takes the bar's place.
            if not console.is_terminal and progress.step % (LOG_EVERY * run.recipe.evaluate_every) == 0:
                console.print(f"{title}: step {progress.step:,}  loss {progress.loss:.4f}  validation {validation}")
