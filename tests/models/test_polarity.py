import numpy as np
import pytest

from konkyo.models.preparation.polarity import ink_is_dark
from konkyo.trainer.data import Digits


def test_no_digit_of_mnist_is_dark(digits: Digits) -> None:
    assert not any(ink_is_dark(image / 255) for image in digits.images[:1000])
    assert all(ink_is_dark(1 - image / 255) for image in digits.images[:1000])


@pytest.mark.parametrize(("level", "dark"), [(0, False), (0.4, False), (0.6, True), (1, True)])
def test_a_uniform_image_is_paper(level: float, dark: bool) -> None:
    assert ink_is_dark(np.full((30, 40), level, np.float32)) is dark


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


def test_a_row_of_pixels_is_judged() -> None:
    assert ink_is_dark(np.array([[1, 1, 0, 1]], np.float32))
