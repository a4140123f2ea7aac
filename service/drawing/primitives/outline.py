"""Outlines inside or outside groups of an image's pixels, as rectangles.

A pixel has nine parts: corners, edges, the middle. How wide its edges are is for the canvas to say.
"""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The group of pixels that are in no group.
NONE = -1
# The parts of a pixel that touch the one before it, that beside it, and the one behind it, along an axis.
_NEAR = slice(0, 1), slice(0, 3), slice(2, 3)

Groups = NDArray[np.integer[Any]]
# Top, bottom, left and right, in parts of pixels; bottom and right excluded.
Run = tuple[int, int, int, int]


def edges(groups: Groups, beyond: int = NONE) -> list[Run]:
    """The parts of pixels that touch a pixel of a lower group: a rectangle for each run of parts in equal rows.

    The line between two groups is drawn once, in the higher one.

    Parameters
    ----------
    groups
        (rows, columns): the group of each pixel, or ``NONE``.
    beyond
        The group of what is outside the image.
    """
    rows, columns = groups.shape
    padded = np.full((rows + 2, columns + 2), beyond, np.intp)
    padded[1:-1, 1:-1] = groups
    parts = np.zeros((rows, 3, columns, 3), np.bool_)
    for down, right in product(range(3), repeat=2):
        lower = padded[down : down + rows, right : right + columns] < groups
        parts[:, _NEAR[down], :, _NEAR[right]] |= lower[:, None, :, None]
    return _runs(parts.reshape(3 * rows, 3 * columns))


def around(inside: NDArray[np.bool_]) -> list[Run]:
    """As ``edges``, the parts of pixels outside a mask (rows, columns) that touch a pixel inside."""
    return edges(np.where(inside, 0, 1), beyond=1)


def _runs(mask: NDArray[np.bool_]) -> list[Run]:
    tops = [0, *(np.flatnonzero((mask[1:] != mask[:-1]).any(1)) + 1).tolist(), len(mask)]
    padded = np.zeros((len(tops) - 1, mask.shape[1] + 2), np.bool_)
    padded[:, 1:-1] = mask[tops[:-1]]
    row, place = (each.tolist() for each in np.nonzero(padded[:, 1:] != padded[:, :-1]))
    ends = zip(row[::2], place[::2], place[1::2], strict=True)
    return [(tops[one], tops[one + 1], left, right) for one, left, right in ends]
