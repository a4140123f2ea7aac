"""Parts of long work, kept as they are finished: the same work, started again, takes them from there."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from re import sub
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from konkyo.models.files.atomic import replacing

Arrays = dict[str, NDArray[Any]]


class Parts:
    """A folder of finished parts that belongs to exactly one piece of work.

    Parameters
    ----------
    directory
        Where folders of this kind are.
    identity
        All that the parts depend on: the checkpoint's hash, the images, the settings. Work with another identity has
        another folder, so that no part is ever taken for one of another work.
    """

    def __init__(self, directory: Path, identity: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self.directory = directory / digest[:16]

    def get(self, key: str, compute: Callable[[], Arrays]) -> Arrays:
        """The part of that name, computed if it is not there, or cannot be read."""
        path = self.directory / f"{key}.safetensors"
        try:
            return load_file(path)
        except (OSError, SafetensorError):
            pass
        # safetensors writes the memory as it lies: a view would come back in another order.
        part = {name: np.ascontiguousarray(array) for name, array in compute().items()}
        with replacing(path) as fresh:
            save_file(part, fresh)
        return part


def slug(name: str) -> str:
    """A name as part of a file's."""
    return sub(r"[^a-z0-9]+", "-", name.lower())
