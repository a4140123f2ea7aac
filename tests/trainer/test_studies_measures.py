"""Curves, metrics, orders and statistics of the studies, by their definitions."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Wiring, parse_stages, two_stages
from konkyo.models.errors import ImageError
from konkyo.models.files.checkpoint import load_all
from konkyo.models.hiding.occlusion import Score, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, Network, softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.faithfulness.criteria import (
    BLUR,
    REPLACEMENTS,
    SCORES,
    agreement,
    blurred,
    changed,
    correlations,
    curves,
    drops,
    infidelity,
    layers_of,
    randomised,
    replacement,
    sensitivity,
    squares,
)
from konkyo.trainer.studies.faithfulness.explanations import DEFAULT, GREEDY, GROWTH, Task, greedy_heatmap, ours, sane
from konkyo.trainer.studies.statistics import Estimate, auroc, p_values, spearman
from tests.helpers.examples import examples
from tests.helpers.lamp import HIDDEN, LAMP, WHOLE, lamp_network, lit
from tests.helpers.oracles import ARCHITECTURES, PAIRED, SUMMED, random_network
from tests.helpers.refuse import refuses


def step_by_step(network: Network, image: Array, other: Array, attribution: Array, target: int) -> Array:
    """(2 scores, 2 curves, steps + 1): every image made and predicted by itself."""
    places = np.flatnonzero(image.ravel() != other.ravel()).tolist()
    order = sorted(places, key=lambda p: (-attribution.ravel()[p], p))
    deleted, inserted = image.ravel().copy(), other.ravel().copy()
    images = [(deleted.copy(), inserted.copy())]
    for place in order:
        deleted[place], inserted[place] = other.ravel()[place], image.ravel()[place]
        images.append((deleted.copy(), inserted.copy()))
    logits = network.logits(np.array(images).reshape(-1, 2, 28, 28))
    return np.array([logits[..., target].T, softmax(logits)[..., target].T])


def area(curve: list[float]) -> float:
    return sum((a + b) / 2 for a, b in pairwise(curve)) / (len(curve) - 1)


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("base", REPLACEMENTS)
def test_curves_are_those_of_every_image_predicted_by_itself(base: str, rounded: bool, digits: Digits) -> None:
    network, image = random_network(SUMMED, 83), digits.images[4] / 255
    attribution = np.random.default_rng(83).normal(size=(28, 28))
    attribution = attribution.round() if rounded else attribution  # rounded: many ties, by pixel
    target = int(network.logits(image).argmax())
    other = replacement(base, image)
    drawn = curves(network, image, other, attribution, target)
    expected = step_by_step(network, image, other, attribution, target)
    for which, score in enumerate(SCORES):
        np.testing.assert_allclose(drawn.scores(score), expected[which], rtol=0, atol=1e-11)
        areas = [area(curve.tolist()) for curve in expected[which]]
        np.testing.assert_allclose(drawn.areas()[which], areas, rtol=0, atol=1e-11)
    shown, points = drawn.scores(Score.PROBABILITY), drawn.points()
    assert points.shape == (2, 51)
    np.testing.assert_allclose(points[:, [0, -1]], shown[:, [0, -1]], rtol=0, atol=1e-15)
    steps = np.linspace(0, 1, shown.shape[1])
    np.testing.assert_allclose(points[:, 25], [np.interp(0.5, steps, one) for one in shown], rtol=0, atol=1e-12)


def test_an_empty_image_keeps_its_score() -> None:
    empty = np.zeros((28, 28))
    areas = curves(lamp_network(), empty, empty, empty, 2).areas()
    others = np.exp(HIDDEN - 10) + 8 * np.exp(-10)
    np.testing.assert_allclose(areas[0], 10, rtol=1e-15)
    np.testing.assert_allclose(areas[1], 1 / (1 + others), rtol=1e-12)


def test_a_blurred_dot_is_a_gaussian() -> None:
    dot = np.zeros((28, 28))
    dot[10, 12] = 1
    found = blurred(dot)
    for row, column in ((10, 12), (10, 16), (14, 12), (20, 3), (0, 27)):
        distance = (row - 10) ** 2 + (column - 12) ** 2
        assert found[row, column] == pytest.approx(np.exp(-distance / (2 * BLUR**2)) / (2 * np.pi * BLUR**2))
    np.testing.assert_array_equal(replacement("blurred", dot), found)
    assert not replacement("background", dot).any()


def test_squares_lie_within_the_image() -> None:
    inside = squares(7, 28)
    assert inside.shape == (200, 28, 28)
    sides = set()
    for one in inside:
        rows, columns = np.flatnonzero(one.any(1)), np.flatnonzero(one.any(0))
        assert one.sum() == len(rows) * len(columns) == len(rows) ** 2
        assert one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        sides.add(len(rows))
    assert sides == set(range(3, 15))
    np.testing.assert_array_equal(squares(7, 28), inside)
    assert (squares(8, 28) != inside).any()


def test_the_lamp_alone_is_faithful() -> None:
    """Hiding the lamp takes 12 from the logit, and nothing else does."""
    hidden = squares(1, 28)
    dropped = drops(lamp_network(), lit((2, 2)), 6, hidden)
    np.testing.assert_array_equal(dropped, np.where(hidden[:, LAMP[0], LAMP[1]], WHOLE - HIDDEN, 0))
    lamp, nothing = np.zeros((2, 28, 28))
    lamp[LAMP] = 0.001
    assert infidelity(lamp, hidden, dropped) == pytest.approx(0, abs=1e-15)
    assert infidelity(-lamp, hidden, dropped) == pytest.approx(0, abs=1e-15)  # by the best factor, which is negative
    assert infidelity(nothing, hidden, dropped) == 1
    assert infidelity(lamp, hidden, np.zeros(200)) == 1
    assert infidelity(nothing, hidden, np.zeros(200)) == 0


def test_infidelity_is_the_least_squares_remainder(digits: Digits) -> None:
    network, image = random_network(SUMMED, 85), digits.images[5] / 255
    hidden = squares(2, 28)
    dropped = drops(network, image, 3, hidden)
    expected = [network.logits(image)[3] - network.logits(np.where(one, 0, image))[3] for one in hidden]
    np.testing.assert_allclose(dropped, expected, rtol=0, atol=1e-12)
    attribution = np.random.default_rng(2).normal(size=(28, 28))
    claimed = np.array([[attribution[one].sum()] for one in hidden])
    _, remainder, *_ = np.linalg.lstsq(claimed, dropped)
    assert infidelity(attribution, hidden, dropped) == pytest.approx(float(remainder[0]) / float(dropped @ dropped))


def test_sensitivity_is_the_farthest_of_all_changes(digits: Digits) -> None:
    images = digits[:3].scaled(np.float64)

    def squared(some: Array) -> Array:
        return some**2

    moved = changed(images, 4)
    assert moved.shape == (4, 3, 28, 28)
    assert not moved[:, images == 0].any()
    assert np.abs(moved - images).max() <= 0.1
    assert moved.max() <= 1
    found = sensitivity(squared, images, 4)
    for number, image in enumerate(images):
        norms = [np.linalg.norm(one[number] ** 2 - image**2) / np.linalg.norm(image**2) for one in moved]
        assert found[number] == pytest.approx(max(norms))
    assert sensitivity(np.zeros_like, images, 4).tolist() == [0, 0, 0]


def test_agreement_is_over_regions_with_ink(digits: Digits) -> None:
    network, image = random_network(SUMMED, 86), digits.images[6] / 255
    values = shapley_values(network, image).of(2).values
    spread = np.kron(values, np.ones((4, 4)))
    assert agreement(spread, values, image, 4) == pytest.approx(1)
    assert agreement(-spread, values, image, 4) == pytest.approx(-1)
    blank = ~np.kron(image.reshape(7, 4, 7, 4).any((1, 3)), np.ones((4, 4), bool))
    spread[blank] = 1000  # regions without ink do not count
    assert agreement(spread, values, image, 4) == pytest.approx(1)


NETWORKS = [random_network(architecture, 21) for architecture in ARCHITECTURES]
SQUARES = Regions().masks.reshape(-1, 28, 28)


def test_the_greedy_order_on_paper() -> None:
    """With the lamp 6 has a logit of 20, without it 8; 2 always has 10 and the eight others 0."""
    heat = greedy_heatmap(lamp_network(), lit((0, 0), (27, 27)), 6)
    assert (heat[LAMP], heat[0, 0], heat[27, 27], heat[5, 5]) == (1, -0.5, -1, 0)
    # It speaks against what an empty image is predicted as.
    assert greedy_heatmap(lamp_network(), lit(), 2)[LAMP] == -1
    assert not greedy_heatmap(lamp_network(), np.zeros((28, 28)), 6).any()
    with refuses(ImageError, "one image at a time; got an array of shape (2, 28, 28)"):
        greedy_heatmap(lamp_network(), np.zeros((2, 28, 28)), 0)


def score(network: Network, image: Array, moved: np.ndarray, target: int) -> float:
    """log P(target | moved) + log(1 − P(target | rest)), the second by adding up the others."""
    found = 0.0
    others = [one for one in range(len(network.classes)) if one != target]
    for part, wanted in ((np.where(moved, image, 0), [target]), (np.where(moved, 0, image), others)):
        logits = network.logits(part).tolist()
        total, some = (
            math.log(math.fsum(math.exp(value) for value in values))
            for values in (logits, [logits[one] for one in wanted])
        )
        found += some - total
    return found


@examples(10)
@given(network=st.sampled_from(NETWORKS), number=st.integers(0, 9_999), target=st.integers(0, 9))
def test_the_rule_is_the_documented_one(digits: Digits, network: Network, number: int, target: int) -> None:
    """Followed step by step, every image predicted whole, in the order that the heatmap gives."""
    image = digits[number : number + 1].scaled(np.float64)[0]
    heat = greedy_heatmap(network, image, target)
    assert ((heat != 0) == (image > 0)).all()
    inked = [place for place, square in enumerate(SQUARES) if image[square].any()]
    values = {place: heat[SQUARES[place] & (image > 0)] for place in inked}
    assert all((one == one[0]).all() for one in values.values())
    order = sorted(inked, key=lambda place: -values[place][0])
    moved, done, left = np.zeros((28, 28), bool), 0, set(inked)
    ends = {0: score(network, image, moved, target)}
    while left:
        step = order[done : done + max(1, int(GROWTH * done))]
        tried = {place: score(network, image, moved | SQUARES[place], target) for place in left}
        left -= set(step)
        assert min(tried[place] for place in step) > max((tried[place] for place in left), default=-math.inf) - 1e-9
        moved, done = moved | SQUARES[step].any(0), done + len(step)
        ends[done] = score(network, image, moved, target)
    split = sum(values[place][0] > 0 for place in order)
    assert ends[split] > max(ends.values()) - 1e-9
    # Equal distances in the order are equal distances in the heatmap, on either side.
    expected = [
        (split - place) / split if place < split else (split - 1 - place) / (done - split) for place in range(done)
    ]
    np.testing.assert_allclose([values[place][0] for place in order], expected, atol=1e-12)


def test_the_layers_from_the_top() -> None:
    assert layers_of(PAIRED) == {"affine": "affine", "stage 2": "conv2", "stage 1": "conv1"}
    deep = Architecture(parse_stages("2k3,2k3n,3k3"), hidden=(9, 5))
    assert list(layers_of(deep)) == ["affine", "hidden2", "hidden1", "stage 3", "stage 2", "stage 1"]


@pytest.mark.parametrize("bias", [True, False])
def test_layers_are_drawn_anew_from_the_top(bias: bool) -> None:
    network = random_network(two_stages(Wiring.PAIRED, 3, 3, bias=bias), 92)
    for count in (1, 2, 3):
        other = randomised(network, count, 5)
        assert set(other.weights) == set(network.weights)
        for name, before in network.weights.items():
            layer = name.split(".")[0]
            changed = layer in ["affine", "conv2", "conv1"][:count]
            assert (other.weights[name] != before).all() == changed
            assert (other.weights[name] == before).all() != changed
            limit = 1 / np.sqrt({"conv1": 25, "conv2": 9, "affine": 225}[layer])
            assert not changed or np.abs(other.weights[name]).max() < limit
    # A layer is the same whether those below are drawn or not, and as wide as it may be.
    earlier = randomised(network, 1, 5).weights["affine.weight"]
    np.testing.assert_array_equal(other.weights["affine.weight"], earlier)
    assert np.abs(earlier).max() > 0.99 / 15
    assert (randomised(network, 1, 6).weights["affine.bias"] != randomised(network, 1, 5).weights["affine.bias"]).all()


def test_correlations_of_every_layer_and_seed(digits: Digits) -> None:
    network, images = load_all()["paired-3x3"].precise, digits[:3].scaled(np.float64)
    target = np.array([7, 2, 1])
    [explanation] = [one for one in ours(network.architecture) if one.name == DEFAULT]
    found = correlations(explanation, network, images, target, (3, 4))
    assert found.shape == (2, 3, 3)
    for place, seed in enumerate((3, 4)):
        for count in range(3):
            other = randomised(network, count + 1, seed)
            for number, image in enumerate(images):
                pair = [occlude(one, image, target[number]).heatmap()[image > 0] for one in (network, other)]
                assert found[place, count, number] == pytest.approx(spearman(*pair), abs=1e-12)


def test_each_is_what_its_name_says(digits: Digits) -> None:
    network, images = random_network(SUMMED, 93), digits[3:5].scaled(np.float64)
    target = network.logits(images).argmax(-1)
    task, asked = Task(network, images, target, 11), list(zip(images, target.tolist(), strict=True))
    found = {one.name: one.heatmap(task) for one in ours(SUMMED)}
    expected = {
        DEFAULT: occlude(network, images).heatmap(),
        "occlusion 4": occlude(network, images, hiding=Hiding(Regions(4))).heatmap(),
        "occlusion 4, stride 1": occlude(network, images, hiding=Hiding(Regions(4, 1))).heatmap(),
        "occlusion 2, probability": occlude(network, images, score=Score.PROBABILITY).heatmap(),
        GREEDY: np.array([greedy_heatmap(network, *one) for one in asked]),
        "brightness": images,
    }
    for side in (4, 7):
        values = [shapley_values(network, image, side).of(one).values for image, one in asked]
        expected[f"Shapley {side}"] = np.kron(values, np.ones((side, side)))
    assert set(found) == {*expected, "random"}
    for name, heat in expected.items():
        np.testing.assert_array_equal(found[name], heat, name)
    [random] = [one.heatmap for one in ours(SUMMED) if one.name == "random"]
    np.testing.assert_array_equal(random(task), found["random"])
    assert (random(Task(network, images, target, 12)) != found["random"]).all()


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        ("7k3,9k3,9k3n", ["Shapley 8"]),  # a cell sees 18×18 pixels
        ("3k5,3k3q", ["Shapley 4", "Shapley 7"]),
        ("2k3", ["Shapley 2", "Shapley 7"]),
    ],
)
def test_shapley_values_are_of_the_regions_that_the_service_takes(stages: str, names: list[str]) -> None:
    architecture = Architecture(parse_stages(stages))
    network, image = random_network(architecture, 3), np.random.default_rng(3).random((28, 28))
    found = {one.name: one for one in ours(architecture) if one.name.startswith("Shapley")}
    assert [*found] == names
    assert sane(architecture)[1] == names[0]
    usual = shapley_values(network, image)
    [heat] = found[names[0]].heatmap(Task(network, image[None], np.array([usual.predicted]), 0))
    values, side = usual.of(usual.predicted).values, int(names[0].split()[1])
    assert heat.tolist() == np.kron(values, np.ones((side, side)))[:28, :28].tolist()


def test_an_interval_is_students() -> None:
    """Quantiles as in printed tables."""
    for count, quantile in ((2, 12.7062), (20, 2.09302), (1000, 1.96234)):
        values = np.random.default_rng(count).normal(size=count)
        estimate = Estimate.of(values)
        assert estimate.mean == pytest.approx(values.mean())
        assert estimate.interval == pytest.approx(quantile * values.std(ddof=1) / count**0.5, rel=1e-5)


def test_spearman_on_paper() -> None:
    rising = np.array([1.0, 2.0, 5.0, 9.0])
    assert spearman(rising, rising**3) == pytest.approx(1, abs=1e-15)
    assert spearman(rising, -rising) == pytest.approx(-1, abs=1e-15)
    assert spearman(rising, np.array([1.0, 1.0, 0.0, 2.0])) == pytest.approx(1.5 / np.sqrt(22.5), abs=1e-15)
    assert spearman(rising, np.ones(4)) == 0


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(3)
    warning, wrong = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.3
    pairs = [(bad > good) + 0.5 * (bad == good) for bad in warning[wrong] for good in warning[~wrong]]
    assert auroc(warning, wrong) == pytest.approx(np.mean(pairs))
    # Where all are right or all are wrong there is none.
    assert auroc(warning, np.zeros(40, bool)) is None
    assert auroc(warning, np.ones(40, bool)) is None


def test_holm_multiplies_by_what_is_left() -> None:
    """Of three tests, by hand: the smallest p three times, the next twice, the last once; never falling."""
    rng = np.random.default_rng(5)
    differences = [rng.normal(mean, 1, 8) for mean in (2.0, 0.1, 1.0)]
    [first, second, third] = [p_values([one])[0] for one in differences]
    assert first < third < second
    # One test is not corrected: Student's t, both sides, by its own definition.
    assert p_values([[1.0, 2.0, 3.0]]) == [pytest.approx(0.0741799, abs=1e-6)]
    expected = [3 * first, max(3 * first, 2 * third, second), max(3 * first, 2 * third)]
    assert p_values(differences) == pytest.approx([min(1, one) for one in expected])
