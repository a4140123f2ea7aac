"""What may lie where, for networks of every shape: nothing overlaps, nothing reaches the margin, maps can be seen."""

from itertools import pairwise

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages
from konkyo.models.contributions import Account, explain_process
from konkyo.models.hiding.regions import Regions
from konkyo.models.result import predict
from konkyo.service import drawing
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.layout.places import greatest, places
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.layout.table import Pairs, Ranking, Table, in_table, ranks
from konkyo.service.drawing.primitives.canvas import Box, Canvas
from konkyo.service.drawing.primitives.colours import FIRST, PAPER, SECOND, rgb
from tests.helpers.drawn import decoded, painted
from tests.helpers.shapes import (
    ANY,
    COLOUR,
    KERAS,
    LENET,
    ONE,
    ONE_STAGE,
    SHAPES,
    SUMMED,
    THREE,
    THREE_STAGES,
    TINY_VGG,
    WIDE,
    image_of,
    network_of,
)
from tests.service.drawn import drops_of, ledger_of, occlusion_of, scaled, study_of

# As deep as it gets, with the most maps and values.
DEEP = Architecture((*[Stage(64, 3, 1)] * 5, Stage(64, 2, 1)), 64, 3, hidden=(512, 512, 512), classes=2)
# Convolutions whose padding makes maps larger than the image: 74 cells a side, and 84.
PADDED = Architecture((Stage(2, 11, 10, pool=False), Stage(20, 11, 10)), 64, classes=2)
# Filters that do not stand side by side within the width of a row of panels.
LONG = Architecture(tuple(Stage(12, 3, 1, pool=number == 5) for number in range(6)), 16)
STUDIED = [*WIDE, *ANY, two_stages(Wiring.SUMMED, 64, 64), two_stages(Wiring.PAIRED, 64, 1, kernels=(13, 3))]
TOTALS = np.array([[1.0, -9.0, 3.0], [3.0, 2.0, 0.5]])


def pairs_of(architecture: Architecture, heat: bool) -> Pairs:
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
        assert list(layout.boxes) == (list(np.ndindex(totals.shape)) if few else greatest(totals, ranks(heat)))


def test_the_first_two_go_by_sign_and_of_equal_ones_the_lower_numbers_come_first() -> None:
    assert places(TOTALS) == {(0, 2): (FIRST, "first"), (1, 0): (SECOND, "second")}
    assert places(np.zeros((3, 3))) == {}
    assert places(np.array([[-1.0]])) == {(0, 0): (FIRST, "first")}
    for seed in range(5):
        totals = np.random.default_rng(seed).integers(-3, 4, (4, 5)).astype(float)
        account = Account(np.zeros((4, 5, 5, 5)), totals, np.zeros(5), 0.0, 0.0)
        assert list(places(totals)) == [(pair.map, pair.filter) for pair in account.ranking()[:2]]


def test_the_greatest_add_or_take_most_and_both_places_are_among_them() -> None:
    assert greatest(TOTALS, 4) == [(0, 2), (1, 0), (1, 1), (0, 1)]
    assert greatest(TOTALS, 99) == [(0, 2), (1, 0), (1, 1), (0, 0), (1, 2), (0, 1)]
    assert greatest(np.array([[-9.0, -8.0, 1.0], [-7.0, 0.5, -6.0]]), 3) == [(0, 2), (1, 1), (0, 0)]


def check_apart(boxes: list[Box], width: int, height: int) -> None:
    """None of them overlaps another, and all are in a picture of this size."""
    taken = np.zeros((height, width), int)
    for box in boxes:
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height
        taken[box.top : box.bottom, box.left : box.right] += 1
    assert taken.max() == 1


