"""What a training that was interrupted goes on from: its state in a file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from konkyo.models.files.atomic import replacing
from konkyo.trainer.errors import RunError


def save(path: Path, state: Mapping[str, Any]) -> None:
    """Write it; an older one is replaced."""
    with replacing(path) as fresh:
        torch.save(state, fresh)


@contextmanager
def restoring(path: Path, again: str) -> Iterator[Any]:
    """What stands in the file, to be taken over.

    Raises
    ------
    RunError
        It cannot be read or taken over; says that the file is to be deleted to do what ``again`` names.
    """
    try:
        yield torch.load(path, weights_only=True)
    except RunError:
        raise
    except Exception as error:  # torch raises whatever its unpickler met
        raise RunError(f"{path} cannot be read ({error!r}); delete it to {again}") from error
