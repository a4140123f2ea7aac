"""Faithfulness: how fast the score changes when regions are hidden in the order of an explanation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models.hiding import Hiding
from konkyo.models.network import Array, IntArray, Network, softmax

RANDOM_ORDERS = 20
# Maximum number of steps of a curve. With more regions, one step hides several.
POINTS = 100
SEED = 0


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the deletion and insertion curves of the target's probability, 0…1.

    Attributes
    ----------
    deletion
        Regions are hidden in the explanation's order. Lower is more faithful.
    insertion
        Regions are shown in that order on an empty image. Higher is more faithful.
    random_deletion, random_insertion
        The means over random orders.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float


def faithfulness(network: Network, image: Array, hiding: Hiding, order: IntArray, target: int) -> Faithfulness:
    """Compare an explanation with 20 random orders, drawn with a fixed seed.

    Regions that already have the fill value are left out, since hiding them changes nothing. The abscissa of the curves
    is the share of the other regions. The areas are computed with the trapezoidal rule (Petsiuk et al. 2018, with
    regions in place of pixels).

    Parameters
    ----------
    image
        (28, 28): the explained image.
    hiding
        The regions and the fill value.
    order
        (n,): numbers of the regions, row by row; the most important first.
    target
        The explained class.
    """
    masks, changed = hiding.masks, hiding.changed(image)
    which = np.flatnonzero(changed)
    if not len(which):
        score = float(softmax(network.logits(image))[target])
        return Faithfulness(score, score, score, score)
    rng = np.random.default_rng(SEED)
    areas = np.array(
        [
            _areas(network, image, masks[some], target, hiding.fill)
            for some in [order[changed[order]], *(rng.permutation(which) for _ in range(RANDOM_ORDERS))]
        ]
    )
    (deletion, insertion), (random_deletion, random_insertion) = areas[0], areas[1:].mean(0)
    return Faithfulness(float(deletion), float(insertion), float(random_deletion), float(random_insertion))


def _areas(network: Network, image: Array, masks: NDArray[np.bool_], target: int, fill: float) -> tuple[float, float]:
    """The areas under the deletion and the insertion curve, for masks in this order."""
    count = len(masks)
    # A pixel's turn is the position of the first region that covers it.
    turn = np.where(masks, np.arange(count)[:, None, None], count).min(0)
    steps = np.unique(np.linspace(0, count, min(count, POINTS) + 1).round().astype(int))
    done = turn < steps[:, None, None]
    grey = network.dtype.type(fill)
    areas = []
    for images in (np.where(done, grey, image), np.where(done, image, grey)):
        scores = softmax(network.logits(images))[:, target]
        areas.append(float(np.trapezoid(scores, steps)) / count)
    return areas[0], areas[1]
