"""The ledger's pixels against the active linear piece as dense matrices, by hand, and against Captum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.contributions import contributions
from konkyo.models.errors import ImageError, ParameterError
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.pixels import pixel_ledger
from tests.helpers.oracles import (
    ARCHITECTURES,
    PAIRED,
    SUMMED,
    architectures,
    integer_image,
    integer_network,
    linear_piece,
    random_network,
    title,
)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_pixels_are_those_of_the_dense_linear_piece(architecture: Architecture, digits: Digits) -> None:
    network = random_network(architecture, 71)
    image = digits.scaled(np.float64)[61]
    piece, some = linear_piece(network, image), (200, 350, 378, 410)
    ledgers = {target: pixel_ledger(network, image, target) for target in (0, 7)}
    # The pair is an affine function of the image: its value on a blank one is the bias part.
    blank = np.zeros((28, 28))
    alone = [np.where(np.arange(784).reshape(28, 28) == pixel, image, 0) for pixel in some]
    pairs = list(np.ndindex(architecture.conv1_filters, architecture.conv2_filters))
    for i, j in pairs[:: max(1, len(pairs) // 9)]:
        constant = piece.pair(blank, i, j)
        one_by_one = np.array([piece.pair(picture, i, j) - constant for picture in alone])
        for target, ledger in ledgers.items():
            found = ledger.pixels[i, j].ravel()[list(some)]
            np.testing.assert_allclose(found, one_by_one[:, target], rtol=0, atol=1e-12)
            assert ledger.bias[i, j] == pytest.approx(constant[target], abs=1e-12)


@given(architectures(), st.integers(0, 2**16), st.integers(0, 9))
def test_pixels_and_biases_add_up_to_the_contributions(architecture: Architecture, seed: int, target: int) -> None:
    """Whole numbers and many ties: to the last bit."""
    network, image = integer_network(architecture, seed), integer_image(seed)
    ledger, whole = pixel_ledger(network, image, target), contributions(network, image)
    np.testing.assert_array_equal(ledger.pixels.sum((-2, -1)) + ledger.bias, whole.contributions[target])
    np.testing.assert_array_equal(ledger.pixels[..., image == 0], 0)
    total = ledger.heatmap().sum() + ledger.bias.sum() + whole.filter_bias[target].sum() + whole.class_bias[target]
    assert total == whole.logits[target]


def test_a_batch_is_its_pictures_one_by_one(digits: Digits) -> None:
    network = random_network(SUMMED, 72)
    images = digits.scaled(np.float64)[:6].reshape(2, 3, 28, 28)
    read = network.logits(images).argmax(-1)
    ledger = pixel_ledger(network, images)
    np.testing.assert_array_equal(ledger.target, read)
    asked = pixel_ledger(network, images, np.array([[0, 1, 2], [3, 4, 5]]))
    for row, column in np.ndindex(2, 3):
        alone = pixel_ledger(network, images[row, column])
        np.testing.assert_allclose(ledger.pixels[row, column], alone.pixels, rtol=0, atol=1e-12)
        np.testing.assert_allclose(ledger.bias[row, column], alone.bias, rtol=0, atol=1e-12)
        alone = pixel_ledger(network, images[row, column], 3 * row + column)
        np.testing.assert_allclose(asked.heatmap()[row, column], alone.heatmap(), rtol=0, atol=1e-12)


def test_by_hand() -> None:
    """One path is open: a pixel of 0.5, weights 2, 3 and 4, conv1's bias 1 and conv2's own −1."""
    architecture = two_stages(Wiring.PAIRED, 1, 1)
    weights = {name: np.zeros(shape) for name, shape in architecture.tensor_shapes.items()}
    weights["conv1.weight"][0, 0, 2, 2], weights["conv1.bias"][0] = 2, 1
    weights["conv2.weight"][0, 0, 1, 1], weights["conv2.bias"][0] = 3, -1
    weights["affine.weight"][6, 12] = 4  # the middle cell of pool2: conv2 at 4…5, pool1 at 5…6, conv1 at 10…13
    image = np.zeros((28, 28))
    image[13, 14] = 0.5  # conv1 (11, 12) is 2 · 0.5 + 1 = 2, so pool1 (5, 6) is 2, conv2 (4, 5) is 5, the logit 20
    ledger = pixel_ledger(Network(architecture, weights), image)
    expected = np.zeros((1, 1, 28, 28))
    expected[0, 0, 13, 14] = 4 * 3 * 2 * 0.5
    np.testing.assert_array_equal(ledger.pixels, expected)
    assert ledger.target == 6
    assert ledger.bias == pytest.approx(4 * 3 * 1 - 4)


def test_refuses_what_cannot_be_explained() -> None:
    network = random_network(PAIRED, 73)
    with pytest.raises(ImageError, match="must be 28×28"):
        pixel_ledger(network, np.zeros((27, 28)))
    with pytest.raises(ParameterError, match="target: must be a class from 0 to 9, not 10"):
        pixel_ledger(network, np.zeros((28, 28)), 10)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_the_heatmap_is_captums_input_times_gradient(architecture: Architecture, digits: Digits) -> None:
    torch = pytest.importorskip("torch")
    captum = pytest.importorskip("captum.attr")
    from tests.helpers.torch_oracle import LayeredNetwork

    network, images = random_network(architecture, 74), digits.scaled(np.float64)[:3]
    target = np.array([4, 0, 9])
    pictures = torch.from_numpy(images)[:, None].requires_grad_()
    attributed = captum.InputXGradient(LayeredNetwork(network)).attribute(pictures, target=torch.from_numpy(target))
    ours = pixel_ledger(network, images, target).heatmap()
    np.testing.assert_allclose(ours, attributed.detach().numpy()[:, 0], rtol=0, atol=1e-12)
