import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.hiding.occlusion import Occlusion, Score, occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from tests.helpers.oracles import ARCHITECTURES, PAIRED, SUMMED, random_network, slow_trace, title
from tests.helpers.refuse import refuses

NETWORKS = [random_network(architecture, 21) for architecture in ARCHITECTURES]


@st.composite
def region_and_stride(draw: st.DrawFn) -> tuple[int, int | None]:
    region = draw(st.integers(1, 14))
    return region, draw(st.none() | st.integers(1, region))


def corners(region: int, stride: int) -> list[int]:
    """Where regions start along one side: on from 0, until the image's edge is reached."""
    found = [0]
    while found[-1] + region < 28:
        found.append(found[-1] + stride)
    return found


def reading(network: Network, image: Array, score: Score, target: int) -> tuple[float, int]:
    """The target's score and the digit, one image at a time."""
    logits = [float(value) for value in network.logits(image)]
    if score is Score.LOGIT:
        return logits[target], logits.index(max(logits))
    odds = [math.exp(value - max(logits)) for value in logits]
    return odds[target] / sum(odds), logits.index(max(logits))


@given(
    network=st.sampled_from(NETWORKS),
    number=st.integers(0, 9_999),
    sides=region_and_stride(),
    fill=st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
    score=st.sampled_from(Score),
    target=st.none() | st.integers(0, 1),
)
def test_equals_hiding_one_region_after_another(
    digits: Digits,
    network: Network,
    number: int,
    sides: tuple[int, int | None],
    fill: float,
    score: Score,
    target: int | None,
) -> None:
    image = digits[number : number + 1].scaled(np.float64)[0]
    region, stride = sides
    result = occlude(network, image, target, Hiding(Regions(region, stride), fill), score)

    predicted = reading(network, image, score, 0)[1]
    explained = predicted if target is None else target
    baseline = reading(network, image, score, explained)[0]
    assert (int(result.predicted), int(result.target), result.score) == (predicted, explained, score)
    assert result.whole == pytest.approx(baseline, abs=1e-12)

    starts = corners(region, stride or region)
    total, count = np.zeros((28, 28)), np.zeros((28, 28))
    assert result.drop.shape == result.prediction.shape == (len(starts), len(starts))
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            hidden = image.copy()
            hidden[top : top + region, left : left + region] = fill
            after, digit = reading(network, hidden, score, explained)
            assert result.drop[row, column] == pytest.approx(baseline - after, abs=1e-12)
            assert result.prediction[row, column] == digit
            assert result.critical[row, column] == (digit != predicted)
            total[top : top + region, left : left + region] += result.drop[row, column]
            count[top : top + region, left : left + region] += 1
    assert count.min() >= 1
    np.testing.assert_allclose(result.heatmap(), total / count, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_equals_the_slow_network_too(architecture: Architecture, digits: Digits) -> None:
    """Down to loops over single pixels: nothing of ``models`` but the weights."""
    network, image = random_network(architecture, 8), digits.scaled(np.float64)[4]
    result = occlude(network, image, target=4, hiding=Hiding(Regions(10, 9)))
    whole = slow_trace(network, image).logits
    for row, top in enumerate([0, 9, 18]):
        for column, left in enumerate([0, 9, 18]):
            hidden = image.copy()
            hidden[top : top + 10, left : left + 10] = 0
            after = slow_trace(network, hidden).logits
            assert result.drop[row, column] == pytest.approx(whole[4] - after[4], abs=1e-12)
            assert result.prediction[row, column] == after.argmax()


@given(region_and_stride())
def test_regions_lie_where_they_should(sides: tuple[int, int | None]) -> None:
    region, stride = sides
    regions = Regions(region, stride)
    starts = corners(region, stride or region)
    assert regions.step == (stride or region)
    assert regions.grid == (len(starts), len(starts))
    assert starts[-1] < 28  # no region lies outside
    hidden = np.zeros((28, 28), int)
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            box = regions.box(row, column)
            assert box == (left, top, min(left + region, 28), min(top + region, 28))
            pixels = {(y, x) for y in range(box[1], box[3]) for x in range(box[0], box[2])}
            assert {(y, x) for y, x in np.argwhere(regions.masks[row, column]).tolist()} == pixels
            hidden += regions.masks[row, column]
    assert hidden.min() >= 1
    if stride is None:
        assert hidden.max() == 1


@pytest.mark.parametrize(
    ("regions", "grid", "last"),
    [
        (Regions(), (14, 14), (26, 26, 28, 28)),
        (Regions(1), (28, 28), (27, 27, 28, 28)),
        (Regions(2, 1), (27, 27), (26, 26, 28, 28)),
        (Regions(3), (10, 10), (27, 27, 28, 28)),
        (Regions(14), (2, 2), (14, 14, 28, 28)),
        (Regions(10, 7), (4, 4), (21, 21, 28, 28)),
        (Regions(13, 13), (3, 3), (26, 26, 28, 28)),
    ],
)
def test_regions_counted_by_hand(regions: Regions, grid: tuple[int, int], last: tuple[int, int, int, int]) -> None:
    assert regions.grid == grid
    assert regions.box(grid[0] - 1, grid[1] - 1) == last


def test_the_heatmap_is_a_mean_and_drops_are_not() -> None:
    """Regions of 14, 7 apart: corners at 0, 7 and 14, so that the middle is hidden by several."""
    drop = np.arange(9.0).reshape(3, 3)
    heat = Regions(14, 7).spread(drop)
    assert heat[0, 0] == 0
    assert heat[0, 7] == (0 + 1) / 2
    assert heat[7, 13] == (0 + 1 + 3 + 4) / 4
    assert heat[14, 14] == (4 + 5 + 7 + 8) / 4
    assert heat[27, 6] == 6
    assert heat[27, 27] == 8


def test_critical_regions_are_those_that_change_the_prediction() -> None:
    prediction = np.array([[5, 6], [5, 3]], np.intp)
    target, predicted = np.array(2), np.array(5)
    result = Occlusion(
        hiding=Hiding(Regions(14)),
        score=Score.LOGIT,
        target=target,
        predicted=predicted,
        logits=np.zeros(10),
        whole=np.array(0.0),
        drop=np.zeros((2, 2)),
        prediction=prediction,
    )
    assert result.critical.tolist() == [[False, True], [False, True]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
def test_hiding_what_is_hidden_already_changes_nothing(architecture: Architecture, dtype: type, digits: Digits) -> None:
    """Exactly nothing: a drop of 1e-7 on an empty margin would be a lie."""
    network = random_network(architecture, 12, dtype)
    for image in digits.scaled(dtype)[:20]:
        drop = occlude(network, image).drop
        empty = [[not image[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].any() for c in range(14)] for r in range(14)]
        assert not drop[np.array(empty)].any()


def test_answers_in_the_networks_precision(digits: Digits) -> None:
    network, image = random_network(PAIRED, 3), digits.scaled(np.float64)[0]
    exact, rough = (
        occlude(network, image, hiding=Hiding(fill=0.1)),
        occlude(network.astype(np.float32), image, hiding=Hiding(fill=0.1)),
    )
    assert exact.drop.dtype == np.float64
    assert rough.drop.dtype == np.float32
    np.testing.assert_allclose(rough.drop, exact.drop, rtol=0, atol=1e-5)


@pytest.mark.parametrize("region", [-1, 0, 15, 28])
def test_refuses_a_region(region: int) -> None:
    with refuses(ParameterError, f"region: must be from 1 to 14 pixels, not {region}"):
        Regions(region)


@pytest.mark.parametrize("stride", [-1, 0, 4])
def test_refuses_a_stride(stride: int) -> None:
    with refuses(
        ParameterError, f"stride: must be from 1 to the region's 3, so that no pixel is skipped, not {stride}"
    ):
        Regions(3, stride)


@pytest.mark.parametrize("fill", [-0.1, 1.1, math.nan, math.inf])
def test_refuses_a_fill(fill: float) -> None:
    with refuses(ParameterError, f"fill: must be from 0 to 1, not {fill}"):
        Hiding(fill=fill)


@pytest.mark.parametrize("target", [-1, 10])
def test_refuses_a_target(target: int) -> None:
    with refuses(ParameterError, f"target: must be a class from 0 to 9, not {target}"):
        occlude(NETWORKS[0], np.zeros((28, 28)), target)


def test_refuses_what_is_no_picture() -> None:
    with refuses(ImageError, "an image must be 28×28; got an array of shape (28, 27)"):
        occlude(NETWORKS[0], np.zeros((28, 27)))
    with refuses(ImageError, "an image must be finite: it holds NaN or infinity"):
        occlude(NETWORKS[0], np.full((28, 28), math.inf))


@pytest.mark.parametrize("network", NETWORKS[:3], ids=["paired", "summed", "lenet"])
def test_a_batch_answers_like_its_pictures(network: Network, digits: Digits) -> None:
    images = digits.scaled(np.float64)[:6].reshape(2, 3, 28, 28)
    targets = np.array([[0, 1, 2], [3, 4, 5]])
    together = occlude(network, images, targets, Hiding(Regions(5, 3), 0.4))
    assert together.drop.shape == (2, 3, 9, 9)
    assert together.heatmap().shape == (2, 3, 28, 28)
    for place in np.ndindex(2, 3):
        alone = occlude(network, images[place], int(targets[place]), Hiding(Regions(5, 3), 0.4))
        assert together.predicted[place] == alone.predicted
        assert together.whole[place] == pytest.approx(float(alone.whole), abs=1e-12)
        np.testing.assert_allclose(together.drop[place], alone.drop, rtol=0, atol=1e-12)
        np.testing.assert_allclose(together.heatmap()[place], alone.heatmap(), rtol=0, atol=1e-12)
        assert np.array_equal(together.critical[place], alone.critical)


def test_no_pictures_no_answers() -> None:
    assert occlude(NETWORKS[0], np.zeros((0, 28, 28))).drop.shape == (0, 14, 14)
