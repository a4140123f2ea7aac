"""Predicts many images that are mixed from two images, pixel by pixel.

conv1 is linear. Each pixel that differs between an image and a reference adds the difference times the kernel to its
maps. conv1 of a mixture is conv1 of the reference plus the sum over the pixels taken from the image, so conv1 is
computed once for all mixtures.
"""

from dataclasses import dataclass

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.network import Array, IntArray, Network


@dataclass(frozen=True)
class PixelResponses:
    """What each pixel of an image adds to conv1 of a reference image.

    Attributes
    ----------
    network
        Its precision is that of the answers.
    places
        (n,): the pixels in which the two images differ, row by row.
    responses
        (n, A, S, S): what each of these pixels adds to conv1.
    reference
        (A, S, S): conv1 of the reference, with the bias.
    """

    network: Network
    places: IntArray
    responses: Array
    reference: Array

    @classmethod
    def of(cls, network: Network, image: Array, reference: Array | None = None) -> "PixelResponses":
        """Of an image (28, 28), and a reference (28, 28), by default an empty image."""
        flat = network.flatten(image)[0].reshape(1, -1)
        other = np.zeros_like(flat) if reference is None else network.flatten(reference)[0].reshape(1, -1)
        places = np.flatnonzero(flat != other)
        bias = network.weights["conv1.bias"][:, None, None]
        inked = np.flatnonzero(other)
        base = _responses(network, other[0], inked).sum(0) + bias
        return cls(network, places, _responses(network, (flat - other)[0], places), base)

    def logits(self, sums: Array) -> Array:
        """The logits (..., C) of the images whose pixels' responses add up to ``sums`` (..., A, S, S)."""
        answers = self.network.after(0, sums.reshape(-1, *sums.shape[-3:]) + self.reference)
        return answers.reshape(*sums.shape[:-3], answers.shape[-1])


def _responses(network: Network, values: Array, places: IntArray) -> Array:
    """(n, A, S, S): what these pixels of (784,) add to conv1."""
    row, column = np.divmod(places, IMAGE_SIDE)
    kernels = network.weights["conv1.weight"][:, 0, ::-1, ::-1]
    filters, k, _ = kernels.shape
    # With a margin, so that a pixel at the edge adds its whole kernel.
    side = IMAGE_SIDE + k - 1
    wide = np.zeros((len(places), filters, side, side), network.dtype)
    entry, which, y, x = np.ogrid[: len(places), :filters, :k, :k]
    rows, columns = row[:, None, None, None] + y, column[:, None, None, None] + x
    wide[entry, which, rows, columns] = values[places][:, None, None, None] * kernels
    inner = slice(k - 1, IMAGE_SIDE)
    return np.ascontiguousarray(wide[..., inner, inner])
