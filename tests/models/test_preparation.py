import numpy as np
import pytest
from PIL import Image

from konkyo.models.preparation.resizing import is_dark_on_light, reduced, resized, sharpened


def test_an_image_of_28_by_28_stays_as_it_is() -> None:
    image = np.random.default_rng(1).random((28, 28))
    assert np.array_equal(resized(image, 28), image)


@pytest.mark.parametrize("side", [56, 84, 280])
def test_equal_blocks_become_their_values(side: int) -> None:
    """A triangle over blocks of one value, in the middle of a large area of it."""
    times = side // 28
    grey = np.kron(np.arange(28)[:, None] >= 14, np.ones((times, side))).astype(np.float64)
    image = resized(grey, 28)
    assert image[:13].max() == 0
    assert image[15:].min() == pytest.approx(1, abs=1e-12)
    assert 0 < image[13].max() < image[14].min() < 1


def test_the_aspect_is_kept_and_the_rest_is_background() -> None:
    grey = np.full((30, 90), 0.25)
    grey[10:20, 30:60] = 1
    image = resized(grey, 28)
    assert np.allclose(image[:9], 0.25)
    assert np.allclose(image[19:], 0.25)
    assert np.argwhere(image > 0.9).min(0).tolist() == [12, 10]
    assert np.argwhere(image > 0.9).max(0).tolist() == [14, 17]


@pytest.mark.parametrize("size", [(61, 61), (300, 300), (17, 17), (1, 1)])
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
