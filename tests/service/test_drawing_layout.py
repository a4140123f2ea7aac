"""What may lie where, for networks of every shape: nothing overlaps, nothing reaches the margin, maps can be seen."""

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Pool, Stage, Wiring, two_stages
from konkyo.models.hiding.regions import Regions
from konkyo.models.result import predict
from konkyo.service import drawing
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.layout.table import Ranking, Table
from konkyo.service.drawing.primitives.canvas import Box, Canvas
from konkyo.service.drawing.primitives.colours import PAPER
from konkyo.service.drawing.primitives.raster import Raster
from tests.helpers.asked import explain_process
from tests.helpers.shapes import (
    ANY,
    COLOUR,
    LARGE_MAPS,
    LENET,
    MANY_CLASSES,
    ONE,
    ONE_STAGE,
    SHAPES,
    THREE,
    THREE_STAGES,
    TINY_VGG,
    TORCH,
    WIDE,
    image_of,
    network_of,
)
from tests.service.drawn import account_of, drops_of, ledger_of, occlusion_of, scaled, study_of

# As deep as it gets, with the most maps and values.
DEEP = Architecture((*[Stage(64, 3, 1)] * 5, Stage(64, 2, 1)), 64, 3, hidden=(512, 512, 512), classes=2)
# Convolutions whose padding makes maps larger than the image: 74 cells a side, and 84.
PADDED = Architecture((Stage(2, 11, 10, pool=None), Stage(20, 11, 10)), 64, classes=2)
# Filters that do not stand side by side within the width of a row of panels.
LONG = Architecture(tuple(Stage(12, 3, 1, pool=Pool() if number == 5 else None) for number in range(6)), 16)
STUDIED = [*WIDE, *ANY, LONG, two_stages(Wiring.SUMMED, 64, 64), two_stages(Wiring.PAIRED, 64, 1, kernels=(13, 3))]
# One of each way in which a picture is laid out.
LAID_OUT = [
    THREE,
    LENET,
    ONE,
    ONE_STAGE,
    two_stages(Wiring.SUMMED, 12, 2),
    two_stages(Wiring.PAIRED, 17, 3),
    two_stages(Wiring.SUMMED, 3, 3, kernels=(23, 2)),
    THREE_STAGES,
    TORCH,
    LARGE_MAPS,
    MANY_CLASSES,
    TINY_VGG,
    COLOUR,
]


def check_apart(boxes: list[Box], width: int, height: int) -> None:
    """None of them overlaps another, and all are in a picture of this size."""
    taken = np.zeros((height, width), int)
    for box in boxes:
        assert 0 <= box.left < box.right <= width
        assert 0 <= box.top < box.bottom <= height
        taken[box.top : box.bottom, box.left : box.right] += 1
    assert taken.max() == 1


def check_inside(boxes: list[Box], outer: Box) -> None:
    for box in boxes:
        assert outer.left <= box.left <= box.right <= outer.right
        assert outer.top <= box.top <= box.bottom <= outer.bottom


@pytest.mark.parametrize("heat", [False, True])
@pytest.mark.parametrize("architecture", [*SHAPES, *ANY], ids=str)
def test_maps_of_pairs_are_squares_of_whole_cells_and_nothing_overlaps(architecture: Architecture, heat: bool) -> None:
    rows, columns = architecture.pairs
    totals = np.random.default_rng(1).normal(size=(rows, columns))
    cells = architecture.side if heat else architecture.sides[-1]
    layout = arrange(network_of(architecture), totals, cells, heat)
    for box in layout.boxes.values():
        assert box.width == box.height >= 40
        assert box.width % cells == 0
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
    columns = [slide.image, *(slide.column(layer) for layer in range(len(slide.layers)))]
    columns += [slide.hidden_column(number) for number in range(len(architecture.hidden))]
    check_apart([*columns, slide.tag(0)], *slide.size)
    for layer, shape in enumerate(slide.layers):
        grids = slide.grids(layer)
        maps = [box for grid in grids for box in grid]
        check_inside(maps, slide.column(layer))
        boxes += maps
        if not shape.whole:
            assert max(box.bottom for box in maps) < slide.others(layer)[1] - 8
        elif not shape.pooled:
            kernels = range(slide.kernels(shape.stage))
            for group, grid in enumerate(grids):
                boxes += [slide.filter(layer, group, place, k) for place in range(grid.count) for k in kernels]
    boxes += [slide.image, *(slide.hidden(number)[0] for number in range(len(architecture.hidden)))]
    for number in range(architecture.classes):
        grid, others = slide.pair_maps(number), slide.other_pairs(number)
        check_inside(list(grid), slide.row(number)._replace(right=others.left))
        boxes += grid
    boxes = [box.grow(1) for box in boxes]
    for number in range(architecture.classes):
        others = slide.other_pairs(number)
        boxes += [slide.tag(number), slide.logit(number), *([others] if others.width else [])]
    assert min(box.top for box in boxes) > 100
    check_apart(boxes, *slide.size)
    # At twice their size they are within the 4,000 pixels, and the deepest at least as it is.
    assert max(slide.size) <= (4000 if architecture in (DEEP, PADDED) else 2000)


