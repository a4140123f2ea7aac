import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konkyo.models.activations import ACTIVATIONS
from konkyo.models.architecture import (
    Architecture,
    Pool,
    PoolKind,
    Stage,
    Wiring,
    parse_stages,
    two_stages,
    written_stages,
)
from konkyo.models.errors import ArchitectureError
from tests.helpers.oracles import LENET, PAIRED, SUMMED
from tests.helpers.refuse import refuses


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        (PAIRED, 2_368),
        (SUMMED, 922),
        (two_stages(Wiring.SUMMED, 3, 3, bias=False), 919),
        (LENET, 5_046),
        # 25+1, 9+1, 25·10+10
        (two_stages(Wiring.PAIRED, 1, 1), 296),
    ],
)
def test_counts_the_papers_parameters(architecture: Architecture, parameters: int) -> None:
    assert architecture.parameters == parameters


def test_counts_the_papers_multiply_adds() -> None:
    # 3 maps of 24×24 by 5×5, 9 of 10×10 by 3×3, and 10 classes of 9 maps of 5×5.
    assert PAIRED.multiply_adds == 3 * 24**2 * 25 + 9 * 10**2 * 9 + 10 * 225 == 53_550
    # A hidden layer of 7 stands between.
    assert replace(PAIRED, hidden=(7,)).multiply_adds == 3 * 24**2 * 25 + 9 * 10**2 * 9 + 7 * 225 + 10 * 7


def test_sides_and_maps_of_the_paper() -> None:
    assert (PAIRED.sides, PAIRED.stages[0].sides(28), PAIRED.stages[1].sides(12)) == ((28, 12, 5), (24, 12), (10, 5))
    assert (PAIRED.map_grid, PAIRED.maps) == ((3, 3), 9)
    assert (SUMMED.map_grid, SUMMED.maps) == ((1, 3), 3)
    unequal = two_stages(Wiring.PAIRED, 2, 5)
    assert (unequal.map_grid, unequal.maps) == ((2, 5), 10)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": 7}, "the image's side must be from 8 to 224, not 7"),
        ({"side": 225}, "the image's side must be from 8 to 224, not 225"),
        ({"channels": 2}, "channels must be 1 or 3, not 2"),
        ({"stages": ()}, "the number of stages must be from 1 to 128, not 0"),
        ({"stages": (Stage(1, 1, pool=None),) * 129}, "the number of stages must be from 1 to 128, not 129"),
        ({"stages": (Stage(3, 5), Stage(0, 3))}, "stage 2's filters must be from 1 to 2048, not 0"),
        ({"stages": (Stage(2049, 5),)}, "stage 1's filters must be from 1 to 2048, not 2049"),
        ({"stages": (Stage(3, 0),)}, "stage 1 has no convolution and 3 filters; without one it has 1"),
        ({"stages": (Stage(3, 225),)}, "stage 1's kernel must be from 0 to 224, not 225"),
        (
            {"stages": (Stage(3, 28),)},
            "stage 1 leaves nothing of a side of 28; a smaller kernel or no pool would do",
        ),
        (
            {"stages": (Stage(3, 5), Stage(3, 13))},
            "stage 2 leaves nothing of a side of 12; a smaller kernel or no pool would do",
        ),
        ({"stages": (Stage(3, 5, stride=5),)}, "stage 1's stride must be from 1 to 4, not 5"),
        ({"stages": (Stage(3, 5, 2, padding_behind=5),)}, "stage 1's padding behind must be from -27 to 4, not 5"),
        ({"stages": (Stage(3, 5), Stage(3, 3, groups=4))}, "stage 2's groups must be from 1 to 3, not 4"),
        (
            {"stages": (Stage(4, 5), Stage(6, 3, groups=4))},
            "stage 2's groups must divide its 4 input maps and its 6 filters, and 4 do not",
        ),
        ({"stages": (Stage(3, 5, pool=Pool(1)),)}, "the side of stage 1's pool must be from 2 to 24, not 1"),
        (
            {"stages": (Stage(3, 5, pool=Pool(5)),)},
            "the side of stage 1's pool must be from 2 to 4, or 24 for the whole map, not 5",
        ),
        ({"stages": (Stage(3, 5, pool=Pool(2, 3)),)}, "the stride of stage 1's pool must be from 1 to 2, not 3"),
        ({"stages": (Stage(3, 5), Stage(3, 3, sources=(2,)))}, "stage 2's source must be from 0 to 1, not 2"),
        (
            {"stages": (Stage(3, 5), Stage(3, 3, sources=(0, 1)))},
            "stage 2 adds up layers of different sides or numbers of maps",
        ),
        ({"stages": (Stage(3, 5, -1),)}, "stage 1's padding must be from 0 to 4, not -1"),
        ({"stages": (Stage(3, 5, 5),)}, "stage 1's padding must be from 0 to 4, not 5"),
        (
            {"stages": (Stage(64, 3), Stage(64, 3, wiring=Wiring.PAIRED), Stage(2, 1, wiring=Wiring.PAIRED))},
            "stage 3's maps must be from 1 to 4096, not 8192",
        ),
        ({"hidden": (1, 1, 1, 1)}, "the number of hidden affine layers must be from 0 to 3, not 4"),
        ({"hidden": (4097,)}, "the width of a hidden affine layer must be from 1 to 4096, not 4097"),
        ({"hidden": (5, 0)}, "the width of a hidden affine layer must be from 1 to 4096, not 0"),
        ({"classes": 1}, "the number of classes must be from 2 to 1024, not 1"),
        ({"classes": 1025}, "the number of classes must be from 2 to 1024, not 1025"),
    ],
)
def test_refuses_what_is_out_of_bounds(changes: dict[str, Any], message: str) -> None:
    with refuses(ArchitectureError, message):
        Architecture(**{"stages": (Stage(3, 5), Stage(3, 3)), **changes})


