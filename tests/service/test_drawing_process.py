from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import Process, explain_process
from konkyo.models.network import Trace
from konkyo.service import drawing
from konkyo.service.drawing.layout.slide import Slide
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE, Box, decimals_for, number
from konkyo.service.drawing.primitives.colours import (
    ACCENT,
    FIRST,
    GREY,
    HAIRLINE,
    INK,
    INK_GREY,
    MIDDLE_GREY,
    MUTED,
    NEUTRAL,
    PAPER,
    SECOND,
    SHADES,
    diverging,
    grey,
    rgb,
    signed_grey,
)
from konkyo.service.drawing.primitives.style import Style, Theme
from konkyo.service.drawing.process import TINT
from tests.helpers import shapes
from tests.helpers.drawn import decoded, enlarged, frame_colours, painted, patch, region, written
from tests.helpers.shapes import (
    COLOUR,
    IMAGE,
    KERAS,
    LARGE_MAPS,
    LENET,
    MANY_CLASSES,
    ONE,
    ONE_STAGE,
    SMALL,
    SUMMED,
    THREE,
    THREE_STAGES,
    TINY_VGG,
    TORCH,
    WIDE,
    image_of,
    network_of,
)

process = painted(drawing.process)


def _result(architecture: Architecture = THREE, image: np.ndarray | None = None) -> Process:
    """Of a random network."""
    if image is None:
        image = IMAGE if architecture.image_shape == IMAGE.shape else image_of(architecture)
    return explain_process(network_of(architecture), image)


def _with(result: Process, totals: np.ndarray | None = None, read: int | None = None) -> Process:
    """With these contributions (A, B) to every class, and with the class ``read`` predicted and asked for."""
    if totals is not None:
        contributions = np.broadcast_to(totals, result.ledger.contributions.shape)
        result = replace(
            result,
            ledger=replace(result.ledger, contributions=contributions),
            account=replace(result.account, contributions=totals),
        )
    return result if read is None else replace(result, logits=_logits(read), target=read)


def _logits(read: int) -> np.ndarray:
    logits = np.linspace(-20.0, -2.0, 10)
    logits[read] = 11.25
    return logits


def _boxes(slide: Slide, layer: int) -> list[Box]:
    return [box for grid in slide.grids(layer) for box in grid]


def _drawn_pairs(totals: np.ndarray, count: int) -> list[tuple[int, int]]:
    """The first two, and those that add or take most, by their definition."""
    each = list(np.ndindex(totals.shape))
    chosen = sorted(each, key=lambda pair: (-totals[pair], pair))[:2] if totals.any() else []
    chosen += [pair for pair in sorted(each, key=lambda pair: (-abs(totals[pair]), pair)) if pair not in chosen]
    return sorted(chosen[:count])


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", [*WIDE, *shapes.GREY], ids=str)
def test_every_cell_of_every_drawn_map_has_its_colour(architecture: Architecture, theme: Theme) -> None:
    result, slide = _result(architecture), Slide(architecture)
    image = process(result, Style(theme=theme))
    for layer, shape in enumerate(slide.layers):
        # What matters most is said by the answer with as many maps as the picture shows.
        shown = explain_process(result.network, result.image, top=shape.drawn).shown[shape.stage]
        maps = (result.trace.layers if shape.pooled else result.trace.convolutions)[shape.stage]
        limit = float(np.abs(maps).max())
        boxes = _boxes(slide, layer)
        assert len(boxes) == len(shown) == min(shape.drawn, len(maps))
        for box, values in zip(boxes, maps[shown], strict=True):
            expected = grey(values / (limit or 1)) if shape.pooled else signed_grey(values, limit)
            assert (region(image, box) == enlarged(expected, box)).all(), layer


