"""A data set in IDX files, MNIST's format: found in a folder, under whatever name, and checked."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import SIDES
from konkyo.trainer import idx
from konkyo.trainer.errors import DataError

# A file's name: what stands before these words is the data set's, as in EMNIST's names.
_NAME = re.compile(r"(?P<set>.*?)(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_PARTS = {"train": "train", "t10k": "t10k", "test": "t10k"}
KINDS = "images", "labels"


@dataclass(frozen=True)
class IdxFolder:
    """The files of one data set.

    Attributes
    ----------
    directory
        Where they are.
    prefix
        What their names begin with; MNIST's have nothing there, EMNIST's letters ``emnist-letters-``.
    files
        (part, kind) → file, of the parts ``train`` and ``t10k`` and the kinds ``images`` and ``labels``.
    """

    directory: Path
    prefix: str
    files: dict[tuple[str, str], Path]

    def has(self, part: str) -> bool:
        """Whether the part is there."""
        return any((part, kind) in self.files for kind in KINDS)

    def read(self, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8], dict[str, str]]:
        """Images (N, side, side), labels (N,), and the SHA-256 of each uncompressed file.

        Raises
        ------
        DataError
            A file is missing, unreadable, of another shape, or does not belong to the other.
        """
        arrays, hashes = [], {}
        for kind in KINDS:
            path = self.files.get((part, kind))
            if path is None:
                other = self.files[part, KINDS[1 - KINDS.index(kind)]].name
                raise DataError(f"{self.directory} holds {other}, but not the {kind} that belong to it")
            data = uncompressed(path)
            hashes[path.name.removesuffix(".gz")] = hashlib.sha256(data).hexdigest()
            try:
                arrays.append(idx.parse(data))
            except ValueError as error:
                raise DataError(f"{path} cannot be read: {error}") from error
        images, labels = arrays
        if images.ndim != 3 or images.shape[1] != images.shape[2] or images.shape[1] not in SIDES:
            sides = " × ".join(map(str, images.shape[1:]))
            raise DataError(
                f"{self.files[part, 'images']} holds images of {sides or 'one number'}; they must be square, of "
                f"{SIDES[0]} to {SIDES[-1]} pixels a side. Pictures of other sizes may be in one folder a class: they "
                "are resized"
            )
        if labels.ndim != 1 or len(labels) != len(images):
            raise DataError(
                f"{self.files[part, 'labels']} must hold one label for each of the {len(images):,} images, "
                f"not an array of {' × '.join(map(str, labels.shape))}"
            )
        if not len(labels):
            raise DataError(f"{self.files[part, 'images']} holds no image")
        return images, labels, hashes


def uncompressed(path: Path) -> bytes:
    """The content of an IDX file, gunzipped.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        return idx.uncompressed(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def find_idx(directory: Path) -> IdxFolder | None:
    """The IDX files of a folder; None if there are none. Of a file that is there twice, the plain one is taken.

    Raises
    ------
    DataError
        There are files of several data sets.
    """
    found: dict[str, dict[tuple[str, str], Path]] = {}
    # Plain files come after gzipped ones, and take their place.
    for path in sorted(directory.iterdir(), key=lambda path: (path.suffix != ".gz", path.name)):
        name = _NAME.fullmatch(path.name)
        if name and path.is_file():
            found.setdefault(name["set"], {})[_PARTS[name["part"]], name["kind"]] = path
    if len(found) > 1:
        names = " and ".join(repr(f"{name}…") for name in sorted(found))
        raise DataError(f"{directory} holds the IDX files of several data sets, {names}; give each a folder of its own")
    return next((IdxFolder(directory, prefix, files) for prefix, files in found.items()), None)