def test_takes_what_is_just_within() -> None:
    outermost = Architecture((Stage(2048, 224, pool=None),), 224, 3, (4096, 4096, 4096), 1024)
    assert (outermost.sides, outermost.layer_maps, outermost.features) == ((224, 1), (3, 2048), 2048)
    assert len(Architecture((Stage(1, 1, pool=None),) * 128).sides) == 129
    assert Architecture((Stage(1, 1),) * 3, 8, classes=2).sides == (8, 4, 2, 1)
    assert Architecture((Stage(3, 5, 4),)).sides == (28, 16)


def test_an_odd_row_is_dropped() -> None:
    keras = Architecture((Stage(32, 3), Stage(64, 3)))
    assert (keras.sides, keras.features, keras.parameters) == ((28, 13, 5), 1_600, 34_826)


def seen(architecture: Architecture, layer: int) -> list[tuple[int, int]]:
    """The first pixel row that each row of cells sees, and the one behind the last."""
    rows = [np.flatnonzero(row) for row in architecture.sight(layer)]
    assert all(len(row) == row[-1] + 1 - row[0] for row in rows)
    return [(int(row[0]), int(row[-1]) + 1) for row in rows]


def test_each_layer_sees_a_square_of_pixels() -> None:
    assert seen(PAIRED, 1) == [(2 * cell, 2 * cell + 6) for cell in range(12)]
    assert seen(PAIRED, 2) == [(0, 12), (4, 16), (8, 20), (12, 24), (16, 28)]
    padded = Architecture((Stage(1, 3, 1, pool=None), Stage(1, 3, 1)), 8)
    assert seen(padded, 1) == [(0, 2), (0, 3), (1, 4), (2, 5), (3, 6), (4, 7), (5, 8), (6, 8)]
    assert seen(padded, 2) == [(0, 4), (0, 6), (2, 8), (4, 8)]


