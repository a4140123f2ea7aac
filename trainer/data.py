"""MNIST: found, checked, and split."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer import idx
from trainer.about import MNIST, SHA256, About
from trainer.errors import DataError

# Which training images validate must not depend on a run's seed: runs are compared by it.
SPLIT_SEED = 0


@dataclass(frozen=True)
class Digits:
    """Images and what they show.

    Attributes
    ----------
    images
        (N, 28, 28), 0…255, light ink on dark.
    labels
        (N,), from 0.
    about
        The data set that they are of.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    about: About = MNIST

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | NDArray[np.intp]) -> "Digits":
        return Digits(self.images[which], self.labels[which], self.about)

    @property
    def sha256(self) -> str:
        """Of the images and labels."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()

    def scaled(self, dtype: type[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """The images in [0, 1], as the network takes them."""
        images: NDArray[np.floating[Any]] = self.images.astype(dtype) / dtype(255)
        return images

    def split(self, held_out: int) -> tuple["Digits", "Digits"]:
        """(training, validation): ``held_out`` images drawn at random, the same ones at every call.

        Raises
        ------
        DataError
            Nothing would be left on one side.
        """
        if not 0 < held_out < len(self):
            raise DataError(f"validation takes from 1 to {len(self) - 1} of {len(self)} images, not {held_out}")
        order = np.random.default_rng(SPLIT_SEED).permutation(len(self))
        return self[np.sort(order[held_out:])], self[np.sort(order[:held_out])]


def read(directory: Path, part: str) -> Digits:
    """One part of MNIST, ``train`` or ``t10k``, from plain or gzipped IDX files.

    Raises
    ------
    DataError
        A file is missing, unreadable, or not the one whose hash is in ``SHA256``.
    """
    images, labels = (_read_file(directory, f"{part}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    return Digits(images, labels)


def _read_file(directory: Path, name: str) -> NDArray[np.uint8]:
    path = find(directory, name)
    if path is None:
        raise DataError(f"{directory} holds neither {name} nor {name}.gz")
    try:
        data = idx.uncompressed(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256[name]:
        raise DataError(f"{path} is not MNIST's {name}: its SHA-256 is {digest}, and should be {SHA256[name]}")
    return idx.parse(data)


def find(directory: Path, name: str) -> Path | None:
    """The file of that name in ``directory``, plain or gzipped."""
    return next((path for path in (directory / name, directory / f"{name}.gz") if path.is_file()), None)
