"""Captum's explanations: that they are asked as they should be, against the linear piece and by their own axioms."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("captum")

from konkyo.models.architecture import Architecture  # noqa: E402
from konkyo.models.network import Array, Network  # noqa: E402
from konkyo.trainer.data import Digits  # noqa: E402
from konkyo.trainer.studies.captum_methods import CAPTUM_METHODS, Layers  # noqa: E402
from konkyo.trainer.studies.explanations import EXPLANATIONS, LEDGER, Task  # noqa: E402
from konkyo.trainer.studies.pixels import pixel_ledger  # noqa: E402
from tests.helpers.oracles import ARCHITECTURES, PAIRED, SUMMED, random_network, title  # noqa: E402


def task_of(network: Network, digits: Digits, seed: int = 0) -> Task:
    images = digits.scaled(np.float64)[[2, 7]]
    return Task(network, images, network.logits(images).argmax(-1), seed)


def heatmap(name: str, task: Task) -> Array:
    [found] = [one.heatmap for one in (*CAPTUM_METHODS, *EXPLANATIONS) if one.name == name]
    return found(task)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_the_layers_read_as_the_network_does(architecture: Architecture, digits: Digits) -> None:
    network, images = random_network(architecture, 94), digits.scaled(np.float64)[:4]
    read = Layers(network)(torch.from_numpy(images)[:, None]).detach().numpy()
    np.testing.assert_allclose(read, network.logits(images), rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_gradients_are_those_of_the_ledgers_pixels(architecture: Architecture, digits: Digits) -> None:
    task = task_of(random_network(architecture, 95), digits)
    ledger = heatmap(LEDGER, task)
    np.testing.assert_allclose(heatmap("input × gradient", task), ledger, rtol=0, atol=1e-12)
    ink = task.images > 0
    gradient = np.abs(ledger[ink] / task.images[ink])
    np.testing.assert_allclose(heatmap("saliency", task)[ink], gradient, rtol=0, atol=1e-11)
    # Integrated gradients: the ledger at 50 points of the path, by Gauss and Legendre. Captum rounds them to float32.
    points, weights = np.polynomial.legendre.leggauss(50)
    path = sum(
        weight / 2 * pixel_ledger(task.network, share * task.images, task.target).heatmap() / share
        for share, weight in zip((points + 1) / 2, weights, strict=True)
    )
    np.testing.assert_allclose(heatmap("integrated gradients", task), path, rtol=0, atol=1e-7)


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
    weight = (affine * (trace.pool2.reshape(2, 9, 25) > 0)).sum(-1) / 100
    cells = np.maximum((weight[..., None, None] * trace.conv2).sum(1), 0)
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
