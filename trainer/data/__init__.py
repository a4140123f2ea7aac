"""Data sets: found in a folder, checked, and split."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.trainer.data.about import FILE, MNIST, NO_LICENCE, SHA256, About
from konkyo.trainer.data.idx import CLASSES_FILE, IdxFolder, find_idx, parse, uncompressed
from konkyo.trainer.data.pictures import read_pictures
from konkyo.trainer.errors import DataError

# Which training images validate must not depend on a run's seed: runs are compared by it.
SPLIT_SEED = 0
# One of so many images of a class tests, where a data set has no test images.
TEST_SHARE = 5
SPLIT_NOTE = f"no test images: of each class one of {TEST_SHARE} images, chosen by SHA-256, tests"


@dataclass(frozen=True)
class Labelled:
    """Images and what they show.

    Attributes
    ----------
    images
        (N, side, side), 0…255, light ink on dark; (N, 3, side, side) in colour.
    labels
        (N,), from 0.
    about
        The data set that they are of.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    about: About = MNIST

    @property
    def side(self) -> int:
        """Of the images, in pixels."""
        return int(self.images.shape[-1])

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return 1 if self.images.ndim == 3 else 3

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, which: slice | NDArray[np.intp]) -> "Labelled":
        return Labelled(self.images[which], self.labels[which], self.about)

    @cached_property
    def sha256(self) -> str:
        """Of the images and labels."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()

    def scaled(self, dtype: type[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """The images in [0, 1], as the network takes them."""
        images: NDArray[np.floating[Any]] = self.images.astype(dtype) / dtype(255)
        return images

    def split(self, held_out: int) -> tuple["Labelled", "Labelled"]:
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


def read(directory: Path, part: str, side: int | None = None, colour: bool | None = None) -> Labelled:
    """One part of a data set, ``train`` or ``t10k``, from IDX files or from a folder of pictures a class.

    Parameters
    ----------
    directory, part
        Which.
    side
        Of the images; of pictures usually 28. IDX files have their own.
    colour
        Whether pictures are read in colour; usually the training pictures decide.

    Raises
    ------
    DataError
        There is no data set, a file is missing or unreadable, or files do not fit each other or what was asked for. The
        message says what would be right.
    """
    if not directory.is_dir():
        raise DataError(f"there is no folder {directory}")
    found = find_idx(directory)
    if found is None and not may_be_mnist(directory):
        return _from_pictures(directory, part, side or IMAGE_SIDE, colour)
    labelled = _mnist(directory, part) if found is None or may_be_mnist(directory) else _from_idx(found, part)
    if side not in (None, labelled.side) or colour:
        wanted = f"{side or labelled.side} × {side or labelled.side}{' in colour' if colour else ''}"
        raise DataError(
            f"{directory} holds grey images of {labelled.side} × {labelled.side}, not of {wanted}: only pictures, in "
            "one folder a class, are resized"
        )
    return labelled


def may_be_mnist(directory: Path) -> bool:
    """Whether a folder holds MNIST, or nothing yet, so that MNIST may be downloaded into it.

    Fashion-MNIST and many others have files of the same names; ``classes.txt`` or ``dataset.json`` tells them apart.
    """
    if not directory.is_dir():
        return True
    if any((directory / name).exists() for name in (CLASSES_FILE, FILE)):
        return False
    found = find_idx(directory)
    if found is None:
        return not any(directory.iterdir())
    return all(path.name.removesuffix(".gz") in SHA256 for path in found.files.values())


def find(directory: Path, name: str) -> Path | None:
    """The file of that name in ``directory``, plain or gzipped."""
    return next((path for path in (directory / name, directory / f"{name}.gz") if path.is_file()), None)


def _mnist(directory: Path, part: str) -> Labelled:
    images, labels = (_mnist_file(directory, f"{part}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    return Labelled(images, labels)


def _mnist_file(directory: Path, name: str) -> NDArray[np.uint8]:
    path = find(directory, name)
    if path is None:
        raise DataError(f"{directory} holds neither {name} nor {name}.gz")
    data = uncompressed(path)
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256[name]:
        raise DataError(
            f"{path} is not MNIST's {name}: its SHA-256 is {digest}, and should be {SHA256[name]}. If this is another "
            f"data set, put {CLASSES_FILE} beside it, with the name of a class on each line"
        )
    return parse(path, data)


def _from_idx(found: IdxFolder, part: str) -> Labelled:
    said, split = found.said, not found.has("t10k")
    if not found.has("train") and part == "train":
        raise DataError(f"{found.directory} holds no training images, such as {found.prefix}train-images-idx3-ubyte")
    images, labels, files = found.read("train" if split else part)
    names, first, notes = found.classes()
    if said.transpose:
        images = np.ascontiguousarray(images.swapaxes(1, 2))
        notes = (*notes, "rows and columns were exchanged")
    preprocessing = said.preprocessing or (Preprocessing.MNIST if found.is_emnist else Preprocessing.RESIZE)
    # Images of ink are like what people draw and upload, dark or light; of other images, nothing is to be guessed.
    usual = Polarity.AUTO if preprocessing is Preprocessing.MNIST else Polarity.LIGHT_ON_DARK
    polarity = said.polarity or usual
    if polarity is Polarity.DARK_ON_LIGHT:
        images = 255 - images
    about = About(
        name=said.name or found.directory.resolve().name,
        licence=said.licence or NO_LICENCE,
        classes=names,
        files=files,
        preprocessing=preprocessing,
        polarity=polarity,
        warnings=said.warnings or (),
        mirror=said.mirror or False,
        notes=(*notes, SPLIT_NOTE) if split else notes,
    )
    labelled = Labelled(images, labels - np.uint8(first), about)
    return divided(labelled)[part != "train"] if split else labelled


def _from_pictures(directory: Path, part: str, side: int, colour: bool | None) -> Labelled:
    images, labels, about, whole = read_pictures(directory, part, side, colour)
    labelled = Labelled(images, labels, replace(about, notes=(*about.notes, SPLIT_NOTE)) if whole else about)
    return divided(labelled)[part != "train"] if whole else labelled


def divided(labelled: Labelled) -> tuple[Labelled, Labelled]:
    """(training, test): of each class the fifth with the lowest SHA-256 tests. Equal images stay together.

    Raises
    ------
    DataError
        A class has fewer than two different images.
    """
    hashes = [hashlib.sha256(image.tobytes()).digest() for image in labelled.images]
    tests = np.zeros(len(labelled), np.bool_)
    for number, name in enumerate(labelled.about.classes):
        own = [place for place, label in enumerate(labelled.labels.tolist()) if label == number]
        different = sorted({hashes[place] for place in own})
        if len(different) < 2:
            raise DataError(
                f"class {name} has {len(different)} different images; to train and to test takes two at least, and "
                "many more to be worth it"
            )
        chosen = set(different[: -(-len(different) // TEST_SHARE)])
        tests[[place for place in own if hashes[place] in chosen]] = True
    return labelled[np.flatnonzero(~tests)], labelled[np.flatnonzero(tests)]
