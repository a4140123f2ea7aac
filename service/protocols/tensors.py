"""Tensors of images: from the numbers of a JSON document, or from bytes, to what the network takes."""

from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.errors import ParameterError
from konkyo.models.network import Array

# Images of a request at most, and the numbers in them: fewer images where they are larger than MNIST's.
MAX_IMAGES = 1024
MAX_NUMBERS = MAX_IMAGES * 28**2

DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "UINT8": np.dtype("u1")}
_WHITE = {"FP32": 1, "UINT8": 255}
# What the numbers of a JSON document must be.
_NUMBERS: dict[str, tuple[set[type], str]] = {
    "FP32": ({int, float}, "numbers"),
    "UINT8": ({int}, "whole numbers"),
}


@dataclass(frozen=True)
class Images:
    """The images that a network takes.

    Attributes
    ----------
    shape
        Of one image: (side, side), or (3, side, side) in colour.
    """

    shape: tuple[int, ...]

    @classmethod
    def of(cls, architecture: Architecture) -> "Images":
        """Of a network."""
        return cls(architecture.image_shape)

    @property
    def shapes(self) -> list[list[int]]:
        """In which an image may come: its own, in grey also with the channel of PyTorch, or all numbers in a row."""
        channel = [[1, *self.shape]] if len(self.shape) == 2 else []
        return [[*self.shape], *channel, [self.numbers]]

    @property
    def numbers(self) -> int:
        """Numbers of an image."""
        return prod(self.shape)

    @property
    def most(self) -> int:
        """Images of a request at most."""
        return max(1, min(MAX_IMAGES, MAX_NUMBERS // self.numbers))

    @property
    def lists(self) -> int:
        """Lists in which the numbers of an image stand at most, nested as one of its shapes."""
        return max(sum(prod(shape[:axis]) for axis in range(len(shape))) for shape in self.shapes)

    def check(self, parameter: str, shape: list[int]) -> None:
        """Raise ParameterError unless a tensor's shape is one of images."""
        if not 1 <= shape[0] <= self.most or shape[1:] not in self.shapes:
            *others, last = (f"[N, {', '.join(map(str, one))}]" for one in self.shapes)
            raise ParameterError(parameter, f"must be {', '.join(others)} or {last}, N from 1 to {self.most}")


@dataclass(frozen=True)
class Pixels:
    """Images as they came, which takes an eighth of the room. They are made floats a piece at a time.

    Attributes
    ----------
    values
        (N, …): of the datatype that was named.
    white
        The greatest value.
    """

    values: NDArray[Any]
    white: int

    @property
    def size(self) -> int:
        """Bytes that are held for them: their own, or those of the body that they are a part of."""
        owner: Any = self.values
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        size: int = memoryview(owner.base.obj).nbytes if isinstance(owner.base, memoryview) else owner.nbytes
        return size

    def of_shape(self, shape: tuple[int, ...]) -> "Pixels":
        """The same, each image in this shape."""
        return Pixels(self.values.reshape(-1, *shape), self.white)

    def images(self, which: slice) -> Array:
        """Some of them in [0, 1], in float64."""
        images: Array = self.values[which].astype(np.float64) / self.white
        return images


def from_numbers(parameter: str, data: list[Any], shape: list[int], datatype: str) -> Pixels:
    """Values of this shape from the numbers of a JSON document, flat or nested as the shape.

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
    count = prod(shape)
    if found not in (shape, [count]):
        raise ParameterError(parameter, f"must hold {count} numbers, flat or nested as the shape says")
    try:
        values = np.array(numbers, np.float64)
    except OverflowError:
        values = np.array([np.inf])
    return _pixels(parameter, values, shape, datatype)


def from_bytes(parameter: str, data: memoryview, shape: list[int], datatype: str) -> Pixels:
    """The same from bytes: little-endian, row by row. They are not copied.

    Raises
    ------
    ParameterError
        Not so many bytes, or numbers that the datatype of images has not.
    """
    dtype = DTYPES[datatype]
    size = prod(shape) * dtype.itemsize
    if len(data) != size:
        raise ParameterError(parameter, f"must be {size}, the bytes of a tensor of this shape and datatype")
    return _pixels(parameter, np.frombuffer(data, dtype), shape, datatype)


def _pixels(parameter: str, values: NDArray[Any], shape: list[int], datatype: str) -> Pixels:
    """What is no value of a pixel is refused, NaN with it."""
    white = _WHITE[datatype]
    # NaN is neither.
    if not (values.min() >= 0 and values.max() <= white):
        advice = "; send 0 to 255 as UINT8" if datatype == "FP32" else ""
        raise ParameterError(parameter, f"must be from 0 to {white}, and finite{advice}")
    return Pixels(values.astype(DTYPES[datatype], copy=False).reshape(shape), white)
