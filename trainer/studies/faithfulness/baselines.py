"""What others say of regions by hiding them; needs PyTorch and Captum (``konkyo[dev]``).

Captum's, which are used as approximations of Shapley values, and RISE. Each of Captum's explains the logit of one class
and hides with 0. KernelShap and Lime fit a linear model with scikit-learn. *Told the players* means that the regions
without ink, of which hiding changes nothing, are no features: they are hidden together with the first player. Captum
evaluates as many images at once as is fast, and in float64.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from captum.attr import FeatureAblation, GradientShap, KernelShap, Lime, ShapleyValueSampling
from torch import Tensor

from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, softmax
from konkyo.trainer.studies.faithfulness.captum import Layers, channelled
from konkyo.trainer.studies.faithfulness.explanations import BASELINE, Explanation, Task
from konkyo.trainer.studies.shapley import EVALUATIONS, Baseline, Question
from konkyo.trainer.studies.study import sums_of_regions

# Images evaluated at once.
BATCH = 196

Forward = Callable[[Tensor], Tensor]
# From the network, the image, each pixel's feature, and how many evaluations, to values: (1, channels, side, side),
# features (1, 1, side, side).
Attribute = Callable[[Forward, Tensor, Tensor, int], Tensor]


def sampling(network: Forward, image: Tensor, features: Tensor, evaluations: int) -> Tensor:
    """Castro et al. 2009: regions are shown in orders drawn at random, and each adds what it adds."""
    orders = max(1, evaluations // (int(features.max()) + 1))
    explainer = ShapleyValueSampling(network)
    found: Tensor = explainer.attribute(image, feature_mask=features, n_samples=orders, perturbations_per_eval=BATCH)
    return found


def _by(kind: Any, draws: bool = True) -> Attribute:
    """One of Captum's classes as it is; told how many hidings it draws, if it draws any."""

    def attributed(network: Forward, image: Tensor, features: Tensor, evaluations: int) -> Tensor:
        drawn = {"n_samples": evaluations} if draws else {}
        found: Tensor = kind(network).attribute(image, feature_mask=features, perturbations_per_eval=BATCH, **drawn)
        return found

    return attributed


def gradient_shap(network: Forward, image: Tensor, _: Tensor, evaluations: int) -> Tensor:
    """Lundberg & Lee 2017 as in Captum, without noise: gradients at random points of the path from the empty image."""
    found: Tensor = GradientShap(network).attribute(
        image.clone().requires_grad_(), baselines=torch.zeros_like(image), n_samples=evaluations, stdevs=0.0
    )
    return found.detach()


def _baseline(
    name: str,
    attribute: Attribute,
    *,
    converges: bool = False,
    told: bool = False,
    shared: bool = True,
    evaluations: tuple[int, ...] = EVALUATIONS,
) -> Baseline:
    """``shared``: every pixel of a region is given its feature's value; else a region's is the sum of its pixels'."""

    def approximate(question: Question, count: int) -> tuple[Array, int]:
        layers, spent = Layers(question.network), 0

        def forward(images: Tensor) -> Tensor:
            nonlocal spent
            spent += len(images)
            logits: Tensor = layers(images)[:, question.target]
            return logits

        # On one core, as the exact values are computed. Gradient SHAP draws with NumPy, all others with PyTorch.
        torch.set_num_threads(1)
        torch.manual_seed(question.seed)
        np.random.seed(question.seed)
        image = torch.from_numpy(channelled(question.image[None], question.network))
        pixels = attribute(forward, image, _features(question, told), count).numpy()[0]
        starts = np.array(Regions(question.region, side=pixels.shape[-1]).starts)
        values = pixels[0][np.ix_(starts, starts)] if shared else sums_of_regions(pixels.sum(0), question.region)
        return np.where(question.players, values, 0) if told else values, spent

    return Baseline(name, converges, evaluations, approximate)


