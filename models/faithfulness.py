"""A receipt of faithfulness: does hiding what an explanation calls important change the score most?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.network import Array, IntArray, Network
from models.occlusion import Occlusion, Score

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
        Regions are shown in that order on an empty picture: the higher, the more faithful.
    random_deletion, random_insertion
        The mean over random orders.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float


def receipt(network: Network, image: Array, occlusion: Occlusion) -> Faithfulness:
    """Measure an explanation against 20 random orders with a fixed seed.

    The order is that of the drops, the greatest first. Only regions that hold anything but the fill value are ordered:
    the others change nothing. The curves have one point after each region, or after several at a time where there are
    more than ``POINTS``; the area is that of the trapezoids, with the share of these regions as the abscissa (Petsiuk
    et al. 2018, with regions in place of pixels).

    Parameters
    ----------
    image
        (28, 28), the one that was explained.
    occlusion
        Its explanation.
    """
    masks = occlusion.regions.masks.reshape(-1, *image.shape)
    holding = np.flatnonzero((masks & (image != occlusion.fill)).any((-2, -1)))
    if not len(holding):
        score = float(Score.PROBABILITY.of(network.logits(image))[occlusion.target])
        return Faithfulness(score, score, score, score)
    ranked = holding[np.argsort(-occlusion.drop.ravel()[holding], kind="stable")]
    rng = np.random.default_rng(SEED)
    areas = np.array(
        [
            _areas(network, image, occlusion, masks, order)
            for order in [ranked, *(rng.permutation(holding) for _ in range(RANDOM_ORDERS))]
        ]
    )
    (deletion, insertion), (random_deletion, random_insertion) = areas[0], areas[1:].mean(0)
    return Faithfulness(float(deletion), float(insertion), float(random_deletion), float(random_insertion))


def _areas(
    network: Network, image: Array, occlusion: Occlusion, masks: NDArray[np.bool_], order: IntArray
) -> tuple[float, float]:
    """Under the deletion and the insertion curve of one order."""
    # When each pixel's turn comes: with the first region in the order that covers it.
    turn = np.where(masks[order], np.arange(len(order))[:, None, None], len(order)).min(0)
    steps = np.unique(np.linspace(0, len(order), min(len(order), POINTS) + 1).round().astype(int))
    done = turn < steps[:, None, None]
    fill = network.dtype.type(occlusion.fill)
    areas = []
    for pictures in (np.where(done, fill, image), np.where(done, image, fill)):
        scores = Score.PROBABILITY.of(network.logits(pictures))[:, occlusion.target]
        areas.append(float(np.trapezoid(scores, steps)) / len(order))
    return areas[0], areas[1]
