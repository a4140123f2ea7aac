"""Checks of parameters that several explanations share."""

import numpy as np

from konkyo.models.classes import Names
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.network import Array, Network
from konkyo.models.regions import Regions


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


def check_fill(fill: float | Array, shape: tuple[int, ...] = ()) -> None:
    """Raise ParameterError unless ``fill`` is a value of pixels, or an image of this shape, 0…1."""
    values = np.asarray(fill)
    if values.shape not in ((), shape):
        raise ParameterError("fill", f"must be a number or an image of {'×'.join(map(str, shape))}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ParameterError("fill", f"must be from 0 to 1, not {fill if values.ndim == 0 else 'as this image'}")


def check_regions(regions: Regions, network: Network) -> None:
    """Raise ParameterError unless the regions are of an image of the network's side."""
    if regions.side != network.architecture.side:
        raise ParameterError(
            "region",
            f"these regions are of an image with a side of {regions.side} pixels; the network's has "
            f"{network.architecture.side}",
        )


def check_pairs(network: Network) -> None:
    """Raise ParameterError for a network whose pairs have other weights in each hiding."""
    if network.architecture.hidden:
        raise ParameterError(
            "pairs", "with hidden affine layers the head differs from hiding to hiding; ask without pairs"
        )


def check_single(image: Array, network: Network) -> None:
    """Raise ImageError for a batch."""
    if np.ndim(image) != len(network.architecture.image_shape):
        raise ImageError(f"one image at a time; got an array of shape {np.shape(image)}")
