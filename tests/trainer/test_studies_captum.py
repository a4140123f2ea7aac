"""What others say: Captum's explanations and approximations, asked as they should be, and RISE."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, parse_stages
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, Network, softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.faithfulness import baselines
from konkyo.trainer.studies.faithfulness.baselines import BASELINES, PERTURBATIONS
from konkyo.trainer.studies.faithfulness.captum import CAPTUM_METHODS, Layers
from konkyo.trainer.studies.faithfulness.explanations import Task
from konkyo.trainer.studies.shapley import Question
from tests.helpers.any_network import (
    any_architectures,
    gradient,
    random_images,
    random_weights,
    torch_logits,
)
from tests.helpers.oracles import PAIRED, SUMMED, random_network
from tests.helpers.studies import inked


def task_of(network: Network, digits: Digits, seed: int = 0) -> Task:
    images = digits[np.array([2, 7])].scaled(np.float64)
    return Task(network, images, network.logits(images).argmax(-1), seed)


def heatmap(name: str, task: Task) -> Array:
    [found] = [one.heatmap for one in (*CAPTUM_METHODS, *PERTURBATIONS) if one.name == name]
    return found(task)


@given(any_architectures(), st.integers(0, 2**32))
def test_the_layers_read_as_the_network_does(architecture: Architecture, seed: int) -> None:
    network = random_weights(architecture, seed)
    images = random_images(architecture, 3, seed)
    read = Layers(network)(torch.from_numpy(images)).detach().numpy()
    np.testing.assert_allclose(read, torch_logits(network, images), rtol=0, atol=1e-11)


def test_gradients_are_those_of_the_logit(digits: Digits) -> None:
    task = task_of(random_network(SUMMED, 95), digits)

    def slope(images: Array) -> Array:
        return gradient(task.network, images[:, None].astype(np.float64), task.target)[:, 0]

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


def test_deep_lift_adds_up_to_what_the_ink_changes(digits: Digits) -> None:
    task = task_of(random_network(PAIRED, 96), digits)
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


@pytest.mark.parametrize("name", ["gradient SHAP", "RISE"])
def test_what_is_drawn_at_random_is_drawn_from_the_seed(name: str, digits: Digits) -> None:
    network = random_network(SUMMED, 98)
    found = heatmap(name, task_of(network, digits, 1))
    np.testing.assert_array_equal(heatmap(name, task_of(network, digits, 1)), found)
    assert (heatmap(name, task_of(network, digits, 2)) != found).any()


NETWORK = load_all()["summed-3x3"].precise
BY_NAME = {one.name: one for one in BASELINES}
TOLD = "told the players"


@pytest.fixture(scope="module")
def question(digits: Digits) -> Question:
    """The first image with seven regions of ink."""
    few = inked(digits, 7, 20).images / 255
    players = np.asarray(few.reshape(-1, 7, 4, 7, 4).any((2, 4)))
    number = int(np.flatnonzero(players.sum((1, 2)) == 7)[0])
    return Question(NETWORK, few[number], int(NETWORK.logits(few[number]).argmax()), 4, players[number], 5)


def test_ablation_is_occlusion_and_regions_at_the_edge_are_as_small_as_they_are(digits: Digits) -> None:
    """Of 8×8 pixels, four a side: the last ones have four rows or columns."""
    image, regions = digits.images[0] / 255, Regions(8)
    target = int(NETWORK.logits(image).argmax())
    players = Hiding(regions).changed(image).reshape(4, 4)
    found, _ = BY_NAME["FeatureAblation (occlusion)"].approximate(Question(NETWORK, image, target, 8, players, 1), 1)
    drops = occlude(NETWORK, image[None], np.array([target]), Hiding(regions)).drop[0]
    np.testing.assert_allclose(found, drops, rtol=0, atol=1e-9)


def error(found: Array, question: Question) -> float:
    true = shapley_values(NETWORK, question.image).of(question.target).values
    return float(np.abs(found - true)[question.players].mean() / np.abs(true)[question.players].mean())


@pytest.mark.parametrize("name", ["ShapleyValueSampling", f"ShapleyValueSampling, {TOLD}", f"KernelShap, {TOLD}"])
def test_what_converges_comes_near(name: str, question: Question) -> None:
    baseline = BY_NAME[name]
    assert baseline.converges
    few, many = (baseline.approximate(question, count)[0] for count in (49, 500))
    assert error(many, question) < 0.3
    assert error(many, question) < error(few, question)
    np.testing.assert_allclose(many[~question.players], 0, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "spent"),
    [
        ("ShapleyValueSampling", 1 + 2 * 49),
        (f"ShapleyValueSampling, {TOLD}", 1 + 14 * 7),
        ("KernelShap", 100),
        (f"KernelShap, {TOLD}", 100),
        ("Lime", 100),
        ("gradient SHAP", 100),
        ("FeatureAblation (occlusion)", 1 + 49),
    ],
)
def test_every_evaluated_image_is_counted(name: str, spent: int, question: Question) -> None:
    first, counted = BY_NAME[name].approximate(question, 100)
    assert counted == spent
    again, _ = BY_NAME[name].approximate(question, 100)
    np.testing.assert_array_equal(again, first)
    assert first.shape == (7, 7)


def test_gradient_shap_is_the_gradient_along_the_path(question: Question) -> None:
    """Its mean over the path, by the gradient at every two-hundredth of it."""
    found, _ = BY_NAME["gradient SHAP"].approximate(question, 2000)
    shares = (np.arange(200) + 0.5) / 200
    images = shares[:, None, None, None] * question.image
    path = question.image * gradient(NETWORK, images, np.full(len(shares), question.target))[:, 0]
    expected = np.mean(path, axis=0).reshape(7, 4, 7, 4).sum((1, 3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.05 * np.abs(expected).max())


def test_what_converges_is_near_the_exact_values(digits: Digits) -> None:
    """For one image twice, which is another draw each time."""
    network, images = random_network(PAIRED, 99), digits[np.array([7, 7])].scaled(np.float64)
    found = heatmap("KernelShap", Task(network, images, network.logits(images).argmax(-1), 3))
    assert (found[0] != found[1]).any()
    values = shapley_values(network, images[0])
    exact = np.kron(values.of(values.predicted).values, np.ones((4, 4)))
    for one in found:
        assert np.corrcoef(one.ravel(), exact.ravel())[0, 1] > 0.9
        assert (np.ptp(one.reshape(7, 4, 7, 4), axis=(1, 3)) == 0).all()


def test_the_masks_of_rise_are_enlarged_grids() -> None:
    masks = baselines._masks(np.random.default_rng(5), 28)
    assert masks.shape == (1000, 28, 28)
    assert masks.min() == 0
    assert masks.max() == 1
    assert masks.mean() == pytest.approx(0.5, abs=0.01)
    # Between the middles of two cells, four pixels apart, a mask is a line in each direction.
    bends = np.abs(np.diff(masks, 2, axis=2)) > 1e-12
    assert bends.any(axis=(0, 1)).all()
    assert (bends.reshape(len(masks), 28, 26).any(1).sum(1) <= 14).all()


def test_rise_is_the_mean_of_masks_by_their_probability(digits: Digits) -> None:
    task = task_of(random_network(PAIRED, 99), digits, 3)
    masks = baselines._masks(np.random.default_rng(3), 28)
    shares = softmax(task.network.logits(masks * task.images[1]))[:, task.target[1]]
    expected = np.tensordot(shares, masks, 1) / (1000 * 0.5)
    np.testing.assert_allclose(heatmap("RISE", task)[1], expected, rtol=0, atol=1e-12)
