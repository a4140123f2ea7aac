"""What stands in the place of hidden pixels. Oracles: a loop over pixels, and PyTorch's passes of hidden images."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture
from konkyo.models.grounds.proofs import grounds
from konkyo.models.hiding.regions import Fill, FillKind, Hiding, Regions, filled
from konkyo.models.network import Network
from tests.helpers.any_network import any_architectures, random_weights, torch_logits
from tests.helpers.asked import explain_occlusion, explain_shapley
from tests.helpers.examples import examples
from tests.helpers.oracles import F64

FILLS = st.sampled_from([0.0, 0.25, FillKind.BACKGROUND, FillKind.BLUR])


def hidden_by_hand(channel: F64, fill: Fill) -> F64:
    """The pixels that replace those of one channel."""
    side = len(channel)
    if fill == "background":
        border = [channel[r, c] for r in range(side) for c in range(side) if {r, c} & {0, side - 1}]
        return np.full((side, side), np.median(border))
    if fill != "blur":
        return np.full((side, side), float(fill))
    made, (r, c) = np.empty((side, side)), np.indices((side, side))
    for row, column in np.ndindex(side, side):
        share = np.exp(-((r - row) ** 2 + (c - column) ** 2) / (2 * (side / 8) ** 2))
        made[row, column] = (share * channel).sum() / share.sum()
    return made


@given(st.integers(8, 13), st.sampled_from([1, 3]), FILLS, st.integers(0, 99))
@examples(15)
def test_the_pixels(side: int, channels: int, fill: Fill, seed: int) -> None:
    images = np.random.default_rng(seed).random((2, channels, side, side))
    made = filled(images, fill)
    expected = [[hidden_by_hand(channel, fill) for channel in image] for image in images]
    np.testing.assert_allclose(made, expected, rtol=0, atol=1e-12)
    assert made.min() >= 0
    assert made.max() <= 1


def hidden(network: Network, image: F64, fill: Fill, regions: Regions, sets: list[list[int]]) -> F64:
    """(N, C): PyTorch's logits of the image with each set of regions hidden."""
    shape = network.architecture
    whole = image.reshape(shape.channels, shape.side, shape.side)
    fills = np.array([hidden_by_hand(channel, fill) for channel in whole])
    masks = regions.masks.reshape(-1, shape.side, shape.side)
    return torch_logits(network, np.array([np.where(masks[which].any(0), fills, whole) for which in sets]))


@given(any_architectures(most=2, hidden=False), FILLS)
@examples(15)
def test_every_explanation_hides_so(architecture: Architecture, fill: Fill) -> None:
    network = random_weights(architecture, 4)
    image = np.random.default_rng(4).random(architecture.image_shape)
    regions = Regions(architecture.side // 2, side=architecture.side)
    everything = [*range(regions.count)]
    whole, empty, *singles = hidden(network, image, fill, regions, [[], everything, *([one] for one in everything)])

    occlusion = explain_occlusion(network, image, 1, hiding=Hiding(regions, fill)).occlusion
    np.testing.assert_allclose(occlusion.drop.ravel(), [whole[1] - one[1] for one in singles], rtol=0, atol=1e-9)
    values = explain_shapley(network, image, 1, region=regions.region, fill=fill)
    np.testing.assert_allclose(values.empty.logits, empty, rtol=0, atol=1e-9)
    assert values.values.sum() == pytest.approx(whole[1] - empty[1], abs=1e-9)
    if np.sort(whole)[-1] - np.sort(whole)[-2] > 1e-6:
        proof = grounds(network, image, regions.region, fill)
        kept = [row * regions.grid[1] + column for row, column in proof.sufficient.regions]
        free = [number for number in everything if number not in kept]
        sets = [[number for place, number in enumerate(free) if one >> place & 1] for one in range(2 ** len(free))]
        assert {*hidden(network, image, fill, regions, sets).argmax(-1)} == {whole.argmax()}
