"""Three measures of an explanation that no order of ours is made for.

*Infidelity* (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations", definition 2.1): squares of random
sizes and places are hidden, and the sum of the explanation over the hidden pixels is compared with the drop of the
logit. The explanation is scaled by the best factor first, as its units are free. The result is the mean squared
difference divided by the mean squared drop: 0 is exact, 1 is no better than zeros.

*Sensitivity* (definition 3.1): how far the explanation moves, at the most, when the ink changes a little. A low one
is necessary for trust and proves nothing: a constant map has 0.

*Agreement*: the rank correlation with the exact Shapley values, over the 4×4 regions that hold ink.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, Network
from konkyo.trainer.studies.statistics import spearman

REGION = 4
# Hidings for each image, and the least side of their squares in pixels; the greatest is half the image's.
HIDINGS = 200
LEAST = 3
# Changed images for each image, and by how much each pixel of ink changes at the most.
CHANGES = 4
RADIUS = 0.1


def squares(seed: int, side: int) -> NDArray[np.bool_]:
    """(``HIDINGS``, side, side): the pixels of random squares that lie within the image."""
    rng = np.random.default_rng((seed, HIDINGS))
    sides = rng.integers(LEAST, side // 2 + 1, HIDINGS)
    top, left = (rng.integers(0, side - sides + 1) for _ in range(2))
    line = np.arange(side)
    rows, columns = ((line >= start[:, None]) & (line < (start + sides)[:, None]) for start in (top, left))
    inside: NDArray[np.bool_] = rows[:, :, None] & columns[:, None, :]
    return inside


def drops(network: Network, image: Array, target: int, hidden: NDArray[np.bool_]) -> Array:
    """(K,): by how much each hiding (K, side, side) lowers the logit of the target."""
    shown = hidden if image.ndim == 2 else hidden[:, None]
    dropped: Array = network.logits(image)[target] - network.logits(np.where(shown, 0, image))[:, target]
    return dropped


def infidelity(attribution: Array, hidden: NDArray[np.bool_], dropped: Array) -> float:
    """Of one explanation (side, side), from hidings (K, side, side) and their drops (K,)."""
    claimed = hidden.reshape(len(hidden), -1) @ attribution.ravel()
    energy, total = claimed @ claimed, dropped @ dropped
    if total == 0:
        return 0.0 if energy == 0 else 1.0
    scale = claimed @ dropped / energy if energy > 0 else 0.0
    return float(((scale * claimed - dropped) ** 2).sum() / total)


def changed(images: Array, seed: int) -> Array:
    """(``CHANGES``, N, …): the images with each pixel of ink moved by up to ``RADIUS`` within [0, 1]."""
    noise = np.random.default_rng((seed, CHANGES)).uniform(-RADIUS, RADIUS, (CHANGES, *images.shape))
    return np.where(images > 0, np.clip(images + noise, 0, 1), 0)


def sensitivity(explain: Callable[[Array], Array], images: Array, seed: int) -> Array:
    """(N,): the greatest distance of a changed image's explanation, relative to the explanation's norm."""
    original = explain(images).reshape(len(images), -1)
    norm = np.linalg.norm(original, axis=1)
    moved = [
        np.linalg.norm(explain(some).reshape(len(images), -1) - original, axis=1) for some in changed(images, seed)
    ]
    farthest = np.max(moved, axis=0)
    relative: Array = np.divide(farthest, norm, out=np.zeros_like(norm), where=norm > 0)
    return relative


def agreement(attribution: Array, values: Array, image: Array) -> float:
    """With exact Shapley values (R, R), of one explanation (side, side)."""
    sums, ink = (sums_of_regions(one, REGION) for one in (attribution, image.reshape(-1, *image.shape[-2:]).sum(0)))
    return spearman(sums[ink > 0], values[ink > 0])


def sums_of_regions(values: Array, region: int) -> Array:
    """(R, R): the sum over each region of values (side, side)."""
    starts = Regions(region, side=len(values)).starts
    # One by one: sums of equal pixels are equal to the bit, and ranks depend on it.
    return np.array([[values[y : y + region, x : x + region].sum() for x in starts] for y in starts])
