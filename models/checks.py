"""Checks of parameters that several explanations share."""

import numpy as np

from konkyo.models.classes import Names
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.network import Array, Network


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


def check_fill(fill: float | Array) -> None:
    """Raise ParameterError unless ``fill`` is a value of pixels or an image of them, 0…1."""
    values = np.asarray(fill)
    if not ((values >= 0) & (values <= 1)).all():
        raise ParameterError("fill", f"must be from 0 to 1, not {fill if values.ndim == 0 else 'as this image'}")


def check_single(image: Array, network: Network) -> None:
    """Raise ImageError for a batch."""
    if np.ndim(image) != len(network.architecture.image_shape):
        raise ImageError(f"one image at a time; got an array of shape {np.shape(image)}")