@pytest.mark.parametrize("architecture", [*WIDE, *shapes.GREY], ids=str)
def test_the_field_holds_the_pairs_of_every_class(architecture: Architecture) -> None:
    slide, result = Slide(architecture), _result(architecture)
    pairs = _drawn_pairs(result.account.contributions, slide.pairs)
    image = process(result)
    given = result.ledger.maps
    all_maps = np.array([[given[c, i, j] for i, j in pairs] for c in range(architecture.classes)])
    cells = -(-all_maps.shape[-1] // slide.block)
    sums = np.zeros((*all_maps.shape[:2], cells, cells))
    for row, column in np.ndindex(all_maps.shape[2:]):
        sums[:, :, row // slide.block, column // slide.block] += all_maps[:, :, row, column]
    limit = float(np.abs(sums).max())
    thickness, gap = slide.frame()
    for number_of in range(architecture.classes):
        for box, values in zip(slide.pair_maps(number_of), sums[number_of], strict=True):
            # Frames may overlap the maps beside first and second place where these stand close.
            inner = max(thickness + gap - (slide.pair_maps(0).pitch[1] - box.width), 0)
            drawn, expected = region(image, box), enlarged(diverging(values, limit), box)
            assert (drawn[:, inner : box.width - inner] == expected[:, inner : box.width - inner]).all(), number_of


def test_large_maps_are_drawn_in_blocks_of_cells_and_say_so() -> None:
    image = process(_result(LARGE_MAPS))
    assert Slide(LARGE_MAPS).block == 2
    assert len(written(image, "per 2×2 cells", NOTE, MUTED)) == 1
    assert len(written(process(_result(KERAS)), "per cell", NOTE, MUTED)) == 1


@pytest.mark.parametrize(
    ("architecture", "others"),
    [(KERAS, "+ 2,039 others"), (LENET, "+ 86 others"), (TORCH, "+ 2,039 others"), (THREE_STAGES, "+ 38 others")],
    ids=str,
)
def test_what_all_other_pairs_add_stands_in_each_row(architecture: Architecture, others: str) -> None:
    slide, result = Slide(architecture), _result(architecture)
    image, pairs = process(result), _drawn_pairs(result.account.contributions, slide.pairs)
    [(x, baseline)] = written(image, others, NOTE, MUTED)
    assert slide.other_pairs(0).left < x < slide.other_pairs(0).right
    assert baseline == slide.pair_names
    rest = [one.sum() - sum(one[pair] for pair in pairs) for one in result.ledger.contributions]
    decimals = decimals_for(max(map(abs, rest)))
    for number_of, value in enumerate(rest):
        box = slide.other_pairs(number_of)
        if number_of != result.target:
            spots = written(image, number(value, decimals, sign=True), NOTE)
            assert any(box.left < x < box.right and box.top < y < box.bottom for x, y in spots), number_of
    # Shown maps, others and biases are the logit.
    shown = sum(result.ledger.contributions[3][pair] for pair in pairs)
    biases = result.ledger.filter_bias[3].sum() + result.ledger.class_bias[3]
    assert shown + rest[3] + biases == pytest.approx(result.logits[3])


@pytest.mark.parametrize("architecture", [THREE, SUMMED, ONE_STAGE, ONE], ids=str)
def test_where_all_pairs_are_drawn_there_are_no_others(architecture: Architecture) -> None:
    slide = Slide(architecture)
    assert slide.whole
    assert slide.pairs == architecture.pairs[0] * architecture.pairs[1]
    assert slide.other_pairs(0).width == 0


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        (KERAS, {"+ 24 others": 2, "+ 56 others": 2}),
        (TORCH, {"+ 24 others": 1, "+ 56 others": 2}),
        (LENET, {}),
        (TINY_VGG, {}),
        (MANY_CLASSES, {"+ 16 others": 2}),
    ],
    ids=str,
)
def test_maps_that_are_left_out_are_counted(architecture: Architecture, words: dict[str, int]) -> None:
    slide, image = Slide(architecture), process(_result(architecture))
    assert sum(not layer.whole for layer in slide.layers) == sum(words.values())
    for text, count in words.items():
        assert len(written(image, text, NOTE, MUTED)) == count


