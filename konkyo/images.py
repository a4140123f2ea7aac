"""The images that are asked about: arrays, tensors and pictures, checked before a network sees them."""

import warnings
from collections.abc import Sequence
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from konkyo.models.errors import ImageError
from konkyo.models.files.card import Polarity
from konkyo.models.network import Array
from konkyo.models.preparation.doubts import DARK_INK, input_warnings
from konkyo.models.preparation.expected import Expected

# Rounding of what was made in [0, 1], as by a resize.
_SLACK = 1e-6
# Images of a batch that are looked at for doubts.
_LOOKED_AT = 256
_CHANNELS = 1, 3

# A file of a picture of any size, or an array of pixels in [0, 1]: of numpy, a tensor of torch, or nested lists.
Picture = Any


class ImageWarning(UserWarning):
    """A reason to doubt that an image is like those that the network was trained on."""


def read(pictures: Picture | Sequence[Picture], expected: Expected) -> tuple[Array, bool]:
    """Images (N, ...) of the network's shape in [0, 1], in float64, and whether they were given as many.

    Raises
    ------
    ImageError
        Of another shape, not floats in [0, 1], or not finite. The message says what would be right.
    """
    if hasattr(pictures, "dataset") and hasattr(pictures, "batch_size"):  # a DataLoader of PyTorch
        pictures = [image for batch in pictures for image in _first(batch)]
    elif _is_data_set(pictures):
        pictures = [_first(pictures[number]) for number in range(len(pictures))]
    pictures = _unlabelled(pictures)
    if _are_several(pictures):
        found = [read(one, expected)[0] for one in pictures]
        images = np.concatenate(found) if found else np.empty((0, *expected.shape))
        many = True
    elif hasattr(pictures, "getbands"):  # a picture of Pillow
        buffer = BytesIO()
        pictures.save(buffer, "PNG")
        images, many = _opened(buffer, expected)[None], False
    elif isinstance(pictures, str | PathLike):
        images, many = _opened(Path(pictures), expected)[None], False
    else:
        images, many = _batch(_array(pictures), expected)
    return images, many


def _first(item: Any) -> Any:
    """What of an item of a data set, or of a batch of them, are images: its labels stand behind them."""
    return item[0] if isinstance(item, list | tuple) else item


def _is_data_set(pictures: Any) -> bool:
    """Whether these are images with numbers, as a ``Dataset`` of PyTorch has them; neither one array nor a list."""
    known = isinstance(pictures, str | list | tuple | dict) or hasattr(pictures, "__array__")
    return not known and hasattr(pictures, "__getitem__") and hasattr(pictures, "__len__")


def _unlabelled(picture: Any) -> Any:
    """The image or images of a pair with their labels, as data sets of PyTorch have them."""
    if not isinstance(picture, tuple) or len(picture) != 2:
        return picture
    image, label = picture
    is_label = isinstance(label, int) or (hasattr(label, "ndim") and label.ndim <= 1)
    return image if is_label else picture


def _opened(path: Path | BytesIO, expected: Expected) -> Array:
    # What prepares the pictures of a data set also prepares this one.
    from konkyo.trainer.data.pictures import image_of

    try:
        return image_of(path, expected)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders met
        raise ImageError(f"{path} cannot be read as a picture ({error}); PNG or JPEG is right") from error


def check(images: Array, expected: Expected, stack: int) -> None:
    """Warn of what speaks against images (N, ...), at the line that is ``stack`` calls above this one."""
    found: dict[str, list[int]] = {}
    for number, image in enumerate(images[:_LOOKED_AT]):
        dark = _may_be_ink(expected) and expected.inverts(image, Polarity.AUTO)
        texts = [DARK_INK.text] if dark else [one.text for one in input_warnings(image, 0, expected)]
        for text in texts:
            found.setdefault(text, []).append(number)
    for text, numbers in found.items():
        where = "" if len(images) == 1 else f"image {numbers[0]}{_others(numbers)}: "
        warnings.warn(f"{where}{text}", ImageWarning, stacklevel=stack + 1)


def _may_be_ink(expected: Expected) -> bool:
    """Whether the network's images are known to be light ink on dark."""
    return not expected.colour and expected.polarity is not Polarity.LIGHT_ON_DARK


def _others(numbers: Sequence[int]) -> str:
    return f" and {len(numbers) - 1} others" if len(numbers) > 2 else f" and image {numbers[1]}" if numbers[1:] else ""


def _are_several(pictures: object) -> bool:
    """Whether this is a list of images, and not the numbers of one as nested lists."""
    if not isinstance(pictures, list | tuple):
        return False
    return not pictures or not isinstance(_unlabelled(pictures[0]), list | tuple | int | float)


def _array(picture: Any) -> Any:
    if hasattr(picture, "detach"):  # a tensor of torch
        picture = picture.detach().cpu().numpy()
    try:
        array = np.asarray(picture)
    except ValueError as error:
        raise ImageError("an image must have the same number of pixels in each row") from error
    if array.dtype.kind != "f":
        raise ImageError(f"an image must hold floats in [0, 1], not {array.dtype}; divide bytes by 255")
    if not np.isfinite(array).all():
        raise ImageError("an image must be finite: it holds NaN or infinity")
    return array.astype(np.float64)


def _batch(array: Array, expected: Expected) -> tuple[Array, bool]:
    shape, given = expected.shape, array.shape
    if given == shape or (given == (1, *shape) and not expected.colour):
        images, many = array.reshape(1, *shape), False
    elif given[1:] == shape:
        images, many = array, True
    elif given[1:] == (1, *shape) and not expected.colour:  # as torch has grey images
        images, many = array[:, 0], True
    else:
        raise ImageError(_wrong_shape(given, expected))
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if low < -_SLACK or high > 1 + _SLACK:
        raise ImageError(_wrong_range(low, high))
    return images, many


def _wrong_shape(given: tuple[int, ...], expected: Expected) -> str:
    wanted = "×".join(map(str, expected.shape))
    last = given[-3:]
    if len(last) == 3 and last[:2] == (expected.side, expected.side) and last[2] in _CHANNELS:
        right = "np.moveaxis(image, -1, -3)" if expected.colour else "image[..., 0]"
        return f"an image must be {wanted}; got an array of shape {given}, with channels last: {right} is right"
    return (
        f"an image must be {wanted}, and many images N×{wanted}; got an array of shape {given}. A picture of any size "
        "is brought to that size if its file is named"
    )


def _wrong_range(low: float, high: float) -> str:
    if low >= 0 and 1 < high <= 255 and high > 2:
        return f"pixels must be in [0, 1], and go from {low:g} to {high:g}: divide them by 255"
    if low < 0 and high <= 1 + _SLACK and low >= -1 - _SLACK:
        return f"pixels must be in [0, 1], and go from {low:.3g} to {high:.3g}: (image + 1) / 2 is right for −1…1"
    return (
        f"pixels must be in [0, 1], and go from {low:.3g} to {high:.3g}. If they were normalised, give them as they "
        "were before: `from_torch` takes the mean and the standard deviation"
    )
