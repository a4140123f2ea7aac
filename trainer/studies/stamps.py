"""Reading many images that are made of one image's pixels.

conv1 is linear: each pixel leaves a stamp on its maps, its grey times the turned kernel, and an image that shows some
of the pixels is the sum of their stamps. So conv1 is done once for all of them.
"""

from dataclasses import dataclass

import numpy as np

from models.architecture import IMAGE_SIDE
from models.network import Array, IntArray, Network


@dataclass(frozen=True)
class Stamps:
    """The inked pixels of an image and what each leaves on conv1.

    Attributes
    ----------
    network
        Its precision is that of the answers.
    places
        (n,): where there is ink, row by row.
    stamps
        (n, A, 24, 24): what each of these pixels adds to conv1.
    """

    network: Network
    places: IntArray
    stamps: Array

    @classmethod
    def of(cls, network: Network, image: Array) -> "Stamps":
        """Of an image (28, 28) on a background of 0."""
        flat, _ = network.flatten(image)
        places = np.flatnonzero(flat)
        row, column = np.divmod(places, IMAGE_SIDE)
        kernels = network.weights["conv1.weight"][:, 0, ::-1, ::-1]
        filters, k, _ = kernels.shape
        # With a margin, so that a pixel at the edge stamps its whole kernel.
        side = IMAGE_SIDE + k - 1
        wide = np.zeros((len(places), filters, side, side), network.dtype)
        entry, which, y, x = np.ogrid[: len(places), :filters, :k, :k]
        rows, columns = row[:, None, None, None] + y, column[:, None, None, None] + x
        wide[entry, which, rows, columns] = flat[0, places][:, None, None, None] * kernels
        inner = slice(k - 1, IMAGE_SIDE)
        return cls(network, places, np.ascontiguousarray(wide[..., inner, inner]))

    def logits(self, sums: Array) -> Array:
        """The ten scores (..., 10) of the images whose stamps add up to ``sums`` (..., A, 24, 24)."""
        bias = self.network.weights["conv1.bias"][:, None, None]
        answers = self.network.after_conv1(sums.reshape(-1, *sums.shape[-3:]) + bias)
        return answers.reshape(*sums.shape[:-3], answers.shape[-1])
