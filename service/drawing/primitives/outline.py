"""Outlines inside or outside groups of an image's pixels."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.service.drawing.primitives.canvas import Box, Canvas
from konkyo.service.drawing.primitives.colours import INK, PAPER

# The group of pixels that are in no group.
NONE = -1
# Thickness of the line of paper, in logical units.
_CASING = 1

Groups = NDArray[np.integer[Any]]


def draw_outline(canvas: Canvas, box: Box, groups: Groups, thickness: int, colour: int = INK) -> None:
    """Draw a line along the inner edge of each group of an image's pixels, and a thin line of paper inside it.

    Parameters
    ----------
    box
        The box of the image.
    groups
        As in ``edges``.
    thickness
        Of the line, in logical units.
    """
    side = box.width // IMAGE_SIDE * canvas.scale
    for width, shade in ((thickness + _CASING, PAPER), (thickness, colour)):
        canvas.region(box)[edges(groups, side, width * canvas.scale)] = shade


def edges(groups: Groups, side: int, thickness: int) -> NDArray[np.bool_]:
    """(28 · side, 28 · side): points of a group within ``thickness`` of a pixel of a lower group or of no group.

    A pixel is a square of ``side`` points. The line between two groups is drawn once, in the higher one.

    Parameters
    ----------
    groups
        (28, 28): the group of each pixel, or ``NONE``. Outside the image there is no group.
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
    """(28 · side, 28 · side): points outside a mask within ``thickness`` of a pixel inside.

    A pixel is a square of ``side`` points, and ``side`` is at least ``thickness``.
    """
    points = inside.repeat(side, 0).repeat(side, 1)
    padded = np.pad(points, thickness)
    near = np.zeros_like(points)
    for down, right in product((0, thickness, 2 * thickness), repeat=2):
        near |= padded[down : down + len(points), right : right + len(points)]
    return near & ~points
