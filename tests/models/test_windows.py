import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.errors import ParameterError
from konkyo.models.windows import exact_sides, usual_side, windows
from tests.helpers.oracles import ARCHITECTURES, LENET, PAIRED, SUMMED, title
from tests.helpers.refuse import refuses

KERNELS = [*ARCHITECTURES, *(Architecture(Wiring.SUMMED, 1, 1, k1, k2) for k1, k2 in [(1, 1), (13, 1), (5, 5), (3, 2)])]


def pixels(architecture: Architecture, cell: int) -> set[int]:
    """The pixel rows that a row of pool2's cells sees, layer by layer."""
    seen = {2 * cell, 2 * cell + 1}
    seen = {row + tap for row in seen for tap in range(architecture.conv2_kernel)}
    seen = {2 * row + half for row in seen for half in range(2)}
    return {row + tap for row in seen for tap in range(architecture.conv1_kernel)}


@pytest.mark.parametrize("architecture", KERNELS, ids=title)
def test_a_side_is_exact_where_no_cell_sees_more_than_nine_regions(architecture: Architecture) -> None:
    def most(side: int) -> int:
        return max(
            len({row // side for row in pixels(architecture, cell)}) ** 2 for cell in range(architecture.pool2_side)
        )

    assert exact_sides(architecture) == tuple(side for side in range(1, 15) if most(side) <= 9)


def test_the_sides_of_the_shipped_networks() -> None:
    for architecture in (PAIRED, SUMMED, LENET):
        assert exact_sides(architecture) == (4, 6, 7, 8, 9, 10, 11, 12, 13, 14)


@pytest.mark.parametrize("architecture", KERNELS, ids=title)
def test_which_pixels_are_seen_in_which_region(architecture: Architecture) -> None:
    """One pixel at a time, in every cell and every region."""
    side = exact_sides(architecture)[0]
    view = windows(architecture, side)
    rows, cells = len(range(0, 28, side)), architecture.pool2_side
    for row, column in [(0, 0), (0, 27), (9, 14), (13, 4), (27, 27)]:
        image = np.zeros((28, 28), bool)
        image[row, column] = True
        expected = np.zeros((cells, cells, rows, rows), bool)
        for y in range(cells):
            for x in range(cells):
                if row in pixels(architecture, y) and column in pixels(architecture, x):
                    expected[y, x, row // side, column // side] = True
        assert np.array_equal(view.seen(image), expected.reshape(cells**2, rows**2))


@pytest.mark.parametrize("side", [1, 2, 3, 5])
def test_refuses_a_side_that_is_not_exact(side: int) -> None:
    with refuses(
        ParameterError,
        "region: no cell of the last pool may see more than 9 regions; with this network's kernels that holds for a "
        f"side of 4, 6, 7, 8, 9, 10, 11, 12, 13, 14 pixels, not {side}",
    ):
        windows(PAIRED, side)


@pytest.mark.parametrize("side", [0, 15])
def test_refuses_a_side_out_of_range(side: int) -> None:
    with refuses(ParameterError, f"region: must be from 1 to 14 pixels, not {side}"):
        windows(PAIRED, side)


@pytest.mark.parametrize(("kernels", "side"), [((5, 3), 4), ((7, 2), 4), ((7, 4), 7), ((5, 5), 7)])
def test_where_no_side_is_named_an_exact_one_is_taken(kernels: tuple[int, int], side: int) -> None:
    architecture = Architecture(Wiring.SUMMED, 1, 1, *kernels)
    assert usual_side(architecture) == side
    assert side in exact_sides(architecture)