@pytest.mark.parametrize("heat", [False, True])
@pytest.mark.parametrize("architecture", [*SHAPES, *ANY], ids=str)
def test_maps_of_pairs_are_squares_of_whole_cells_and_nothing_overlaps(architecture: Architecture, heat: bool) -> None:
    layout, (rows, columns) = pairs_of(architecture, heat), architecture.pairs
    for box in layout.boxes.values():
        assert box.width == box.height >= 40
        assert box.width % layout.cells == 0
    boxes = [layout.image, *(box.grow(sum(layout.frame)) for box in layout.boxes.values())]
    if isinstance(layout, Ranking):
        boxes.append(layout.others)
    elif isinstance(layout, Table):
        boxes += [layout.filter(row) for row in range(rows) if len(architecture.stages) == 2]
        stacked = rows if architecture.stages[-1].wiring is Wiring.SUMMED and len(architecture.stages) > 1 else 1
        boxes += [layout.kernel(row, column) for row in range(stacked) for column in range(columns)]
    check_apart([box.grow(1) for box in boxes], layout.right + 50, layout.bottom + 50)
    assert max(layout.right, layout.bottom) < 1800


@pytest.mark.parametrize("architecture", [*WIDE, *ANY, DEEP, PADDED], ids=str)
def test_a_slide_has_a_column_for_each_step_and_nothing_overlaps(architecture: Architecture) -> None:
    slide, boxes = Slide(architecture), list[Box]()
    assert [(layer.stage, layer.pooled) for layer in slide.layers] == [
        (number, pooled)
        for number, stage in enumerate(architecture.stages)
        for pooled in (False, True)
        if not pooled or stage.pool
    ]
    columns = [slide.image, *(slide.column(layer) for layer in range(len(slide.layers)))]
    columns += [slide.hidden_column(number) for number in range(len(architecture.hidden))]
    [gap] = {after.left - before.right for before, after in pairwise([*columns, slide.tag(0)])}
    assert gap >= 16
    for layer, shape in enumerate(slide.layers):
        column, grids = slide.column(layer), slide.grids(layer)
        for group, grid in enumerate(grids):
            boxes += grid
            assert all(column.left <= box.left and box.right <= column.right for box in grid)
            assert all(column.top <= box.top and box.bottom <= column.bottom for box in grid)
            if shape.whole and not shape.pooled:
                kernels = range(slide.kernels(shape.stage))
                boxes += [slide.filter(layer, group, place, k) for place in range(grid.count) for k in kernels]
        if not shape.whole:
            assert max(box.bottom for grid in grids for box in grid) < slide.others(layer)[1] - 8
    boxes = [
        box.grow(1) for box in (slide.image, *boxes, *(slide.hidden(n)[0] for n in range(len(architecture.hidden))))
    ]
    for number in range(architecture.classes):
        row, grid = slide.row(number), slide.pair_maps(number)
        assert all(row.left <= box.left and row.top <= box.top and box.bottom <= row.bottom for box in grid)
        assert grid.right <= slide.other_pairs(number).left
        boxes += [box.grow(1) for box in grid]
        boxes += [slide.tag(number), slide.logit(number)]
        boxes += [slide.other_pairs(number)] if slide.other_pairs(number).width else []
    assert min(box.top for box in boxes) > 100
    check_apart(boxes, *slide.size)


@pytest.mark.parametrize("architecture", [*WIDE, *ANY], ids=str)
def test_what_a_pool_makes_of_a_map_stands_at_its_height(architecture: Architecture) -> None:
    slide = Slide(architecture)
    for layer, shape in enumerate(slide.layers):
        if shape.pooled:
            for grid, pooled in zip(slide.grids(layer - 1), slide.grids(layer), strict=True):
                for map_box, pooled_box in zip(grid, pooled, strict=True):
                    assert abs(map_box.middle[1] - pooled_box.middle[1]) <= 1


def test_slides_have_the_shape_of_slides_and_maps_that_can_be_seen() -> None:
    for architecture in (THREE, SUMMED, ONE):
        width, height = Slide(architecture).size
        assert width / height == pytest.approx(16 / 9, rel=0.005)
    for architecture in (LENET, KERAS, THREE_STAGES, TINY_VGG):
        slide = Slide(architecture)
        assert 1.5 < slide.size[0] / slide.size[1] < 2.1
        assert min(*(layer.side for layer in slide.layers), slide.pair_maps(0).first.width) >= 30
    # At twice their size they are within the 4,000 pixels, and the deepest at least as it is.
    assert max(max(Slide(architecture).size) for architecture in (*WIDE, *ANY)) <= 2000
    assert max(Slide(DEEP, ("a name of thirty-two letters, so", "b")).size) <= 4000


