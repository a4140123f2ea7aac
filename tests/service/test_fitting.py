import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.checkpoint import load_all
from service.imaging.decoding import Fit, Polarity, decode_image
from service.imaging.fitting import fit_as_mnist
from tests.helpers.pictures import encode
from trainer.data import Digits


def test_longer_side_becomes_twenty_and_mass_is_centred() -> None:
    grey = np.zeros((90, 200), np.float32)
    grey[10:70, 130:150] = 1  # 60 high, 20 wide
    image, box = fit_as_mnist(grey)
    assert box == (130, 10, 150, 70)
    rows, columns = np.nonzero(image > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 23, 11, 17)


def test_mass_and_not_the_box_is_centred() -> None:
    grey = np.zeros((40, 40), np.float32)
    grey[10:30, 10:30] = 0.3
    grey[10:30, 10:15] = 1
    image, _ = fit_as_mnist(grey)
    columns = (image.sum(0) * np.arange(28)).sum() / image.sum()
    assert abs(columns - 14) <= 0.5


def test_a_digit_never_leaves_the_frame() -> None:
    grey = np.zeros((40, 40), np.float32)
    grey[5, 5:35] = 0.3
    grey[5:35, 5] = 0.3
    grey[5:9, 5:9] = 1
    image, _ = fit_as_mnist(grey)
    assert image.shape == (28, 28)
    assert image.max() > 0.9


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
def test_nothing_to_fit(level: float) -> None:
    image, box = fit_as_mnist(np.full((50, 30), level, np.float32))
    assert box is None
    assert np.array_equal(image, np.zeros((28, 28)))


def test_one_pixel_of_ink() -> None:
    grey = np.zeros((5, 7), np.float32)
    grey[2, 3] = 1
    image, box = fit_as_mnist(grey)
    assert box == (3, 2, 4, 3)
    assert np.array_equal(image[4:24, 4:24], np.ones((20, 20)))


def test_grey_background_and_weak_ink_are_stretched() -> None:
    grey = np.full((60, 60), 0.3, np.float32)
    grey[20:40, 20:40] = 0.6
    image, _ = fit_as_mnist(grey)
    assert image[0, 0] == 0
    assert image[14, 14] == pytest.approx(1, abs=1e-6)


def test_mnist_digits_come_back(digits: Digits) -> None:
    """Moved anywhere and fitted again, MNIST's digits land where MNIST had them."""
    back = 0
    for number, picture in enumerate(digits.images[:100]):
        moved = np.zeros((60, 80), np.float32)
        moved[number % 32 : number % 32 + 28, number % 52 : number % 52 + 28] = picture / np.float32(255)
        image, _ = fit_as_mnist(moved)
        back += bool(np.abs(image - picture / 255).mean() < 0.01)
    # The others lose a faint edge, and with it half a pixel or a whole one.
    assert back >= 98


def test_enlarged_mnist_digits_come_back(digits: Digits) -> None:
    differences = []
    for picture in digits.images[:100]:
        large = Image.fromarray(picture).resize((140, 140), Image.Resampling.NEAREST)
        image, _ = fit_as_mnist(np.asarray(large, np.float32) / np.float32(255))
        differences.append(np.abs(image - picture / 255).mean())
    # Moved by a single pixel, these digits differ from themselves by 0.06.
    assert np.mean(differences) < 0.012


def test_a_stroke_has_no_echo(digits: Digits) -> None:
    """Ink that nobody drew would be explained as well: there is hardly more of it than MNIST's own digits have."""
    inked = 0
    for picture in digits.images[:100]:
        large = Image.fromarray(picture).resize((280, 280), Image.Resampling.BICUBIC)
        image, _ = fit_as_mnist(np.asarray(large, np.float32) / np.float32(255))
        inked += int((image > 0).sum())
    assert inked < 1.15 * (digits.images[:100] > 0).sum()


def test_specks_far_apart_are_ink_however_pale_they_become() -> None:
    grey = np.zeros((2, 4000), np.float32)
    grey[0, 0] = grey[1, -1] = 1
    image, box = fit_as_mnist(grey)
    assert box == (0, 0, 4000, 2)
    assert 0 < image.max() < 0.02
    assert image[14].max() == image.max()


def photograph(digit: NDArray[np.uint8], seed: int) -> bytes:
    """Dark ink on paper in a shadow, somewhere in the frame, a little turned, blurred and noisy: a JPEG."""
    rng = np.random.default_rng(seed)
    side, height, width = int(rng.integers(200, 360)), *(int(length) for length in rng.integers(400, 640, 2))
    drawn = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC).rotate(float(rng.uniform(-5, 5)))
    ink = np.zeros((height, width))
    top, left = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
    ink[top : top + side, left : left + side] = np.asarray(drawn) / 255
    shadow = np.linspace(0.95, 0.45, height)[:, None] * np.linspace(1, 0.9, width)
    seen = shadow * (1 - 0.6 * ink) + rng.normal(0, 0.03, ink.shape)
    return encode(Image.fromarray((np.clip(seen, 0, 1) * 255).astype(np.uint8)), "JPEG", quality=80)


def test_a_photograph_is_read_like_the_digit_in_it(digits: Digits) -> None:
    network = load_all()["paired-3x3"].network
    read_right = 0
    for number in range(60):
        image, receipt = decode_image(photograph(digits.images[number], number), Fit.MNIST, Polarity.AUTO)
        assert receipt.inverted
        read_right += int(network.logits(image).argmax() == digits.labels[number])
    assert read_right >= 57
