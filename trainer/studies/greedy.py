"""A greedy order of regions, made for the deletion and insertion curves: what optimising these can reach.

Regions are moved, one after another, from the image to an empty image. After each step both are predicted: the first
should be predicted ever less as the target, the second ever more (Petsiuk et al. 2018).
"""

import numpy as np
from numpy.typing import NDArray

from konkyo.models.hiding.occlusion import hidden_logits
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, Network
from konkyo.models.result import check_single

# Regions that are moved in a step, as a share of those moved before: the first ones, which matter most, one by one.
GROWTH = 0.5


def greedy_heatmap(network: Network, image: Array, target: int) -> Array:
    """The order of the 2×2 regions as a heatmap (side, side): from 1 for the first to −1 for the last, 0 without ink.

    In each step every region that is left is tried, and those are moved after which

        log P(target | moved) + log(1 − P(target | rest))

    is greatest, as many as ``GROWTH`` times those moved before, at least one; of equal ones, the first row by row. The
    regions up to the step with the greatest score are positive, those after it negative.

    Raises
    ------
    ImageError
        Not one image of the network's shape, or not finite.
    """
    check_single(image, network)
    regions = Regions(side=network.architecture.side)
    empty, masks = np.zeros_like(image), regions.masks.reshape(-1, regions.side, regions.side)
    # With which region, counted from 1, each pixel was moved; 0 for one that is not.
    turn, count = np.zeros(image.shape[-2:], np.intp), 0
    scores: dict[int, float] = {}
    while True:
        moved = turn > 0
        parts = np.stack([np.where(moved, image, 0), np.where(moved, 0, image)])
        shown, fills = (each.reshape(2, -1, *image.shape[-2:]) for each in (parts, np.stack([image, empty])))
        whole, tried = hidden_logits(network, shown, fills, regions)
        scores[count] = float(_score(whole, target))
        left = np.flatnonzero(regions.changed(_differ(parts[0], image)[None])[0])
        if not len(left):
            break
        best = np.argsort(-_score(tried[:, left], target), kind="stable")
        for region in left[best[: max(1, int(GROWTH * count))]]:
            count += 1
            turn[masks[region] & _differ(image, empty)] = count
    split = max(scores, key=lambda number: scores[number])
    heatmap = np.where(turn <= split, (split + 1 - turn) / max(split, 1), (split - turn) / max(count - split, 1))
    return np.where(turn > 0, heatmap, 0.0)


def _differ(one: Array, other: Array) -> NDArray[np.bool_]:
    """(side, side): the pixels in which two images differ in some channel."""
    differs: NDArray[np.bool_] = (one != other).reshape(-1, *one.shape[-2:]).any(0)
    return differs


def _score(logits: Array, target: int) -> Array:
    """(2, ..., C) of moved regions and rests → (...)."""
    others = np.delete(logits, target, axis=-1)
    greatest = others.max(-1)
    # log p / (1 − p), from which both logarithms follow without rounding a small one to nothing.
    odds = logits[..., target] - greatest - np.log(np.exp(others - greatest[..., None]).sum(-1))
    score: Array = -np.logaddexp(0, -odds[0]) - np.logaddexp(0, odds[1])
    return score