def test_drawn_maps_of_a_wide_stage_have_their_numbers() -> None:
    slide, result = Slide(KERAS), _result(KERAS)
    image = process(result)
    for layer in (0, 2):
        shown = explain_process(result.network, result.image, top=8).shown[slide.layers[layer].stage]
        for number_of, box in zip(shown.tolist(), _boxes(slide, layer), strict=True):
            spots = written(image, str(number_of), NOTE, MUTED)
            near = [(x, y) for x, y in spots if box.left - 26 < x < box.left and box.top < y < box.bottom]
            assert len(near) == 1, number_of


@pytest.mark.parametrize("read", [0, 5, 9])
@pytest.mark.parametrize("architecture", [THREE, LENET, ONE, KERAS], ids=str)
def test_the_winner_s_row_stands_out_and_no_other(architecture: Architecture, read: int) -> None:
    slide, image = Slide(architecture), process(_with(_result(architecture), read=read))
    for digit in range(10):
        row, ends = slide.row(digit), (slide.tag(digit), slide.logit(digit))
        accented = [(region(image, end) == ACCENT).mean() > 0.5 for end in ends]
        assert accented == [digit == read] * 2, digit
        corner = region(image, Box(row.left, row.top, row.left + 3, row.top + 1))
        assert set(corner.ravel().tolist()) == {TINT if digit == read else PAPER}, digit
        if digit != read:
            assert not np.isin(region(image, row), (TINT, ACCENT, FIRST, SECOND)).any()


def test_another_class_that_is_asked_for_has_the_frames_and_the_prediction_its_accent() -> None:
    slide, result = Slide(THREE), replace(_result(THREE), logits=_logits(7), target=2, versus=7)
    image = process(result)
    assert (region(image, slide.logit(7)) == ACCENT).any()
    assert (region(image, slide.row(2)) == TINT).any()
    assert (region(image, slide.row(2)) == FIRST).any()
    assert not np.isin(region(image, slide.row(7)), (TINT, FIRST, SECOND)).any()
    assert len(written(image, "predicted 7: step by step, pairs for 2 − 7", TITLE, strong=True)) == 1


@pytest.mark.parametrize("theme", list(Theme))
def test_the_winner_s_tint_is_between_paper_and_accent(theme: Theme) -> None:
    paper, tint, accent = (np.array(rgb(theme, index), int) for index in (PAPER, TINT, ACCENT))
    assert np.abs(tint - paper).sum() > 60
    assert np.abs(tint - paper).sum() < np.abs(accent - tint).sum()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET, KERAS], ids=str)
