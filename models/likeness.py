"""Whether an image is like the training images, by what the network finds in it (docs/mathematics.md, 2)."""

from dataclasses import dataclass

import numpy as np

from konkyo.models.network import Array

# Maps without anything in them are near nothing; this stands in the place of a division by zero.
_NOTHING = 1e-12


@dataclass(frozen=True)
class Likeness:
    """What a network finds in the training images of each class: a subspace of the maps of pool2.

    Attributes
    ----------
    axes
        (C, K, D): orthonormal axes of the subspace of each class; D is the number of cells of pool2.
    threshold
        An image is unlike the training images if its distance exceeds this: one in a hundred of them does.
    """

    axes: Array
    threshold: float

    def distance(self, pool2: Array) -> Array:
        """The share of what was found that the nearest subspace has no part of: ``min_c 1 − ‖U_c f‖² / ‖f‖²``.

        Parameters
        ----------
        pool2
            (..., maps, 5, 5), as in ``Trace``.

        Returns
        -------
        Array
            (...): 0…1.
        """
        classes, axes, cells = self.axes.shape
        found = pool2.reshape(*pool2.shape[:-3], cells)
        parts = found @ self.axes.reshape(classes * axes, cells).T
        within = (parts.reshape(*parts.shape[:-1], classes, axes) ** 2).sum(-1).max(-1)
        distance: Array = 1 - within / ((found**2).sum(-1) + _NOTHING)
        return distance

    def is_unlike(self, pool2: Array) -> bool:
        """Whether one image, with pool2 (maps, 5, 5), is unlike the training images."""
        return bool(self.distance(pool2) > self.threshold)


def axes_of(pool2: Array, count: int) -> Array:
    """(K, D): the axes of the subspace that holds most of what was found in images of one class, pool2 (n, maps, 5, 5).

    Where there are fewer than ``count`` images, the other axes are zero.
    """
    found = pool2.reshape(len(pool2), -1)
    axes = np.zeros((count, found.shape[1]))
    vectors = np.linalg.svd(found, full_matrices=False)[2][:count]
    axes[: len(vectors)] = vectors
    return axes
