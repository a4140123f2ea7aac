import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.places import greatest
from konkyo.service.drawing.layout.table import Pairs, Ranking, Table, in_table, ranks
from tests.helpers.shapes import ANY, COLOUR, KERAS, LENET, ONE_STAGE, SHAPES, THREE, TINY_VGG, network_of


def _layout(architecture: Architecture, heat: bool) -> Pairs:
    totals = np.random.default_rng(1).normal(size=architecture.pairs)
    return arrange(network_of(architecture), totals, architecture.side if heat else architecture.sides[-1], heat)


@pytest.mark.parametrize(
    ("architecture", "few"),
    [
        (THREE, True),
        (ONE_STAGE, True),
        (COLOUR, True),
        (two_stages(Wiring.SUMMED, 6, 6), True),
        (two_stages(Wiring.SUMMED, 3, 12), True),
        (two_stages(Wiring.SUMMED, 7, 2), False),
        (two_stages(Wiring.SUMMED, 6, 7), False),
        (LENET, False),
        (KERAS, False),
        (TINY_VGG, False),
    ],
    ids=str,
)
def test_few_pairs_are_in_a_table_and_of_many_the_greatest_are_ranked(architecture: Architecture, few: bool) -> None:
    network = network_of(architecture)
    assert in_table(network) == few
    totals = np.random.default_rng(1).normal(size=architecture.pairs)
    for heat in (False, True):
        layout = arrange(network, totals, 5, heat)
        assert isinstance(layout, Table if few else Ranking)
        expected = list(np.ndindex(totals.shape)) if few else greatest(totals, ranks(heat))
        assert list(layout.boxes) == expected


@pytest.mark.parametrize("heat", [False, True])
@pytest.mark.parametrize("architecture", [*SHAPES, *ANY], ids=str)
def test_nothing_overlaps(architecture: Architecture, heat: bool) -> None:
    layout = _layout(architecture, heat)
    rows, columns = architecture.pairs
    boxes = [layout.image, *(box.grow(sum(layout.frame)) for box in layout.boxes.values())]
    if isinstance(layout, Ranking):
        boxes.append(layout.others)
    elif isinstance(layout, Table):
        boxes += [layout.filter(row) for row in range(rows) if len(architecture.stages) == 2]
        stacked = rows if architecture.stages[-1].wiring is Wiring.SUMMED and len(architecture.stages) > 1 else 1
        boxes += [layout.kernel(row, column) for row in range(stacked) for column in range(columns)]
    taken = np.zeros((layout.bottom + 50, layout.right + 50), int)
    for box in boxes:
        assert box.left > 0
        taken[box.top - 1 : box.bottom + 1, box.left - 1 : box.right + 1] += 1
    assert taken.max() == 1
    assert max(layout.right, layout.bottom) < 1800


@pytest.mark.parametrize("heat", [False, True])
@pytest.mark.parametrize("architecture", [*SHAPES, *ANY], ids=str)
def test_a_map_is_square_with_whole_cells(architecture: Architecture, heat: bool) -> None:
    layout = _layout(architecture, heat)
    for box in layout.boxes.values():
        assert box.width == box.height
        assert box.width % layout.cells == 0
        assert box.width >= 40
