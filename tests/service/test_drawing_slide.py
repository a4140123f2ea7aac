from itertools import pairwise

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Stage
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.primitives.canvas import Box
from tests.helpers.shapes import ANY, KERAS, LENET, ONE, SUMMED, THREE, THREE_STAGES, TINY_VGG, WIDE

# As deep as it gets, with the most maps and values.
DEEP = Architecture((*[Stage(64, 3, 1)] * 5, Stage(64, 2, 1)), 64, 3, hidden=(512, 512, 512), classes=2)


@pytest.mark.parametrize("architecture", [*WIDE, *ANY, DEEP], ids=str)
def test_a_stage_has_one_column_and_with_a_pool_two(architecture: Architecture) -> None:
    columns = [(layer.stage, layer.pooled) for layer in Slide(architecture).layers]
    expected = [
        (number, pooled)
        for number, stage in enumerate(architecture.stages)
        for pooled in (False, True)
        if not pooled or stage.pool
    ]
    assert columns == expected


@pytest.mark.parametrize("architecture", [*WIDE, *ANY], ids=str)
def test_what_a_pool_makes_of_a_map_stands_at_its_height(architecture: Architecture) -> None:
    slide = Slide(architecture)
    for layer, shape in enumerate(slide.layers):
        if not shape.pooled:
            continue
        for grid, pooled in zip(slide.grids(layer - 1), slide.grids(layer), strict=True):
            for map_box, pooled_box in zip(grid, pooled, strict=True):
                assert abs(map_box.middle[1] - pooled_box.middle[1]) <= 1


@pytest.mark.parametrize("architecture", [*WIDE, *ANY, DEEP], ids=str)
def test_columns_keep_apart(architecture: Architecture) -> None:
    slide = Slide(architecture)
    columns = [slide.image, *(slide.column(layer) for layer in range(len(slide.layers)))]
    columns += [slide.hidden_column(number) for number in range(len(architecture.hidden))]
    gaps = {after.left - before.right for before, after in pairwise([*columns, slide.tag(0)])}
    assert len(gaps) == 1
    assert min(gaps) >= 16


@pytest.mark.parametrize("architecture", [*WIDE, *ANY, DEEP], ids=str)
def test_nothing_overlaps(architecture: Architecture) -> None:
    slide, boxes = Slide(architecture), list[Box]()
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
        boxes += [slide.tag(number), slide.other_pairs(number), slide.logit(number)]
    width, height = slide.size
    taken = np.zeros((height, width), int)
    for box in boxes:
        assert 0 < box.left <= box.right < width
        assert 100 < box.top < box.bottom < height
        taken[box.top : box.bottom, box.left : box.right] += 1
    assert taken.max() == 1


@pytest.mark.parametrize("architecture", [THREE, SUMMED, ONE], ids=str)
def test_a_slide_of_few_filters_is_sixteen_by_nine(architecture: Architecture) -> None:
    width, height = Slide(architecture).size
    assert width / height == pytest.approx(16 / 9, rel=0.005)


@pytest.mark.parametrize("architecture", [LENET, KERAS, THREE_STAGES, TINY_VGG], ids=str)
def test_a_slide_of_a_usual_network_is_still_a_slide(architecture: Architecture) -> None:
    width, height = Slide(architecture).size
    assert 1.5 < width / height < 2.1


@pytest.mark.parametrize("architecture", [*WIDE, *ANY], ids=str)
def test_slides_can_be_drawn_at_twice_their_size(architecture: Architecture) -> None:
    assert max(Slide(architecture).size) <= 2000


def test_the_deepest_network_can_be_drawn() -> None:
    assert max(Slide(DEEP, ("a name of thirty-two letters, so", "b")).size) <= 4000


def test_maps_are_large_enough_to_be_seen() -> None:
    for architecture in (LENET, KERAS, THREE_STAGES, TINY_VGG):
        slide = Slide(architecture)
        assert min(layer.side for layer in slide.layers) >= 30
        assert slide.pair_maps(0).first.width >= 30
