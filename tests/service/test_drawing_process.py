from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import Ledger, Process, contributions
from konkyo.models.network import Network, Trace
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
from konkyo.service.drawing.process import TINT, process
from tests.helpers.drawn import decoded, written
from tests.helpers.shapes import IMAGE, LENET, ONE, SUMMED, THREE, WIDE, network_of


def _inputs(architecture: Architecture, image: np.ndarray = IMAGE) -> tuple[Network, Trace, Ledger]:
    network = network_of(architecture)
    return network, network.trace(image), contributions(network, image)


def _process(
    network: Network, trace: Trace, ledger: Ledger, style: Style = Style(), image: np.ndarray = IMAGE
) -> Image.Image:
    result = Process(
        network=network,
        image=image,
        logits=trace.logits,
        trace=trace,
        ledger=ledger,
        typicality=None,
        unlike=None,
    )
    return process(result, style)


def _draw(
    architecture: Architecture = THREE,
    *,
    totals: np.ndarray | None = None,
    logits: np.ndarray | None = None,
    scale: int = 1,
    theme: Theme = Theme.LIGHT,
) -> Image.Image:
    """Of a random network; ``totals`` are the contributions to every class, ``logits`` what the trace holds."""
    network, trace, ledger = _inputs(architecture)
    if totals is not None:
        ledger = replace(ledger, contributions=np.broadcast_to(totals, ledger.contributions.shape))
    if logits is not None:
        trace = replace(trace, logits=logits)
    return _process(network, trace, ledger, Style(scale, theme))


def _region(image: Image.Image, box: Box, scale: int = 1) -> np.ndarray:
    left, top, right, bottom = (edge * scale for edge in box)
    return np.asarray(image)[top:bottom, left:right]


def _logits(read: int) -> np.ndarray:
    logits = np.linspace(-20.0, -2.0, 10)
    logits[read] = 11.25
    return logits


def _frame(image: Image.Image, slide: Slide, box: Box) -> set[int]:
    """The palette indices of a place's frame around a map, on its left and right."""
    thickness, gap = slide.frame
    middle = (box.top + box.bottom) // 2
    row = np.asarray(image)[middle]
    outer = gap + thickness
    return {*row[box.left - outer : box.left - gap].tolist(), *row[box.right + gap : box.right + outer].tolist()}


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_every_cell_of_every_layer_has_its_colour(architecture: Architecture, theme: Theme) -> None:
    network, trace, ledger = _inputs(architecture)
    slide = Slide(architecture)
    image = _process(network, trace, ledger, Style(theme=theme))
    for layer, maps in enumerate((trace.conv1, trace.pool1, trace.conv2, trace.pool2)):
        limit = float(np.abs(maps).max())
        boxes = [grid.box(place) for grid in slide.grids(layer) for place in range(grid.maps)]
        assert len(boxes) == len(maps)
        for box, values in zip(boxes, maps, strict=True):
            side = box.width // len(values)
            expected = grey(values / (limit or 1)) if layer % 2 else signed_grey(values, limit)
            assert (_region(image, box) == expected.repeat(side, 0).repeat(side, 1)).all(), layer


@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_the_field_holds_every_pair_of_every_class(architecture: Architecture) -> None:
    network, trace, ledger = _inputs(architecture)
    # Frames may overlap the maps beside first and second place where these stand close.
    ledger = replace(ledger, contributions=np.zeros_like(ledger.contributions))
    slide, image = Slide(architecture), _process(network, trace, ledger)
    limit = float(np.abs(ledger.maps).max())
    for digit, i, j in np.ndindex(ledger.contributions.shape):
        box, values = slide.pairs(digit).box(i * architecture.conv2_filters + j), ledger.maps[digit, i, j]
        side = box.width // len(values)
        expected = diverging(values, limit).repeat(side, 0).repeat(side, 1)
        assert (_region(image, box) == expected).all(), (digit, i, j)


