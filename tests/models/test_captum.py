"""Captum, the reference for attributions in PyTorch, beside occlusion and Shapley values."""

import numpy as np
import pytest
import torch
from captum.attr import Occlusion as CaptumOcclusion
from captum.attr import ShapleyValues as CaptumShapleyValues

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Network
from tests.helpers.any_network import random_images, random_weights, torch_layers
from tests.helpers.oracles import F64, PAIRED

NETWORKS = [PAIRED, Architecture((Stage(4, 3, 1), Stage(3, 3, pool=None)), 20, 3, (6,), 4)]


def asked(network: Network, method: type, image: F64, target: int, **options: object) -> F64:
    """(side, side): what Captum attributes to the pixels of the first channel."""
    captum = method(lambda images: torch_layers(network, images)[-1])
    found = captum.attribute(torch.from_numpy(image)[None], target=target, perturbations_per_eval=64, **options)
    attributed: F64 = found.numpy()[0, 0]
    return attributed


@pytest.mark.parametrize(("region", "stride", "fill"), [(2, 2, 0.6), (7, 4, 0.0)])
@pytest.mark.parametrize("architecture", NETWORKS, ids=["paired", "colour"])
def test_occlusion(architecture: Architecture, region: int, stride: int, fill: float) -> None:
    network, image = random_weights(architecture, 43), random_images(architecture, 1, 2)[0]
    hiding = Hiding(Regions(region, stride, architecture.side), fill)
    result = occlude(network, image[0] if architecture.channels == 1 else image, 1, hiding)
    channels = architecture.channels
    windows = {"sliding_window_shapes": (channels, region, region), "strides": (channels, stride, stride)}
    attributed = asked(network, CaptumOcclusion, image, 1, baselines=fill, **windows)
    # Captum works in float64 here, then rounds to float32 and divides by the number of regions: two roundings of 2⁻²⁴.
    np.testing.assert_allclose(result.heatmap(), attributed, rtol=2**-23, atol=1e-12)
    if stride == region:
        np.testing.assert_allclose(result.drop, attributed[::region, ::region], rtol=2**-23, atol=1e-12)


@pytest.mark.parametrize("architecture", NETWORKS, ids=["paired", "colour"])
def test_shapley_values_by_every_order(architecture: Architecture) -> None:
    network, region, fill = random_weights(architecture, 21), architecture.side // 2, 0.6
    image = random_images(architecture, 1, 2)[0]
    result = shapley_values(network, image[0] if architecture.channels == 1 else image, region, fill)
    numbers = np.arange(4).reshape(2, 2).repeat(region, 0).repeat(region, 1)
    mask = torch.from_numpy(np.broadcast_to(numbers, image.shape).copy())[None]
    for target in (0, 3):
        attributed = asked(network, CaptumShapleyValues, image, target, baselines=fill, feature_mask=mask)
        # Captum adds up in float32, whatever the network's precision.
        np.testing.assert_allclose(result.values[target], attributed[::region, ::region], rtol=1e-6, atol=1e-6)
