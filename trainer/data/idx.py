"""A data set in IDX files, MNIST's format: found in a folder, under whatever name, read and checked.

A file is a magic number, the sides, then bytes.
"""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import SIDES
from konkyo.models.classes import Names, numbered, wrong_names
from konkyo.models.files import reading
from konkyo.trainer.data.about import Description, describe
from konkyo.trainer.errors import DataError

CLASSES_FILE = "classes.txt"
# A file's name: what stands before these words is the data set's, as in EMNIST's names.
_NAME = re.compile(r"(?P<set>.*?)(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_PARTS = {"train": "train", "t10k": "t10k", "test": "t10k"}
KINDS = "images", "labels"
_BYTES = b"\x00\x00\x08"
# Bytes of a header at most, and of a file that is read as a whole.
_MOST_HEADER, MOST_BYTES = 4 + 4 * 255, 2**30

Pixels = NDArray[np.uint8]


def uncompressed(path: Path) -> bytes:
    """The file's bytes, gunzipped where they are gzipped, whatever the file is called.

    Raises
    ------
    DataError
        It cannot be read, is a broken gzip file, or one whose header announces more than it may unpack to.
    """
    try:
        data = reading.read(path, MOST_BYTES)
        if not data.startswith(reading.GZIPPED):
            return data
        start, shape = _announced(path, reading.unpacked(data, _MOST_HEADER))
        size, most = start + prod(shape), min(MOST_BYTES, reading.may_unpack_to(len(data)))
        if size > most:
            raise DataError(
                f"{path} cannot be read: the header announces {size - start:,} bytes, and a gzipped file of "
                f"{len(data):,} may hold {most:,}; unpack it with gunzip"
            )
        unpacked = reading.unpacked(data, size + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    if len(unpacked) > size:
        raise DataError(f"{path} cannot be read: the header announces {size - start} bytes, the file holds more")
    return unpacked


def parse(path: Path, data: bytes) -> Pixels:
    """The array in an IDX file of unsigned bytes: (N, side, side) for images, (N,) for labels.

    Parameters
    ----------
    path
        For messages.
    data
        The uncompressed file.

    Raises
    ------
    DataError
        Not an IDX file of unsigned bytes, or of another length than its header says.
    """
    start, shape = _header(path, data, len(data))
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def mapped(path: Path) -> Pixels:
    """As ``parse``. Of a plain file only the parts that are used are read, a gzipped one is unpacked.

    Raises
    ------
    DataError
        As ``parse`` and ``uncompressed``.
    """
    try:
        with reading.opened(path) as file:
            head, size = file.read(_MOST_HEADER), os.fstat(file.fileno()).st_size
            if head.startswith(reading.GZIPPED):
                return parse(path, uncompressed(path))
            start, shape = _header(path, head, size)
            return np.memmap(file, np.uint8, "r", start, shape) if size > start else np.empty(shape, np.uint8)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _header(path: Path, head: bytes, size: int) -> tuple[int, tuple[int, ...]]:
    """As ``_announced``, for a file that must be of so many bytes."""
    start, shape = _announced(path, head)
    if size - start != prod(shape):
        raise DataError(
            f"{path} cannot be read: the header announces {prod(shape)} bytes, the file holds {size - start}"
        )
    return start, shape


def _announced(path: Path, head: bytes) -> tuple[int, tuple[int, ...]]:
    """Where the array begins, and its shape."""
    start = 4 + 4 * head[3] if len(head) > 3 else 4
    if head[:3] != _BYTES or len(head) < start:
        raise DataError(f"{path} cannot be read: it is not an IDX file of unsigned bytes")
    return start, tuple(np.frombuffer(head, ">u4", head[3], offset=4).tolist())


def write_images(path: Path, images: Pixels) -> None:
    """Images (N, side, side) as a plain IDX file."""
    with path.open("wb") as file:
        file.write(_BYTES + bytes([images.ndim]) + np.array(images.shape, ">u4").tobytes())
        for start in range(0, len(images), 10_000):
            file.write(np.ascontiguousarray(images[start : start + 10_000]).tobytes())


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
    said
        What ``dataset.json`` says; where it does not say whether images are transposed, EMNIST's are.
    """

    directory: Path
    prefix: str
    files: dict[tuple[str, str], Path]
    said: Description

    @property
    def is_emnist(self) -> bool:
        """Judged by the names of the files."""
        return self.prefix.lower().startswith("emnist")

    def has(self, part: str) -> bool:
        """Whether the part is there."""
        return any((part, kind) in self.files for kind in KINDS)

    def read(self, part: str) -> tuple[Pixels, Pixels, dict[str, str]]:
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
            arrays.append(parse(path, data))
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

    def classes(self) -> tuple[Names, int, tuple[str, ...]]:
        """(names, first label, notes): of all parts that are there, so that each part gives the same.

        The names stand in ``classes.txt``, a line a class; or follow from EMNIST's mapping of labels to characters; or
        are numbers. Labels that begin with 1, as those of EMNIST's letters, are counted from 0.

        Raises
        ------
        DataError
            Labels and names do not fit each other, or there are too many or too few classes.
        """
        files = [path for (_, kind), path in self.files.items() if kind == "labels"]
        labels = np.unique(np.concatenate([parse(path, uncompressed(path)).ravel() for path in files]))
        first, highest = int(labels[0] == 1), int(labels[-1])
        names = self._listed() or self._mapped(first) or numbered(highest + 1 - first)
        notes = ("labels were counted from 1",) if first else ()
        if first and len(names) > highest:
            # As many names as there are numbers up to the highest label, 0 included: class 0 has no image here.
            first, notes = 0, ()
        if highest - first >= len(names):
            raise DataError(
                f"{self.directory / CLASSES_FILE} has {len(names)} names, but labels go from {int(labels[0])} to "
                f"{highest}: it must have a line for each class, in the order of the labels"
            )
        if wrong := wrong_names(names):
            raise DataError(f"{self.directory}: the classes {wrong}")
        return names, first, notes

    def _listed(self) -> Names | None:
        path = self.directory / CLASSES_FILE
        if not path.exists():
            return None
        try:
            lines = reading.text(path).splitlines()
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read as UTF-8 text: {error}") from error
        names = tuple(line.strip() for line in lines if line.strip())
        if wrong := wrong_names(names):
            raise DataError(f"{path}: the names, a line each, {wrong}")
        return names

    def _mapped(self, first: int) -> Names | None:
        """EMNIST's mapping: on each line a label, and the code points of the characters that it stands for."""
        path = self.directory / f"{self.prefix}mapping.txt"
        if not path.exists():
            return None
        try:
            rows = (line.split() for line in reading.text(path).splitlines() if line.strip())
            lines = [[int(number) for number in row] for row in rows]
            names = {label: chr(code) for label, code, *_ in lines}
            return tuple(names[label] for label in range(first, first + len(names)))
        except (OSError, ValueError, KeyError, OverflowError) as error:
            raise DataError(f"{path} must have a label and a code point on each line ({error})") from error


def find_idx(directory: Path) -> IdxFolder | None:
    """The IDX files of a folder; None if there are none. Of a file that is there twice, the plain one is taken.

    Raises
    ------
    DataError
        There are files of several data sets, or ``dataset.json`` is wrong.
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
    for prefix, files in found.items():
        folder = IdxFolder(directory, prefix, files, describe(directory))
        transpose = folder.is_emnist if folder.said.transpose is None else folder.said.transpose
        return replace(folder, said=replace(folder.said, transpose=transpose))
    return None