@pytest.mark.parametrize("read", [0, 5, 9])
@pytest.mark.parametrize("architecture", [THREE, LENET, ONE], ids=str)
def test_the_winner_s_row_stands_out_and_no_other(architecture: Architecture, read: int) -> None:
    slide, image = Slide(architecture), _draw(architecture, logits=_logits(read))
    for digit in range(10):
        row, ends = slide.row(digit), (slide.tag(digit), slide.logit(digit))
        accented = [(_region(image, end) == ACCENT).mean() > 0.5 for end in ends]
        assert accented == [digit == read] * 2, digit
        corner = _region(image, Box(row.left, row.top, row.left + 3, row.top + 1))
        assert set(corner.ravel().tolist()) == {TINT if digit == read else PAPER}, digit
        if digit != read:
            assert not np.isin(_region(image, row), (TINT, ACCENT, FIRST, SECOND)).any()


@pytest.mark.parametrize("theme", list(Theme))
def test_the_winner_s_tint_is_between_paper_and_accent(theme: Theme) -> None:
    paper, tint, accent = (np.array(rgb(theme, index), int) for index in (PAPER, TINT, ACCENT))
    assert np.abs(tint - paper).sum() > 60
    assert np.abs(tint - paper).sum() < np.abs(accent - tint).sum()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET], ids=str)
