import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from konkyo.models.preparation.components import label
from konkyo.models.preparation.doubts import pieces

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 20), st.integers(1, 20)))


def test_diagonal_neighbours_are_connected() -> None:
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]], np.bool_)
    labels, count = label(mask)
    assert labels.tolist() == [[1, 0, 0, 2], [0, 1, 0, 0], [0, 0, 0, 3]]
    assert count == 3


def test_nothing_to_number() -> None:
    labels, count = label(np.zeros((3, 4), np.bool_))
    assert not labels.any()
    assert count == 0


@given(MASKS)
def test_sizes_are_those_of_the_pieces(mask: NDArray[np.bool_]) -> None:
    labels, count = label(mask)
    assert np.array_equal(labels > 0, mask)
    assert sorted(np.bincount(labels.ravel(), minlength=count + 1)[1:].tolist()) == sorted(pieces(mask))


@given(MASKS)
def test_neighbours_have_one_number(mask: NDArray[np.bool_]) -> None:
    labels, _ = label(mask)
    for first, second in (
        (labels[1:], labels[:-1]),
        (labels[:, 1:], labels[:, :-1]),
        (labels[1:, 1:], labels[:-1, :-1]),
    ):
        both = (first > 0) & (second > 0)
        assert np.array_equal(first[both], second[both])


@pytest.mark.parametrize("turns", [3, 40])
def test_a_spiral_is_one_piece(turns: int) -> None:
    side = 4 * turns
    mask = np.zeros((side, side), np.bool_)
    row, column, step = 0, 0, 1
    lengths = [side - 1, *(length for turn in range(side - 1, 1, -2) for length in (turn, turn))]
    for number, length in enumerate(lengths):
        rows, columns = ((0, step), (step, 0))[number % 2]
        for _ in range(length):
            mask[row, column] = True
            row, column = row + rows, column + columns
        step = -step if number % 2 else step
    assert label(mask)[1] == 1
