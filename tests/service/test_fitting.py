"""From a picture of a digit to an image as MNIST has them."""

import numpy as np
import pytest
from PIL import Image

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.doubts import InputWarning
from konkyo.models.preparation.expected import Fit
from konkyo.models.preparation.fitting import fit_as_mnist
from konkyo.service.imaging.decoding import decode_image
from konkyo.trainer.data import Labelled
from support.pictures import encode
from tools.photographs import KINDS, read_right


def test_longer_side_becomes_twenty_and_mass_is_centred() -> None:
    grey = np.zeros((90, 200), np.float32)
    grey[10:70, 130:140] = 1  # 60 high, 10 wide
    fitted = fit_as_mnist(grey)
    assert fitted.box == (130, 10, 140, 70)
    rows, columns = np.nonzero(fitted.image > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 23, 13, 15)
    # The mass and not the box.
    grey = np.zeros((40, 40), np.float32)
    grey[10:30, 10:30] = 0.3
    grey[10:30, 10:15] = 1
    image = fit_as_mnist(grey).image
    assert abs((image.sum(0) * np.arange(28)).sum() / image.sum() - 14) <= 0.5


def test_a_digit_never_leaves_the_frame() -> None:
    grey = np.zeros((40, 40), np.float32)
    grey[5, 5:35] = 0.3
    grey[5:35, 5] = 0.3
    grey[5:9, 5:9] = 1
    image = fit_as_mnist(grey).image
    assert image.shape == (28, 28)
    assert image.max() > 0.9


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_nothing_to_fit(level: float) -> None:
    fitted = fit_as_mnist(np.full((50, 30), level, np.float32))
    assert fitted.box is None
    assert not fitted.image.any()


def test_one_pixel_is_ink_and_specks_that_fade_when_the_image_is_reduced_are_none() -> None:
    grey = np.zeros((5, 7), np.float32)
    grey[2, 3] = 1
    fitted = fit_as_mnist(grey)
    assert fitted.box == (3, 2, 4, 3)
    assert np.array_equal(fitted.image[4:24, 4:24], np.ones((20, 20)))
    grey = np.zeros((2, 4000), np.float32)
    grey[0, 0] = grey[1, -1] = 1
    assert fit_as_mnist(grey).box is None


def test_grey_background_and_weak_ink_are_stretched() -> None:
    grey = np.full((60, 60), 0.3, np.float32)
    grey[20:40, 20:40] = 0.6
    image = fit_as_mnist(grey).image
    assert image[0, 0] == 0
    assert image[14, 14] == pytest.approx(1, abs=1e-6)


def test_mnist_digits_come_back(digits: Labelled) -> None:
    """Moved anywhere, or enlarged, and fitted again, MNIST's digits land where MNIST had them."""
    moved, enlarged, inked = list[float](), list[float](), 0
    for number, picture in enumerate(digits.images[:40]):
        elsewhere = np.zeros((60, 80), np.float32)
        elsewhere[number % 32 : number % 32 + 28, number : number + 28] = picture / np.float32(255)
        moved.append(np.abs(fit_as_mnist(elsewhere).image - picture / 255).mean())
        large = Image.fromarray(picture).resize((140, 140), Image.Resampling.NEAREST)
        image = fit_as_mnist(np.asarray(large, np.float32) / np.float32(255)).image
        enlarged.append(np.abs(image - picture / 255).mean())
        smooth = Image.fromarray(picture).resize((280, 280), Image.Resampling.BICUBIC)
        image = fit_as_mnist(np.asarray(smooth, np.float32) / np.float32(255)).image
        inked += int(np.count_nonzero(image))
    # The others lose a faint edge, and with it half a pixel or a whole one.
    assert sum(difference < 0.01 for difference in moved) >= 39
    # Moved by a single pixel, these digits differ from themselves by 0.06.
    assert np.mean(enlarged) < 0.012
    # A stroke has no echo, which nobody drew: there is hardly more ink than MNIST's own digits have.
    assert inked < 1.15 * np.count_nonzero(digits.images[:40])


@pytest.mark.parametrize(("width", "drawn"), [(2, (14, 14)), (12, (14, 15)), (40, (12, 17))])
def test_strokes_are_brought_to_widths_of_mnist(width: int, drawn: tuple[int, int]) -> None:
    grey = np.zeros((300, 300), np.float32)
    grey[100:200, 150 : 150 + width] = 1
    columns = np.flatnonzero(fit_as_mnist(grey).image[14] > 0.9)
    assert (columns[0], columns[-1]) == drawn


@pytest.mark.parametrize(
    ("one", "other", "level", "box", "others"),
    [
        # Tops, bottoms, lefts and rights: a part beside a digit belongs to it.
        ((80, 150, 90, 100), (64, 72, 90, 120), 1, (90, 64, 120, 150), 0),
        # The largest is read.
        ((60, 120, 90, 100), (50, 130, 290, 300), 1, (290, 50, 300, 130), 1),
        # A table at the edge is not the digit, though darker than the ink, and larger.
        ((0, 300, 0, 30), (100, 200, 200, 212), 0.6, (200, 100, 212, 200), 0),
    ],
    ids=["a part", "the largest", "a table"],
)
def test_which_of_two_things_is_the_digit(
    one: tuple[int, ...], other: tuple[int, ...], level: float, box: tuple[int, ...], others: int
) -> None:
    grey = np.zeros((300, 400), np.float32)
    for (top, bottom, left, right), value in ((one, 1.0), (other, level)):
        grey[top:bottom, left:right] = value
    fitted = fit_as_mnist(grey)
    assert (fitted.box, fitted.others) == (box, others)


def test_several_things_are_a_warning(digits: Labelled) -> None:
    picture = np.zeros((60, 160), np.uint8)
    picture[16:44, 10:38], picture[16:44, 110:138] = digits.images[0], digits.images[1]
    _, report = decode_image(encode(Image.fromarray(picture)), Fit.MNIST, Polarity.AUTO)
    assert report.warnings == (
        InputWarning("several-digits", "2 things were found that may be digits: the largest was read"),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_digits_are_read(kind: str, digits: Labelled) -> None:
    assert read_right(kind, digits[5000:5002], seed=2) == [True] * 2
