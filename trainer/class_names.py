"""The names of the classes of IDX files, and the number that their labels begin with."""

from pathlib import Path

import numpy as np

from konkyo.models.classes import Names, numbered, wrong_names
from konkyo.trainer import idx
from konkyo.trainer.errors import DataError
from konkyo.trainer.idx_folder import IdxFolder, uncompressed

CLASSES_FILE = "classes.txt"


def class_names(found: IdxFolder) -> tuple[Names, int, tuple[str, ...]]:
    """(names, first label, notes): of all parts that are there, so that each part gives the same.

    The names stand in ``classes.txt``, a line a class; or follow from EMNIST's mapping of labels to characters; or are
    numbers. Labels that begin with 1, as those of EMNIST's letters, are counted from 0.

    Raises
    ------
    DataError
        Labels and names do not fit each other, or there are too many or too few classes.
    """
    labels = np.unique(np.concatenate([_labels(path) for (_, kind), path in found.files.items() if kind == "labels"]))
    if not len(labels):
        raise DataError(f"{found.directory} holds IDX files without a label")
    first, highest = int(labels[0] == 1), int(labels[-1])
    names = _listed(found.directory) or _mapped(found, first) or numbered(highest + 1 - first)
    notes = ("labels were counted from 1",) if first else ()
    if first and len(names) > highest:
        # As many names as there are numbers up to the highest label, 0 included: class 0 has no image here.
        first, notes = 0, ()
    if highest - first >= len(names):
        raise DataError(
            f"{found.directory / CLASSES_FILE} has {len(names)} names, but labels go from {int(labels[0])} to "
            f"{highest}: it must have a line for each class, in the order of the labels"
        )
    if wrong := wrong_names(names):
        raise DataError(f"{found.directory}: the classes {wrong}")
    return names, first, notes


def _labels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        return idx.parse(uncompressed(path)).ravel()
    except ValueError as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _listed(directory: Path) -> Names | None:
    path = directory / CLASSES_FILE
    if not path.exists():
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text: {error}") from error
    names = tuple(line.strip() for line in lines if line.strip())
    if wrong := wrong_names(names):
        raise DataError(f"{path}: the names, a line each, {wrong}")
    return names


def _mapped(found: IdxFolder, first: int) -> Names | None:
    """EMNIST's mapping: on each line a label, and the code points of the characters that it stands for."""
    path = found.directory / f"{found.prefix}mapping.txt"
    if not path.exists():
        return None
    try:
        lines = [[int(number) for number in line.split()] for line in path.read_text().splitlines() if line.strip()]
        names = {label: chr(code) for label, code, *_ in lines}
        return tuple(names[label] for label in range(first, first + len(names)))
    except (OSError, ValueError, KeyError, OverflowError) as error:
        raise DataError(f"{path} must have a label and a code point on each line ({error})") from error
