"""Whether recomputing only what changes gives what reading every hidden picture whole gives."""

from dataclasses import dataclass

import numpy as np

from models.incremental import occluder
from models.network import Array, Network
from models.regions import Regions


@dataclass(frozen=True)
class Verification:
    """An occlusion, checked by brute force.

    Attributes
    ----------
    max_abs_difference
        The largest over all regions and classes, in logits.
    multiply_adds_ratio
        Multiply-adds of brute force, over those of the fast way: how many times the work was saved.
    """

    max_abs_difference: float
    multiply_adds_ratio: float


def verify(network: Network, image: Array, regions: Regions, fill: float) -> Verification:
    """Read every hidden picture whole, and compare.

    Parameters
    ----------
    image
        (28, 28) in [0, 1].
    regions, fill
        What to hide, and with which grey.
    """
    hiding = occluder(network, regions)
    _, fast, changed = hiding.logits(image[None], fill)
    masks = regions.masks.reshape(-1, *image.shape)
    slow = network.logits(np.where(masks, network.dtype.type(fill), image))
    once = network.architecture.multiply_adds
    spent = once + int(changed.sum()) * hiding.multiply_adds()
    return Verification(float(np.abs(fast[0] - slow).max()), len(masks) * once / spent)
