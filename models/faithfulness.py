"""Faithfulness: does hiding what an explanation calls important change the score most?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.hiding import Hiding
from models.network import Array, IntArray, Network, softmax

RANDOM_ORDERS = 20
# Points of a curve at the most: beyond that many regions, several are hidden in a step.
POINTS = 100
SEED = 0


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the deletion and insertion curves of the target's probability, 0…1.

    Attributes
    ----------
    deletion
        Regions are hidden in the explanation's order: the lower, the more faithful.
    insertion
        Regions are shown in that order on an empty image: the higher, the more faithful.
    random_deletion, random_insertion
        The mean over random orders.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float


def faithfulness(network: Network, image: Array, hiding: Hiding, order: IntArray, target: int) -> Faithfulness:
    """Measure an explanation against 20 random orders with a fixed seed.

    Only regions that hold anything but the fill value are ordered: the others change nothing. The curves have one point
    after each region, or after several at a time where there are more than ``POINTS``; the area is that of the
    trapezoids, with the share of these regions as the abscissa (Petsiuk et al. 2018, with regions in place of pixels).

    Parameters
    ----------
    image
        (28, 28), the one that was explained.
    hiding
        What is hidden or shown, and on which grey.
    order
        (n,): the explanation, as the regions' numbers row by row, the most important first.
    target
        The class that was explained.
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
    """Under the deletion and the insertion curve of hiding, or showing, what the masks hold, one after another."""
    count = len(masks)
    # When each pixel's turn comes: with the first region in the order that covers it.
    turn = np.where(masks, np.arange(count)[:, None, None], count).min(0)
    steps = np.unique(np.linspace(0, count, min(count, POINTS) + 1).round().astype(int))
    done = turn < steps[:, None, None]
    grey = network.dtype.type(fill)
    areas = []
    for images in (np.where(done, grey, image), np.where(done, image, grey)):
        scores = softmax(network.logits(images))[:, target]
        areas.append(float(np.trapezoid(scores, steps)) / count)
    return areas[0], areas[1]
