"""``python -m trainer study NAME`` and ``python -m trainer report``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from konkyo.models.files.atomic import replacing
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint
from konkyo.trainer.commands.options import (
    DATA,
    RUNS,
    STUDIES,
    DataOption,
    ImagesOption,
    ModelsOption,
    NamesOption,
    OutOption,
    RunsOption,
    chosen,
    counting,
    data_set,
    interruptible,
    tell,
    trained_on,
)
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.report import STUDIES as OF_NETWORKS
from konkyo.trainer.report import report as put_together
from konkyo.trainer.studies.study import Asked, Study

AGAIN = "Stop it at any time: the same command goes on where it was."


def command(study: Study[Any]) -> Callable[..., None]:
    """The command of a study of networks."""

    def run(
        names: NamesOption = None,
        models_directory: ModelsOption = DIRECTORY,
        data_directory: DataOption = DATA,
        out: OutOption = STUDIES,
        images: ImagesOption = study.images,
        runs: RunsOption = RUNS,
    ) -> None:
        for checkpoint, labelled in networks_with_images(names, models_directory, data_directory, images, study.part):
            with leaving_out(study, checkpoint, named=bool(names)):
                _study(study, Asked(checkpoint, labelled, runs), models_directory, out)

    run.__doc__ = f"{study.about} {AGAIN}"
    return run


def every(
    names: NamesOption = None,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    images: ImagesOption = None,
    runs: RunsOption = RUNS,
) -> None:
    """Make every study of networks, one after another; says what it leaves out.

    Stop it at any time: the same command goes on where it was.
    """
    for study in OF_NETWORKS:
        count = images or study.images
        for checkpoint, labelled in networks_with_images(names, models_directory, data_directory, count, study.part):
            with leaving_out(study, checkpoint):
                _study(study, Asked(checkpoint, labelled, runs), models_directory, out)


@contextmanager
def leaving_out(study: Study[Any], checkpoint: Checkpoint, named: bool = False) -> Iterator[None]:
    """What cannot be studied is told and left out, so that the others are studied; unless this one was asked for."""
    try:
        yield
    except RunError as error:
        if named:
            raise
        tell([f"{study.name} of {checkpoint.name} is left out: {error}"])


def _study(study: Study[Any], asked: Asked, models: Path, out: Path) -> None:
    with interruptible("part"), counting(f"{study.name}, {asked.checkpoint.name}") as begin:
        found = study.measure(asked, begin)
    written = study.write(models, out, asked, found)
    # As the report reads it.
    tell(study.told(study.read(models, out, asked.checkpoint) or {}))
    print_written(*written)


def report(models_directory: ModelsOption = DIRECTORY, out: OutOption = STUDIES) -> None:
    """Put what was measured together: README.md in the studies' folder, and a page for each study."""
    for name, page in put_together(chosen(models_directory, None), models_directory, out).items():
        with replacing(out / name) as fresh:
            fresh.write_text(page, encoding="utf-8")
        print_written(out / name)


def print_written(*paths: Path) -> None:
    """Say which files were written."""
    tell(f"written: {path}" for path in paths)


def networks_with_images(
    names: list[str] | None, models: Path, data: Path, images: int | None, part: str
) -> list[tuple[Checkpoint, Labelled]]:
    """The named checkpoints, or all of a data set, each with the first so many images of a part of it, or all.

    Pictures are read as each network takes them, in its size and colours.

    Raises
    ------
    RunError, DataError, CheckpointError
        As ``chosen``, ``data_set`` and ``trained_on``.
    """
    named = chosen(models, names)
    labelled = data_set(data, part)
    found = []
    for checkpoint in trained_on(labelled.about, named, names):
        shape = checkpoint.network.architecture
        if (shape.side, shape.channels) != (labelled.side, labelled.channels):
            labelled = data_set(data, part, shape.side, shape.channels > 1)
        found.append((checkpoint, labelled[:images]))
    return found
