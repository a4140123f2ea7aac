"""The points of outlines inside or outside groups of an image's pixels. A pixel is a square of points."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The group of pixels that are in no group.
NONE = -1

Groups = NDArray[np.integer[Any]]


def edges(groups: Groups, side: int, thickness: int) -> NDArray[np.bool_]:
    """(rows · side, columns · side): points within ``thickness`` of a pixel of a lower group or of no group.

    The line between two groups is drawn once, in the higher one.

    Parameters
    ----------
    groups
        (rows, columns): the group of each pixel, or ``NONE``. Outside the image there is no group.
    side
        Of a pixel, in points.
    """
    members = np.nonzero(groups != NONE)
    around = np.pad(groups, 1, constant_values=NONE)
    steps = np.arange(side)
    near = {-1: steps < thickness, 0: steps >= 0, 1: steps >= side - thickness}
    squares = np.zeros((len(members[0]), side, side), np.bool_)
    for down, right in product(near, near):
        lower = around[members[0] + 1 + down, members[1] + 1 + right] < groups[members]
        squares[lower] |= near[down][:, None] & near[right]
    rows, columns = groups.shape
    edges = np.zeros((rows, side, columns, side), np.bool_)
    edges[members[0], :, members[1], :] = squares
    return edges.reshape(rows * side, columns * side)


def around(inside: NDArray[np.bool_], side: int, thickness: int) -> NDArray[np.bool_]:
    """(rows · side, columns · side): points outside a mask (rows, columns) within ``thickness`` of a pixel inside.

    ``side`` is at least ``thickness``.
    """
    points = inside.repeat(side, 0).repeat(side, 1)
    padded = np.pad(points, thickness)
    near = np.zeros_like(points)
    for down, right in product((0, thickness, 2 * thickness), repeat=2):
        near |= padded[down : down + points.shape[0], right : right + points.shape[1]]
    return near & ~points
