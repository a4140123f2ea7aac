"""The images of a data set of any size, as people have them, read a part at a time when it is needed.

IDX files, arrays of numpy, pictures in folders, flat or one folder a class, and lists of their paths.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from konkyo.models.classes import Names, numbered
from konkyo.models.files import reading
from konkyo.models.files.card import Polarity
from konkyo.models.network import Array
from konkyo.models.preparation.expected import Expected
from konkyo.trainer.data import pictures
from konkyo.trainer.data.idx import IdxFolder, find_idx, mapped
from konkyo.trainer.errors import DataError

# Files of a data set's folder that hold no picture.
_BESIDE = {".json", ".txt", ".csv", ".md"}
# What an archive of several arrays may call its images, the first that is there: those that test, before others. Beside
# it, what it calls their labels then.
_NAMED = {"images": "labels", "x_test": "y_test", "test_images": "test_labels", "x": "y", "x_train": "y_train"}
_LISTED = 5
_ARRAY = ".npy"
# Images whose values are checked at once.
_AT_ONCE = 4096
FORMS = (
    "an IDX file, .npy or .npz with images, a picture, a .txt with the path of a picture on each line, or a folder: "
    "with IDX files, with pictures, or with a folder of pictures for each class"
)


class Images(ABC):
    """Images as a network takes them.

    Attributes
    ----------
    count
        How many there are.
    names
        The files of pictures, as they are called in the data set; None of arrays.
    """

    count: int
    names: Sequence[str] | None = None

    @abstractmethod
    def check(self) -> None:
        """Look at each of them, once before a job; its processes read only what they explain.

        Raises
        ------
        DataError
            One of them is no picture, or holds other numbers than pixels.
        """

    @abstractmethod
    def read(self, start: int, stop: int) -> Array:
        """(stop − start, …) in [0, 1], of the network's shape.

        Raises
        ------
        DataError
            One of them cannot be read.
        """

    def true(self, start: int, stop: int, classes: Names) -> list[str] | None:  # noqa: ARG002
        """What these images show, by name, as the data set says; None where it does not.

        Parameters
        ----------
        start, stop
            Which images.
        classes
            Of the network. Labels without names are their numbers.
        """
        return None

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Of all files."""


@lru_cache(maxsize=1)
def open_images(path: Path, expected: Expected) -> Images:
    """The images of a file or folder, for a network that expects such. They are not looked at yet: ``check`` does.

    Raises
    ------
    DataError
        There are no images in it, or of another size. Pictures are brought to the size of the network.
    """
    if path.is_dir():
        found = find_idx(path)
        return _idx_folder(found, expected) if found else _Pictures(path, *_pictures_in(path), expected)
    if not path.exists():
        raise DataError(f"there is no {path}; {FORMS} can be read")
    suffix = path.suffix.lower()
    if suffix == ".txt":
        return _Pictures(path.parent, _listed(path), None, expected)
    if suffix in (".npy", ".npz"):
        return _Arrays(path, *_loaded(path), expected)
    if pictures.is_picture(path):
        return _Pictures(path.parent, [path], None, expected)
    return _Arrays(path, _idx(path), None, expected)


