"""The ledger carried on to the pixels: what each pixel adds to each filter pair's contribution. Exact.

The network is piecewise linear (docs/mathematics.md, 2). With the winners and gates of both layers as they are for the
image at hand, a pair's contribution is a linear function of the pixels plus what the biases add, so

    contribution[i, j] = Σ_p pixels[i, j](p) + bias[i, j]        pixels[i, j](p) = image(p) · ∂ contribution[i, j] / ∂ p

holds to rounding. Added up over the pairs it is gradient × input of the logit. It says what each pixel counts *in this
piece*: hiding a pixel can lead to another piece, which is what occlusion asks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from konkyo.models.architecture import POOL, Wiring
from konkyo.models.network import Array, IntArray, Network
from konkyo.models.result import check_class


@dataclass(frozen=True)
class PixelLedger:
    """One class's contributions, pixel by pixel. ``...`` is the shape of the batch, nothing for one image.

    Attributes
    ----------
    target
        (...): the class.
    pixels
        (..., A, B, 28, 28): what each pixel adds to each pair's contribution; exactly 0 where the image is.
    bias
        (..., A, B): what conv1's bias adds to it and, with paired wiring, the pair's own conv2 bias.
    """

    target: IntArray
    pixels: Array
    bias: Array

    def heatmap(self) -> Array:
        """(..., 28, 28): what each pixel adds to the logit, over all pairs."""
        summed: Array = self.pixels.sum((-4, -3))
        return summed


def pixel_ledger(network: Network, images: Array, target: ArrayLike | None = None) -> PixelLedger:
    """Split every pair's contribution to one class into what each pixel adds to it, exactly.

    Parameters
    ----------
    network
        Its precision is that of the ledger.
    images
        (..., 28, 28) in [0, 1]. The answer takes A·B images for each.
    target
        The class, one for all or (...); None is the one that is read in each.

    Raises
    ------
    ImageError
        Not 28×28, or not finite.
    ParameterError
        A target that is none of the network's classes.
    """
    shape = network.architecture
    if target is not None:
        for value in np.unique(target):
            check_class("target", int(value), shape.classes)
    flat, batch = network.flatten(images)
    images = flat.reshape(-1, *np.shape(images)[-2:])
    count = len(flat)
    trace = network.trace(images)
    explained = trace.logits.argmax(-1) if target is None else np.broadcast_to(np.asarray(target, np.intp), batch)
    explained = explained.reshape(count)

    # From the class back to conv2: each gate that is open hands its weight to the winner of its cell.
    affine = network.weights["affine.weight"].reshape(shape.classes, shape.maps, -1)[explained]
    handed = affine * (trace.pool2.reshape(affine.shape) > 0)
    conv2 = np.zeros((count, shape.maps, shape.conv2_side**2), network.dtype)
    np.put_along_axis(conv2, trace.winners.reshape(affine.shape), handed, axis=-1)
    grid = (count, *shape.map_grid)
    pairs = (count, shape.conv1_filters, shape.conv2_filters)
    conv2 = np.broadcast_to(conv2.reshape(*grid, shape.conv2_side, shape.conv2_side), (*pairs, *[shape.conv2_side] * 2))

    # From conv2 to conv1, pair by pair; again each open gate hands what it gets to its winner.
    kernels2 = network.weights["conv2.weight"].swapaxes(0, 1)
    pool1 = _through(conv2, np.broadcast_to(kernels2, (shape.conv1_filters, *kernels2.shape[1:])))
    conv1 = pool1.repeat(POOL, axis=-2).repeat(POOL, axis=-1) * _gates(trace.conv1)[:, :, None]

    # From conv1 to the pixels.
    pixels = _through(conv1, network.weights["conv1.weight"]) * images[:, None, None]
    bias = conv1.sum((-2, -1)) * network.weights["conv1.bias"][:, None]
    if shape.wiring is Wiring.PAIRED:
        bias = bias + conv2.sum((-2, -1)) * network.pair_bias
    return PixelLedger(
        explained.reshape(batch), pixels.reshape(*batch, *pixels.shape[1:]), bias.reshape(*batch, *bias.shape[1:])
    )


def _through(outputs: Array, kernels: Array) -> Array:
    """Back through a valid convolution: gradients (N, A, B, s, s) of its outputs → (N, A, B, s + k − 1, s + k − 1).

    Kernels are (A, B, k, k), or (A, 1, k, k) where they do not depend on the second filter.
    """
    side, k = outputs.shape[-1], kernels.shape[-1]
    inputs = np.zeros((*outputs.shape[:-2], side + k - 1, side + k - 1), outputs.dtype)
    for y in range(k):
        for x in range(k):
            inputs[..., y : y + side, x : x + side] += outputs * kernels[..., y, x, None, None]
    return inputs


def _gates(conv: Array) -> Array:
    """(N, A, 2h, 2w) → the same shape: 1 at each pooling cell's winner, the first of equal ones, if it is positive."""
    *batch, height, width = conv.shape
    cells = conv.reshape(*batch, height // POOL, POOL, width // POOL, POOL).swapaxes(-3, -2)
    cells = cells.reshape(*cells.shape[:-2], POOL * POOL)
    first = np.arange(POOL * POOL) == cells.argmax(-1)[..., None]
    open_at = (first & (cells > 0)).reshape(*cells.shape[:-1], POOL, POOL).swapaxes(-3, -2)
    gates: Array = open_at.reshape(conv.shape).astype(conv.dtype)
    return gates
