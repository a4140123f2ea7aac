"""What the commands share: options, the checkpoints and data sets that these name, and what is shown in a terminal."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from konkyo.models.architecture import IMAGE_SIDE, SIDES
from konkyo.models.files.checkpoint import Checkpoint, load_all
from konkyo.trainer import data
from konkyo.trainer.data import download
from konkyo.trainer.data.about import About
from konkyo.trainer.errors import RunError

console = Console()

DATA = Path("data/mnist")
RUNS = Path("runs")
STUDIES = Path("docs/studies")

DataOption = Annotated[
    Path,
    typer.Option(
        "--data",
        envvar="KONKYO_DATA",
        help="A data set: IDX files, plain or gzipped, or one folder of pictures a class. MNIST is downloaded.",
    ),
]
SideOption = Annotated[
    int | None,
    typer.Option(
        "--side", min=SIDES[0], max=SIDES[-1], help="Side to which pictures are resized.", show_default=f"{IMAGE_SIDE}"
    ),
]
ModelsOption = Annotated[Path, typer.Option("--models", envvar="KONKYO_MODELS", help="Where the checkpoints are.")]
NamesOption = Annotated[
    list[str] | None, typer.Option("--model", help="A checkpoint's name; may be repeated.", show_default="all of them")
]
OutOption = Annotated[Path, typer.Option("--out", help="Where tables and figures go, a folder a checkpoint.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="Where unfinished work is kept.")]
ImagesOption = Annotated[
    int | None, typer.Option("--images", min=2, help="Only the first images.", show_default="the study's")
]


def data_set(directory: Path, part: str, side: int | None = None, colour: bool | None = None) -> data.Labelled:
    """One part of a data set, ``train`` or ``t10k``, as ``data.read``. What is missing of MNIST is downloaded.

    Raises
    ------
    DataError
        It cannot be downloaded, or read.
    """
    if data.may_be_mnist(directory):
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with ProgressBar(*columns, console=console, transient=True) as bar:
            tasks: dict[str, TaskID] = {}

            def report(name: str, received: int, total: int | None) -> None:
                if name not in tasks:
                    tasks[name] = bar.add_task(name)
                bar.update(tasks[name], completed=received, total=total)

            download.complete(directory, part, report)
    return data.read(directory, part, side, colour)


def chosen(directory: Path, names: list[str] | None) -> list[Checkpoint]:
    """The checkpoints of those names, or all.

    Raises
    ------
    RunError
        No such name.
    CheckpointError
        One is refused.
    """
    checkpoints = load_all(directory)
    for name in names or ():
        if name not in checkpoints:
            raise RunError(f"there is no checkpoint {name!r} in {directory}; there are {', '.join(checkpoints)}")
    return [checkpoints[name] for name in dict.fromkeys(names or checkpoints)]


def check_name(name: str) -> None:
    """Raise BadParameter if a checkpoint cannot be called so."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        raise typer.BadParameter("must be lower-case letters, digits and hyphens", param_hint="--name")


def trained_on(about: About, checkpoints: list[Checkpoint], names: list[str] | None) -> list[Checkpoint]:
    """The checkpoints whose data set this is. Those of others are left out, unless they were named.

    Raises
    ------
    RunError
        One that was named is of another data set, or none is of this one.
    """
    found = [one for one in checkpoints if _is_of(one, about)]
    for one in checkpoints if names else ():
        if one not in found and one.card.dataset is None:
            raise RunError(
                f"{one.name} was imported and not measured; import it again with --data, the data set that is to "
                "be studied"
            )
        if one not in found and one.card.dataset is not None:
            raise RunError(
                f"{one.name} is a network of the data set {one.card.dataset.name}, and these images are of "
                f"{about.name}; name the folder of its data set with --data"
            )
    if not found:
        raise RunError(f"no checkpoint is of the data set {about.name}; train one, or name another with --data")
    return found


def _is_of(checkpoint: Checkpoint, about: About) -> bool:
    """By the names of the classes, and by its own, which may be that of its folder: capitals do not count."""
    dataset = checkpoint.card.dataset
    if dataset is None or checkpoint.network.classes != about.classes:
        return False
    return dataset.name.casefold() == about.name.casefold()


@contextmanager
def counting(title: str) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """A bar. Gives what is told how many things there are; that gives what is told how many more are done."""
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


def tell(lines: Iterable[str]) -> None:
    """Print them as they are."""
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