def test_in_the_row_of_the_target_first_is_red_and_second_blue(architecture: Architecture, scale: int) -> None:
    totals = np.zeros(architecture.pairs)
    totals[2, 1], totals[0, 2], totals[1, 1] = 8.5, 6.25, -99.0
    slide = Slide(architecture)
    image = process(_with(_result(architecture), totals, 5), Style(scale))
    small = image.resize((image.width // scale, image.height // scale), Image.Resampling.NEAREST)
    pairs = _drawn_pairs(totals, slide.pairs)
    for pair, box in zip(pairs, slide.pair_maps(5), strict=True):
        expected = {(2, 1): {FIRST}, (0, 2): {SECOND}}.get(pair)
        colours = frame_colours(small, box, slide.frame())
        assert colours == expected if expected else not {FIRST, SECOND} <= colours, pair
    red = np.argwhere(np.asarray(image)[: slide.bottom * scale] == FIRST)
    box = slide.pair_maps(5).box(pairs.index((2, 1))).grow(sum(slide.frame()))
    assert ((red[:, 1] >= box.left * scale) & (red[:, 1] < box.right * scale)).all(), "red is nowhere else"
    assert len(red) == (box.width**2 - (box.width - 4) ** 2) * scale**2
    assert len(written(image, "first: map 2 × filter 1", NOTE, scale=scale)) == 1
    assert len(written(image, "second: map 0 × filter 2", NOTE, scale=scale)) == 1


def test_logits_and_what_is_predicted_stand_in_their_rows() -> None:
    slide, logits = Slide(THREE), _logits(5)
    image = process(_with(_result(), read=5))
    for digit in (0, 4, 9):
        (x, y), *more = written(image, f"{logits[digit]:.2f}".replace("-", "−"), BODY)
        assert not more
        assert slide.logit(digit).left <= x
        assert slide.logit(digit).top < y < slide.logit(digit).bottom
        assert any(slide.tag(digit).top < y < slide.tag(digit).bottom for _, y in written(image, str(digit), SUM))
    (_, baseline), *_ = written(image, "5", 44, ACCENT, strong=True)
    assert slide.row(5).top < baseline < slide.row(5).bottom
    winner = region(image, slide.logit(5))
    # Turned around, the winner's letters of paper on the accent are letters of the accent on paper.
    shade = np.where(winner == PAPER, SHADES, ACCENT - winner.astype(int))
    turned = np.where(shade == 0, PAPER, ACCENT - SHADES + shade).astype(np.uint8)
    assert len(written(Image.fromarray(turned), "11.25", BODY, ACCENT, strong=True)) == 1


def test_long_names_of_classes_are_written_out() -> None:
    names = ("a tabby cat on a sofa", "giraffe", "a bus of the school district")
    architecture = replace(THREE, classes=3)
    given = network_of(architecture)
    network = type(given)(architecture, given.weights, names)
    image = process(replace(explain_process(network, IMAGE), logits=np.array([3.0, 1.0, 2.0]), target=0))
    for name in names[1:]:
        assert len(written(image, name, NOTE)) == 1
    # The predicted one stands at the right, in two lines.
    for line in ("a tabby cat on", "a sofa"):
        assert len(written(image, line, 18, ACCENT, strong=True)) == 1


def test_legends_are_greys_from_paper_to_ink() -> None:
    slide, result = Slide(THREE), _result(THREE)
    image = process(result)
    for layer, shape in enumerate(slide.layers):
        maps = (result.trace.layers if shape.pooled else result.trace.convolutions)[shape.stage]
        column = slide.column(layer)
        strip = region(image, slide.strip(column.left, column.right))
        assert (strip[:, 0] == GREY).all()
        assert (strip[:, -1] == INK_GREY).all()
        limit = float(np.abs(maps).max())
        text = number(limit, decimals_for(limit), sign=True)
        least = "0" if shape.pooled else number(-limit, decimals_for(limit), sign=True)
        assert any(column.left - 8 < x < column.right for x, _ in written(image, least, NOTE, MUTED)), least
        assert any(column.left < x < column.right for x, _ in written(image, text, NOTE, MUTED)), text
    assert len(written(image, "before ReLU", NOTE, MUTED)) == len(written(image, "after ReLU", NOTE, MUTED)) == 2
    limit = float(np.abs(result.ledger.maps).max())
    for sign in (-1, 1):
        text = number(sign * limit, decimals_for(limit), sign=True)
        assert any(slide.row(0).left - 2 < x < slide.row(0).right for x, _ in written(image, text, NOTE, MUTED)), text


@pytest.mark.parametrize(
    ("architecture", "headings"),
    [
        (
            THREE,
            ["stage 1", "3 maps of 24×24", "pooled", "3 maps of 12×12", "stage 2", "9 maps of 10×10", "9 maps of 5×5"],
        ),
        (ONE, ["stage 1", "1 map of 24×24", "1 map of 12×12", "stage 2", "1 map of 10×10", "1 map of 5×5"]),
        (TORCH, ["32 maps of 26×26", "64 maps of 24×24", "64 maps of 12×12", "hidden", "128 values"]),
        (THREE_STAGES, ["stage 3", "4 maps of 28×28", "6 maps of 7×7", "8 maps of 5×5"]),
    ],
    ids=str,
)
def test_headings_name_each_column_with_its_sizes(architecture: Architecture, headings: list[str]) -> None:
    image = process(_result(architecture))
    for text in headings:
        bold = not text[0].isdecimal() and "value" not in text
        found = written(image, text, BODY, strong=True) if bold else written(image, text, NOTE, MUTED)
        assert len(found) == (2 if text == "pooled" else 1), text
    stages = len(architecture.stages)
    assert not written(image, f"stage {stages + 1}", BODY, strong=True)
    pooled = sum(stage.pool for stage in architecture.stages)
    assert len(written(image, "pooled", BODY, strong=True)) == pooled
    pairs = architecture.pairs[0] * architecture.pairs[1]
    field = f"10 classes × {pairs:,} map{'s' if pairs > 1 else ''} of {architecture.sides[-1]}×{architecture.sides[-1]}"
    assert len(written(image, field, NOTE, MUTED)) == 1


def test_a_hidden_layer_is_a_narrow_column_of_its_values_after_relu() -> None:
    slide, result = Slide(TORCH), _result(TORCH)
    box, columns = slide.hidden(0)
    after = np.maximum(result.trace.hidden[0], 0)
    cells = after.reshape(columns, -1).T
    assert (region(process(result), box) == enlarged(grey(cells / after.max()), box)).all()
    assert box.width < 30


def test_the_heading_says_what_is_predicted() -> None:
    assert len(written(process(_with(_result(), read=8)), "predicted 8: step by step", TITLE, strong=True)) == 1


@pytest.mark.parametrize("architecture", [THREE, LENET, KERAS, SMALL, MANY_CLASSES], ids=str)
def test_pairs_are_numbered_over_their_columns(architecture: Architecture) -> None:
    result, slide = _result(architecture), Slide(architecture)
    image = process(result)
    for (i, j), box in zip(_drawn_pairs(result.account.contributions, slide.pairs), slide.pair_maps(0), strict=True):
        spots = written(image, f"{i}×{j}", NOTE, MUTED)
        assert any(box.left - 8 <= x < box.right and y == slide.pair_names for x, y in spots), (i, j)


@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET, THREE_STAGES], ids=str)
def test_filters_stand_beside_their_maps(architecture: Architecture) -> None:
    network, slide, image = network_of(architecture), Slide(architecture), process(_result(architecture))
    heads = 0
    for layer, shape in enumerate(slide.layers):
        if shape.pooled or not slide.kernels(shape.stage):
            continue
        weights = network.weights[f"conv{shape.stage + 1}.weight"]
        limit = float(np.abs(weights).max())
        for group, grid in enumerate(slide.grids(layer)):
            for place in range(grid.count):
                for stacked in range(slide.kernels(shape.stage)):
                    box = slide.filter(layer, group, place, stacked)
                    expected = signed_grey(weights[place % len(weights), stacked], limit)
                    assert (region(image, box) == enlarged(expected, box)).all(), (layer, group, place)
                    heads += 1
    assert heads == {THREE: 3 + 9, SUMMED: 3 + 9, LENET: 6, THREE_STAGES: 4}[architecture]


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", [COLOUR, TINY_VGG], ids=str)
def test_a_colour_image_and_its_filters_are_drawn_in_colour(architecture: Architecture, theme: Theme) -> None:
    slide, result = Slide(architecture), _result(architecture)
    image = process(result, Style(theme=theme))
    assert image.mode == "RGB"
    expected = np.rint(result.image * 255).astype(np.uint8).transpose(1, 2, 0)
    assert (patch(image, slide.image) == enlarged(expected, slide.image)).all()
    weights = result.network.weights["conv1.weight"]
    # Zero is grey, and the largest weight of a channel the end of its colour.
    colours = np.rint(np.clip(0.5 + weights / (2 * np.abs(weights).max()), 0, 1) * 255).astype(np.uint8)
    for place in range(len(weights)):
        box = slide.filter(0, 0, place)
        assert (patch(image, box) == enlarged(colours[place].transpose(1, 2, 0), box)).all()


