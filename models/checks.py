"""Checks of parameters that several explanations share."""

import numpy as np

from models.architecture import CLASSES
from models.errors import ImageError, ParameterError
from models.network import Array


def check_class(parameter: str, value: int) -> None:
    """Raise ParameterError unless ``value`` is one of the ten classes."""
    if not 0 <= value < CLASSES:
        raise ParameterError(parameter, f"must be a class from 0 to {CLASSES - 1}, not {value}")


def check_question(target: int | None, versus: int | None) -> None:
    """Raise ParameterError unless both are classes or None, and differ."""
    for parameter, value in (("target", target), ("versus", versus)):
        if value is not None:
            check_class(parameter, value)
    if versus is not None and versus == target:
        raise ParameterError("versus", f"must differ from the target; both are {target}")


def check_fill(fill: float) -> None:
    """Raise ParameterError unless ``fill`` is a grey value, 0…1."""
    if not 0 <= fill <= 1:
        raise ParameterError("fill", f"must be from 0 to 1, not {fill}")


def check_single(image: Array) -> None:
    """Raise ImageError for a batch."""
    if np.ndim(image) != 2:
        raise ImageError(f"one image at a time; got an array of shape {np.shape(image)}")
