"""Captum, the reference for attributions in PyTorch, against the exact ledger and occlusion."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("captum")

from captum.attr import LayerGradientXActivation  # noqa: E402
from captum.attr import Occlusion as CaptumOcclusion  # noqa: E402

from konkyo.models.architecture import Architecture, Wiring  # noqa: E402
from konkyo.models.contributions import contributions  # noqa: E402
from konkyo.models.hiding.occlusion import occlude  # noqa: E402
from konkyo.models.hiding.regions import Hiding, Regions  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from tests.helpers.oracles import ARCHITECTURES, PAIRED, SUMMED, linear_piece, random_network, title  # noqa: E402
from tests.helpers.torch_oracle import LayeredNetwork  # noqa: E402


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_a_conv1_filters_pairs_add_up_to_captums_gradient_times_activation(
    architecture: Architecture, digits: Digits
) -> None:
    network = random_network(architecture, 41)
    layered = LayeredNetwork(network)
    captum = LayerGradientXActivation(layered, layered.pool1)
    for number in (0, 61):
        image = digits[number : number + 1].scaled(np.float64)[0]
        ledger, piece = contributions(network, image), linear_piece(network, image)
        images = torch.from_numpy(image)[None, None].requires_grad_()
        for target in range(architecture.classes):
            attributed = captum.attribute(images, target=target).detach().numpy()[0].sum((1, 2))
            for i in range(architecture.stages[0].filters):
                pairs = ledger.contributions[target, i]
                own_bias = [
                    piece.bias(i, j)[target] if architecture.stages[-1].wiring is Wiring.PAIRED else 0.0
                    for j in range(len(pairs))
                ]
                assert pairs.sum() - sum(own_bias) == pytest.approx(attributed[i], abs=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_the_maps_are_captums_gradient_times_activation_at_pool2(architecture: Architecture, digits: Digits) -> None:
    network = random_network(architecture, 42)
    layered = LayeredNetwork(network)
    captum = LayerGradientXActivation(layered, layered.pool2)
    image = digits.scaled(np.float64)[17]
    ledger = contributions(network, image)
    images = torch.from_numpy(image)[None, None].requires_grad_()
    for target in range(architecture.classes):
        attributed = captum.attribute(images, target=target).detach().numpy()
        if architecture.stages[-1].wiring is Wiring.PAIRED:  # a map of its own for each pair, bias and all
            np.testing.assert_allclose(ledger.maps[target], attributed, rtol=0, atol=1e-12)
        else:  # a map for each conv2 filter, shared by its pairs and its bias
            shared = ledger.contributions[target].sum(0) + ledger.filter_bias[target]
            np.testing.assert_allclose(shared, attributed[0].sum((1, 2)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("fill", [0.0, 0.6])
@pytest.mark.parametrize(("region", "stride"), [(2, 2), (3, 3), (5, 5), (14, 14), (3, 2), (7, 4), (10, 1)])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_drops_and_heatmap_are_captums_occlusion(
    architecture: Architecture, region: int, stride: int, fill: float, digits: Digits
) -> None:
    network, image = random_network(architecture, 43), digits.scaled(np.float64)[2]
    result = occlude(network, image, target=1, hiding=Hiding(Regions(region, stride), fill))
    attributed = (
        CaptumOcclusion(LayeredNetwork(network))
        .attribute(
            torch.from_numpy(image)[None, None],
            sliding_window_shapes=(1, region, region),
            strides=(1, stride, stride),
            baselines=fill,
            target=1,
            perturbations_per_eval=64,
        )
        .numpy()[0, 0]
    )
    # Captum works in float64 here, then rounds to float32 and divides by the number of regions: two roundings of 2⁻²⁴.
    np.testing.assert_allclose(result.heatmap(), attributed, rtol=2**-23, atol=1e-12)
    if stride == region:
        np.testing.assert_allclose(result.drop, attributed[::region, ::region], rtol=2**-23, atol=1e-12)