def test_in_the_winner_s_row_first_is_red_and_second_blue(architecture: Architecture, scale: int) -> None:
    shape = architecture.conv1_filters, architecture.conv2_filters
    totals = np.zeros(shape)
    totals[2, 1], totals[0, 2], totals[1, 1] = 8.5, 6.25, -99.0
    slide, image = Slide(architecture), _draw(architecture, totals=totals, logits=_logits(5), scale=scale)
    small = image.resize((image.width // scale, image.height // scale), Image.Resampling.NEAREST)
    grid = slide.pairs(5)
    for i, j in np.ndindex(shape):
        expected = {(2, 1): {FIRST}, (0, 2): {SECOND}}.get((i, j))
        colours = _frame(small, slide, grid.box(i * shape[1] + j))
        if expected:
            assert colours == expected, (i, j)
        elif not slide.dense:
            assert not {FIRST, SECOND} & colours, (i, j)
    red = np.argwhere(np.asarray(image) == FIRST)
    box = grid.box(2 * shape[1] + 1).grow(sum(slide.frame))
    inside = (red[:, 1] >= box.left * scale) & (red[:, 1] < box.right * scale) & (red[:, 0] < slide.bottom * scale)
    assert inside[red[:, 0] < slide.bottom * scale].all(), "red is nowhere else in the field"
    assert inside.sum() == (box.width**2 - (box.width - 4) ** 2) * scale**2
    assert len(written(image, "first: conv1[2]×conv2[1]", NOTE, scale=scale)) == 1
    assert len(written(image, "second: conv1[0]×conv2[2]", NOTE, scale=scale)) == 1


def test_places_are_those_of_the_class_that_is_predicted() -> None:
    network, trace, ledger = _inputs(THREE)
    totals = np.zeros((10, 3, 3))
    totals[:, 0, 0], totals[7, 0, 0], totals[7, 1, 2] = 50.0, 1.0, 2.0
    image = _process(network, replace(trace, logits=_logits(7)), replace(ledger, contributions=totals))
    slide = Slide(THREE)
    assert _frame(image, slide, slide.pairs(7).box(5)) == {FIRST}
    assert _frame(image, slide, slide.pairs(7).box(0)) == {SECOND}


def test_logits_and_what_is_predicted_stand_in_their_rows() -> None:
    slide, logits = Slide(THREE), _logits(5)
    image = _draw(logits=logits)
    for digit in (0, 4, 9):
        (x, y), *more = written(image, f"{logits[digit]:.2f}".replace("-", "−"), BODY)
        assert not more
        assert slide.logit(digit).left <= x
        assert slide.logit(digit).top < y < slide.logit(digit).bottom
        assert any(slide.tag(digit).top < y < slide.tag(digit).bottom for _, y in written(image, str(digit), SUM))
    (_, baseline), *_ = written(image, "5", 44, ACCENT, strong=True)
    assert slide.row(5).top < baseline < slide.row(5).bottom
    winner = np.asarray(image)[slide.logit(5).top : slide.logit(5).bottom, slide.logit(5).left : slide.logit(5).right]
    # Turned around, the winner's letters of paper on the accent are letters of the accent on paper.
    shade = np.where(winner == PAPER, SHADES, ACCENT - winner.astype(int))
    turned = np.where(shade == 0, PAPER, ACCENT - SHADES + shade).astype(np.uint8)
    assert len(written(Image.fromarray(turned), "11.25", BODY, ACCENT, strong=True)) == 1


def test_legends_are_greys_from_paper_to_ink() -> None:
    network, trace, ledger = _inputs(THREE)
    slide, image = Slide(THREE), _process(network, trace, ledger)
    for layer, maps in enumerate((trace.conv1, trace.pool1, trace.conv2, trace.pool2)):
        column = slide.column(layer)
        strip = _region(image, slide.strip(column.left, column.right))
        assert (strip[:, 0] == GREY).all()
        assert (strip[:, -1] == INK_GREY).all()
        limit = float(np.abs(maps).max())
        text = number(limit, decimals_for(limit), sign=True)
        least = "0" if layer % 2 else number(-limit, decimals_for(limit), sign=True)
        assert any(column.left - 8 < x < column.right for x, _ in written(image, least, NOTE, MUTED)), least
        assert any(column.left < x < column.right for x, _ in written(image, text, NOTE, MUTED)), text
    assert len(written(image, "before ReLU", NOTE, MUTED)) == len(written(image, "after ReLU", NOTE, MUTED)) == 2
    limit = float(np.abs(ledger.maps).max())
    for sign in (-1, 1):
        text = number(sign * limit, decimals_for(limit), sign=True)
        assert any(slide.row(0).left - 2 < x < slide.row(0).right for x, _ in written(image, text, NOTE, MUTED)), text


@pytest.mark.parametrize(
    ("architecture", "sizes"),
    [
        (THREE, ["3 maps of 24×24", "3 maps of 12×12", "9 maps of 10×10", "9 maps of 5×5"]),
        (LENET, ["6 maps of 24×24", "6 maps of 12×12", "16 maps of 10×10", "16 maps of 5×5"]),
        (ONE, ["1 map of 24×24", "1 map of 12×12", "1 map of 10×10", "1 map of 5×5"]),
    ],
    ids=str,
)
def test_headings_name_each_layer_with_its_sizes(architecture: Architecture, sizes: list[str]) -> None:
    slide, image = Slide(architecture), _draw(architecture)
    for layer, (name, text) in enumerate(zip(("conv1", "pool1", "conv2", "pool2"), sizes, strict=True)):
        column = slide.column(layer)
        for spots in (written(image, name, BODY, strong=True), written(image, text, NOTE, MUTED)):
            assert len(spots) == 1
            assert column.left - 1 <= spots[0][0] < column.right
    pairs = architecture.conv1_filters * architecture.conv2_filters
    field = f"10 classes × {pairs} map{'s' if pairs > 1 else ''} of 5×5"
    assert len(written(image, field, NOTE, MUTED)) == 1


def test_the_heading_says_what_is_predicted() -> None:
    assert len(written(_draw(logits=_logits(8)), "predicted 8: step by step", TITLE, strong=True)) == 1


def test_pairs_are_numbered_over_their_columns() -> None:
    image, grid = _draw(), Slide(THREE).pairs(0)
    (x, _), *more = written(image, "1×2", NOTE, MUTED)
    assert not more
    assert grid.box(5).left <= x < grid.box(5).right


@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET], ids=str)
def test_filters_stand_beside_their_maps(architecture: Architecture) -> None:
    network, slide, image = network_of(architecture), Slide(architecture), _draw(architecture)
    filters, kernels = network.weights["conv1.weight"][:, 0], network.weights["conv2.weight"]
    heads = [(slide.filter(i), filters[i], filters) for i in range(len(filters))]
    for j, stacked in np.ndindex(kernels.shape[:2] if slide.kernels else (0, 0)):
        groups = range(len(slide.grids(2)))
        heads += [(slide.kernel(group, j, stacked), kernels[j, stacked], kernels) for group in groups]
    assert len(heads) == {THREE: 3 + 9, SUMMED: 3 + 9, LENET: 6}[architecture]
    for box, weights, layer in heads:
        side = box.width // len(weights)
        expected = signed_grey(weights, float(np.abs(layer).max())).repeat(side, 0).repeat(side, 1)
        assert (_region(image, box) == expected).all(), box


