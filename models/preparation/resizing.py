"""Brings a picture of any size to the square image that the network takes, where nothing is cropped."""

import numpy as np
from numpy.typing import NDArray

from konkyo.models.network import Array

# Of Lanczos' filter, on each side.
_LOBES = 3


def is_dark_on_light(grey: Array) -> bool:
    """Whether the border is brighter than the middle of the picture's range; for a uniform one, than middle grey."""
    border, middle = border_and_middle(grey)
    return border > middle


def border_and_middle(grey: Array) -> tuple[float, float]:
    """The median of the border, and the middle of the picture's range; of a uniform picture, middle grey."""
    darkest, brightest = float(grey.min()), float(grey.max())
    return float(border_median(grey)), (darkest + brightest) / 2 if brightest > darkest else 0.5


def resized(picture: Array, side: int) -> Array:
    """The whole picture in a square, its aspect kept; beside it stands its background, the median of its border.

    A pixel of the image is the mean of the picture's pixels around it, with weights that fall linearly to zero at a
    distance of one pixel of the larger of the two grids (a triangle filter).

    Parameters
    ----------
    picture
        (height, width), or (3, height, width) with each channel by itself, in [0, 1].
    side
        Of the square.

    Returns
    -------
    Array
        (side, side) or (3, side, side) in [0, 1], in float64. A picture of this size is left as it is.
    """
    height, width = picture.shape[-2:]
    if (height, width) == (side, side):
        return picture.astype(np.float64)
    scale = side / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    scaled = _weights(height, rows).astype(picture.dtype) @ picture @ _weights(width, columns).T.astype(picture.dtype)
    image = np.empty((*picture.shape[:-2], side, side))
    image[:] = border_median(picture)[..., None, None]
    top, left = (side - rows) // 2, (side - columns) // 2
    image[..., top : top + rows, left : left + columns] = np.clip(scaled, 0, 1)
    return image


def border_median(pictures: Array) -> Array:
    """The median of the border of each picture or channel: (..., height, width) → (...)."""
    sides = pictures[..., 0, :], pictures[..., -1, :], pictures[..., 1:-1, 0], pictures[..., 1:-1, -1]
    border = np.concatenate(sides, axis=-1)
    border.sort(axis=-1)
    # A border has an even number of pixels: the mean of the two in the middle. np.median takes ten times as long.
    half = border.shape[-1] // 2
    median: Array = (border[..., half - 1] + border[..., half]) / 2
    return median


def _weights(source: int, target: int) -> Array:
    """(target, source): the weights with which the pixels of a line make those of another."""
    pitch = source / target
    centres = (np.arange(target) + 0.5) * pitch
    distance = np.abs(np.arange(source) + 0.5 - centres[:, None])
    weights = np.maximum(1 - distance / max(pitch, 1), 0)
    normalised: Array = weights / weights.sum(1, keepdims=True)
    return normalised


def reduced(grey: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """The mean of each square of ``factor`` pixels a side; of those at the right and lower edge, what there is."""
    for _ in range(2):
        blocks, missing = -(-len(grey) // factor), -len(grey) % factor
        wide = np.pad(grey, ((0, missing), (0, 0))) if missing else grey
        counts = np.full((blocks, 1), factor, np.float32)
        counts[-1] -= missing
        grey = (wide.reshape(blocks, factor, -1).sum(1) / counts).T
    return grey


def sharpened(grey: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Scaled with Lanczos' filter of three lobes (Duchon 1979): (height, width) → (rows, columns)."""
    height, width = grey.shape
    across = (grey @ _lanczos(width, columns).T).astype(np.float32)
    return (_lanczos(height, rows) @ across).astype(np.float32)


def _lanczos(source: int, target: int) -> NDArray[np.float64]:
    """(target, source): the weights with which the pixels of a line make those of another."""
    pitch = source / target
    centres = (np.arange(target) + 0.5) * pitch
    distance = (np.arange(source) + 0.5 - centres[:, None]) / max(pitch, 1)
    weights = np.where(np.abs(distance) < _LOBES, np.sinc(distance) * np.sinc(distance / _LOBES), 0)
    normalised: NDArray[np.float64] = weights / weights.sum(1, keepdims=True)
    return normalised
