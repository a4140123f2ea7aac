"""The pictures of the process and of the use of filters show what was computed."""

import numpy as np
import pytest

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.contributions import Process, explain_process
from konkyo.models.network import Network
from konkyo.models.usage import ClassUsage, Usage
from konkyo.service import drawing
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, Box, decimals_for, number
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    GREY,
    INK,
    MIDDLE_GREY,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    SECOND,
    diverging,
    grey,
    signed_grey,
)
from tests.helpers import shapes
from tests.helpers.drawn import enlarged, painted, patch, region, written
from tests.helpers.shapes import (
    IMAGE,
    KERAS,
    LARGE_MAPS,
    LENET,
    MANY_CLASSES,
    SUMMED,
    THREE,
    THREE_STAGES,
    TINY_VGG,
    TORCH,
    WIDE,
    image_of,
    network_of,
)
from tests.service.drawn import scaled, study_of

process, usage = painted(drawing.process), painted(drawing.usage)


# --- The process


def process_of(architecture: Architecture) -> Process:
    """Of a random network."""
    image = IMAGE if architecture.image_shape == IMAGE.shape else image_of(architecture)
    return explain_process(network_of(architecture), image)


def drawn_boxes(slide: Slide, layer: int) -> list[Box]:
    return [box for grid in slide.grids(layer) for box in grid]


