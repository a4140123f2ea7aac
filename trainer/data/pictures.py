"""A data set as one folder of pictures a class."""

import hashlib
import re
from collections.abc import Callable
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from konkyo.models.classes import Names, wrong_names
from konkyo.models.files import reading
from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.network import Array
from konkyo.models.preparation.expected import Expected
from konkyo.models.preparation.fitting import fit_as_mnist
from konkyo.models.preparation.resizing import resized
from konkyo.trainer.data.about import NO_LICENCE, About, describe
from konkyo.trainer.errors import DataError

# Formats that Pillow decodes by itself; none of them runs code or other programs.
FORMATS = "PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"
MAX_PIXELS = 50_000_000
# Pixels up to which a picture is prepared as it is, as many as the service takes.
MOST_WHOLE = 4_000_000
# Bytes of a file at most. A link may lead to a device that never ends.
MOST_BYTES = 64 * 2**20
_HEAD = 2**16
# What file managers leave in folders.
_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_LISTED = 5
# A picture is coloured if so large a share of its pixels has channels that differ by more than this; a data set is one
# of colour if so large a share of its training pictures is coloured.
COLOURED, COLOURED_PIXELS, COLOURED_PICTURES = 0.1, 0.01, 0.1

T = TypeVar("T")
Images = NDArray[np.uint8]


def read_pictures(directory: Path, part: str, side: int, colour: bool | None) -> tuple[Images, Images, About, bool]:
    """The pictures of a part, prepared.

    ``directory`` holds a folder a class, or ``train`` and ``test`` with a folder a class each. A class is called as its
    folder; the order is that of the names.

    Parameters
    ----------
    directory
        The data set.
    part
        ``train`` or ``t10k``.
    side
        Of the images.
    colour
        Whether they are read in colour; None leaves it to ``dataset.json``, or else to the training pictures.

    Returns
    -------
    images, labels
        (N, side, side) or (N, 3, side, side), and (N,).
    about
        The data set.
    whole
        Whether the pictures are all there are, to be split.

    Raises
    ------
    DataError
        No such folders, a picture that cannot be read, or classes that differ between the parts.
    """
    said = describe(directory)
    if said.transpose is not None or said.preprocessing is Preprocessing.MNIST:
        key = "transpose" if said.transpose is not None else "preprocessing"
        raise DataError(f"{directory}: {key} in dataset.json is for IDX files; pictures are resized as they are")
    folders = {name: directory / name for name in ("train", "test") if (directory / name).is_dir()}
    whole = "test" not in folders
    training = folders.get("train", directory)
    root = training if whole or part == "train" else folders["test"]
    if not whole and "train" not in folders:
        raise DataError(f"{directory} has a folder test, but none called train beside it")
    names = _classes(root)
    if not whole:
        _check_same(_classes(folders["train"]), _classes(folders["test"]))
    notes: tuple[str, ...] = ()
    if colour is None and said.colour is None:
        colour, notes = _decided(training, names)
    in_colour = bool(said.colour if colour is None else colour)
    # Ink is light or dark; other pictures show what they show.
    polarity = said.polarity or (Polarity.LIGHT_ON_DARK if in_colour else Polarity.AUTO)
    images, labels, digest = _read(root, names, lambda path: prepared(path, polarity, side, in_colour))
    about = About(
        name=said.name or directory.resolve().name,
        licence=said.licence or NO_LICENCE,
        classes=names,
        files={"pictures" if whole else "train" if part == "train" else "test": digest},
        preprocessing=Preprocessing.RESIZE,
        polarity=polarity,
        warnings=said.warnings or (),
        mirror=said.mirror or False,
        notes=notes,
    )
    return np.stack(images), labels, about, whole


def _decided(training: Path, names: Names) -> tuple[bool, tuple[str, ...]]:
    """Whether the data set is one of colour, and what the card says of that."""
    coloured = np.array(_read(training, names, is_coloured)[0])
    if not coloured.any():
        return False, ()
    found = f"{coloured.sum():,} of {len(coloured):,} pictures are coloured"
    if coloured.mean() >= COLOURED_PICTURES:
        return True, (f"{found}: images are in colour",)
    return False, (f"{found}, fewer than one in {round(1 / COLOURED_PICTURES)}: images are grey",)


def _classes(root: Path) -> Names:
    folders = (path.name for path in root.iterdir() if path.is_dir() and not is_ignored(path, path.parent))
    names = tuple(sorted(folders, key=in_order))
    if not names:
        raise DataError(
            f"{root} holds neither IDX files, such as train-images-idx3-ubyte, nor a folder of pictures for each class"
        )
    if wrong := wrong_names(names):
        raise DataError(f"{root}: the folders, one a class, {wrong}")
    return names


