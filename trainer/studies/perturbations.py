"""Explanations that others make by changing the image: Captum's on 4×4 regions, and RISE."""

from functools import partial

import numpy as np

from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, softmax
from konkyo.trainer.studies.baselines import BASELINES
from konkyo.trainer.studies.explanations import BASELINE, Explanation, Task
from konkyo.trainer.studies.shapley import REGION, Baseline, Question

# Of the network, for each image: what these methods take by default is less.
EVALUATIONS = 1000
# Of RISE: cells of a mask, and the share of them that is shown.
CELLS, SHOWN = 7, 0.5


def by_regions(task: Task, baseline: Baseline) -> Array:
    """(N, side, side): the values of 4×4 regions, shared by their pixels."""
    regions, values = Regions(REGION, side=task.side), []
    for number, (image, target) in enumerate(zip(task.images, task.target.tolist(), strict=True)):
        players = Hiding(regions).changed(image).reshape(regions.grid)
        question = Question(task.network, image, target, players, task.seed + number)
        values.append(baseline.approximate(question, EVALUATIONS)[0])
    return regions.spread(np.array(values))


def rise(task: Task) -> Array:
    """Petsiuk et al. 2018, equation 6: the mean of random masks, each weighted by the probability that it leaves."""
    masks = _masks(np.random.default_rng(task.seed), task.side)
    heatmaps = []
    for image, target in zip(task.images, task.target.tolist(), strict=True):
        shown = masks.reshape(-1, *[1] * (image.ndim - 2), task.side, task.side) * image
        probability = softmax(task.network.logits(shown))[:, target]
        heatmaps.append(np.tensordot(probability, masks, 1) / (EVALUATIONS * SHOWN))
    return np.array(heatmaps)


def _masks(rng: np.random.Generator, width: int) -> Array:
    """(``EVALUATIONS``, width, width): random grids, enlarged bilinearly and moved by less than a cell."""
    side = -(-width // CELLS)
    grids = (rng.random((EVALUATIONS, CELLS + 1, CELLS + 1)) < SHOWN).astype(np.float64)
    # Where each pixel of an enlarged grid lies between two cells.
    place = np.minimum((np.arange((CELLS + 1) * side) + 0.5) / side - 0.5, CELLS).clip(0)
    cell = np.minimum(place.astype(int), CELLS - 1)
    weights = np.zeros((len(place), CELLS + 1))
    weights[np.arange(len(place)), cell] = 1 - (place - cell)
    weights[np.arange(len(place)), cell + 1] = place - cell
    large = weights @ grids @ weights.T
    moves = rng.integers(0, side, (EVALUATIONS, 2))
    masks: Array = np.array(
        [one[y : y + width, x : x + width] for one, (y, x) in zip(large, moves.tolist(), strict=True)]
    )
    return masks


_NAMES = ("ShapleyValueSampling", "KernelShap", "Lime")
PERTURBATIONS = [
    *(Explanation(one.name, BASELINE, partial(by_regions, baseline=one)) for one in BASELINES if one.name in _NAMES),
    Explanation("RISE", BASELINE, rise),
]
