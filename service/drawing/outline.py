"""Outlines: lines just inside, or just outside, groups of the picture's pixels."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.architecture import IMAGE_SIDE

# What is in no group.
NONE = -1

Groups = NDArray[np.integer[Any]]


def edges(groups: Groups, side: int, thickness: int) -> NDArray[np.bool_]:
    """(28 · side, 28 · side): what lies within ``thickness`` of a pixel of a lower group or of none.

    A pixel is a square of ``side`` points. Between two groups the line is thus drawn once, in the higher one.

    Parameters
    ----------
    groups
        (28, 28): each pixel's group, ``NONE`` where it is in none. Outside the picture there is none.
    """
    members = np.nonzero(groups != NONE)
    around = np.pad(groups, 1, constant_values=NONE)
    steps = np.arange(side)
    near = {-1: steps < thickness, 0: steps >= 0, 1: steps >= side - thickness}
    squares = np.zeros((len(members[0]), side, side), np.bool_)
    for down, right in product(near, near):
        lower = around[members[0] + 1 + down, members[1] + 1 + right] < groups[members]
        squares[lower] |= near[down][:, None] & near[right]
    edges = np.zeros((IMAGE_SIDE, side, IMAGE_SIDE, side), np.bool_)
    edges[members[0], :, members[1], :] = squares
    return edges.reshape(IMAGE_SIDE * side, -1)


def around(inside: NDArray[np.bool_], side: int, thickness: int) -> NDArray[np.bool_]:
    """(28 · side, 28 · side): what lies within ``thickness`` of a pixel that is inside, and is not inside itself.

    A pixel is a square of ``side`` points, ``thickness`` at the least.
    """
    points = inside.repeat(side, 0).repeat(side, 1)
    padded = np.pad(points, thickness)
    near = np.zeros_like(points)
    for down, right in product((0, thickness, 2 * thickness), repeat=2):
        near |= padded[down : down + len(points), right : right + len(points)]
    return near & ~points
