import numpy as np
import pytest
from PIL import Image

from konkyo.models.files.card import Polarity
from konkyo.models.preparation.doubts import InputWarning
from konkyo.models.preparation.expected import Fit
from konkyo.models.preparation.fitting import fit_as_mnist
from konkyo.service.imaging.decoding import decode_image
from konkyo.trainer.data import Digits
from tests.helpers.pictures import encode
from tools.photographs import KINDS, read_right


def test_longer_side_becomes_twenty_and_mass_is_centred() -> None:
    grey = np.zeros((90, 200), np.float32)
    grey[10:70, 130:140] = 1  # 60 high, 10 wide
    fitted = fit_as_mnist(grey)
    image, box = fitted.image, fitted.box
    assert box == (130, 10, 140, 70)
    rows, columns = np.nonzero(image > 0.5)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 23, 13, 15)


def test_mass_and_not_the_box_is_centred() -> None:
    grey = np.zeros((40, 40), np.float32)
    grey[10:30, 10:30] = 0.3
    grey[10:30, 10:15] = 1
    image = fit_as_mnist(grey).image
    columns = (image.sum(0) * np.arange(28)).sum() / image.sum()
    assert abs(columns - 14) <= 0.5


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
    image, box = fitted.image, fitted.box
    assert box is None
    assert np.array_equal(image, np.zeros((28, 28)))


def test_one_pixel_of_ink() -> None:
    grey = np.zeros((5, 7), np.float32)
    grey[2, 3] = 1
    fitted = fit_as_mnist(grey)
    image, box = fitted.image, fitted.box
    assert box == (3, 2, 4, 3)
    assert np.array_equal(image[4:24, 4:24], np.ones((20, 20)))


def test_grey_background_and_weak_ink_are_stretched() -> None:
    grey = np.full((60, 60), 0.3, np.float32)
    grey[20:40, 20:40] = 0.6
    image = fit_as_mnist(grey).image
    assert image[0, 0] == 0
    assert image[14, 14] == pytest.approx(1, abs=1e-6)


def test_mnist_digits_come_back(digits: Digits) -> None:
    """Moved anywhere and fitted again, MNIST's digits land where MNIST had them."""
    back = 0
    for number, picture in enumerate(digits.images[:100]):
        moved = np.zeros((60, 80), np.float32)
        moved[number % 32 : number % 32 + 28, number % 52 : number % 52 + 28] = picture / np.float32(255)
        image = fit_as_mnist(moved).image
        back += bool(np.abs(image - picture / 255).mean() < 0.01)
    # The others lose a faint edge, and with it half a pixel or a whole one.
    assert back >= 98


def test_enlarged_mnist_digits_come_back(digits: Digits) -> None:
    differences = []
    for picture in digits.images[:100]:
        large = Image.fromarray(picture).resize((140, 140), Image.Resampling.NEAREST)
        image = fit_as_mnist(np.asarray(large, np.float32) / np.float32(255)).image
        differences.append(np.abs(image - picture / 255).mean())
    # Moved by a single pixel, these digits differ from themselves by 0.06.
    assert np.mean(differences) < 0.012


def test_a_stroke_has_no_echo(digits: Digits) -> None:
    """Ink that nobody drew would be explained as well: there is hardly more of it than MNIST's own digits have."""
    inked = 0
    for picture in digits.images[:100]:
        large = Image.fromarray(picture).resize((280, 280), Image.Resampling.BICUBIC)
        image = fit_as_mnist(np.asarray(large, np.float32) / np.float32(255)).image
        inked += int((image > 0).sum())
    assert inked < 1.15 * (digits.images[:100] > 0).sum()


def test_specks_that_fade_when_the_image_is_reduced_are_no_ink() -> None:
    grey = np.zeros((2, 4000), np.float32)
    grey[0, 0] = grey[1, -1] = 1
    assert fit_as_mnist(grey).box is None


@pytest.mark.parametrize(("width", "drawn"), [(2, (14, 14)), (12, (14, 15)), (40, (12, 17))])
def test_strokes_are_brought_to_widths_of_mnist(width: int, drawn: tuple[int, int]) -> None:
    grey = np.zeros((300, 300), np.float32)
    grey[100:200, 150 : 150 + width] = 1
    columns = np.flatnonzero(fit_as_mnist(grey).image[14] > 0.9)
    assert (columns[0], columns[-1]) == drawn


def test_a_part_beside_a_digit_belongs_to_it() -> None:
    grey = np.zeros((200, 200), np.float32)
    grey[80:150, 90:100] = 1
    grey[70:78, 90:120] = 1
    assert fit_as_mnist(grey).box == (90, 70, 120, 150)


def test_the_largest_of_several_things_is_read() -> None:
    grey = np.zeros((200, 400), np.float32)
    grey[60:120, 90:100] = 1
    grey[50:130, 290:300] = 1
    fitted = fit_as_mnist(grey)
    assert (fitted.box, fitted.others) == ((290, 50, 300, 130), 1)


def test_several_things_are_a_warning(digits: Digits) -> None:
    picture = np.zeros((60, 160), np.uint8)
    picture[16:44, 10:38], picture[16:44, 110:138] = digits.images[0], digits.images[1]
    _, report = decode_image(encode(Image.fromarray(picture)), Fit.MNIST, Polarity.AUTO)
    assert report.warnings == (
        InputWarning("several-digits", "2 things were found that may be digits: the largest was read"),
    )


def test_a_table_at_the_edge_is_not_the_digit() -> None:
    """Darker than the ink, and larger."""
    grey = np.zeros((300, 400), np.float32)
    grey[:, :30] = 1
    grey[100:200, 200:212] = 0.6
    assert fit_as_mnist(grey).box == (200, 100, 212, 200)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_digits_are_read(kind: str, digits: Digits) -> None:
    assert read_right(kind, digits[5000:5004], seed=2) == [True] * 4
