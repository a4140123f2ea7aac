"""Occlusion, against hiding one region after another."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from konkyo.models.hiding.occlusion import Score, faithfulness, occlude, pair_drops, pair_heatmaps
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Labelled
from tests.helpers.asked import explain_occlusion
from tests.helpers.examples import examples
from tests.helpers.oracles import ARCHITECTURES, PAIRED, SUMMED, random_network

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


def reading(network: Network, image: Array, score: Score, target: int, versus: int | None) -> tuple[float, int]:
    """The target's score, or its lead over another class, and the digit, one image at a time."""
    logits = [float(value) for value in network.logits(image)]
    odds = [math.exp(value - max(logits)) for value in logits]
    scores = logits if score is Score.LOGIT else [one / sum(odds) for one in odds]
    return scores[target] - (0 if versus is None else scores[versus]), logits.index(max(logits))


@examples(15)
@given(
    network=st.sampled_from(NETWORKS),
    number=st.integers(0, 9_999),
    sides=region_and_stride(),
    fill=st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
    score=st.sampled_from(Score),
    target=st.none() | st.integers(0, 1),
    versus=st.none() | st.just(2),
)
def test_equals_hiding_one_region_after_another(
    digits: Labelled,
    network: Network,
    number: int,
    sides: tuple[int, int | None],
    fill: float,
    score: Score,
    target: int | None,
    versus: int | None,
) -> None:
    image = digits[number : number + 1].scaled(np.float64)[0]
    region, stride = sides
    predicted = int(network.logits(image).argmax())
    explained = predicted if target is None else target
    assume(versus != explained)
    result = occlude(network, image, target, Hiding(Regions(region, stride), fill), score, versus)
    baseline = reading(network, image, score, explained, versus)[0]
    assert (int(result.predicted), int(result.target), result.score) == (predicted, explained, score)
    assert result.whole == pytest.approx(baseline, abs=1e-12)

    starts = corners(region, stride or region)
    total, count = np.zeros((28, 28)), np.zeros((28, 28))
    assert result.drop.shape == result.prediction.shape == (len(starts), len(starts))
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            hidden = image.copy()
            hidden[top : top + region, left : left + region] = fill
            after, digit = reading(network, hidden, score, explained, versus)
            assert result.drop[row, column] == pytest.approx(baseline - after, abs=1e-12)
            assert result.prediction[row, column] == digit
            assert result.critical[row, column] == (digit != predicted)
            total[top : top + region, left : left + region] += result.drop[row, column]
            count[top : top + region, left : left + region] += 1
    assert count.min() >= 1
    np.testing.assert_allclose(result.heatmap(), total / count, rtol=0, atol=1e-12)


@given(region_and_stride())
def test_regions_lie_where_they_should(sides: tuple[int, int | None]) -> None:
    region, stride = sides
    regions = Regions(region, stride)
    starts = corners(region, stride or region)
    assert regions.grid == (len(starts), len(starts))
    for row, top in enumerate(starts):
        for column, left in enumerate(starts):
            box = regions.box(row, column)
            assert box == (left, top, min(left + region, 28), min(top + region, 28))
            pixels = {(y, x) for y in range(box[1], box[3]) for x in range(box[0], box[2])}
            assert {(y, x) for y, x in np.argwhere(regions.masks[row, column]).tolist()} == pixels


def test_hiding_what_is_hidden_already_changes_nothing(digits: Labelled) -> None:
    """Exactly nothing, in the network's precision too: a drop of 1e-7 on an empty margin would be a lie."""
    network, images = random_network(SUMMED, 12), digits.scaled(np.float64)[:10]
    exact, drops = occlude(network, images).drop, occlude(network.astype(np.float32), images).drop
    assert drops.dtype == np.float32
    np.testing.assert_allclose(drops, exact, rtol=0, atol=1e-5)
    empty = images.reshape(10, 14, 2, 14, 2).max((2, 4)) == 0
    assert not drops[empty].any()
    assert not exact[empty].any()


def test_the_parts_of_an_explanation(digits: Labelled) -> None:
    """Each is what its own function finds, for the same question."""
    network, image, hiding = random_network(PAIRED, 1), digits.scaled(np.float64)[0], Hiding(Regions(7), 0.3)
    asked = explain_occlusion(network, image, 0, 3, hiding, pairs=True, faithfulness=True)
    assert asked.target != asked.predicted
    np.testing.assert_array_equal(asked.drop, occlude(network, image, 0, hiding, versus=3).drop)
    order = np.array(sorted(range(16), key=lambda place: -asked.drop.flat[place]))
    assert asked.faithfulness == faithfulness(network, image, hiding, order, 0)
    whole, drops = pair_drops(network, image, hiding, 0, 3)
    np.testing.assert_array_equal(asked.pairs, drops)
    np.testing.assert_array_equal(asked.contributions, whole)


def test_pairs_of_an_empty_region_and_their_heat(digits: Labelled) -> None:
    """What each pair loses is a difference of ledgers: ``test_hidings``."""
    image = digits.scaled(np.float64)[0]
    _, drops = pair_drops(random_network(PAIRED, 1), image, Hiding(), 0, 3)
    empty = image.reshape(14, 2, 14, 2).max((1, 3)) == 0
    assert not drops[empty].any()
    assert drops[~empty].any()
    heat = pair_heatmaps(np.arange(72.0).reshape(3, 3, 2, 4), Regions(14, 7))
    assert heat.shape == (28, 28, 2, 4)
    assert heat[0, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert heat[7, 13, 0, 0] == (0 + 8 + 24 + 32) / 4
    assert heat[27, 8, 1, 3] == (48 + 56) / 2 + 7
