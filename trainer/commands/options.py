"""Options that several commands share, and what they name: checkpoints and MNIST."""

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn
from rich.progress import Progress as ProgressBar

from models.checkpoint import Checkpoint, load_all
from trainer import data, download
from trainer.commands.terminal import console
from trainer.errors import RunError

DATA = Path("data/mnist")
RUNS = Path("runs")
STUDIES = Path("docs/studies")

DataOption = Annotated[
    Path,
    typer.Option(
        "--data", envvar="KONKYO_DATA", help="MNIST's four IDX files, plain or gzipped; what is missing is downloaded."
    ),
]
ModelsOption = Annotated[Path, typer.Option("--models", envvar="KONKYO_MODELS", help="Where the checkpoints are.")]
NamesOption = Annotated[
    list[str] | None, typer.Option("--model", help="A checkpoint's name; may be repeated.", show_default="all of them")
]
OutOption = Annotated[Path, typer.Option("--out", help="Where tables and figures go, a folder a checkpoint.")]
RunsOption = Annotated[Path, typer.Option("--runs", help="Where unfinished work is kept.")]
ImagesOption = Annotated[
    int | None, typer.Option("--images", min=1, help="Only the first test images.", show_default="all")
]


def counts(filters: str) -> tuple[int, int]:
    """``3x3`` as (3, 3)."""
    match = re.fullmatch(r"([1-9]\d?)x([1-9]\d?)", filters)
    if match is None:
        raise typer.BadParameter(f"must be two counts such as 3x3, not {filters!r}", param_hint="--filters")
    return int(match[1]), int(match[2])


def mnist(directory: Path, part: str) -> data.Digits:
    """One part of MNIST, ``train`` or ``t10k``; what of it is missing is downloaded, with a bar.

    Raises
    ------
    DataError
        It cannot be downloaded, or read.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with ProgressBar(*columns, console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def report(name: str, received: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=received, total=total)

        download.complete(directory, part, report)
    return data.read(directory, part)


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
