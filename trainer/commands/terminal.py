"""What the commands show in a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

console = Console()


@contextmanager
def counting(title: str) -> Iterator[Callable[[int], Callable[..., None]]]:
    """A bar. Gives what is told how many things there are; that gives what is told whenever one or several are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with ProgressBar(*columns, console=console, transient=True) as bar:
        yield lambda total: partial(bar.advance, bar.add_task(title, total=total))


@contextmanager
def interruptible(kept: str) -> Iterator[None]:
    """Interrupted, leave with status 130 and say where the same command goes on: from the last ``kept``."""
    try:
        yield
    except KeyboardInterrupt:
        Console(stderr=True).print(f"interrupted: the same command goes on from the last {kept}")
        raise typer.Exit(130) from None


def print_written(*paths: Path) -> None:
    """Say which files were written."""
    for path in paths:
        console.print(f"written: {escape(str(path))}", highlight=False, soft_wrap=True)
