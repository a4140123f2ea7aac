"""Faithfulness: how fast the score changes when regions are hidden in the order of an explanation."""

from dataclasses import dataclass, replace

import numpy as np

from konkyo.models.cost import check_singles
from konkyo.models.hiding import Hiding
from konkyo.models.hidings import Family, ordered
from konkyo.models.network import Array, IntArray, Network, softmax
from konkyo.models.regions import Regions

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
        (28, 28), of the network's shape: the explained image.
    hiding
        The regions and the fill value.
    order
        (n,): numbers of the regions, row by row; the most important first.
    target
        The explained class.
    """
    # Two curves for each order.
    check_singles(network.architecture, hiding.regions, orders=2 * (RANDOM_ORDERS + 1))
    images, _ = network.flatten(image)
    fills, changed = np.full_like(images, hiding.fill), hiding.changed(images[0])
    which = np.flatnonzero(changed)
    if not len(which):
        score = float(softmax(network.logits(image))[target])
        return Faithfulness(score, score, score, score)
    rng = np.random.default_rng(SEED)
    orders = [order[changed[order]], *(rng.permutation(which) for _ in range(RANDOM_ORDERS))]
    # To show regions of the empty image is to hide regions of it under the image.
    areas = np.array(
        [
            [_area(network, images, fills, hiding.regions, some, target) for some in orders],
            [_area(network, fills, images, hiding.regions, some, target) for some in orders],
        ]
    )
    (deletion, *random_deletion), (insertion, *random_insertion) = areas.tolist()
    return Faithfulness(deletion, insertion, float(np.mean(random_deletion)), float(np.mean(random_insertion)))


def _area(network: Network, images: Array, fills: Array, regions: Regions, order: IntArray, target: int) -> float:
    """The area under the curve of the target's probability as regions (n,) are hidden in this order."""
    count = len(order)
    steps = np.unique(np.linspace(0, count, min(count, POINTS) + 1).round().astype(int))
    rows = ordered(network, images, fills, regions, order, Family.NESTED)
    logits = replace(rows, at=rows.at[steps]).logits(network)[0]
    return float(np.trapezoid(softmax(logits)[:, target], steps)) / count
