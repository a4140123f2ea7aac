"""Tensors of images: from the numbers of a JSON document, or from bytes, to what the network takes."""

from itertools import chain
from typing import Any

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array

MAX_IMAGES = 1024
PIXELS = IMAGE_SIDE**2

DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "UINT8": np.dtype("u1")}
_WHITE = {"FP32": 1, "UINT8": 255}
# What the numbers of a JSON document must be.
_NUMBERS: dict[str, tuple[set[type], str]] = {
    "FP32": ({int, float}, "numbers"),
    "UINT8": ({int}, "whole numbers"),
}


def check_shape(parameter: str, shape: list[int]) -> None:
    """Raise ParameterError unless a shape is one of images."""
    if not 1 <= shape[0] <= MAX_IMAGES or shape[1:] not in ([IMAGE_SIDE, IMAGE_SIDE], [PIXELS]):
        sides = f"[N, {IMAGE_SIDE}, {IMAGE_SIDE}] or [N, {PIXELS}], N from 1 to {MAX_IMAGES}"
        raise ParameterError(parameter, f"must be {sides}")


def from_numbers(parameter: str, data: list[Any], shape: list[int], datatype: str) -> Array:
    """Images (N, 28, 28) in [0, 1] from the numbers of a JSON document, flat or nested as the shape.

    Raises
    ------
    ParameterError
        Not so many numbers, or others than the datatype has.
    """
    numbers, found = data, [len(data)]
    while numbers and set(map(type, numbers)) == {list}:
        lengths = set(map(len, numbers))
        found.append(lengths.pop() if len(lengths) == 1 else -1)
        numbers = list(chain.from_iterable(numbers))
    kinds, called = _NUMBERS[datatype]
    if not set(map(type, numbers)) <= kinds:
        raise ParameterError(parameter, f"must hold {called} alone")
    count = int(np.prod(shape))
    if found not in (shape, [count]):
        raise ParameterError(parameter, f"must hold {count} numbers, flat or nested as the shape says")
    try:
        values = np.array(numbers, np.float64)
    except OverflowError:
        values = np.array([np.inf])
    return _images(parameter, values, datatype)


def from_bytes(parameter: str, data: bytes, shape: list[int], datatype: str) -> Array:
    """The same from bytes: little-endian, row by row.

    Raises
    ------
    ParameterError
        Not so many bytes, or numbers that the datatype of images has not.
    """
    dtype = DTYPES[datatype]
    size = int(np.prod(shape)) * dtype.itemsize
    if len(data) != size:
        raise ParameterError(parameter, f"must be {size}, the bytes of a tensor of this shape and datatype")
    return _images(parameter, np.frombuffer(data, dtype), datatype)


def _images(parameter: str, values: Array, datatype: str) -> Array:
    """Scaled; what is no grey value is refused, NaN with it."""
    white = _WHITE[datatype]
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= white):
        advice = "; send 0 to 255 as UINT8" if datatype == "FP32" else ""
        raise ParameterError(parameter, f"must be from 0 to {white}, and finite{advice}")
    images: Array = values.astype(DTYPES[datatype]).astype(np.float64).reshape(-1, IMAGE_SIDE, IMAGE_SIDE) / white
    return images