def drawn_pairs(totals: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The first two, and those that add or take most, by their definition."""
    each = list(np.ndindex(totals.shape))
    chosen = sorted(each, key=lambda pair: (-totals[pair], pair))[:2] if totals.any() else []
    chosen += [pair for pair in sorted(each, key=lambda pair: (-abs(totals[pair]), pair)) if pair not in chosen]
    return sorted(chosen[:count])


@pytest.mark.parametrize("architecture", [*WIDE, *shapes.GREY], ids=str)
def test_every_cell_of_every_drawn_map_has_its_colour(architecture: Architecture) -> None:
    result, slide = process_of(architecture), Slide(architecture)
    image = process(result)
    for layer, shape in enumerate(slide.layers):
        # What matters most is said by the answer with as many maps as the picture shows.
        shown = explain_process(result.network, result.image, top=shape.drawn).shown[shape.stage]
        maps = (result.trace.layers if shape.pooled else result.trace.convolutions)[shape.stage]
        limit, boxes = float(np.abs(maps).max()), drawn_boxes(slide, layer)
        assert len(boxes) == len(shown) == min(shape.drawn, len(maps))
        for box, values in zip(boxes, maps[shown], strict=True):
            expected = grey(values / (limit or 1)) if shape.pooled else signed_grey(values, limit)
            assert (region(image, box) == enlarged(expected, box)).all(), layer
        # Each strip beneath has its ends in numbers.
        column = slide.column(layer)
        ends = [number(limit, decimals_for(limit), sign=True)] if limit else []
        for text in (*ends, *(["0"] if shape.pooled else [])):
            assert any(column.left - 8 < x < column.right for x, _ in written(image, text, NOTE, MUTED)), text


@pytest.mark.parametrize("architecture", [*WIDE, *shapes.GREY], ids=str)
def test_the_field_holds_the_pairs_of_every_class(architecture: Architecture) -> None:
    """Large maps in blocks of cells, which it says."""
    slide, result = Slide(architecture), process_of(architecture)
    pairs = drawn_pairs(result.account.contributions, slide.pairs)
    image = process(result)
    given = result.ledger.maps
    maps = np.array([[given[c, i, j] for i, j in pairs] for c in range(architecture.classes)])
    cells = -(-maps.shape[-1] // slide.block)
    sums = np.zeros((*maps.shape[:2], cells, cells))
    for row, column in np.ndindex(maps.shape[2:]):
        sums[:, :, row // slide.block, column // slide.block] += maps[:, :, row, column]
    limit = float(np.abs(sums).max())
    thickness, gap = slide.frame()
    for digit in range(architecture.classes):
        for box, values in zip(slide.pair_maps(digit), sums[digit], strict=True):
            # Frames may overlap the maps beside first and second place where these stand close.
            inner = max(thickness + gap - (slide.pair_maps(0).pitch[1] - box.width), 0)
            drawn, expected = region(image, box), enlarged(diverging(values, limit), box)
            assert (drawn[:, inner : box.width - inner] == expected[:, inner : box.width - inner]).all(), digit
    assert slide.block == (2 if architecture == LARGE_MAPS else 1)
    assert len(written(image, "per 2×2 cells" if slide.block == 2 else "per cell", NOTE, MUTED)) == 1


@pytest.mark.parametrize(
    ("architecture", "others"),
    [(KERAS, "+ 2,039 others"), (LENET, "+ 86 others"), (THREE_STAGES, "+ 38 others")],
    ids=str,
)
def test_what_all_other_pairs_add_stands_in_each_row(architecture: Architecture, others: str) -> None:
    slide, result = Slide(architecture), process_of(architecture)
    image, pairs = process(result), drawn_pairs(result.account.contributions, slide.pairs)
    [(x, baseline)] = written(image, others, NOTE, MUTED)
    assert slide.other_pairs(0).left < x < slide.other_pairs(0).right
    assert baseline == slide.pair_names
    rest = [one.sum() - sum(one[pair] for pair in pairs) for one in result.ledger.contributions]
    decimals = decimals_for(max(map(abs, rest)))
    for digit, value in enumerate(rest):
        box = slide.other_pairs(digit)
        if digit != result.target:
            spots = written(image, number(value, decimals, sign=True), NOTE)
            assert any(box.left < x < box.right and box.top < y < box.bottom for x, y in spots), digit
            logit, box = number(result.logits[digit], decimals_for(np.abs(result.logits).max())), slide.logit(digit)
            assert any(box.left <= x and box.top < y < box.bottom for x, y in written(image, logit, BODY)), digit
    for (i, j), box in zip(pairs, slide.pair_maps(0), strict=True):
        spots = written(image, f"{i}×{j}", NOTE, MUTED)
        assert any(box.left - 8 <= x < box.right and y == slide.pair_names for x, y in spots), (i, j)
    # Maps that are left out are counted beneath their columns.
    for layer, shape in enumerate(slide.layers):
        if not shape.whole:
            x, y = slide.others(layer)
            text = f"+ {architecture.layer_maps[shape.stage + 1] - shape.drawn:,} others"
            assert any(abs(y - line) < 2 and abs(x - start) < 60 for start, line in written(image, text, NOTE, MUTED))


@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET, THREE_STAGES, TINY_VGG], ids=str)
def test_filters_stand_beside_their_maps(architecture: Architecture) -> None:
    network, slide, image = network_of(architecture), Slide(architecture), process(process_of(architecture))
    heads = 0
    for layer, shape in enumerate(slide.layers):
        weights = network.weights[f"conv{shape.stage + 1}.weight"]
        limit = float(np.abs(weights).max())
        places = (
            [] if shape.pooled else [(g, p) for g, grid in enumerate(slide.grids(layer)) for p in range(grid.count)]
        )
        for (group, place), stacked in ((one, k) for one in places for k in range(slide.kernels(shape.stage))):
            box = slide.filter(layer, group, place, stacked)
            if architecture == TINY_VGG:
                # Zero is grey, and the largest weight of a channel the end of its colour.
                colours = np.rint(np.clip(0.5 + weights[place] / (2 * limit), 0, 1) * 255).astype(np.uint8)
                assert (patch(image, box) == enlarged(colours.transpose(1, 2, 0), box)).all()
            else:
                expected = signed_grey(weights[place % len(weights), stacked], limit)
                assert (region(image, box) == enlarged(expected, box)).all(), (layer, group, place)
            heads += 1
    assert heads == {THREE: 12, SUMMED: 12, LENET: 6, THREE_STAGES: 4, TINY_VGG: 10}[architecture]


def test_a_hidden_layer_is_a_narrow_column_of_its_values_after_relu() -> None:
    slide, result = Slide(TORCH), process_of(TORCH)
    box, columns = slide.hidden(0)
    after = np.maximum(result.trace.hidden[0], 0)
    cells = after.reshape(columns, -1).T
    assert (region(process(result), box) == enlarged(grey(cells / after.max()), box)).all()
    assert box.width < 30


@pytest.mark.parametrize("architecture", [SUMMED, KERAS, TORCH], ids=str)
def test_maps_of_zeros_are_neutral_and_nothing_is_framed(architecture: Architecture) -> None:
    slide, image = Slide(architecture), process(scaled(process_of(architecture), 0.0))
    for layer, shape in enumerate(slide.layers):
        for box in drawn_boxes(slide, layer):
            assert (region(image, box) == (GREY if shape.pooled else MIDDLE_GREY)).all()
    for box in (box for digit in range(10) for box in slide.pair_maps(digit)):
        assert (region(image, box) == NEUTRAL).all()
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    zeros = [x for x, y in written(image, "0", NOTE, MUTED) if y == slide.lines[0]]
    assert len(zeros) == len(slide.layers) + len(architecture.hidden) + 1, "each legend stands for nothing but zero"
    assert len(written(image, "0.00", BODY)) == 9


# --- The use of filters


@pytest.mark.parametrize("architecture", [THREE, LENET, THREE_STAGES], ids=str)
def test_cells_have_the_colours_of_the_mean_contributions(architecture: Architecture) -> None:
    study, panels = study_of(architecture), Panels(network_of(architecture))
    indices = np.asarray(usage("some-net", network_of(architecture), study))
    limit = max(float(np.abs(one.mean).max()) for one in study.classes)
    for digit, one in enumerate(study.classes):
        for box, expected in zip(panels.cells(digit), diverging(one.mean, limit).ravel(), strict=True):
            assert indices[box.middle[1], box.middle[0]] == expected


@pytest.mark.parametrize(("architecture", "listed"), [(KERAS, 6), (MANY_CLASSES, 4)], ids=str)
def test_of_many_pairs_the_greatest_are_listed_with_bars_and_the_others_summed(
    architecture: Architecture, listed: int
) -> None:
    study, panels = study_of(architecture), Panels(network_of(architecture))
    assert panels.ranked
    image = usage("some-net", network_of(architecture), study)
    indices = np.asarray(image)
    most, least = (float(f(f(one.mean.ravel()) for one in study.classes)) for f in (max, min))
    decimals = decimals_for(max(most, -least))
    for digit in (0, architecture.classes - 1):
        one, bars = study.classes[digit], panels.bars(digit)
        assert bars.count == listed + 1
        order = sorted(np.ndindex(one.mean.shape), key=lambda pair: -abs(one.mean[pair]))[:listed]
        order.sort(key=lambda pair: -one.mean[pair])
        for (i, j), box in zip(order, bars, strict=False):
            row = indices[box.middle[1], box.left : box.right]
            length = int((row == (POSITIVE if one.mean[i, j] > 0 else NEGATIVE)).sum())
            assert length == pytest.approx(abs(one.mean[i, j]) / (most - least) * box.width, abs=1.6), (i, j)
            place = dict(zip(one.combination, (FIRST, SECOND), strict=True)).get((i, j), INK)
            names = written(image, f"{i}×{j}", NOTE, place, strong=place != INK)
            assert any(box.left - 60 < x < box.left and abs(y - box.bottom) < 6 for x, y in names), (i, j)
        last = bars.box(listed)
        rest = number(one.mean.sum() - sum(one.mean[pair] for pair in order), decimals, sign=True)
        assert any(abs(y - last.bottom) < 6 and x > last.right - 20 for x, y in written(image, rest, NOTE, MUTED))
        counted = f"+ {one.mean.size - listed:,} others"
        assert len(written(image, counted, NOTE, MUTED)) == architecture.classes


@pytest.mark.parametrize("architecture", [*WIDE, *shapes.ANY], ids=str)
def test_the_filters_of_every_stage_stand_above(architecture: Architecture) -> None:
    network, panels = network_of(architecture), Panels(network_of(architecture))
    assert len(panels.stages) == len(architecture.stages)
    image = usage("some-net", network, None)
    for stage, grid in enumerate(panels.stages):
        weights = network.weights[f"conv{stage + 1}.weight"]
        limit = float(np.abs(weights).max())
        if architecture.channels == 3:
            if not stage and not architecture.stages[0].paired:
                colours = np.rint(np.clip(0.5 + weights / (2 * limit), 0, 1) * 255).astype(np.uint8)
                for one, box in zip(colours, grid, strict=True):
                    assert (patch(image, box) == enlarged(one.transpose(1, 2, 0), box)).all()
            continue
        if weights.shape[0] * weights.shape[1] <= 256:
            kernels = [weights[j, i] for i in range(weights.shape[1]) for j in range(weights.shape[0])]
        else:
            kernels = [max(of_filter, key=lambda kernel: float((kernel**2).sum())) for of_filter in weights]
        for kernel, box in zip(kernels, grid, strict=True):
            assert (region(image, box) == enlarged(signed_grey(kernel, limit), box)).all(), stage


def test_shares_are_written_in_each_panel() -> None:
    """Half a percent is rounded up, so that two can add up to more than 100."""
    image = usage("some-net", network_of(THREE), study_of(THREE, {0: 0.675}))
    for text, size, colour, count in (
        ("67.5%", BODY, FIRST, 1),
        ("32.5%", BODY, SECOND, 1),
        ("68%", NOTE, FIRST, 1),
        ("33%", NOTE, SECOND, 1),
        ("60%", NOTE, FIRST, 9),
        ("40%", NOTE, SECOND, 9),
    ):
        assert len(written(image, text, size, colour, strong=True)) == count, text
    assert len(written(image, "0%", NOTE, MUTED)) == 70


def test_without_any_contribution_a_study_is_neutral() -> None:
    zero = ClassUsage(1, np.array([[1]]), np.zeros((1, 1)), np.zeros((1, 1)), None)
    shape = two_stages(Wiring.PAIRED, 1, 1)
    network = Network(shape, {name: np.zeros(size) for name, size in shape.tensor_shapes.items()})
    image = usage("zero", network, Usage(10, 1, (zero,) * 10, None))
    assert (region(image, Panels(network).cells(9).box(0)) == NEUTRAL).all()
