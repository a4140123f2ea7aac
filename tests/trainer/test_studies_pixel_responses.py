import numpy as np
import pytest

from konkyo.models.architecture import Architecture
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.pixel_responses import PixelResponses
from tests.helpers.oracles import ARCHITECTURES, PAIRED, random_network, title


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_sums_of_responses_are_predicted_as_the_images_that_show_these_pixels(
    architecture: Architecture, digits: Digits
) -> None:
    network, rng = random_network(architecture, 81), np.random.default_rng(81)
    image = digits.scaled(np.float64)[17].copy()
    image[[0, 0, 27, 27], [0, 27, 0, 27]] = 0.7  # responses are cut off at every edge
    pixels = PixelResponses.of(network, image)
    assert pixels.places.tolist() == np.flatnonzero(image).tolist()
    for chance in (0.0, 0.3, 1.0):
        shown = rng.random(len(pixels.places)) < chance
        picture = np.zeros(784)
        picture[pixels.places[shown]] = image.ravel()[pixels.places[shown]]
        read = pixels.logits(pixels.responses[shown].sum(0))
        np.testing.assert_allclose(read, network.logits(picture.reshape(28, 28)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=title)
def test_mixtures_of_two_images(architecture: Architecture, digits: Digits) -> None:
    network, rng = random_network(architecture, 84), np.random.default_rng(84)
    image, other = digits.scaled(np.float64)[17], digits.scaled(np.float64)[18]
    pixels = PixelResponses.of(network, image, other)
    assert pixels.places.tolist() == np.flatnonzero(image != other).tolist()
    for chance in (0.0, 0.5, 1.0):
        shown = rng.random(len(pixels.places)) < chance
        mixed = other.ravel().copy()
        mixed[pixels.places[shown]] = image.ravel()[pixels.places[shown]]
        predicted = pixels.logits(pixels.responses[shown].sum(0))
        np.testing.assert_allclose(predicted, network.logits(mixed.reshape(28, 28)), rtol=0, atol=1e-12)


def test_an_empty_image_has_no_responses() -> None:
    network = random_network(PAIRED, 82)
    pixels = PixelResponses.of(network, np.zeros((28, 28)))
    assert pixels.responses.shape == (0, 3, 24, 24)
    read = pixels.logits(np.zeros((2, 5, 3, 24, 24)))
    assert read.shape == (2, 5, 10)
    np.testing.assert_allclose(read[1, 4], network.logits(np.zeros((28, 28))), rtol=0, atol=1e-12)
