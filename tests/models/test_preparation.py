"""From a picture to the network's image: resizing, which is the ink, in how many pieces. Oracles: Pillow, a stack."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.errors import ParameterError
from konkyo.models.files.card import Polarity, Preprocessing
from konkyo.models.files.checkpoint import load_all
from konkyo.models.preparation.components import label
from konkyo.models.preparation.doubts import BRIGHT_BORDER, InputWarning, input_warnings, pieces
from konkyo.models.preparation.expected import MNIST, Expected, Fit
from konkyo.models.preparation.polarity import ink_is_dark
from konkyo.models.preparation.resizing import is_dark_on_light, reduced, resized, sharpened
from konkyo.trainer.data import Labelled
from support.pictures import pixels
from tests.helpers.oracles import F64
from tests.helpers.refuse import refuses


def test_the_aspect_is_kept_and_the_rest_is_background() -> None:
    grey = np.full((30, 90), 0.25)
    grey[10:20, 30:60] = 1
    image = resized(grey, 28)
    assert np.allclose(image[:9], 0.25)
    assert np.allclose(image[19:], 0.25)
    assert np.argwhere(image > 0.9).min(0).tolist() == [12, 10]
    assert np.argwhere(image > 0.9).max(0).tolist() == [14, 17]


@pytest.mark.parametrize("size", [(28, 28), (61, 61), (300, 300), (17, 17), (1, 1)])
def test_it_is_pillows_triangle_filter(size: tuple[int, int]) -> None:
    grey = np.random.default_rng(3).random(size)
    other = Image.fromarray(grey.astype(np.float32)).resize((28, 28), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(resized(grey, 28), np.asarray(other), atol=2e-3)


@pytest.mark.parametrize("size", [(1, 4000), (4000, 1), (2, 3)])
def test_thin_pictures_keep_a_line(size: tuple[int, int]) -> None:
    assert np.allclose(resized(np.full(size, 0.5), 28), 0.5)


def test_which_is_the_ink() -> None:
    paper = np.full((40, 40), 0.9)
    paper[10:30, 10:30] = 0.1
    assert is_dark_on_light(paper)
    assert not is_dark_on_light(1 - paper)
    assert not is_dark_on_light(np.full((5, 5), 0.5))
    assert is_dark_on_light(np.full((5, 5), 0.6))


@pytest.mark.parametrize(("shape", "factor"), [((400, 401), 2), ((17, 900), 3), ((35, 28), 10)])
def test_squares_become_their_means_as_in_pillow(shape: tuple[int, int], factor: int) -> None:
    grey = np.random.default_rng(2).random(shape).astype(np.float32)
    np.testing.assert_allclose(reduced(grey, factor), np.asarray(Image.fromarray(grey).reduce(factor)), atol=1e-6)


@pytest.mark.parametrize("size", [(20, 13), (90, 80), (1, 20), (57, 200)], ids=str)
def test_lanczos_is_that_of_pillow(size: tuple[int, int]) -> None:
    grey = np.random.default_rng(3).random((57, 90)).astype(np.float32)
    theirs = np.asarray(Image.fromarray(grey).resize(size[::-1], Image.Resampling.LANCZOS))
    np.testing.assert_allclose(sharpened(grey, *size), theirs, atol=3e-6)


def test_no_digit_of_mnist_is_dark(digits: Labelled) -> None:
    assert not any(ink_is_dark(image / 255) for image in digits.images[:1000])
    assert all(ink_is_dark(1 - image / 255) for image in digits.images[:1000])


def test_a_uniform_image_is_paper_and_a_row_of_pixels_is_judged() -> None:
    for level, dark in ((0, False), (0.4, False), (0.6, True), (1, True)):
        assert ink_is_dark(np.full((30, 40), level, np.float32)) is dark
    assert ink_is_dark(np.array([[1, 1, 0, 1]], np.float32))


def test_a_dark_table_around_bright_paper() -> None:
    grey = np.full((100, 100), 0.1, np.float32)
    grey[8:92, 8:92] = 0.9
    grey[40:60, 48:52] = 0.2
    assert ink_is_dark(grey)


@pytest.mark.parametrize("dark", [True, False])
def test_pale_ink_on_shaded_paper(dark: bool) -> None:
    """The shadow is stronger than the ink, and the border neither bright nor dark."""
    paper = 0.5 + 0.3 * np.linspace(-1, 1, 60)[:, None] * np.ones(60)
    paper[20:40, 29:31] += -0.2 if dark else 0.2
    assert ink_is_dark(paper) is dark


MASKS = arrays(np.bool_, st.tuples(st.integers(1, 28), st.integers(1, 28)))


def test_diagonal_neighbours_are_connected() -> None:
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], np.bool_)
    labels, count = label(mask)
    assert labels.tolist() == [[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 0, 3]]
    assert count == 3


def test_a_serpent_is_one_piece() -> None:
    mask = np.zeros((81, 80), np.bool_)
    mask[::2] = mask[1::4, -1] = mask[3::4, 0] = True
    assert label(mask)[1] == 1
    assert label(mask.T)[1] == 1


def slow_pieces(ink: NDArray[np.bool_]) -> set[frozenset[tuple[int, ...]]]:
    """Pixel by pixel, with a stack."""
    left = {(int(row), int(column)) for row, column in np.argwhere(ink)}
    found: set[frozenset[tuple[int, ...]]] = set()
    while left:
        stack = [left.pop()]
        piece = {*stack}
        while stack:
            row, column = stack.pop()
            near = {(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)} & left
            left -= near
            piece |= near
            stack += near
        found.add(frozenset(piece))
    return found


@given(MASKS)
def test_pieces_by_a_stack(ink: NDArray[np.bool_]) -> None:
    labels, count = label(ink)
    expected = slow_pieces(ink)
    assert {frozenset(zip(*np.nonzero(labels == one + 1), strict=True)) for one in range(count)} == expected
    assert np.array_equal(labels > 0, ink)
    assert sorted(pieces(ink)) == sorted(map(len, expected))


def test_hardly_any_digit_of_mnist_is_warned_of(digits: Labelled) -> None:
    warned = sum(bool(input_warnings(image)) for image in digits[:2000].scaled(np.float64))
    assert warned <= 0.005 * 2000
    assert not any(input_warnings(pixels(digit) / 255) for digit in range(10))


HALF = np.arange(784).reshape(28, 28) < 392
BLOCKS = {  # of 6, 3 and 1 pixels: a large piece has 0.3 of the ink
    (0, 0): 6,
    (10, 0): 3,
    (20, 0): 1,
}
MOST = InputWarning("mostly-ink", "more than half of the image is ink: no digit of MNIST is")
TWO = InputWarning("several-pieces", "the ink falls into 2 large pieces: there may be more than one digit")
EMPTY = InputWarning("empty", "the image is empty: nothing stands out from its background")
RESIZED = Expected(Preprocessing.RESIZE, warnings=("mostly-ink",))
AS_THEY_ARE = Expected(Preprocessing.RESIZE, Polarity.LIGHT_ON_DARK, ())


def blocks(sizes: dict[tuple[int, int], int]) -> F64:
    image = np.zeros((28, 28))
    for (row, column), size in sizes.items():
        image[row, column : column + size] = 1
    return image


@pytest.mark.parametrize(
    ("image", "expected", "found"),
    [
        (blocks(BLOCKS), MNIST, [TWO]),
        (blocks({**BLOCKS, (24, 0): 1}), MNIST, []),
        (blocks(BLOCKS), RESIZED, []),
        (np.where(HALF, 1.0, 0), MNIST, []),
        (np.where(HALF, 0, 1.0) + (np.arange(784).reshape(28, 28) == 0), MNIST, [MOST]),
        (np.full((28, 28), 0.4), MNIST, [EMPTY]),
        # A network that takes images as they are reads dark ink wrongly.
        (1 - blocks({(4, 4): 9}), AS_THEY_ARE, [BRIGHT_BORDER]),
        (blocks({(4, 4): 9}), AS_THEY_ARE, []),
        (1 - 0 * HALF, AS_THEY_ARE, [EMPTY]),
        (1 - blocks({(4, 4): 9}), Expected(Preprocessing.RESIZE, warnings=()), []),
        # What stands out by more than a tenth, wherever the background lies.
        (0.5 + 0.10 * blocks({(4, 4): 9}), RESIZED, [EMPTY]),
        (0.5 + 0.11 * blocks({(4, 4): 9}), RESIZED, []),
        (0.5 + 0.10 * np.stack([blocks({(4, 4): 9})] * 3), Expected(channels=3), [EMPTY]),
        (0.5 + 0.11 * np.stack([0 * HALF, 0 * HALF, blocks({(4, 4): 9})]), Expected(channels=3), []),
    ],
)
def test_what_is_warned_of(image: F64, expected: Expected, found: list[InputWarning]) -> None:
    assert list(input_warnings(image, expected=expected)) == found


def test_digits_that_were_left_out_are_warned_of() -> None:
    text = "3 things were found that may be digits: the largest was read"
    assert input_warnings(pixels(7) / 255, others=2) == (InputWarning("several-digits", text),)


def test_what_a_network_expects() -> None:
    animals, tiny = (Expected.by(load_all()[name]) for name in ("animals-3x3", "tiny-vgg"))
    assert Expected.by(load_all()["paired-3x3"]) == MNIST
    assert (animals.preprocessing, animals.fit(Fit.AUTO), animals.shape) == ("resize", Fit.RESIZE, (28, 28))
    assert (MNIST.fit(Fit.AUTO), MNIST.fit(Fit.EXACT), MNIST.colour) == (Fit.MNIST, Fit.EXACT, False)
    assert (tiny.shape, tiny.colour, tiny.images) == ((3, 64, 64), True, "colour images of 64×64")
    message = (
        "fit: mnist is for networks of grey images of 28×28, and this one takes colour images of 64×64; with auto a "
        "picture is brought to that size as the network's own images were"
    )
    with refuses(ParameterError, message):
        tiny.fit(Fit.MNIST)
    with refuses(ParameterError, "polarity: colour images are never inverted; leave it out"):
        tiny.ink(Polarity.DARK_ON_LIGHT)
    assert tiny.ink(Polarity.AUTO) is Polarity.AUTO
    said = Expected(polarity=Polarity.DARK_ON_LIGHT)
    assert (said.ink(Polarity.AUTO), said.ink(Polarity.LIGHT_ON_DARK)) == (said.polarity, Polarity.LIGHT_ON_DARK)


def test_whether_a_picture_is_inverted() -> None:
    """A dark border around bright paper is a table for MNIST's networks, and the background for others."""
    grey = np.full((100, 100), 0.1, np.float32)
    grey[8:92, 8:92] = 0.9
    assert MNIST.inverts(grey)
    assert not RESIZED.inverts(grey)
    assert not MNIST.inverts(grey, Polarity.LIGHT_ON_DARK)
    assert RESIZED.inverts(grey, Polarity.DARK_ON_LIGHT)
    assert Expected(polarity=Polarity.DARK_ON_LIGHT).inverts(1 - grey)