def test_filters_of_many_stages_stand_in_two_rows() -> None:
    tops = [grid.first.top for grid in Panels(network_of(LONG)).stages]
    assert tops == sorted(tops)
    assert len(set(tops)) == 2


@pytest.mark.parametrize("architecture", [*STUDIED, LONG], ids=str)
def test_panels_of_classes_hold_what_is_theirs_and_nothing_overlaps(architecture: Architecture) -> None:
    panels = Panels(network_of(architecture))
    frames = 0 if panels.dense else sum(panels.frame)
    boxes = [box for grid in panels.stages for box in grid]
    for digit, panel in enumerate(panels.grid):
        inner = [*panels.bars(digit)] if panels.ranked else [box.grow(frames) for box in panels.cells(digit)]
        inner += [icon.grow(3) for place in (0, 1) for _, icon in panels.icons(digit, place)]
        assert all(panel.top <= box.top and box.bottom <= panel.bottom for box in inner)
        assert all(panel.left - 4 <= box.left and box.right <= panel.right + 4 for box in inner)
        boxes += inner
    check_apart(boxes, panels.right + 50, panels.bottom + 50)
    assert max(panels.bottom, panels.right) < 1930


def check_margin(canvas: Canvas, bottom: int = 16) -> None:
    """No text and no frame reaches it."""
    pixels = decoded(painted(lambda: canvas)()).copy()
    pixels[16:-bottom, 16:-16] = rgb("light", PAPER)
    assert (pixels == rgb("light", PAPER)).all()
    assert max(pixels.shape) <= 2000


@pytest.mark.parametrize("architecture", ANY, ids=str)
def test_a_prediction_leaves_the_margin_free(architecture: Architecture) -> None:
    check_margin(drawing.prediction(predict(network_of(architecture), image_of(architecture))))


@pytest.mark.parametrize("size", [0.0, 1e-5, 123456.0, -98765.4])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_a_ledger_and_the_drops_of_pairs_leave_the_margin_free(architecture: Architecture, size: float) -> None:
    totals = np.full(architecture.pairs, size)
    check_margin(drawing.ledger(ledger_of(totals, 1e5, -1e5, architecture, target=8, versus=3)))
    heat = np.full((28, 28, *architecture.pairs), -size)
    check_margin(drawing.pair_drops(drops_of(heat, totals, architecture, target=8)))


@pytest.mark.parametrize("regions", [Regions(1), Regions(2), Regions(3, 2), Regions(4, 1), Regions(14), Regions(14, 1)])
def test_where_every_region_is_critical_the_margin_is_free(regions: Regions) -> None:
    rng = np.random.default_rng(2)
    predictions = {place: int(rng.choice([1, 3, 8])) for place in np.ndindex(*regions.grid)}
    drops = {place: float(rng.normal(0, 1e4)) for place in np.ndindex(*regions.grid)}
    check_margin(drawing.occlusion(occlusion_of(regions, drops, predictions, whole=-123456.0)), 12)


@pytest.mark.parametrize("size", [1e-4, 99999.0])
@pytest.mark.parametrize("architecture", [*WIDE, *ANY], ids=str)
def test_a_process_leaves_the_margin_free(architecture: Architecture, size: float) -> None:
    result = explain_process(network_of(architecture), image_of(architecture))
    check_margin(drawing.process(scaled(result, size)), 8)


@pytest.mark.parametrize("architecture", STUDIED, ids=str)
def test_a_study_leaves_the_margin_free(architecture: Architecture) -> None:
    for study in (None, study_of(architecture)):
        check_margin(drawing.usage("some-net", network_of(architecture), study))
