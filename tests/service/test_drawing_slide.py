from itertools import pairwise

import numpy as np
import pytest

from konkyo.models.architecture import Architecture
from konkyo.service.drawing.layout.slide import Slide
from tests.helpers.shapes import LENET, ONE, SUMMED, THREE, WIDE


@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_what_a_pool_makes_of_a_map_stands_at_its_height(architecture: Architecture) -> None:
    slide = Slide(architecture)
    for layer in (0, 2):
        for grid, pooled in zip(slide.grids(layer), slide.grids(layer + 1), strict=True):
            for map_box, pooled_box in zip(
                map(grid.box, range(grid.maps)), map(pooled.box, range(grid.maps)), strict=True
            ):
                assert map_box.top + map_box.height // 2 == pooled_box.top + pooled_box.height // 2


@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_columns_keep_apart(architecture: Architecture) -> None:
    slide = Slide(architecture)
    columns = [slide.digit, *(slide.column(layer) for layer in range(4)), slide.tag(0)]
    gaps = {after.left - before.right for before, after in pairwise(columns)}
    assert len(gaps) == 1
    assert min(gaps) >= 16


@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_nothing_overlaps(architecture: Architecture) -> None:
    slide = Slide(architecture)
    boxes = [slide.digit, *(slide.filter(i) for i in range(architecture.conv1_filters))]
    boxes += [grid.box(place) for layer in range(4) for grid in slide.grids(layer) for place in range(grid.maps)]
    kernels = [(g, j, k) for g in range(len(slide.grids(2))) for j in range(architecture.conv2_filters) for k in (0, 1)]
    boxes += [slide.kernel(g, j, k) for g, j, k in kernels if k < slide.kernels]
    boxes = [box.grow(1) for box in boxes]
    frame = 0 if slide.dense else 1
    grids = [slide.pairs(digit) for digit in range(10)]
    boxes += [grid.box(place).grow(frame) for grid in grids for place in range(grid.maps)]
    for digit, grid in enumerate(grids):
        row = slide.row(digit)
        first, last = grid.box(0).grow(frame), grid.box(grid.maps - 1).grow(frame)
        assert row.left <= first.left
        assert row.top <= first.top
        assert last.right <= row.right
        assert last.bottom <= row.bottom
        boxes += [slide.tag(digit), slide.logit(digit)]
    width, height = slide.size
    taken = np.zeros((height, width), int)
    for box in boxes:
        assert 0 < box.left < box.right < width
        assert 100 < box.top < box.bottom < height
        taken[box.top : box.bottom, box.left : box.right] += 1
    assert taken.max() == 1


@pytest.mark.parametrize("architecture", [THREE, SUMMED, ONE], ids=str)
def test_a_slide_of_few_filters_is_sixteen_by_nine(architecture: Architecture) -> None:
    width, height = Slide(architecture).size
    assert width / height == pytest.approx(16 / 9, rel=0.005)


def test_a_slide_of_lenet_is_still_a_slide() -> None:
    width, height = Slide(LENET).size
    assert 1.7 < width / height < 1.95