@dataclass
class _Arrays(Images):
    """Images (N, …) of one array, whole numbers 0…255 or floats in [0, 1], perhaps with channels last.

    ``labels`` (N,) are numbers of the data set's ``names``; without names they count from 0.
    """

    path: Path
    array: NDArray[Any]
    labels: NDArray[Any] | None
    expected: Expected
    transposed: bool = False
    inverted: bool = False
    names_of_labels: Names = ()
    beside: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not len(self.array):
            raise DataError(f"{self.path} holds no image")
        if self.array.dtype.kind not in "fu" or (self.array.dtype.kind == "u" and self.array.dtype != np.uint8):
            raise DataError(
                f"{self.path} holds {self.array.dtype}; whole numbers 0…255 (uint8) or floats in [0, 1] fit"
            )
        self.array = _channels_first(self.array, self.expected)
        side, given = self.expected.side, self.array.shape[1:]
        if given not in ((side, side), self.expected.shape):
            raise DataError(
                f"{self.path} holds images of {'×'.join(map(str, given))}; the network takes "
                f"{'×'.join(map(str, self.expected.shape))}. Pictures of any size in a folder are resized"
            )
        self.count = len(self.array)
        if self.labels is not None and (self.labels.shape != (self.count,) or self.labels.dtype.kind not in "iu"):
            raise DataError(
                f"{self.path} holds {self.count:,} images and labels of shape {self.labels.shape}; a whole number for "
                "each image fits, or no labels"
            )

    def check(self) -> None:
        if self.array.dtype.kind != "f":
            return
        for start in range(0, len(self.array), _AT_ONCE):
            some = self.array[start : start + _AT_ONCE]
            low, high = float(some.min()), float(some.max())
            if not (low >= 0 and high <= 1):
                raise DataError(f"{self.path} holds pixels from {low:g} to {high:g}; floats in [0, 1] or uint8 fit")

    def read(self, start: int, stop: int) -> Array:
        part = self.array[start:stop]
        images = part / 255 if part.dtype == np.uint8 else part.astype(np.float64)
        if self.transposed:
            images = images.swapaxes(-1, -2)
        if self.inverted:
            images = 1 - images
        if self.expected.colour and images.ndim == 3:  # grey, as three equal channels
            images = np.repeat(images[:, None], 3, axis=1)
        return images

    def true(self, start: int, stop: int, classes: Names) -> list[str] | None:
        if self.labels is None:
            return None
        names = dict(enumerate(self.names_of_labels or classes))
        return [names.get(label, str(label)) for label in self.labels[start:stop].tolist()]

    @property
    def sha256(self) -> str:
        digests = []
        for path in (self.path, *self.beside):
            with reading.opened(path) as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        return digests[0] if not self.beside else hashlib.sha256("".join(digests).encode()).hexdigest()


class _Pictures(Images):
    """Pictures of any size, brought to that of the network as its card says."""

    def __init__(self, root: Path, paths: Sequence[Path], labels: Sequence[str] | None, expected: Expected) -> None:
        self._paths, self._labels, self._expected = paths, labels, expected
        inside = (path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path) for path in paths)
        self.names = [reading.shown(name) for name in inside]
        self.count = len(paths)

    def check(self) -> None:
        wrong = [reading.shown(path) for path in self._paths if not pictures.is_picture(path)]
        if wrong:
            more = f" and {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
            raise DataError(
                f"{', '.join(wrong[:_LISTED])}{more} cannot be read as a picture; remove it, or save it as PNG or JPEG"
            )

    def read(self, start: int, stop: int) -> Array:
        return np.stack([self._image(path) for path in self._paths[start:stop]])

    def true(self, start: int, stop: int, classes: Names) -> list[str] | None:  # noqa: ARG002
        return None if self._labels is None else [*self._labels[start:stop]]

    def _image(self, path: Path) -> Array:
        try:
            return pictures.image_of(path, self._expected)
        except Exception as error:  # Pillow raises whatever its decoders met
            raise pictures.refusal(path, error) from error

    @property
    def sha256(self) -> str:
        digest = hashlib.sha256()
        for name, path in zip(self.names or (), self._paths, strict=True):
            data = pictures.data_of(path)
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        return digest.hexdigest()


def _channels_first(array: NDArray[Any], expected: Expected) -> NDArray[Any]:
    """(N, side, side) or (N, 3, side, side), of arrays that may have a channel for grey, or channels last."""
    if array.ndim != 4:
        return array
    if array.shape[-1] in (1, 3) and array.shape[1] not in (1, 3):
        array = np.moveaxis(array, -1, 1)
    return array[:, 0] if array.shape[1] == 1 and not expected.colour else array


