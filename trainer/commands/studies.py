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


def keep(folder: Path, study: str, document: Mapping[str, Any], draw: Callable[[Path], None]) -> None:
    """Write a study's JSON and its figure into the folder of a checkpoint, and say so."""
    written = folder / f"{study}.json", folder / f"{study}.png"
    write(written[0], document)
    draw(written[1])
    print_written(*written)
