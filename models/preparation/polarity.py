"""Finds out whether the ink of an image is dark or light."""

import numpy as np

from konkyo.models.network import Array
from konkyo.models.preparation.resizing import border_and_middle

# Light ink that fills its image covers less than this share of it: a bright area that is larger is paper.
_MOST_INK = 0.65
# A border whose median is this close to the middle of the image's range does not decide; a share of the range.
_CLOSE = 0.1
# Side of the grid of pixels from which shading is judged.
_GRID = 200


def ink_is_dark(grey: Array) -> bool:
    """Whether the ink on a sheet of paper is dark, judged by what surrounds it.

    The border of the image is paper, as in ``konkyo.models.preparation.resizing``. Two cases need more: a dark table
    around bright paper, and pale ink on shaded paper.
    """
    border, middle = border_and_middle(grey)
    if border > middle or np.count_nonzero(grey > middle) > _MOST_INK * grey.size:
        return True
    return border > middle - _CLOSE * float(grey.max() - grey.min()) and _stands_out_dark(grey)


def _stands_out_dark(grey: Array) -> bool:
    """Whether the greatest differences from evenly shaded paper are dark: whether their third moment is negative."""
    step = -(-max(grey.shape) // _GRID)
    sample: Array = grey[::step, ::step].astype(np.float64)
    sample -= sample.mean()
    for axis, side in enumerate(sample.shape):
        ramp = np.linspace(-1, 1, side).reshape((-1, 1) if axis == 0 else (1, -1))
        length = float((ramp**2).sum()) * sample.shape[1 - axis]
        sample -= ramp * ((sample * ramp).sum() / length)
    return bool((sample**3).sum() < 0)