def in_order(name: str) -> list[tuple[int, str]]:
    """A key by which names are sorted as people count: 1, 2, 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", name)]


def _check_same(train: Names, test: Names) -> None:
    if train != test:
        odd = ", ".join(sorted(set(train) ^ set(test)))
        raise DataError(f"train and test must have the same folders, one a class; {odd} stands in one of them only")


def _read(root: Path, names: Names, take: Callable[[BytesIO], T]) -> tuple[list[T], Images, str]:
    """What ``take`` makes of each picture, the labels, and a hash of all names and files."""
    taken: list[T] = []
    labels: list[int] = []
    digest = hashlib.sha256()
    wrong: list[str] = []
    for label, name in enumerate(names):
        files = sorted(path for path in (root / name).iterdir() if not is_ignored(path, path.parent))
        if not files:
            raise DataError(f"{root / name} holds no picture; each class needs some, or no folder")
        for path in files:
            try:
                data = reading.read(path, MOST_BYTES)
                taken.append(take(BytesIO(data)))
            except Exception as error:  # Pillow raises whatever its decoders met
                wrong.append(f"{reading.shown(path)} ({str(error) or type(error).__name__})")
                continue
            labels.append(label)
            digest.update(f"{name}/{path.name}\0{len(data)}\0".encode(errors="surrogateescape") + data)
    if wrong:
        listed = "\n".join(wrong[:_LISTED])
        more = f"\nand {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        raise DataError(
            f"{len(wrong)} of the files cannot be read as pictures; remove them, or save them as PNG or JPEG:\n"
            f"{listed}{more}"
        )
    return taken, np.array(labels, np.uint8), digest.hexdigest()


def prepared(path: Path | BytesIO, polarity: Polarity, side: int, colour: bool) -> Images:
    """As ``image_of``, resized, in whole numbers 0…255."""
    image = image_of(path, Expected(Preprocessing.RESIZE, polarity, (), side, 3 if colour else 1))
    return np.rint(image * 255).astype(np.uint8)


def image_of(path: Path | BytesIO, expected: Expected) -> Array:
    """A picture of any size as the image that a network takes, as the service prepares it with ``fit=auto``.

    Returns
    -------
    Array
        (side, side), or (3, side, side) in colour, in [0, 1], light on dark. A picture of this size is only inverted.

    Raises
    ------
    OSError, ValueError, SyntaxError
        No picture, an animated one, or one that is too large.
    """
    picture = _opened(path)
    grey = _samples(picture, "L")[0]
    samples = _samples(picture, "RGB") if expected.colour else grey
    if expected.inverts(grey):
        samples = 1 - samples
    if expected.preprocessing is Preprocessing.MNIST and samples.shape != expected.shape:
        return fit_as_mnist(samples.astype(np.float32)).image.astype(np.float64)
    return resized(samples, expected.side)


def is_coloured(path: Path | BytesIO) -> bool:
    """Whether the channels of some pixels differ by more than what a camera or a file format adds to grey."""
    picture = _opened(path)
    if picture.mode in ("1", "L", "LA", "I", "F") or picture.mode.startswith("I;16"):
        return False
    channels = np.asarray(picture.convert("RGB"), np.int16)
    return bool((np.ptp(channels, axis=-1) > COLOURED * 255).mean() >= COLOURED_PIXELS)


def _opened(path: Path | BytesIO) -> Image.Image:
    file = path if isinstance(path, BytesIO) else BytesIO(reading.read(path, MOST_BYTES))
    try:
        found = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ValueError(f"it is none of {', '.join(FORMATS)}") from error
    with found as opened:
        if getattr(opened, "n_frames", 1) > 1:
            raise ValueError("it has several frames, and must have one")
        if opened.width * opened.height > MAX_PIXELS:
            raise ValueError(f"it has more than {MAX_PIXELS // 1_000_000} million pixels")
        opened.load()
        ImageOps.exif_transpose(opened, in_place=True)
        return _reduced(opened)


def _reduced(picture: Image.Image) -> Image.Image:
    """A picture of more pixels than ``MOST_WHOLE`` at a whole fraction of its size: floats take 32 bytes each."""
    factor = ceil((picture.width * picture.height / MOST_WHOLE) ** 0.5)
    if factor < 2:
        return picture
    if picture.mode in ("1", "P", "PA"):
        picture = picture.convert("L" if picture.mode == "1" else "RGBA" if picture.has_transparency_data else "RGB")
    return (picture.convert("I") if picture.mode.startswith("I;16") else picture).reduce(factor)


def _samples(picture: Image.Image, mode: str) -> Array:
    """(channels, height, width) in [0, 1]. Transparent parts are the opposite of the ink, as in the service."""
    if picture.mode.startswith("I;16") or picture.mode == "I":
        return np.repeat(np.asarray(picture, np.float64)[None] / 65535, len(mode), axis=0)
    if not picture.has_transparency_data:
        return _channels(picture.convert(mode))
    layers = picture.convert("RGBA")
    opacity = _channels(layers.getchannel("A"))
    weight, ink = float(opacity.sum()), float((_channels(layers.convert("L")) * opacity).sum())
    on_light = bool(weight) and ink / weight < 0.5
    return _channels(layers.convert(mode)) * opacity + on_light * (1 - opacity)


def _channels(picture: Image.Image) -> Array:
    samples = np.asarray(picture, np.float64) / 255
    return samples.reshape(*samples.shape[:2], -1).transpose(2, 0, 1)


def is_ignored(path: Path, root: Path) -> bool:
    """Whether a file manager left a file below ``root``, or the folder that it is in."""
    parts = path.relative_to(root).parts
    return any(part.startswith(".") or part.lower() in _IGNORED for part in parts)


def is_picture(path: Path) -> bool:
    """Whether a file is of a format that is read, judged by its beginning."""
    try:
        # Of a file that is too large no more than that is read, so that the message can say so.
        large = path.stat().st_size > MOST_BYTES
        with reading.opened(path) as file, Image.open(BytesIO(file.read(_HEAD)) if large else file, formats=FORMATS):
            return True
    except Exception:  # Pillow raises whatever its decoders met
        return False


def data_of(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises
    ------
    DataError
        It cannot be read, or is too large.
    """
    try:
        return reading.read(path, MOST_BYTES)
    except OSError as error:
        raise refusal(path, error) from error


def refusal(path: Path, error: Exception) -> DataError:
    """Why a file is not read as a picture."""
    return DataError(f"{reading.shown(path)} cannot be read as a picture ({error}); save it as PNG or JPEG")