@pytest.mark.parametrize(("architecture", "joined"), [(THREE, False), (SUMMED, True)], ids=str)
def test_lines_show_what_a_stage_reads(architecture: Architecture, joined: bool) -> None:
    """Paired, each map has maps of its own after it; summed, all maps go into each map of the next stage."""
    slide, indices = Slide(architecture), np.asarray(process(_result(architecture)))
    pooled, after, lead = slide.grids(1)[0], slide.grids(2), slide.layers[2].lead
    left, right = pooled.box(0).right + 1, after[0].box(0).left - lead - 1
    halfway = (pooled.box(0).top + pooled.box(1).bottom) // 2
    assert (indices[halfway, left:right] == HAIRLINE).any() == joined
    for grid in after:
        for box in grid.column(0):
            assert indices[box.middle[1], right - 1] == HAIRLINE


def test_the_image_stands_on_the_left() -> None:
    slide, image = Slide(THREE), process(_result(), Style(theme=Theme.DARK))
    assert (region(image, slide.image) == enlarged(grey(IMAGE), slide.image)).all()


def scaled(trace: Trace, size: float) -> Trace:
    """Every value of a trace, times ``size``."""
    parts = ([values * size for values in some] for some in (trace.convolutions, trace.layers, trace.hidden))
    convolutions, layers, hidden = map(tuple, parts)
    return Trace(trace.stages, convolutions, layers, hidden, trace.logits * size)


