"""Where the two methods meet: what each filter pair loses when a region is hidden."""

import numpy as np

from models.contributions import contributions
from models.network import Array, Network
from models.regions import Regions

# Ledgers that are kept at once; each holds ten maps a pair.
CHUNK = 64


def pair_drops(network: Network, image: Array, target: int, regions: Regions, fill: float) -> Array:
    """How much of each pair's contribution to the target goes when each region is hidden.

    With hidden region r, ``contribution[i, j](whole) − contribution[i, j](r hidden)``. Summed over the pairs, with what
    the filter biases lose, it is the drop of the target's logit.

    Parameters
    ----------
    image
        (28, 28) in [0, 1].
    target
        The class.
    regions, fill
        What to hide, and with which grey.

    Returns
    -------
    Array
        (R, R, A, B).
    """
    masks = regions.masks.reshape(-1, *image.shape)
    holding = np.flatnonzero((masks & (image != fill)).any((-2, -1)))
    whole = contributions(network, image).contributions[target]
    drops = np.zeros((len(masks), *whole.shape), network.dtype)
    for start in range(0, len(holding), CHUNK):
        some = holding[start : start + CHUNK]
        hidden = np.where(masks[some], network.dtype.type(fill), image)
        drops[some] = whole - contributions(network, hidden).contributions[:, target]
    return drops.reshape(*regions.grid, *whole.shape)


def pair_heatmaps(drops: Array, regions: Regions) -> Array:
    """For each pixel the mean drop of the regions that cover it: (R, R, A, B) → (28, 28, A, B)."""
    return np.moveaxis(regions.spread(np.moveaxis(drops, (0, 1), (-2, -1))), (-2, -1), (0, 1))
