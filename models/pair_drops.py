"""Occlusion of contributions: the drop of each filter pair's contribution when a region is hidden."""

import numpy as np

from konkyo.models.contributions import class_maps
from konkyo.models.hiding import Hiding
from konkyo.models.network import Array, Network
from konkyo.models.regions import Regions

# Number of images in one batch.
CHUNK = 64


def pair_drops(
    network: Network, image: Array, hiding: Hiding, target: int, versus: int | None = None
) -> tuple[Array, Array]:
    """The drop of each pair's contribution when a region is hidden.

    For region r it is ``contribution[i, j](whole) − contribution[i, j](r hidden)``. The drops of all pairs and of the
    filter biases add up to the drop of the logit.

    Parameters
    ----------
    image
        (28, 28) in [0, 1].
    hiding
        The regions and the fill value.
    target
        The explained class.
    versus
        The class to compare with: contributions are the difference target − versus.

    Returns
    -------
    whole
        (A, B): the contributions in the whole image.
    drops
        (R, R, A, B): the drops.
    """

    def contributions(images: Array) -> Array:
        values: Array = class_maps(network, images, target).sum((-2, -1))
        return values if versus is None else values - class_maps(network, images, versus).sum((-2, -1))

    whole = contributions(image)
    changed = hiding.changed(image)
    drops = np.zeros((len(changed), *whole.shape), network.dtype)
    which = np.flatnonzero(changed)
    for start in range(0, len(which), CHUNK):
        some = which[start : start + CHUNK]
        drops[some] = whole - contributions(hiding.hide(image, some))
    return whole, drops.reshape(*hiding.regions.grid, *whole.shape)


def pair_heatmaps(values: Array, regions: Regions) -> Array:
    """For each pixel the mean value of the regions that cover it: (R, R, A, B) → (28, 28, A, B)."""
    return np.moveaxis(regions.spread(np.moveaxis(values, (0, 1), (-2, -1))), (-2, -1), (0, 1))
