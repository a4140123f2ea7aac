"""Captum's explanations: that they are asked as they should be, against the linear piece and by their own axioms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("captum")

from konkyo.models.architecture import Architecture, parse_stages  # noqa: E402
from konkyo.models.network import Array, Network  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from konkyo.trainer.studies.captum_methods import CAPTUM_METHODS, Layers  # noqa: E402
from konkyo.trainer.studies.explanations import EXPLANATIONS, Task  # noqa: E402
from tests.helpers.any_network import (  # noqa: E402
    any_architectures,
    gradient,
    random_images,
    random_weights,
    torch_logits,
)
from tests.helpers.oracles import PAIRED, SUMMED, random_network, title  # noqa: E402


def task_of(network: Network, digits: Digits, seed: int = 0) -> Task:
    images = digits.scaled(np.float64)[[2, 7]]
    return Task(network, images, network.logits(images).argmax(-1), seed)


def heatmap(name: str, task: Task) -> Array:
    [found] = [one.heatmap for one in (*CAPTUM_METHODS, *EXPLANATIONS) if one.name == name]
    return found(task)


@given(any_architectures(), st.integers(0, 2**32))
def test_the_layers_read_as_the_network_does(architecture: Architecture, seed: int) -> None:
    network = random_weights(architecture, seed)
    images = random_images(architecture, 3, seed)
    read = Layers(network)(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(read, torch_logits(network, images), rtol=0, atol=1e-11)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_gradients_are_those_of_the_logit(architecture: Architecture, digits: Digits) -> None:
    task = task_of(random_network(architecture, 95), digits)

    def slope(images: Array) -> Array:
        return gradient(task.network, images[:, None].astype(np.float64), task.target)[:, 0]

    np.testing.assert_allclose(heatmap("input × gradient", task), task.images * slope(task.images), rtol=0, atol=1e-12)
    np.testing.assert_allclose(heatmap("saliency", task), np.abs(slope(task.images)), rtol=0, atol=1e-11)
    # At 50 points of the path, by Gauss and Legendre. Captum rounds them to float32.
    points, weights = np.polynomial.legendre.leggauss(50)
    path = sum(weight / 2 * slope(share * task.images) for share, weight in zip((points + 1) / 2, weights, strict=True))
    np.testing.assert_allclose(heatmap("integrated gradients", task), task.images * path, rtol=0, atol=1e-7)


def test_in_colour_a_pixel_has_the_sum_over_its_channels() -> None:
    architecture = Architecture(parse_stages("3k3p1,4k3nq"), 12, 3, (5,), 3)
    network, images = random_weights(architecture, 4), random_images(architecture, 2, 5)
    task = Task(network, images, network.logits(images).argmax(-1), 0)
    expected = (images * gradient(network, images, task.target)).sum(1)
    np.testing.assert_allclose(heatmap("input × gradient", task), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_deep_lift_adds_up_to_what_the_ink_changes(architecture: Architecture, digits: Digits) -> None:
    task = task_of(random_network(architecture, 96), digits)
    entry = np.arange(2), task.target
    gained = task.network.logits(task.images)[entry] - task.network.logits(np.zeros((2, 28, 28)))[entry]
    np.testing.assert_allclose(heatmap("DeepLIFT", task).sum((1, 2)), gained, rtol=0, atol=1e-10)


def test_grad_cam_lies_where_its_cells_look(digits: Digits) -> None:
    task = task_of(random_network(PAIRED, 97), digits)
    trace = task.network.trace(task.images)
    # The gradient of each map's mean: what its open gates hand on, over its 100 cells.
    affine = task.network.weights["affine.weight"].reshape(10, 9, 25)[task.target]
    weight = (affine * (trace.layers[-1].reshape(2, 9, 25) > 0)).sum(-1) / 100
    cells = np.maximum((weight[..., None, None] * trace.convolutions[-1]).sum(1), 0)
    assert cells.any()
    # Cell c looks at pixels 2c … 2c + 9: its middle is 2c + 4.5.
    middles, pixels = 2 * np.arange(10) + 4.5, np.arange(28)
    expected = [
        np.array(
            [np.interp(pixels, middles, row) for row in np.array([np.interp(pixels, middles, c) for c in cell.T]).T]
        )
        for cell in cells
    ]
    found = heatmap("Grad-CAM", task)
    inside = slice(4, 24)
    np.testing.assert_allclose(found[:, inside, inside], np.array(expected)[:, inside, inside], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found[:, :4], np.repeat(found[:, 4:5], 4, axis=1))


def test_gradient_shap_is_drawn_from_the_seed(digits: Digits) -> None:
    network = random_network(SUMMED, 98)
    found = heatmap("gradient SHAP", task_of(network, digits, 1))
    np.testing.assert_array_equal(heatmap("gradient SHAP", task_of(network, digits, 1)), found)
    assert (heatmap("gradient SHAP", task_of(network, digits, 2)) != found).any()
    assert not found[task_of(network, digits).images == 0].any()
