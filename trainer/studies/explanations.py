"""Our own explanations as heatmaps, from the service's default to what could take its place, and two plain orders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from models.hiding import Hiding
from models.network import Array, IntArray, Network
from models.occlusion import Score, occlude
from models.pixels import pixel_ledger
from models.regions import Regions
from models.shapley import shapley_values
from trainer.studies.cumulative import Rule, cumulative
from trainer.studies.greedy import GROWTH, find_grounds
from trainer.studies.stamps import Stamps

OURS, RIVAL, PLAIN = "ours", "rival", "plain"


@dataclass(frozen=True)
class Task:
    """Pictures to explain.

    Attributes
    ----------
    network
        In float64.
    images
        (N, 28, 28) in [0, 1].
    target
        (N,): the digit that is read in each.
    stamps
        N of them, for what reads many pictures.
    seed
        Of what is drawn at random; other pictures have another one.
    """

    network: Network
    images: Array
    target: IntArray
    stamps: Sequence[Stamps]
    seed: int


@dataclass(frozen=True)
class Explanation:
    """A way to say which pixels matter: ``heatmap`` makes (N, 28, 28) of a task."""

    name: str
    kind: str
    heatmap: Callable[[Task], Array]


def hiding(task: Task, regions: Regions, score: Score = Score.LOGIT) -> Array:
    """Independent occlusion as the service draws it: the mean drop of the regions that cover a pixel."""
    return occlude(task.network, task.images, task.target, Hiding(regions), score).heatmap()


def pooled(task: Task, sizes: Sequence[int]) -> Array:
    """Independent occlusion in several sizes at stride 1: the sum of their heatmaps, each drop divided by its area."""
    parts = [hiding(task, Regions(size, 1)) / size**2 for size in sizes]
    summed: Array = np.sum(parts, axis=0)
    return summed


def by_ink(task: Task, sizes: Sequence[int]) -> Array:
    """As ``pooled``, but a drop is shared by the pixels of its region in proportion to the ink that each loses."""
    summed = np.zeros_like(task.images)
    for regions in (Regions(size, 1) for size in sizes):
        drop = occlude(task.network, task.images, task.target, Hiding(regions)).drop
        covers = regions.covers.astype(task.images.dtype)
        ink = covers @ task.images @ covers.T
        summed += task.images * regions.spread(np.divide(drop, ink, out=np.zeros_like(drop), where=ink > 0))
    return summed


def moved(task: Task, regions: Regions, growth: float = GROWTH) -> Array:
    """The grounds, as the service draws them: the order in which regions are moved to an empty sheet."""
    pairs = zip(task.images, task.target.tolist(), strict=True)
    return np.array(
        [find_grounds(task.network, image, target, regions, growth=growth).heatmap() for image, target in pairs]
    )


def shapley(task: Task, regions: Regions) -> Array:
    """The exact Shapley values of regions that do not overlap; the pixels of a region share its value."""
    pairs = zip(task.images, task.target.tolist(), strict=True)
    values = [shapley_values(task.network, image, regions.region).of(target).values for image, target in pairs]
    return regions.spread(np.array(values))


def one_by_one(task: Task, regions: Regions, rule: Rule) -> Array:
    """Cumulative occlusion: the ranks of the regions."""
    pairs = zip(task.stamps, task.target.tolist(), strict=True)
    return regions.spread(np.array([cumulative(stamps, regions, rule, target) for stamps, target in pairs]))


def ledger(task: Task) -> Array:
    """What each pixel adds to the logit in the active linear piece."""
    return pixel_ledger(task.network, task.images, task.target).heatmap()


def brightness(task: Task) -> Array:
    """The picture itself: looks at no network."""
    return task.images


def at_random(task: Task, number: int) -> Array:
    """An order drawn at random: looks at nothing."""
    return np.random.default_rng((task.seed, number)).random(task.images.shape)


DEFAULT = "grounds 2"
DROPS = "occlusion 2"
LEDGER = "ledger, pixel by pixel"
BY_INK = "occlusion 1 and 4 by ink"
# Those that are checked with random weights.
SANE = (DEFAULT, DROPS, BY_INK, LEDGER)
RANDOM_ORDERS = 3


def _occlusions() -> dict[str, Callable[[Task], Array]]:
    found: dict[str, Callable[[Task], Array]] = {DEFAULT: partial(moved, regions=Regions())}
    for size in (1, 3, 4):
        found[f"grounds {size}"] = partial(moved, regions=Regions(size))
    found["grounds 4, stride 1"] = partial(moved, regions=Regions(4, 1))
    found["grounds 2, one a round"] = partial(moved, regions=Regions(), growth=0)
    found[DROPS] = partial(hiding, regions=Regions())
    for size in (1, 3, 4, 6):
        found[f"occlusion {size}"] = partial(hiding, regions=Regions(size))
    for size in (2, 3, 4, 6):
        found[f"occlusion {size}, stride 1"] = partial(hiding, regions=Regions(size, 1))
    found["Shapley 4"] = partial(shapley, regions=Regions(4))
    found["occlusion 2, probability"] = partial(hiding, regions=Regions(), score=Score.PROBABILITY)
    found["occlusion 1 to 4 by area"] = partial(pooled, sizes=(1, 2, 3, 4))
    found[BY_INK] = partial(by_ink, sizes=(1, 4))
    for size, rule, words in (
        (2, Rule.LEAST, "least first"),
        (4, Rule.LEAST, "least first"),
        (2, Rule.MOST, "most first"),
    ):
        found[f"cumulative {size}, {words}"] = partial(one_by_one, regions=Regions(size), rule=rule)
    return found


EXPLANATIONS = [
    *(Explanation(name, OURS, heatmap) for name, heatmap in _occlusions().items()),
    Explanation(LEDGER, OURS, ledger),
    Explanation("brightness", PLAIN, brightness),
    *(Explanation(f"random {n}", PLAIN, partial(at_random, number=n)) for n in range(1, RANDOM_ORDERS + 1)),
]
