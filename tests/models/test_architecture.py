import pytest

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.errors import ArchitectureError
from tests.helpers.oracles import LENET, PAIRED, SUMMED
from tests.helpers.refuse import refuses


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        (PAIRED, 2_368),
        (SUMMED, 922),
        (Architecture(Wiring.SUMMED, 3, 3, conv2_bias=False), 919),
        (LENET, 5_046),
        # 25+1, 9+1, 25·10+10
        (Architecture(Wiring.PAIRED, 1, 1), 296),
    ],
)
def test_counts_the_papers_parameters(architecture: Architecture, parameters: int) -> None:
    assert architecture.parameters == parameters


def test_names_and_shapes_of_the_weights() -> None:
    assert PAIRED.tensor_shapes == {
        "conv1.weight": (3, 1, 5, 5),
        "conv1.bias": (3,),
        "conv2.weight": (3, 1, 3, 3),
        "conv2.bias": (3,),
        "affine.weight": (10, 225),
        "affine.bias": (10,),
    }
    assert Architecture(Wiring.SUMMED, 6, 16, conv2_bias=False).tensor_shapes == {
        "conv1.weight": (6, 1, 5, 5),
        "conv1.bias": (6,),
        "conv2.weight": (16, 6, 3, 3),
        "affine.weight": (10, 400),
        "affine.bias": (10,),
    }


def test_sides_and_maps_of_the_paper() -> None:
    sides = (PAIRED.conv1_side, PAIRED.pool1_side, PAIRED.conv2_side, PAIRED.pool2_side)
    assert sides == (24, 12, 10, 5)
    assert (PAIRED.map_grid, PAIRED.maps) == ((3, 3), 9)
    assert (SUMMED.map_grid, SUMMED.maps) == ((1, 3), 3)
    unequal = Architecture(Wiring.PAIRED, 2, 5)
    assert (unequal.map_grid, unequal.maps) == ((2, 5), 10)


@pytest.mark.parametrize("count", [-1, 0, 65])
@pytest.mark.parametrize("name", ["conv1_filters", "conv2_filters"])
def test_refuses_a_filter_count(name: str, count: int) -> None:
    counts = (count, 3) if name == "conv1_filters" else (3, count)
    with refuses(ArchitectureError, f"{name} must be from 1 to 64, not {count}"):
        Architecture(Wiring.PAIRED, *counts)


def test_takes_the_outermost_filter_counts() -> None:
    assert Architecture(Wiring.PAIRED, 64, 1).maps == 64
    assert Architecture(Wiring.SUMMED, 1, 64).maps == 64


@pytest.mark.parametrize("count", [-1, 0, 1, 65])
def test_refuses_a_number_of_classes(count: int) -> None:
    with refuses(ArchitectureError, f"classes must be from 2 to 64, not {count}"):
        Architecture(Wiring.PAIRED, 3, 3, classes=count)


def test_only_the_affine_layer_grows_with_the_classes() -> None:
    two, many = (Architecture(Wiring.PAIRED, 3, 3, classes=count) for count in (2, 64))
    assert (two.parameters, many.parameters) == (2_368 - 8 * 226, 2_368 + 54 * 226)
    assert {name for name, shape in two.tensor_shapes.items() if shape != many.tensor_shapes[name]} == {
        "affine.weight",
        "affine.bias",
    }


@pytest.mark.parametrize(
    ("conv1", "conv2", "message"),
    [
        (4, 3, "conv1_kernel 4 on a side of 28 leaves no map that 2×2 pooling divides evenly"),
        (0, 3, "conv1_kernel 0 on a side of 28 leaves no map that 2×2 pooling divides evenly"),
        (29, 3, "conv1_kernel 29 on a side of 28 leaves no map that 2×2 pooling divides evenly"),
        (5, 2, "conv2_kernel 2 on a side of 12 leaves no map that 2×2 pooling divides evenly"),
        (5, 13, "conv2_kernel 13 on a side of 12 leaves no map that 2×2 pooling divides evenly"),
        (27, 1, "conv2_kernel 1 on a side of 1 leaves no map that 2×2 pooling divides evenly"),
    ],
)
def test_refuses_a_kernel(conv1: int, conv2: int, message: str) -> None:
    with refuses(ArchitectureError, message):
        Architecture(Wiring.PAIRED, 3, 3, conv1, conv2)


def test_takes_exactly_the_kernels_that_leave_even_maps() -> None:
    def possible(conv1: int, conv2: int) -> bool:
        try:
            Architecture(Wiring.SUMMED, 1, 1, conv1, conv2)
        except ArchitectureError:
            return False
        return True

    taken = {conv1: kernels for conv1 in range(-2, 31) if (kernels := [k for k in range(-2, 31) if possible(conv1, k)])}
    assert taken == {
        1: [1, 3, 5, 7, 9, 11, 13],  # 28 → 14
        3: [2, 4, 6, 8, 10, 12],  # 26 → 13
        5: [1, 3, 5, 7, 9, 11],  # 24 → 12
        7: [2, 4, 6, 8, 10],  # 22 → 11
        9: [1, 3, 5, 7, 9],  # 20 → 10
        11: [2, 4, 6, 8],  # 18 → 9
        13: [1, 3, 5, 7],  # 16 → 8
        15: [2, 4, 6],  # 14 → 7
        17: [1, 3, 5],  # 12 → 6
        19: [2, 4],  # 10 → 5
        21: [1, 3],  # 8 → 4
        23: [2],  # 6 → 3
        25: [1],  # 4 → 2
    }
