"""Captum's approximations of Shapley values, on regions; needs PyTorch and Captum (``konkyo[dev]``).

Each explains the logit of one class and hides with 0. KernelShap and Lime fit a linear model with scikit-learn. *Told
the players* means that the regions without ink, of which hiding changes nothing, are no features: they are hidden
together with the first player. Captum evaluates as many images at once as is fast, and in float64.
"""

from collections.abc import Callable

import numpy as np
import torch
from captum.attr import FeatureAblation, GradientShap, KernelShap, Lime, ShapleyValueSampling
from torch import Tensor

from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array
from konkyo.trainer.studies.captum_methods import Layers, channelled
from konkyo.trainer.studies.metrics import sums_of_regions
from konkyo.trainer.studies.shapley import EVALUATIONS, REGION, Baseline, Question

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


def kernel_shap(network: Forward, image: Tensor, features: Tensor, evaluations: int) -> Tensor:
    """Lundberg & Lee 2017: a linear model of hidings drawn at random, weighted as Shapley values ask for."""
    found: Tensor = KernelShap(network).attribute(
        image, feature_mask=features, n_samples=evaluations, perturbations_per_eval=BATCH
    )
    return found


def lime(network: Forward, image: Tensor, features: Tensor, evaluations: int) -> Tensor:
    """Ribeiro et al. 2016, with Captum's settings: half of the regions hidden, cosine distance, the lasso."""
    found: Tensor = Lime(network).attribute(
        image, feature_mask=features, n_samples=evaluations, perturbations_per_eval=BATCH
    )
    return found


def ablation(network: Forward, image: Tensor, features: Tensor, _: int) -> Tensor:
    """Zeiler & Fergus 2014: each region hidden alone, which is the occlusion that the service answers."""
    found: Tensor = FeatureAblation(network).attribute(image, feature_mask=features, perturbations_per_eval=BATCH)
    return found


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
        starts = np.array(Regions(REGION, side=pixels.shape[-1]).starts)
        values = pixels[0][np.ix_(starts, starts)] if shared else sums_of_regions(pixels.sum(0), REGION)
        return np.where(question.players, values, 0) if told else values, spent

    return Baseline(name, converges, evaluations, approximate)


def _features(question: Question, told: bool) -> Tensor:
    """(1, 1, side, side): which feature each pixel belongs to."""
    players = question.players.ravel()
    numbers = np.where(players, np.cumsum(players) - 1, 0) if told else np.arange(players.size)
    grid = numbers.reshape(question.players.shape)
    side = question.network.architecture.side
    return torch.from_numpy(np.kron(grid, np.ones((REGION, REGION), grid.dtype))[:side, :side])[None, None]


# What scikit-learn fits: these begin the names.
FITTED = "KernelShap", "Lime"

BASELINES = [
    _baseline("ShapleyValueSampling", sampling, converges=True),
    _baseline("ShapleyValueSampling, told the players", sampling, converges=True, told=True),
    _baseline("KernelShap", kernel_shap, converges=True),
    _baseline("KernelShap, told the players", kernel_shap, converges=True, told=True),
    _baseline("Lime", lime),
    _baseline("gradient SHAP", gradient_shap, shared=False),
    _baseline("FeatureAblation (occlusion)", ablation, evaluations=EVALUATIONS[:1]),
]
