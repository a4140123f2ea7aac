"""Which way is chosen, that both ways are equal, and what stays in memory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.incremental import Occluder, multiply_adds
from konkyo.models.network import Network
from konkyo.models.occluders import EFFICIENCY, MAX_BYTES, ForwardPasses, Occluders, occluder
from konkyo.models.occlusion import occlude
from konkyo.models.regions import Regions
from konkyo.trainer.data import Digits
from tests.helpers.oracles import LENET, PAIRED, SUMMED, architectures, random_network, title


def by_hand(architecture: Architecture, region: int, stride: int) -> bool:
    """Whether the windows of a region need at most three times the multiply-adds of a whole pass."""
    starts = list(range(0, 28 - region + stride, stride))
    first = [(start - architecture.conv1_kernel + 1) // 2 for start in starts]
    wide1 = max((start + region - 1) // 2 - one for start, one in zip(starts, first, strict=True)) + 1
    second = [(one - architecture.conv2_kernel + 1) // 2 for one in first]
    wide2 = max((one + wide1 - 1) // 2 - two for one, two in zip(first, second, strict=True)) + 1
    conv1 = architecture.conv1_filters * region**2 * (2 * wide1) ** 2
    conv2 = architecture.maps * architecture.kernels_per_filter * wide1**2 * (2 * wide2) ** 2
    affine = 10 * architecture.maps * architecture.pool2_side**2
    return conv1 + conv2 + affine <= 3 * architecture.multiply_adds


@pytest.mark.parametrize(
    ("architecture", "regions", "way"),
    [
        (PAIRED, Regions(2), Occluder),
        (PAIRED, Regions(8, 1), Occluder),
        (SUMMED, Regions(2), Occluder),
        (LENET, Regions(2), Occluder),
        (LENET, Regions(14, 1), ForwardPasses),
        (LENET, Regions(14, 7), ForwardPasses),
    ],
    ids=str,
)
def test_the_faster_way_is_chosen(architecture: Architecture, regions: Regions, way: type) -> None:
    assert type(Occluders(MAX_BYTES).get(random_network(architecture, 1), regions)) is way


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED, LENET], ids=title)
def test_the_choice_goes_by_multiply_adds(architecture: Architecture) -> None:
    network, ways = random_network(architecture, 1), Occluders(0)
    chosen = set()
    for region in range(1, 15):
        for stride in (1, region):
            way = ways.get(network, Regions(region, stride))
            assert isinstance(way, Occluder) == by_hand(architecture, region, stride), (region, stride)
            chosen.add(type(way))
    assert chosen == {Occluder, ForwardPasses}


def test_a_forward_pass_serves_where_windows_would_need_more(digits: Digits) -> None:
    """The way that was measured as slower: lenet-6x16's windows of 14, one pixel apart."""
    assert multiply_adds(LENET, Regions(14, 1)) > EFFICIENCY * LENET.multiply_adds
    network, image = random_network(LENET, 5), digits.scaled(np.float64)[2]
    found = occlude(network, image, 4)
    whole = network.logits(image)[4]
    assert float(found.whole) == pytest.approx(whole, abs=1e-12)


def pictures(seed: int) -> np.ndarray:
    """(2, 28, 28), mostly empty."""
    rng = np.random.default_rng(seed)
    return rng.random((2, 28, 28)) * (rng.random((2, 28, 28)) < 0.3)


@given(
    architecture=architectures(),
    seed=st.integers(0, 1000),
    region=st.integers(1, 14),
    stride=st.integers(1, 14),
    fill=st.sampled_from([0.0, 0.37, 1.0]) | st.none(),
)
def test_both_ways_are_equal(
    architecture: Architecture, seed: int, region: int, stride: int, fill: float | None
) -> None:
    """With a grey that hides, and with other images that are seen in the regions."""
    network, regions, images = random_network(architecture, seed), Regions(region, min(region, stride)), pictures(seed)
    hides = pictures(seed + 1) if fill is None else fill
    whole, hidden, changed = Occluder(network, regions).logits(images, hides)
    other_whole, other_hidden, other_changed = ForwardPasses(network, regions).logits(images, hides)
    np.testing.assert_allclose(other_whole, whole, rtol=0, atol=1e-11)
    np.testing.assert_allclose(other_hidden, hidden, rtol=0, atol=1e-11)
    assert np.array_equal(other_changed, changed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forward_passes_leave_what_does_not_change_exactly_as_it_was(dtype: type, digits: Digits) -> None:
    network, images = random_network(LENET, 4, dtype), digits.scaled(dtype)[:3].copy()
    images[:, :14, :14] = dtype(0.2)
    whole, hidden, changed = ForwardPasses(network, Regions(14)).logits(images, 0.2)
    assert hidden.dtype == dtype
    assert changed.tolist() == [[False, True, True, True]] * 3
    assert np.array_equal(hidden[:, 0], whole)
    assert (hidden[:, 1:] != whole[:, None]).any()


def test_an_occluder_is_kept_and_the_oldest_let_go() -> None:
    network, other = random_network(SUMMED, 1), random_network(SUMMED, 1)
    size = Occluder(network, Regions(3)).nbytes
    kept = Occluders(2 * size)
    first, second = kept.get(network, Regions(3)), kept.get(other, Regions(3))
    assert kept.get(network, Regions(3, 3)) is first  # the same grid, spelt out
    assert kept.get(random_network(SUMMED, 1), Regions(3)) is not first
    assert kept.get(network, Regions(3)) is first  # used last but one, so it stayed
    assert kept.get(other, Regions(3)) is not second


def test_an_occluder_that_is_too_large_is_not_kept_and_lets_no_other_go() -> None:
    network = random_network(PAIRED, 1)
    kept = Occluders(Occluder(network, Regions(3)).nbytes)
    small, large = kept.get(network, Regions(3)), kept.get(network, Regions(8))
    assert isinstance(small, Occluder)
    assert isinstance(large, Occluder)
    assert large.nbytes > small.nbytes
    assert kept.get(network, Regions(8)) is not large
    assert kept.get(network, Regions(3)) is small


def shipped_questions() -> list[tuple[Network, Regions]]:
    """The networks and the grids that people ask about most."""
    return [(random_network(architecture, 1), Regions(side)) for architecture in (PAIRED, SUMMED) for side in (2, 3)]


def test_large_overlapping_regions_push_nothing_out() -> None:
    """In 0.1 one question about lenet-6x16 with regions of 14 took 72 MiB and the place of all others."""
    usual = shipped_questions()
    before = [occluder(*question) for question in usual]
    lenet = random_network(LENET, 2)
    for regions in (Regions(14, 1), Regions(14, 7)):
        assert isinstance(occluder(lenet, regions), ForwardPasses)
    assert [occluder(*question) for question in usual] == before