@pytest.mark.parametrize(("architecture", "joined"), [(THREE, False), (SUMMED, True)], ids=str)
def test_lines_show_what_conv2_reads(architecture: Architecture, joined: bool) -> None:
    """Paired, each pool1 map has conv2 maps of its own; summed, all pool1 maps go into each conv2 map."""
    slide, indices = Slide(architecture), np.asarray(_draw(architecture))
    pool1, conv2 = slide.grids(1)[0], slide.grids(2)
    left, right = pool1.box(0).right + 1, conv2[0].box(0).left - conv2[0].lead - 1
    first, second = pool1.box(0), pool1.box(1)
    halfway = (first.top + second.bottom) // 2
    assert (indices[halfway, left:right] == HAIRLINE).any() == joined
    for grid in conv2:
        for box in grid.column(0):
            middle = box.top + box.height // 2
            assert indices[middle, right - 1] == HAIRLINE


def test_the_digit_stands_on_the_left() -> None:
    slide, image = Slide(THREE), _draw(theme=Theme.DARK)
    assert (_region(image, slide.digit) == grey(IMAGE).repeat(4, 0).repeat(4, 1)).all()


def scaled(trace: Trace, size: float) -> Trace:
    """Every value of a trace, times ``size``."""
    convolutions, layers = ([values * size for values in some] for some in (trace.convolutions, trace.layers))
    return Trace(trace.stages, tuple(convolutions), tuple(layers), (), trace.logits * size)


@pytest.mark.parametrize("architecture", [THREE, SUMMED, LENET], ids=str)
def test_maps_of_zeros_are_neutral_and_nothing_is_framed(architecture: Architecture) -> None:
    network, trace, ledger = _inputs(architecture)
    nothing = scaled(trace, 0.0)
    empty = replace(ledger, passed=np.zeros_like(ledger.passed), contributions=np.zeros_like(ledger.contributions))
    slide, image = Slide(architecture), _process(network, nothing, empty, image=np.zeros((28, 28)))
    for layer in range(4):
        for box in (grid.box(place) for grid in slide.grids(layer) for place in range(grid.maps)):
            assert (_region(image, box) == (GREY if layer % 2 else MIDDLE_GREY)).all()
    for box in (slide.pairs(digit).box(place) for digit in range(10) for place in range(slide.pairs(digit).maps)):
        assert (_region(image, box) == NEUTRAL).all()
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    zeros = [x for x, y in written(image, "0", NOTE, MUTED) if y == slide.lines[0]]
    assert len(zeros) == 5, "each of the legends stands for nothing but zero"
    assert len(written(image, "0.00", BODY)) == 9


def test_an_empty_picture_draws_without_a_warning() -> None:
    empty = np.zeros((28, 28))
    network, trace, ledger = _inputs(SUMMED, empty)
    image = _process(network, trace, ledger, image=empty)
    assert set(_region(image, Slide(SUMMED).digit).ravel().tolist()) == {int(grey(np.zeros(())))}


@pytest.mark.parametrize("size", [0.0, 1e-4, 1.0, 99999.0])
@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture, size: float) -> None:
    network, trace, ledger = _inputs(architecture)
    trace = scaled(trace, size)
    ledger = replace(ledger, weights=ledger.weights * size, contributions=ledger.contributions - 2 * size)
    indices = np.asarray(_process(network, trace, ledger)).copy()
    indices[16:-8, 16:-16] = PAPER
    assert (indices == PAPER).all()


@pytest.mark.parametrize("architecture", WIDE, ids=str)
def test_scale_three_is_exactly_three_times_the_size(architecture: Architecture) -> None:
    one, three = _draw(architecture), _draw(architecture, scale=3)
    assert three.size == (3 * one.width, 3 * one.height)
    # Maps at scale 3 are those of scale 1, point for point.
    for layer in range(4):
        box = _last_map(architecture, layer)
        assert (_region(three, box, 3) == _region(one, box).repeat(3, 0).repeat(3, 1)).all()


def _last_map(architecture: Architecture, layer: int) -> Box:
    """The last map of a layer."""
    grid = Slide(architecture).grids(layer)[-1]
    return grid.box(grid.maps - 1)


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(theme=theme))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}
    assert (np.asarray(_draw()) == INK).any()
