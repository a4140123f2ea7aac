"""Our own explanations as heatmaps, what the curves can reach, and two plain orders."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.occlusion import Score, hidden_logits, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, IntArray, Network
from konkyo.models.result import check_single

# What an explanation is: ours, another's, an order made to optimise the curves, or one that looks at no network.
OURS, BASELINE, OPTIMISED, PLAIN = "ours", "baseline", "optimised", "plain"


@dataclass(frozen=True)
class Task:
    """Images to explain.

    Attributes
    ----------
    network
        In float64.
    images
        (N, …) in [0, 1], of the network's shape.
    target
        (N,): the class that is predicted for each.
    seed
        Of what is drawn at random; other images have another one.
    """

    network: Network
    images: Array
    target: IntArray
    seed: int

    @property
    def side(self) -> int:
        """Of the images."""
        return self.network.architecture.side


@dataclass(frozen=True)
class Explanation:
    """A way to say which pixels matter: ``heatmap`` makes (N, side, side) of a task."""

    name: str
    kind: str
    heatmap: Callable[[Task], Array]


def hiding(task: Task, region: int = 2, stride: int | None = None, score: Score = Score.LOGIT) -> Array:
    """Occlusion as the service draws it: the mean drop of the regions that cover a pixel."""
    regions = Regions(region, stride, task.side)
    return occlude(task.network, task.images, task.target, Hiding(regions), score).heatmap()


def shapley(task: Task, region: int) -> Array:
    """The exact Shapley values of regions that do not overlap; the pixels of a region share its value."""
    pairs = zip(task.images, task.target.tolist(), strict=True)
    values = [shapley_values(task.network, image, region).of(target).values for image, target in pairs]
    return Regions(region, side=task.side).spread(np.array(values))


def greedy(task: Task) -> Array:
    """Region after region, the one after which the curves are best: an order made for the curves."""
    pairs = zip(task.images, task.target.tolist(), strict=True)
    return np.array([greedy_heatmap(task.network, image, target) for image, target in pairs])


def brightness(task: Task) -> Array:
    """The image itself, in colour the sum over its channels: looks at no network."""
    return ink(task.images, task.network)


def at_random(task: Task) -> Array:
    """An order drawn at random: looks at nothing."""
    return np.random.default_rng(task.seed).random((len(task.images), task.side, task.side))


def ink(images: Array, network: Network) -> Array:
    """(N, side, side): how much of anything there is in each pixel of images (N, …)."""
    found: Array = images if network.architecture.channels == 1 else images.sum(-3)
    return found


DEFAULT = "occlusion 2"
GREEDY = "greedy order"
# The side of larger regions for Shapley values, where those that the service takes are smaller.
LARGER = 7


def shapley_of(architecture: Architecture) -> str:
    """The explanation by Shapley values of regions as the service takes them: ``Shapley 4`` for the paper's network."""
    return f"Shapley {usual_side(architecture)}"


def sane(architecture: Architecture) -> tuple[str, ...]:
    """Those that are checked with random weights."""
    return DEFAULT, shapley_of(architecture), "input × gradient"


def ours(architecture: Architecture) -> list[Explanation]:
    """All that are here, for a network."""
    usual = usual_side(architecture)
    sides = [usual, LARGER] if usual < LARGER else [usual]
    return [
        Explanation(DEFAULT, OURS, hiding),
        Explanation("occlusion 4", OURS, partial(hiding, region=4)),
        Explanation("occlusion 4, stride 1", OURS, partial(hiding, region=4, stride=1)),
        Explanation("occlusion 2, probability", OURS, partial(hiding, score=Score.PROBABILITY)),
        *(Explanation(f"Shapley {side}", OURS, partial(shapley, region=side)) for side in sides),
        Explanation(GREEDY, OPTIMISED, greedy),
        Explanation("brightness", PLAIN, brightness),
        Explanation("random", PLAIN, at_random),
    ]


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