def _idx_folder(found: IdxFolder, expected: Expected) -> Images:
    """The images that test; without them, those that train. They are turned as ``dataset.json`` says."""
    part = next((one for one in ("t10k", "train") if (one, "images") in found.files), None)
    if part is None:
        raise DataError(f"{found.directory} holds no images, such as {found.prefix}t10k-images-idx3-ubyte")
    path, labels_path, said = found.files[part, "images"], found.files.get((part, "labels")), found.said
    names, first, _ = found.classes() if labels_path else ((), 0, ())
    return _Arrays(
        path,
        _idx(path),
        mapped(labels_path).astype(np.int16) - first if labels_path else None,
        expected,
        bool(said.transpose),
        said.polarity is Polarity.DARK_ON_LIGHT,
        () if names == numbered(len(names)) else names,
        (labels_path,) if labels_path else (),
    )


def _idx(path: Path) -> NDArray[np.uint8]:
    images = mapped(path)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise DataError(f"{path} holds an array of shape {images.shape}, and should hold square images")
    return images


def _loaded(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Images of numpy, and their labels where an archive has them; nothing that could run code is read.

    Of a plain file only the parts that are used are read.
    """
    try:
        with reading.opened(path) as file:
            if file.read(2) != b"PK":
                return np.load(path, mmap_mode="r", allow_pickle=False), None
            file.seek(0)
            with reading.archive(file) as found:
                return _unpacked(path, found)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path} cannot be read as an array of numpy: {error}") from error


def _unpacked(path: Path, archive: ZipFile) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The images of an archive of arrays, and their labels."""
    files = [name.removesuffix(_ARRAY) for name in archive.namelist() if name.endswith(_ARRAY)]
    name = next((name for name in _NAMED if name in files), None)
    if name is None and len(files) == 1:
        [name] = files
    if name is None:
        raise DataError(f"{path} holds {', '.join(files[:_LISTED]) or 'nothing'}; call the images 'images'")
    labels = _NAMED.get(name)
    return _array(archive, name), _array(archive, labels).squeeze() if labels in files else None


def _array(archive: ZipFile, name: str) -> NDArray[Any]:
    """An array of an archive, if that unpacks to as much as the array's header announces."""
    entry = archive.getinfo(name + _ARRAY)
    most = reading.may_unpack_to(entry.compress_size)
    if entry.file_size > most:
        raise OSError(
            f"{name} unpacks from {entry.compress_size:,} bytes to {entry.file_size:,}, and may to {most:,}; "
            "np.savez, which does not pack, fits"
        )
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in header:
            raise OSError(f"{name} is of version {version[0]} of numpy's format; 1 and 2 fit")
        shape, columns_first, kind = header[version](file)
        if kind.hasobject:
            raise OSError(f"{name} holds objects of Python; numbers fit")
        left = entry.file_size - file.tell()
        if prod(shape) * kind.itemsize != left:
            raise OSError(f"{name} announces {prod(shape) * kind.itemsize:,} bytes and holds {left:,}")
        return np.frombuffer(file.read(left), kind).reshape(shape, order="F" if columns_first else "C")


def _pictures_in(folder: Path) -> tuple[list[Path], list[str] | None]:
    """The pictures of a folder and of those in it, by name, and the folder of each where there is one for each class.

    Of a data set that is divided, those that test.
    """
    root = next((folder / part for part in ("test", "train") if (folder / part).is_dir()), folder)
    paths = [
        path
        for path in root.rglob("*")
        if path.is_file() and path.suffix.lower() not in _BESIDE and not pictures.is_ignored(path, root)
    ]
    if not paths:
        raise DataError(f"{folder} holds no images; {FORMS} can be read")
    paths.sort(key=lambda path: [pictures.in_order(part) for part in path.relative_to(root).parts])
    parts = [path.relative_to(root).parts for path in paths]
    return paths, [first for first, *_ in parts] if all(len(one) > 1 for one in parts) else None


def _listed(path: Path) -> list[Path]:
    """The paths in a file, one a line, as seen from its folder."""
    try:
        lines = reading.text(path, reading.MOST_LIST).splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a list of paths: {error}") from error
    found = [path.parent / line.strip() for line in lines if line.strip()]
    missing = next((one for one in found if not one.is_file()), None)
    if missing or not found:
        why = f"names {missing}, and there is no such file" if missing else "names no file"
        what = f"names {missing}, not a regular file" if missing and missing.exists() else why
        raise DataError(f"{path} {what}; the path of a picture on each line fits")
    return found
