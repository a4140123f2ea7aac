"""Checks of parameters that several explanations share."""

import numpy as np

from konkyo.models.classes import Names
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.network import Array


def check_class(parameter: str, value: int, count: int) -> None:
    """Raise ParameterError unless ``value`` is the number of one of ``count`` classes."""
    if not 0 <= value < count:
        raise ParameterError(parameter, f"must be a class from 0 to {count - 1}, not {value}")


def check_question(target: int | None, versus: int | None, classes: Names) -> None:
    """Raise ParameterError unless both are numbers of classes or None, and differ."""
    for parameter, value in (("target", target), ("versus", versus)):
        if value is not None:
            check_class(parameter, value, len(classes))
    if versus is not None and versus == target:
        raise ParameterError("versus", f"must differ from the target; both are {classes[versus]}")


def check_fill(fill: float) -> None:
    """Raise ParameterError unless ``fill`` is a grey value, 0…1."""
    if not 0 <= fill <= 1:
        raise ParameterError("fill", f"must be from 0 to 1, not {fill}")


def check_single(image: Array) -> None:
    """Raise ImageError for a batch."""
    if np.ndim(image) != 2:
        raise ImageError(f"one image at a time; got an array of shape {np.shape(image)}")
