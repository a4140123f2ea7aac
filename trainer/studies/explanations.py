"""Our own explanations as heatmaps, what the curves can reach, and two plain orders."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from konkyo.models.hiding.occlusion import Score, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.studies.greedy import greedy_heatmap

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
SHAPLEY = "Shapley 4"
GREEDY = "greedy order"
# Those that are checked with random weights.
SANE = (DEFAULT, SHAPLEY, "input × gradient")

EXPLANATIONS = [
    Explanation(DEFAULT, OURS, hiding),
    Explanation("occlusion 4", OURS, partial(hiding, region=4)),
    Explanation("occlusion 4, stride 1", OURS, partial(hiding, region=4, stride=1)),
    Explanation("occlusion 2, probability", OURS, partial(hiding, score=Score.PROBABILITY)),
    Explanation(SHAPLEY, OURS, partial(shapley, region=4)),
    Explanation("Shapley 7", OURS, partial(shapley, region=7)),
    Explanation(GREEDY, OPTIMISED, greedy),
    Explanation("brightness", PLAIN, brightness),
    Explanation("random", PLAIN, at_random),
]
