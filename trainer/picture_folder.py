"""A data set as one folder of pictures a class."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from konkyo.models.classes import Names, wrong_names
from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.network import Array
from konkyo.models.preparation import is_dark_on_light, resized
from konkyo.trainer.about import NO_LICENCE, About
from konkyo.trainer.dataset_file import describe
from konkyo.trainer.errors import DataError

# Formats that Pillow decodes by itself; none of them runs code or other programs.
FORMATS = "PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM"
MAX_PIXELS = 50_000_000
# What file managers leave in folders.
_IGNORED = {"thumbs.db", "desktop.ini", "__macosx"}
_LISTED = 5

Images = NDArray[np.uint8]


def read_pictures(directory: Path, part: str) -> tuple[Images, Images, About, bool]:
    """The pictures of a part, prepared.

    ``directory`` holds a folder a class, or ``train`` and ``test`` with a folder a class each. A class is called as its
    folder; the order is that of the names.

    Parameters
    ----------
    directory
        The data set.
    part
        ``train`` or ``t10k``.

    Returns
    -------
    images, labels
        (N, 28, 28) and (N,).
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
    root = folders.get("train", directory) if whole or part == "train" else folders["test"]
    if not whole and "train" not in folders:
        raise DataError(f"{directory} has a folder test, but none called train beside it")
    names = _classes(root)
    if not whole:
        _check_same(_classes(folders["train"]), _classes(folders["test"]))
    polarity = said.polarity or Polarity.AUTO
    images, labels, digest = _read(root, names, polarity)
    about = About(
        name=said.name or directory.resolve().name,
        licence=said.licence or NO_LICENCE,
        classes=names,
        files={"pictures" if whole else "train" if part == "train" else "test": digest},
        preprocessing=Preprocessing.RESIZE,
        polarity=polarity,
        warnings=said.warnings or (),
        mirror=said.mirror or False,
    )
    return images, labels, about, whole


def _classes(root: Path) -> Names:
    names = tuple(sorted(path.name for path in root.iterdir() if path.is_dir() and not _ignored(path)))
    if not names:
        raise DataError(
            f"{root} holds neither IDX files, such as train-images-idx3-ubyte, nor a folder of pictures for each class"
        )
    if wrong := wrong_names(names):
        raise DataError(f"{root}: the folders, one a class, {wrong}")
    return names


def _check_same(train: Names, test: Names) -> None:
    if train != test:
        odd = ", ".join(sorted(set(train) ^ set(test)))
        raise DataError(f"train and test must have the same folders, one a class; {odd} stands in one of them only")


def _read(root: Path, names: Names, polarity: Polarity) -> tuple[Images, Images, str]:
    """Images, labels, and a hash of all names and files."""
    images: list[Images] = []
    labels: list[int] = []
    digest = hashlib.sha256()
    wrong: list[str] = []
    for label, name in enumerate(names):
        files = sorted(path for path in (root / name).iterdir() if not _ignored(path))
        if not files:
            raise DataError(f"{root / name} holds no picture; each class needs some, or no folder")
        for path in files:
            try:
                data = path.read_bytes()
                images.append(prepared(path, polarity))
            except Exception as error:  # Pillow raises whatever its decoders met
                wrong.append(f"{path} ({str(error) or type(error).__name__})")
                continue
            labels.append(label)
            digest.update(f"{name}/{path.name}\0{len(data)}\0".encode() + data)
    if wrong:
        listed = "\n".join(wrong[:_LISTED])
        more = f"\nand {len(wrong) - _LISTED} more" if len(wrong) > _LISTED else ""
        raise DataError(
            f"{len(wrong)} of the files cannot be read as pictures; remove them, or save them as PNG or JPEG:\n"
            f"{listed}{more}"
        )
    return np.stack(images), np.array(labels, np.uint8), digest.hexdigest()


def prepared(path: Path, polarity: Polarity) -> Images:
    """A picture of any size as an image (28, 28), 0…255, light on dark: as the service prepares it with ``resize``.

    Raises
    ------
    OSError, ValueError, SyntaxError
        No picture, an animated one, or one that is too large.
    """
    with Image.open(path, formats=FORMATS) as opened:
        if getattr(opened, "n_frames", 1) > 1:
            raise ValueError("it has several frames, and must have one")
        if opened.width * opened.height > MAX_PIXELS:
            raise ValueError(f"it has more than {MAX_PIXELS // 1_000_000} million pixels")
        upright = ImageOps.exif_transpose(opened)
        grey = _grey(upright)
    if polarity is Polarity.DARK_ON_LIGHT or (polarity is Polarity.AUTO and is_dark_on_light(grey)):
        grey = 1 - grey
    image: Images = np.rint(resized(grey) * 255).astype(np.uint8)
    return image


def _grey(picture: Image.Image) -> Array:
    """(height, width) in [0, 1]. Transparent parts are the opposite of the ink, as in the service."""
    if picture.mode.startswith("I;16") or picture.mode == "I":
        samples = np.asarray(picture, np.float64)
        return samples / 65535
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("L"), np.float64) / 255
    layers = picture.convert("RGBA")
    opacity = np.asarray(layers.getchannel("A"), np.float64) / 255
    grey: Array = np.asarray(layers.convert("L"), np.float64) / 255 * opacity
    weight = float(opacity.sum())
    if weight and float(grey.sum()) / weight < 0.5:
        grey = grey + 1 - opacity
    return grey


def _ignored(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in _IGNORED
