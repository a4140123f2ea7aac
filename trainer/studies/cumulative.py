"""Occlusion that goes on: regions are hidden one after another, each on what the ones before it have left.

Independent occlusion asks of each region alone what the whole image loses with it. It misses what two regions say
together, or each instead of the other. Here, in each step every region that is left is tried, and the best is taken:

- ``LEAST``: hidden is the region after which the digit still leads the runner-up by most (``models.sufficient``,
  carried on to the empty image). What is hidden last matters most.
- ``MOST``: hidden is the one after which the digit is least probable. What is hidden first matters most.

The answer is a rank: the steps from the point where the rule's value is best, positive for what belongs to the digit's
evidence, negative for what is better hidden, 0 for a region without ink. The rule is greedy; nothing is drawn at
random, and equal regions are taken row by row.
"""

from enum import StrEnum

import numpy as np

from models.network import Array
from models.regions import Regions
from trainer.studies.stamps import Stamps


class Rule(StrEnum):
    """Which region is taken next."""

    LEAST = "least"
    MOST = "most"


def cumulative(stamps: Stamps, regions: Regions, rule: Rule, target: int) -> Array:
    """(R, R): the rank of each region of one image, for the digit ``target``; the fill is 0.

    Raises
    ------
    ValueError
        Regions that overlap.
    """
    if regions.step != regions.region:
        raise ValueError("regions that overlap cannot be taken one after another")
    masks = regions.masks.reshape(-1, regions.covers.shape[1] ** 2)
    owner = masks[:, stamps.places].argmax(0)
    holding = np.unique(owner)
    sums = np.array([stamps.stamps[owner == region].sum(0) for region in holding])
    rest = stamps.stamps.sum(0)
    left, taken = list(range(len(holding))), []
    values = [_value(rule, stamps.logits(rest[None]), target)[0]]
    while left:
        tried = rest - sums[left]
        value = _value(rule, stamps.logits(tried), target)
        best = int(value.argmax())
        values.append(value[best])
        rest = tried[best]
        taken.append(holding[left.pop(best)])
    order = taken[::-1] if rule is Rule.LEAST else taken
    # With LEAST the steps count how much is hidden, so the evidence is what is hidden after the best point.
    best_step = int(np.argmax(values))
    evidence = len(taken) - best_step if rule is Rule.LEAST else best_step
    ranks = np.zeros(len(masks))
    ranks[order] = [evidence - place if place < evidence else evidence - place - 1 for place in range(len(order))]
    return ranks.reshape(regions.grid)


def _value(rule: Rule, logits: Array, target: int) -> Array:
    """What is to be made greatest, for each of the images that could be next: (n, 10) → (n,)."""
    others = np.delete(logits, target, axis=1)
    value: Array = logits[:, target] - (others.max(1) if rule is Rule.LEAST else np.logaddexp.reduce(others, axis=1))
    return value if rule is Rule.LEAST else -value