def test_filters_of_many_stages_stand_in_two_rows() -> None:
    tops = [grid.first.top for grid in Panels(network_of(LONG)).stages]
    assert tops == sorted(tops)
    assert len(set(tops)) == 2


@pytest.mark.parametrize("architecture", STUDIED, ids=str)
def test_panels_of_classes_hold_what_is_theirs_and_nothing_overlaps(architecture: Architecture) -> None:
    panels = Panels(network_of(architecture))
    frames = 0 if panels.dense else sum(panels.frame)
    boxes = [box for grid in panels.stages for box in grid]
    for digit, panel in enumerate(panels.grid):
        inner = [*panels.bars(digit)] if panels.ranked else [box.grow(frames) for box in panels.cells(digit)]
        inner += [icon.grow(3) for place in (0, 1) for _, icon in panels.icons(digit, place)]
        check_inside(inner, panel._replace(left=panel.left - 4, right=panel.right + 4))
        boxes += inner
    check_apart(boxes, panels.right + 50, panels.bottom + 50)
    assert max(panels.bottom, panels.right) < 1930


def check_margin(canvas: Canvas, bottom: int = 16) -> None:
    """No text and no frame reaches it."""
    assert isinstance(canvas, Raster)
    pixels = canvas.pixels.copy()
    pixels[16:-bottom, 16:-16] = PAPER
    assert (pixels == PAPER).all()
    assert max(pixels.shape) <= 2000


@pytest.mark.parametrize("architecture", LAID_OUT, ids=str)
def test_with_numbers_of_any_size_the_margin_is_free(architecture: Architecture) -> None:
    network, image = network_of(architecture), image_of(architecture)
    check_margin(drawing.prediction(predict(network, image)))
    for size in (1e-5, -123456.0):
        totals = np.full(architecture.pairs, size)
        account = account_of(totals, 1e5, -1e5)
        check_margin(drawing.ledger(ledger_of(account, architecture, target=2, versus=1, image=image)))
        heat = np.full((architecture.side, architecture.side, *architecture.pairs), -size)
        check_margin(drawing.pair_drops(drops_of(heat, totals, architecture, target=2, image=image)))
    process = explain_process(network, image)
    for size in (0.0, 1e-4, 99999.0):
        check_margin(drawing.process(scaled(process, size)), 8)


@pytest.mark.parametrize("regions", [Regions(1), Regions(4, 1), Regions(14)], ids=str)
def test_where_every_region_is_critical_the_margin_is_free(regions: Regions) -> None:
    rng = np.random.default_rng(2)
    predictions = {place: int(rng.choice([1, 3, 8])) for place in np.ndindex(*regions.grid)}
    drops = {place: float(rng.normal(0, 1e4)) for place in np.ndindex(*regions.grid)}
    check_margin(drawing.occlusion(occlusion_of(regions, drops, predictions, whole=-123456.0)), 12)


@pytest.mark.parametrize("architecture", [*LAID_OUT, *STUDIED[-3:]], ids=str)
def test_a_study_leaves_the_margin_free(architecture: Architecture) -> None:
    for study in (None, study_of(architecture)):
        check_margin(drawing.usage("some-net", network_of(architecture), study))
