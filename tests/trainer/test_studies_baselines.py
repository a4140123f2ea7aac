"""Captum's approximations of Shapley values: asked as they should be, and as many evaluations as are counted."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("captum")

from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.baselines import BASELINES
from konkyo.trainer.studies.shapley import EVALUATIONS, Baseline, Question
from tests.helpers.any_network import gradient

NETWORK = load_all()["summed-3x3"].precise
BY_NAME = {one.name: one for one in BASELINES}
TOLD = "told the players"


@pytest.fixture(scope="module")
def question(digits: Digits) -> Question:
    """The first image with seven regions of ink."""
    players = np.asarray(digits[:2000].images.reshape(-1, 7, 4, 7, 4).any((2, 4)))
    number = int(np.flatnonzero(players.sum((1, 2)) == 7)[0])
    image = digits.images[number] / 255
    return Question(NETWORK, image, int(NETWORK.logits(image).argmax()), players[number], 5)


def error(found: Array, question: Question) -> float:
    true = shapley_values(NETWORK, question.image).of(question.target).values
    return float(np.abs(found - true)[question.players].mean() / np.abs(true)[question.players].mean())


def asked(name: str) -> Baseline:
    if name.startswith(("KernelShap", "Lime")):
        pytest.importorskip("sklearn")
    return BY_NAME[name]


@pytest.mark.parametrize("name", ["ShapleyValueSampling", f"ShapleyValueSampling, {TOLD}", f"KernelShap, {TOLD}"])
def test_what_converges_comes_near(name: str, question: Question) -> None:
    baseline = asked(name)
    assert baseline.converges
    few, many = (baseline.approximate(question, count)[0] for count in (49, 1500))
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
    baseline = asked(name)
    first, counted = baseline.approximate(question, 100)
    assert counted == spent
    again, _ = baseline.approximate(question, 100)
    np.testing.assert_array_equal(again, first)
    assert first.shape == (7, 7)


def test_ablation_is_occlusion(question: Question) -> None:
    found, _ = asked("FeatureAblation (occlusion)").approximate(question, 50)
    before = NETWORK.logits(question.image)[question.target]
    for row, column in np.ndindex(7, 7):
        hidden = question.image.copy()
        hidden[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
        drop = before - NETWORK.logits(hidden)[question.target]
        assert found[row, column] == pytest.approx(drop, abs=1e-5)


def test_gradient_shap_is_the_gradient_along_the_path(question: Question) -> None:
    """Its mean over the path, by the gradient at every hundredth of it."""
    found, _ = asked("gradient SHAP").approximate(question, 2000)
    shares = (np.arange(200) + 0.5) / 200
    images = shares[:, None, None, None] * question.image
    path = question.image * gradient(NETWORK, images, np.full(len(shares), question.target))[:, 0]
    expected = np.mean(path, axis=0).reshape(7, 4, 7, 4).sum((1, 3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.05 * np.abs(expected).max())


def test_lime_finds_the_order_but_other_numbers(question: Question) -> None:
    found, _ = asked("Lime").approximate(question, 1000)
    assert np.isfinite(found).all()
    true = shapley_values(NETWORK, question.image).of(question.target).values
    assert found.argmax() == true.argmax()


def test_the_default_asks_with_more_and_more() -> None:
    assert [tuple(one.evaluations) for one in BASELINES] == [EVALUATIONS] * 6 + [EVALUATIONS[:1]]
    assert list(EVALUATIONS) == sorted(EVALUATIONS)
