"""The grounds of an answer: little ink that is read so by itself, and without which the picture no longer is.

Hiding each region by itself (section 4) misses what two regions say together, or each instead of the other. Here the
regions are moved, one after another, from the picture to an empty sheet, and both are read: the sheet ever more as the
target, the rest of the picture ever less. Deletion and insertion curves (Petsiuk et al., 2018) are what this order is
made for; both kinds of evidence come from Fong and Vedaldi (2017): ink that suffices, and ink that is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.checks import check_class, check_single
from models.network import Array, IntArray, Network, softmax
from models.occluders import occluder
from models.regions import Regions

# Regions that are moved in a round, as a share of those moved before: the first ones, which matter most, one by one.
GROWTH = 0.5


@dataclass(frozen=True)
class Proof:
    """That the grounds are grounds.

    Attributes
    ----------
    regions
        How many are moved: the first of the order.
    kept
        (28, 28): their pixels.
    alone, without
        (10,): the probabilities of the ten digits in these pixels alone, and in the picture without them. The target
        is the most probable one alone, and is not without them.
    """

    regions: int
    kept: NDArray[np.bool_]
    alone: Array
    without: Array


@dataclass(frozen=True)
class Grounds:
    """The order in which regions speak for the target, and how many of them are enough.

    Attributes
    ----------
    target, predicted
        The class that is explained, and the one that is read in the whole picture.
    order
        (n,): the regions that hold anything, by their number row by row, in the order in which they were moved.
    turn
        (28, 28): with which of them, from 1, a pixel was moved; 0 for one that has the fill value.
    evidence
        How many of the first speak for the target. After them the rule's value is greatest.
    proof
        The shortest beginning of the order that is enough, as far as looked for; None if there is none.
    """

    target: int
    predicted: int
    order: IntArray
    turn: IntArray
    evidence: int
    proof: Proof | None

    def heatmap(self) -> Array:
        """(28, 28): 1 for what was moved first, falling to 0 at the end of the evidence and on to −1 for the last.

        A pixel that has the fill value is 0. Equal distances in the order are equal distances here, on either side.
        """
        after = len(self.order) - self.evidence
        value = np.where(
            self.turn <= self.evidence,
            (self.evidence + 1 - self.turn) / max(self.evidence, 1),
            (self.evidence - self.turn) / max(after, 1),
        )
        return np.where(self.turn > 0, value, 0.0)


def find_grounds(
    network: Network,
    image: Array,
    target: int | None = None,
    regions: Regions = Regions(),
    fill: float = 0.0,
    growth: float = GROWTH,
) -> Grounds:
    """Move regions from the picture to an empty sheet.

    The rule: in each round every region that is left is tried, and those are moved after which

        log P(target | sheet) + log(1 − P(target | rest))

    is greatest, as many as ``growth`` times those moved before, at least one; of equal ones, the first row by row. What
    overlapping regions share goes with the first. The proof is looked for at the end of each round, and in the round
    after which it first holds, at each region. The rule is greedy: it finds little ink, not always the least.

    Parameters
    ----------
    network
        Its precision decides close cases.
    image
        (28, 28) in [0, 1].
    target
        The class to explain; None is the one that is read.
    regions
        What is moved together.
    fill
        The grey of the empty sheet, and of what is left behind, 0…1.
    growth
        0 moves one region a round, which takes the longest and finds the best order.

    Raises
    ------
    ImageError
        Not one 28×28 picture, or not finite.
    ParameterError
        A target or fill out of range.
    """
    check_single(image)
    if target is not None:
        check_class("target", target, len(network.classes))
    picture = network.flatten(image)[0].reshape(np.shape(image))
    predicted = int(network.logits(picture).argmax())
    explained = predicted if target is None else target
    blank = np.full_like(picture, fill)
    hiding, masks = occluder(network, regions), regions.masks.reshape(-1, *picture.shape)

    turn = np.zeros(picture.shape, np.intp)
    order: list[int] = []
    values: dict[int, float] = {}
    proof = None
    while True:
        whole, tried, changed = hiding.logits(_parted(picture, blank, turn > 0), np.stack([picture, blank]))
        before = max(values, default=-1)
        values[len(order)] = float(_value(whole, explained))
        if proof is None and _proves(whole, explained):
            proof = _first_proof(network, picture, blank, turn, range(before + 1, len(order) + 1), explained)
        left = np.flatnonzero(changed[0])
        if not len(left):
            break
        best = np.argsort(-_value(tried[:, left], explained), kind="stable")
        for region in left[best[: max(1, int(growth * len(order)))]].tolist():
            fresh = masks[region] & (turn == 0) & (picture != blank)
            if fresh.any():
                order.append(region)
                turn[fresh] = len(order)
    return Grounds(explained, predicted, np.array(order, np.intp), turn, max(values, key=lambda n: values[n]), proof)


def _parted(picture: Array, blank: Array, moved: NDArray[np.bool_]) -> Array:
    """(2, ..., 28, 28): the sheet, and the rest of the picture."""
    return np.stack([np.where(moved, picture, blank), np.where(moved, blank, picture)])


def _value(logits: Array, target: int) -> Array:
    """What is to be greatest: (2, ..., C) of sheets and rests → (...)."""
    others = np.delete(logits, target, axis=-1)
    greatest = others.max(-1)
    # log p / (1 − p), from which both logarithms follow without rounding a small one to nothing.
    odds = logits[..., target] - greatest - np.log(np.exp(others - greatest[..., None]).sum(-1))
    value: Array = -np.logaddexp(0, -odds[0]) - np.logaddexp(0, odds[1])
    return value


def _proves(logits: Array, target: int) -> NDArray[np.bool_]:
    """Whether sheets are read as the target and rests are not: (2, ..., C) → (...)."""
    sheet, rest = logits.argmax(-1) == target
    proves: NDArray[np.bool_] = sheet & ~rest
    return proves


def _first_proof(network: Network, picture: Array, blank: Array, turn: IntArray, counts: range, target: int) -> Proof:
    """The proof with the fewest regions among ``counts``, of which the last one gives a proof."""
    moved = (turn > 0) & (turn <= np.array(counts)[:, None, None])
    logits = network.logits(_parted(picture, blank, moved))
    place = int(_proves(logits, target).argmax())
    alone, without = softmax(logits[:, place])
    return Proof(counts[place], moved[place], alone, without)
