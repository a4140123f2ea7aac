"""Finds out whether the ink of an image is dark or light."""

import numpy as np
from numpy.typing import NDArray

from models.network import Array

# Light ink that fills its image covers less than this share of it: a bright area that is larger is paper.
_MOST_INK = 0.65
# A border whose median is this close to the middle of the image's range does not decide; a share of the range.
_CLOSE = 0.1
# Side of the grid of pixels from which shading is judged.
_GRID = 200


def is_dark_on_light(grey: NDArray[np.floating]) -> bool:
    """Whether the ink is dark, judged by what surrounds it.

    The border of the image is paper: it is brighter or darker than the middle of the image's range, or than middle grey
    if the image is uniform. Two cases need more: a dark table around bright paper, and pale ink on shaded paper.
    """
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    darkest, brightest = float(grey.min()), float(grey.max())
    middle = (darkest + brightest) / 2 if brightest > darkest else 0.5
    # Half of an even number of pixels: the median is the mean of the two in the middle.
    border.sort()
    median = float(border[len(border) // 2 - 1] + border[len(border) // 2]) / 2
    if median > middle:
        return True
    if np.count_nonzero(grey > middle) > _MOST_INK * grey.size:
        return True
    return median > middle - _CLOSE * (brightest - darkest) and _stands_out_dark(grey)


def _stands_out_dark(grey: NDArray[np.floating]) -> bool:
    """Whether the greatest differences from evenly shaded paper are dark: whether their third moment is negative."""
    step = -(-max(grey.shape) // _GRID)
    sample: Array = grey[::step, ::step].astype(np.float64)
    sample -= sample.mean()
    for axis, side in enumerate(sample.shape):
        ramp = np.linspace(-1, 1, side).reshape((-1, 1) if axis == 0 else (1, -1))
        length = float((ramp**2).sum()) * sample.shape[1 - axis]
        sample -= ramp * ((sample * ramp).sum() / length)
    return bool((sample**3).sum() < 0)
