"""What the commands that study images share: of which networks and images, and where the result goes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer.commands.options import chosen, data_set, trained_on
from konkyo.trainer.commands.terminal import print_written
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.document import write


def asked(
    names: list[str] | None, models: Path, data: Path, images: int | None = None, part: str = "t10k"
) -> tuple[Digits, list[Checkpoint]]:
    """The first so many images of a part of a data set, or all, and the named checkpoints, or all of that data set.

    Raises
    ------
    RunError, DataError, CheckpointError
        As ``chosen``, ``data_set`` and ``trained_on``.
    """
    named = chosen(models, names)
    digits = data_set(data, part)[:images]
    return digits, trained_on(digits.about, named, names)


def keep(folder: Path, study: str, document: Mapping[str, Any], draw: Callable[[Path], None]) -> None:
    """Write a study's JSON and its figure into the folder of a checkpoint, and say so."""
    written = folder / f"{study}.json", folder / f"{study}.png"
    write(written[0], document)
    draw(written[1])
    print_written(*written)