def _features(question: Question, told: bool) -> Tensor:
    """(1, 1, side, side): which feature each pixel belongs to."""
    players = question.players.ravel()
    numbers = np.where(players, np.cumsum(players) - 1, 0) if told else np.arange(players.size)
    grid = numbers.reshape(question.players.shape)
    side = question.network.architecture.side
    spread = np.kron(grid, np.ones((question.region,) * 2, grid.dtype))[:side, :side]
    # Captum takes no view: regions at the edge may reach beyond the image.
    return torch.from_numpy(np.ascontiguousarray(spread))[None, None]


# What scikit-learn fits: these begin the names.
FITTED = "KernelShap", "Lime"

# Lundberg & Lee 2017: a linear model of hidings drawn at random, weighted as Shapley values ask for.
_KERNEL = _by(KernelShap)
BASELINES = [
    _baseline("ShapleyValueSampling", sampling, converges=True),
    _baseline("ShapleyValueSampling, told the players", sampling, converges=True, told=True),
    _baseline("KernelShap", _KERNEL, converges=True),
    _baseline("KernelShap, told the players", _KERNEL, converges=True, told=True),
    # Ribeiro et al. 2016, with Captum's settings: half of the regions hidden, cosine distance, the lasso.
    _baseline("Lime", _by(Lime)),
    _baseline("gradient SHAP", gradient_shap, shared=False),
    # Zeiler & Fergus 2014: each region hidden alone, which is the occlusion that the service answers.
    _baseline("FeatureAblation (occlusion)", _by(FeatureAblation, draws=False), evaluations=EVALUATIONS[:1]),
]

# Of the network, for each image of an explanation: what these methods take by default is less.
EXPLAINING = 1000
# Of RISE: cells of a mask, and the share of them that is shown.
CELLS, SHOWN = 7, 0.5


def by_regions(task: Task, baseline: Baseline) -> Array:
    """(N, side, side): the values of regions, as large as the service takes them, shared by their pixels."""
    region = usual_side(task.network.architecture)
    regions, values = Regions(region, side=task.side), []
    for number, (image, target) in enumerate(zip(task.images, task.target.tolist(), strict=True)):
        players = Hiding(regions).changed(image).reshape(regions.grid)
        question = Question(task.network, image, target, region, players, task.seed + number)
        values.append(baseline.approximate(question, EXPLAINING)[0])
    return regions.spread(np.array(values))


def rise(task: Task) -> Array:
    """Petsiuk et al. 2018, equation 6: the mean of random masks, each weighted by the probability that it leaves."""
    masks = _masks(np.random.default_rng(task.seed), task.side)
    heatmaps = []
    for image, target in zip(task.images, task.target.tolist(), strict=True):
        shown = masks.reshape(-1, *[1] * (image.ndim - 2), task.side, task.side) * image
        probability = softmax(task.network.logits(shown))[:, target]
        heatmaps.append(np.tensordot(probability, masks, 1) / (EXPLAINING * SHOWN))
    return np.array(heatmaps)


def _masks(rng: np.random.Generator, width: int) -> Array:
    """(``EXPLAINING``, width, width): random grids, enlarged bilinearly and moved by less than a cell."""
    side = -(-width // CELLS)
    grids = (rng.random((EXPLAINING, CELLS + 1, CELLS + 1)) < SHOWN).astype(np.float64)
    # Where each pixel of an enlarged grid lies between two cells.
    place = np.minimum((np.arange((CELLS + 1) * side) + 0.5) / side - 0.5, CELLS).clip(0)
    cell = np.minimum(place.astype(int), CELLS - 1)
    weights = np.zeros((len(place), CELLS + 1))
    weights[np.arange(len(place)), cell] = 1 - (place - cell)
    weights[np.arange(len(place)), cell + 1] = place - cell
    large = weights @ grids @ weights.T
    moves = rng.integers(0, side, (EXPLAINING, 2))
    masks: Array = np.array(
        [one[y : y + width, x : x + width] for one, (y, x) in zip(large, moves.tolist(), strict=True)]
    )
    return masks


_NAMES = ("ShapleyValueSampling", "KernelShap", "Lime")
PERTURBATIONS = [
    *(Explanation(one.name, BASELINE, partial(by_regions, baseline=one)) for one in BASELINES if one.name in _NAMES),
    Explanation("RISE", BASELINE, rise),
]
