"""That recomputing only what changes equals brute force is shown in test_occlusion; here is what is special to it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.checkpoint import load_all
from konkyo.models.incremental import CHUNK, Occluder, ReceptiveRange, multiply_adds
from konkyo.models.regions import Regions
from konkyo.trainer.data import Digits
from tests.helpers.oracles import LENET, PAIRED, SUMMED, architectures, random_network, slow_trace, title

SHIPPED = load_all()


@given(
    architecture=architectures(),
    seed=st.integers(0, 1000),
    region=st.integers(1, 14),
    stride=st.integers(1, 14),
    fill=st.sampled_from([0.0, 0.37, 1.0]),
)
def test_any_architecture_equals_whole_passes(
    architecture: Architecture, seed: int, region: int, stride: int, fill: float
) -> None:
    network, regions = random_network(architecture, seed), Regions(region, min(region, stride))
    rng = np.random.default_rng(seed)
    images = rng.random((2, 28, 28)) * (rng.random((2, 28, 28)) < 0.3)
    whole, hidden, changed = Occluder(network, regions).logits(images, fill)
    masks = regions.masks.reshape(-1, 28, 28)
    for number, image in enumerate(images):
        np.testing.assert_allclose(whole[number], network.logits(image), rtol=0, atol=1e-12)
        expected = network.logits(np.where(masks, fill, image))
        np.testing.assert_allclose(hidden[number], expected, rtol=0, atol=1e-11)
        assert changed[number].tolist() == [bool((image[mask] != fill).any()) for mask in masks]


@given(architecture=architectures(), seed=st.integers(0, 1000), region=st.integers(1, 14), stride=st.integers(1, 14))
def test_another_picture_in_the_regions(architecture: Architecture, seed: int, region: int, stride: int) -> None:
    network, regions = random_network(architecture, seed), Regions(region, min(region, stride))
    rng = np.random.default_rng(seed)
    images, others = rng.random((2, 2, 28, 28)) * (rng.random((2, 28, 28)) < 0.3)
    _, hidden, changed = Occluder(network, regions).logits(images, others)
    masks = regions.masks.reshape(-1, 28, 28)
    for number, (image, other) in enumerate(zip(images, others, strict=True)):
        expected = network.logits(np.where(masks, other, image))
        np.testing.assert_allclose(hidden[number], expected, rtol=0, atol=1e-11)
        assert changed[number].tolist() == [bool((image[mask] != other[mask]).any()) for mask in masks]


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("regions", [Regions(), Regions(4, 1), Regions(8, 1)], ids=["2", "4 by 1", "8 by 1"])
def test_shipped_networks_in_both_precisions(name: str, regions: Regions, digits: Digits) -> None:
    """Within 1e-5 of a float64 pass of each hidden image, or in float32 of what float32 itself can hold."""
    masks = regions.masks.reshape(-1, 28, 28)
    image = digits.scaled(np.float64)[18]
    precise = SHIPPED[name].precise
    expected = precise.logits(np.where(masks, 0, image))
    for network, tolerance in ((precise, 1e-12), (SHIPPED[name].network, 1e-5)):
        _, hidden, _ = Occluder(network, regions).logits(image.astype(network.dtype)[None], 0)
        assert hidden.dtype == network.dtype
        largest = np.abs(expected).max()
        assert np.abs(hidden[0] - expected).max() < tolerance * max(1, largest / 8)


def test_more_hidden_images_than_a_chunk(digits: Digits) -> None:
    images = digits.scaled(np.float64)[:12]
    hiding = Occluder(random_network(PAIRED, 3), Regions(3, 1))
    _, together, changed = hiding.logits(images, 0.5)
    assert changed.sum() > 2 * CHUNK
    for number, image in enumerate(images):
        _, alone, _ = hiding.logits(image[None], 0.5)
        np.testing.assert_allclose(together[number], alone[0], rtol=0, atol=1e-12)


def test_the_receptive_range_of_a_papers_region() -> None:
    """2×2 pixels change 6×6 conv1 outputs, 3×3 pool1 cells, 5×5 conv2 outputs and 3×3 pool2 cells."""
    first = ReceptiveRange.of(np.array([10, 12]), 2, kernel=5)
    assert (first.first.tolist(), first.cells, first.shift.tolist()) == ([3, 4], 3, [0, 0])
    second = ReceptiveRange.of(first.first, first.cells, kernel=3)
    assert (second.first.tolist(), second.cells, second.shift.tolist()) == ([0, 1], 3, [1, 0])


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED, LENET], ids=title)
def test_only_the_receptive_range_changes(architecture: Architecture, digits: Digits) -> None:
    """The oracle of the oracle: a slow pass differs from that of the whole image nowhere outside the range."""
    network, image = random_network(architecture, 2), digits.scaled(np.float64)[3]
    hidden = image.copy()
    hidden[12:14, 10:12] = 1 - hidden[12:14, 10:12]
    before, after = slow_trace(network, image), slow_trace(network, hidden)
    outside = np.ones((5, 5), bool)
    outside[1:4, 0:3] = False
    assert not (before.pool2 != after.pool2)[:, outside].any()
    assert (before.pool1 != after.pool1).any()


def test_less_work_by_count() -> None:
    """Paired 3×3: 53,550 multiply-adds an image; windows of 6×6 outputs, twice, and the affine layer need far less."""
    assert PAIRED.multiply_adds == 24 * 24 * 25 * 3 + 10 * 10 * 9 * 9 + 225 * 10 == 53_550
    assert multiply_adds(PAIRED, Regions()) == 4 * 36 * 3 + 9 * 36 * 9 + 225 * 10 == 5598
