"""A greedy order of regions, made for the deletion and insertion curves: what optimising these can reach.

Regions are moved, one after another, from the image to an empty image. After each step both are predicted: the first
should be predicted ever less as the target, the second ever more (Petsiuk et al. 2018).
"""

import numpy as np

from konkyo.models.hiding.occlusion import hidden_logits
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, Network
from konkyo.models.result import check_single

# Regions that are moved in a step, as a share of those moved before: the first ones, which matter most, one by one.
GROWTH = 0.5


def greedy_heatmap(network: Network, image: Array, target: int) -> Array:
    """The order of the 2×2 regions as a heatmap (28, 28): 1 for the first, falling to −1 for the last, 0 without ink.

    In each step every region that is left is tried, and those are moved after which

        log P(target | moved) + log(1 − P(target | rest))

    is greatest, as many as ``GROWTH`` times those moved before, at least one; of equal ones, the first row by row. The
    regions up to the step with the greatest score are positive, those after it negative.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    """
    check_single(image, network)
    regions = Regions()
    empty, masks = np.zeros_like(image), regions.masks.reshape(-1, *image.shape)
    # With which region, counted from 1, each pixel was moved; 0 for one that is not.
    turn, count = np.zeros(image.shape, np.intp), 0
    scores: dict[int, float] = {}
    while True:
        moved = turn > 0
        parts = np.stack([np.where(moved, image, 0), np.where(moved, 0, image)])
        whole, tried = hidden_logits(network, parts[:, None], np.stack([image, empty])[:, None], regions)
        scores[count] = float(_score(whole, target))
        left = np.flatnonzero(regions.changed(parts[:1] != image)[0])
        if not len(left):
            break
        best = np.argsort(-_score(tried[:, left], target), kind="stable")
        for region in left[best[: max(1, int(GROWTH * count))]]:
            count += 1
            turn[masks[region] & (image != 0)] = count
    split = max(scores, key=lambda number: scores[number])
    heatmap = np.where(turn <= split, (split + 1 - turn) / max(split, 1), (split - turn) / max(count - split, 1))
    return np.where(turn > 0, heatmap, 0.0)


def _score(logits: Array, target: int) -> Array:
    """(2, ..., C) of moved regions and rests → (...)."""
    others = np.delete(logits, target, axis=-1)
    greatest = others.max(-1)
    # log p / (1 − p), from which both logarithms follow without rounding a small one to nothing.
    odds = logits[..., target] - greatest - np.log(np.exp(others - greatest[..., None]).sum(-1))
    score: Array = -np.logaddexp(0, -odds[0]) - np.logaddexp(0, odds[1])
    return score