def _sized(result: Process, size: float) -> Process:
    """Every value, the weights of the head and the contributions times ``size``."""
    ledger = replace(
        result.ledger, weights=result.ledger.weights * size, contributions=result.ledger.contributions * size
    )
    account = replace(result.account, contributions=result.account.contributions * size)
    trace = scaled(result.trace, size)
    return replace(result, trace=trace, logits=result.logits * size, ledger=ledger, account=account)


@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET, KERAS, TORCH], ids=str)
def test_maps_of_zeros_are_neutral_and_nothing_is_framed(architecture: Architecture) -> None:
    slide, image = Slide(architecture), process(_sized(_result(architecture), 0.0))
    for layer, shape in enumerate(slide.layers):
        for box in _boxes(slide, layer):
            assert (region(image, box) == (GREY if shape.pooled else MIDDLE_GREY)).all()
    for box in (box for digit in range(10) for box in slide.pair_maps(digit)):
        assert (region(image, box) == NEUTRAL).all()
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    zeros = [x for x, y in written(image, "0", NOTE, MUTED) if y == slide.lines[0]]
    legends = len(slide.layers) + len(architecture.hidden) + 1
    assert len(zeros) == legends, "each of the legends stands for nothing but zero"
    assert len(written(image, "0.00", BODY)) == 9


def test_an_empty_picture_draws_without_a_warning() -> None:
    image = process(_result(SUMMED, np.zeros((28, 28))))
    assert set(region(image, Slide(SUMMED).image).ravel().tolist()) == {int(grey(np.zeros(())))}


@pytest.mark.parametrize("size", [1e-4, 99999.0])
@pytest.mark.parametrize("architecture", [*WIDE, *shapes.ANY], ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture, size: float) -> None:
    pixels = decoded(process(_sized(_result(architecture), size))).copy()
    pixels[16:-8, 16:-16] = rgb(Theme.LIGHT, PAPER)
    assert (pixels == rgb(Theme.LIGHT, PAPER)).all()


@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_scale_three_is_exactly_three_times_the_size(architecture: Architecture) -> None:
    one, three = process(_result(architecture)), process(_result(architecture), Style(3))
    assert three.size == (3 * one.width, 3 * one.height)
    # Maps at scale 3 are those of scale 1, point for point.
    slide = Slide(architecture)
    for layer in range(4):
        box = _boxes(slide, layer)[-1]
        assert (region(three, box, 3) == region(one, box).repeat(3, 0).repeat(3, 1)).all()


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(process(_result(), Style(theme=theme)))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}
    assert (np.asarray(process(_result())) == INK).any()
