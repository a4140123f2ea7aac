import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from konkyo.models.preparation.doubts import InputWarning, input_warnings, pieces
from konkyo.trainer.data import Digits
from tests.helpers.pictures import pixels


def slow_pieces(ink: NDArray[np.bool_]) -> list[int]:
    """Pixel by pixel, with a stack."""
    left = {(int(row), int(column)) for row, column in np.argwhere(ink)}
    sizes = []
    while left:
        stack, size = [left.pop()], 0
        while stack:
            row, column = stack.pop()
            size += 1
            for neighbour in [(row + y, column + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]:
                if neighbour in left:
                    left.remove(neighbour)
                    stack.append(neighbour)
        sizes.append(size)
    return sizes


@given(arrays(bool, st.tuples(st.integers(1, 28), st.integers(1, 28))))
def test_pieces_by_a_stack(ink: NDArray[np.bool_]) -> None:
    assert sorted(pieces(ink)) == sorted(slow_pieces(ink))


def test_a_piece_does_not_reach_round_the_edge() -> None:
    ink = np.zeros((3, 4), bool)
    ink[0, 3] = ink[1, 0] = True
    assert pieces(ink) == [1, 1]


def test_hardly_any_digit_of_mnist_is_warned_of(digits: Digits) -> None:
    warned = sum(bool(input_warnings(image)) for image in digits.scaled(np.float64))
    assert warned <= 0.005 * len(digits)


def test_two_digits_are_warned_of() -> None:
    both = np.zeros((28, 28))
    both[4:24, :14] = pixels(1)[4:24, 7:21] / 255
    both[4:24, 14:] = pixels(1)[4:24, 7:21] / 255
    assert input_warnings(both) == (
        InputWarning("several-pieces", "the ink falls into 2 large pieces: there may be more than one digit"),
    )


@pytest.mark.parametrize("digit", range(10))
def test_the_sample_digits_are_not_warned_of(digit: int) -> None:
    assert input_warnings(pixels(digit) / 255) == ()
