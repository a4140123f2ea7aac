"""What a training that was interrupted goes on from: its state in a file."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from konkyo.models.architecture import Architecture, parse_stages, written_stages
from konkyo.models.files.atomic import replacing
from konkyo.trainer.errors import RunError


def described(architecture: Architecture) -> dict[str, Any]:
    """An architecture as a state has it."""
    return {
        "stages": written_stages(architecture.stages),
        "side": architecture.side,
        "channels": architecture.channels,
        "hidden": list(architecture.hidden),
        "classes": architecture.classes,
    }


def architecture_of(document: Mapping[str, Any]) -> Architecture:
    """The inverse of ``described``."""
    stages, hidden = parse_stages(document["stages"]), tuple(document["hidden"])
    return Architecture(**{**document, "stages": stages, "hidden": hidden})


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
