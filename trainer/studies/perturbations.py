"""Explanations that others make by changing the image: Captum's on 4×4 regions, and RISE."""

from functools import partial

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, softmax
from konkyo.trainer.studies.baselines import BASELINES
from konkyo.trainer.studies.explanations import BASELINE, Explanation, Task
from konkyo.trainer.studies.shapley import REGION, Baseline, Question

# Of the network, for each image: what these methods take by default is less.
EVALUATIONS = 1000
# Of RISE: cells of a mask, and the share of them that is shown.
CELLS, SHOWN = 7, 0.5


def by_regions(task: Task, baseline: Baseline) -> Array:
    """(N, 28, 28): the values of 4×4 regions, shared by their pixels."""
    values = []
    for number, (image, target) in enumerate(zip(task.images, task.target.tolist(), strict=True)):
        players = image.reshape(IMAGE_SIDE // REGION, REGION, -1, REGION).any((1, 3))
        question = Question(task.network, image, target, players, task.seed + number)
        values.append(baseline.approximate(question, EVALUATIONS)[0])
    return Regions(REGION).spread(np.array(values))


def rise(task: Task) -> Array:
    """Petsiuk et al. 2018, equation 6: the mean of random masks, each weighted by the probability that it leaves."""
    masks = _masks(np.random.default_rng(task.seed))
    heatmaps = []
    for image, target in zip(task.images, task.target.tolist(), strict=True):
        probability = softmax(task.network.logits(masks * image))[:, target]
        heatmaps.append(np.tensordot(probability, masks, 1) / (EVALUATIONS * SHOWN))
    return np.array(heatmaps)


def _masks(rng: np.random.Generator) -> Array:
    """(``EVALUATIONS``, 28, 28): random grids, enlarged bilinearly and moved by less than a cell."""
    side = IMAGE_SIDE // CELLS
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
        [one[y : y + IMAGE_SIDE, x : x + IMAGE_SIDE] for one, (y, x) in zip(large, moves.tolist(), strict=True)]
    )
    return masks


_NAMES = ("ShapleyValueSampling", "KernelShap", "Lime")
PERTURBATIONS = [
    *(Explanation(one.name, BASELINE, partial(by_regions, baseline=one)) for one in BASELINES if one.name in _NAMES),
    Explanation("RISE", BASELINE, rise),
]
