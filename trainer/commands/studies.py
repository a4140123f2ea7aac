"""``python -m trainer study NAME``: the studies of networks on images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.markup import escape

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
    data_set,
    trained_on,
)
from konkyo.trainer.commands.terminal import console, counting, interruptible, print_written
from konkyo.trainer.data import Digits
from konkyo.trainer.studies import document
from konkyo.trainer.studies.study import Asked, Study


def command(study: Study[Any]) -> Callable[..., None]:
    """The command of a study."""

    def run(
        names: NamesOption = None,
        models_directory: ModelsOption = DIRECTORY,
        data_directory: DataOption = DATA,
        out: OutOption = STUDIES,
        images: ImagesOption = study.images,
        runs: RunsOption = RUNS,
    ) -> None:
        for checkpoint, digits in networks_with_images(names, models_directory, data_directory, images):
            asked = Asked(checkpoint, digits, runs)
            with interruptible("part"), counting(f"{study.name}, {checkpoint.name}") as begin:
                found = study.measure(asked, begin)
            entry, folder = study.entry(asked, found), out / checkpoint.name
            for line in study.told(document.rounded(entry)):
                console.print(escape(line), highlight=False, soft_wrap=True)
            written = folder / f"{study.name}.json", folder / f"{study.name}.png"
            document.write(written[0], entry)
            study.draw(written[1], asked, found)
            print_written(*written)

    run.__doc__ = f"{study.about} Stop it at any time: the same command goes on where it was."
    return run


def networks_with_images(
    names: list[str] | None, models: Path, data: Path, images: int | None = None, part: str = "t10k"
) -> list[tuple[Checkpoint, Digits]]:
    """The named checkpoints, or all of a data set, each with the first so many images of a part of it, or all.

    Pictures are read as each network takes them, in its size and colours.

    Raises
    ------
    RunError, DataError, CheckpointError
        As ``chosen``, ``data_set`` and ``trained_on``.
    """
    named = chosen(models, names)
    digits = data_set(data, part)
    found = []
    for checkpoint in trained_on(digits.about, named, names):
        shape = checkpoint.network.architecture
        if (shape.side, shape.channels) != (digits.side, digits.channels):
            digits = data_set(data, part, shape.side, shape.channels > 1)
        found.append((checkpoint, digits[:images]))
    return found