def test_strides_leave_rows_out_and_a_sum_of_layers_sees_what_each_of_them_sees() -> None:
    behind = Stage(1, 3, 0, Pool(2, 1, PoolKind.MEAN), stride=2, padding_behind=1)
    strided = Architecture((behind, Stage(1, 1, pool=None, stride=2)), 8)
    # Outputs see rows 0–2, 2–4, 4–6 and 6–7; the pool takes two neighbours; the second stage every other of these.
    assert (seen(strided, 1), seen(strided, 2)) == ([(0, 5), (2, 7), (4, 8)], [(0, 5), (4, 8)])
    gap = Architecture((Stage(1, 1, pool=None, stride=3),), 8)
    assert seen(gap, 1) == [(0, 1), (3, 4), (6, 7)]
    summed = Architecture((Stage(1, 3, 1, None), Stage(1, 5, 2, None), Stage(1, 1, 0, None, sources=(1, 2))), 8)
    assert seen(summed, 3) == seen(summed, 2)
    skipped = replace(summed, stages=(*summed.stages[:2], replace(summed.stages[2], sources=(1,))))
    assert seen(skipped, 3) == seen(skipped, 1)


def test_names_and_shapes_of_any_network() -> None:
    network = Architecture((Stage(4, 3, bias=False), Stage(2, 5, 2, wiring=Wiring.PAIRED)), 20, 3, (7, 5), 3)
    assert network.layer_maps == (3, 4, 8)
    assert network.tensor_shapes == {
        "conv1.weight": (4, 3, 3, 3),
        "conv2.weight": (2, 1, 5, 5),
        "conv2.bias": (2,),
        "hidden1.weight": (7, 128),
        "hidden1.bias": (7,),
        "hidden2.weight": (5, 7),
        "hidden2.bias": (5,),
        "affine.weight": (3, 5),
        "affine.bias": (3,),
    }


counts, kernels = st.integers(1, 64), st.integers(0, 63)
names = st.sampled_from(list(ACTIVATIONS))
some_stages = st.builds(
    Stage,
    counts,
    kernels,
    kernels,
    st.none() | st.builds(Pool, counts, counts, st.sampled_from(PoolKind)),
    st.sampled_from(Wiring),
    st.booleans(),
    counts,
    st.none() | st.integers(-9, 9),
    counts,
    st.booleans(),
    names,
    names,
    st.lists(st.integers(0, 127), max_size=3).map(tuple),
)


@given(st.lists(some_stages, min_size=1, max_size=6))
def test_stages_are_read_as_they_are_written(stages: list[Stage]) -> None:
    assert parse_stages(written_stages(stages)) == tuple(stages)


def test_the_stages_in_text() -> None:
    assert parse_stages("16k5p2, 32k3uqn") == (Stage(16, 5, 2), Stage(32, 3, 0, None, Wiring.PAIRED, False))
    assert parse_stages("7k1") == (Stage(7, 1),)
    assert parse_stages("6k5s2p2-1g3a4-2b:tanh:silu,1k0n+0+1") == (
        Stage(
            6,
            5,
            2,
            Pool(4, 2, PoolKind.MEAN),
            stride=2,
            padding_behind=1,
            groups=3,
            bias_map=True,
            activation="tanh",
            after="silu",
        ),
        Stage(1, 0, pool=None, sources=(0, 1)),
    )
    assert written_stages(two_stages(Wiring.PAIRED, 3, 3).stages) == "3k5,3k3q"


@pytest.mark.parametrize(
    "text", ["", "3x3", "3k", "k5", "3k5p", "3k5nn", "3k5z", "3.0k5", "-3k5", "3k5;3k3", "3K5", "٣k5"]
)
def test_refuses_other_texts(text: str) -> None:
    for stages, number in ((text, 1), (f"3k5,{text}", 2)):
        with pytest.raises(ArchitectureError, match=re.escape(f"stage {number} is {text!r}; write FILTERS k KERNEL, ")):
            parse_stages(stages)
