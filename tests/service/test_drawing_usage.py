from itertools import product

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.network import Network
from konkyo.models.usage import ClassUsage, Usage
from konkyo.service import drawing
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE, Box, decimals_for, number
from konkyo.service.drawing.primitives.colours import (
    FIRST,
    INK,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    SECOND,
    diverging,
    rgb,
    signed_grey,
)
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers import shapes
from tests.helpers.drawn import decoded, enlarged, frame_colours, painted, patch, region, written
from tests.helpers.shapes import (
    COLOUR,
    KERAS,
    LENET,
    MANY_CLASSES,
    SHAPES,
    THREE,
    THREE_STAGES,
    TINY_VGG,
    WIDE,
    network_of,
)

usage = painted(drawing.usage)

ALL = [
    *WIDE,
    *shapes.ANY,
    two_stages(Wiring.SUMMED, 64, 64),
    two_stages(Wiring.PAIRED, 64, 1, kernels=(13, 3)),
]


def study_of(architecture: Architecture, shares: dict[int, float] | None = None) -> Usage:
    """200 pictures a class; the pair of first place goes from class to class, by a share that can be given."""
    rng = np.random.default_rng(2)
    rows, columns = architecture.pairs
    classes = []
    for digit in range(architecture.classes):
        firsts = np.zeros(rows * columns, np.intp)
        most = round(200 * (shares or {}).get(digit, 0.6))
        firsts[digit % (rows * columns)] = most
        firsts[(digit + 1) % (rows * columns)] += 200 - most
        values = rng.normal(0, 3, (rows, columns))
        classes.append(ClassUsage(200, firsts.reshape(rows, columns), values, values * 0, None))
    return Usage(2000, 200, tuple(classes), None)


def draw(architecture: Architecture, study: Usage | None, scale: int = 1, theme: Theme = Theme.LIGHT) -> Image.Image:
    return usage("some-net", network_of(architecture), study, Style(scale, theme))


def _panels(architecture: Architecture) -> Panels:
    return Panels(network_of(architecture))


@pytest.mark.parametrize("architecture", SHAPES[:4], ids=str)
def test_first_is_framed_red_second_blue_and_no_other(architecture: Architecture) -> None:
    study, panels = study_of(architecture), _panels(architecture)
    image = draw(architecture, study)
    for digit, one in enumerate(study.classes):
        assert one.second is not None
        colours = dict(zip(one.combination, (FIRST, SECOND), strict=True))
        for pair, box in zip(np.ndindex(one.mean.shape), panels.cells(digit), strict=True):
            around = frame_colours(image, box, panels.frame)
            expected = colours.get(pair)
            if expected is None:
                assert FIRST not in around or panels.dense
            else:
                # Where cells stand close, the first's frame lies over the second's.
                assert around == {expected} or (panels.dense and expected == SECOND)
                assert expected in around


@pytest.mark.parametrize("architecture", [THREE, SHAPES[1], KERAS], ids=str)
def test_the_filters_of_the_places_are_framed_in_their_colours(architecture: Architecture) -> None:
    study, panels, network = study_of(architecture), _panels(architecture), network_of(architecture)
    image = draw(architecture, study)
    first, last = network.weights["conv1.weight"], network.weights["conv2.weight"]
    for digit, place in product((0, 7), (0, 1)):
        i, j = study.classes[digit].combination[place]
        kernel = last[j, i if architecture.stages[1].wiring is Wiring.SUMMED else 0]
        icons = panels.icons(digit, place)
        assert [stage for stage, _ in icons] == [0, 1]
        for (_, box), weights, layer in zip(icons, (first[i, 0], kernel), (first, last), strict=True):
            assert frame_colours(image, box, (2, 1)) == {(FIRST, SECOND)[place]}
            shades = signed_grey(weights, float(np.abs(layer).max()))
            assert (region(image, box) == enlarged(shades, box)).all()
        assert len(written(image, f"map {i} × filter {j}", NOTE, MUTED)) >= 1


def test_of_three_stages_the_kernel_of_the_last_stands_for_a_pair() -> None:
    study, panels, network = study_of(THREE_STAGES), _panels(THREE_STAGES), network_of(THREE_STAGES)
    image, weights = draw(THREE_STAGES, study), network.weights["conv3.weight"]
    for digit in (0, 9):
        [(stage, box)] = panels.icons(digit, 0)
        assert stage == 2
        i, j = study.classes[digit].combination[0]
        assert (region(image, box) == enlarged(signed_grey(weights[j, i], float(np.abs(weights).max())), box)).all()


def test_a_dominated_class_has_no_blue() -> None:
    image = draw(THREE, study_of(THREE, dict.fromkeys(range(10), 0.95)))
    assert not (np.asarray(image) == SECOND).any()
    one, panel = draw(THREE, study_of(THREE, {4: 0.95})), _panels(THREE).grid.box(4)
    column = np.asarray(one)[panel.top : panel.bottom, panel.left - 5 : panel.right]
    assert not (column == SECOND).any()
    assert (column == FIRST).any()
    assert (np.asarray(one) == SECOND).any()


@pytest.mark.parametrize("architecture", [THREE, LENET, THREE_STAGES], ids=str)
def test_cells_have_the_colours_of_the_mean_contributions(architecture: Architecture) -> None:
    study, panels = study_of(architecture), _panels(architecture)
    assert not panels.ranked
    indices = np.asarray(draw(architecture, study))
    limit = max(float(np.abs(one.mean).max()) for one in study.classes)
    for digit, one in enumerate(study.classes):
        for box, expected in zip(panels.cells(digit), diverging(one.mean, limit).ravel(), strict=True):
            x, y = box.middle
            assert indices[y, x] == expected


@pytest.mark.parametrize("architecture", [KERAS, MANY_CLASSES], ids=str)
def test_of_many_pairs_the_greatest_are_listed_with_bars_and_the_others_summed(architecture: Architecture) -> None:
    study, panels = study_of(architecture), _panels(architecture)
    assert panels.ranked
    image = draw(architecture, study)
    indices = np.asarray(image)
    most = max(float(one.mean.max()) for one in study.classes)
    least = min(float(one.mean.min()) for one in study.classes)
    decimals = decimals_for(max(most, -least))
    listed = {KERAS: 6, MANY_CLASSES: 4}[architecture]
    for digit in (0, architecture.classes - 1):
        one, bars = study.classes[digit], panels.bars(digit)
        assert bars.count == listed + 1
        order = sorted(np.ndindex(one.mean.shape), key=lambda pair: -abs(one.mean[pair]))[:listed]
        order.sort(key=lambda pair: -one.mean[pair])
        for (i, j), box in zip(order, bars, strict=False):
            row = indices[box.middle[1], box.left : box.right]
            colour = POSITIVE if one.mean[i, j] > 0 else NEGATIVE
            length = int((row == colour).sum())
            assert length == pytest.approx(abs(one.mean[i, j]) / (most - least) * box.width, abs=1.6), (i, j)
            colours = dict(zip(one.combination, (FIRST, SECOND), strict=True))
            place = colours.get((i, j), INK)
            names = written(image, f"{i}×{j}", NOTE, place, strong=place != INK)
            assert any(box.left - 60 < x < box.left and abs(y - box.bottom) < 6 for x, y in names), (i, j)
        last = bars.box(listed)
        rest = number(one.mean.sum() - sum(one.mean[pair] for pair in order), decimals, sign=True)
        assert any(abs(y - last.bottom) < 6 and x > last.right - 20 for x, y in written(image, rest, NOTE, MUTED))
        counted = f"+ {one.mean.size - listed:,} others"
        assert len(written(image, counted, NOTE, MUTED)) == architecture.classes


@pytest.mark.parametrize("architecture", [one for one in ALL if one.channels == 1], ids=str)
def test_the_filters_of_every_stage_stand_above(architecture: Architecture) -> None:
    network, panels = network_of(architecture), _panels(architecture)
    assert len(panels.stages) == len(architecture.stages)
    image = draw(architecture, None)
    for stage, grid in enumerate(panels.stages):
        weights = network.weights[f"conv{stage + 1}.weight"]
        if weights.shape[0] * weights.shape[1] <= 256:
            kernels = [weights[j, i] for i in range(weights.shape[1]) for j in range(weights.shape[0])]
        else:
            kernels = [max(of_filter, key=lambda kernel: float((kernel**2).sum())) for of_filter in weights]
        limit = float(np.abs(weights).max())
        for kernel, box in zip(kernels, grid, strict=True):
            assert (region(image, box) == enlarged(signed_grey(kernel, limit), box)).all(), stage


@pytest.mark.parametrize("architecture", [COLOUR, TINY_VGG], ids=str)
def test_filters_of_a_colour_image_are_in_colour(architecture: Architecture) -> None:
    weights = network_of(architecture).weights["conv1.weight"]
    expected = np.rint(np.clip(0.5 + weights / (2 * np.abs(weights).max()), 0, 1) * 255).astype(np.uint8)
    image, grid = draw(architecture, study_of(architecture)), _panels(architecture).stages[0]
    for colours, box in zip(expected, grid, strict=True):
        assert (patch(image, box) == enlarged(colours.transpose(1, 2, 0), box)).all()


def test_the_words_and_numbers() -> None:
    image, panels = draw(THREE, study_of(THREE, {0: 0.675})), _panels(THREE)
    assert len(written(image, "some-net: which filter pairs each class uses", TITLE, strong=True)) == 1
    assert len(written(image, "67.5%", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "32.5%", BODY, SECOND, strong=True)) == 1
    # Half a percent is rounded up, so that the two add up to more than 100.
    assert len(written(image, "68%", NOTE, FIRST, strong=True)) == 1
    assert len(written(image, "33%", NOTE, SECOND, strong=True)) == 1
    assert len(written(image, "60%", NOTE, FIRST, strong=True)) == 9
    assert len(written(image, "40%", NOTE, SECOND, strong=True)) == 9
    assert len(written(image, "0%", NOTE, MUTED)) == 70
    assert len(written(image, "200 images", NOTE, MUTED)) == 10
    assert len(written(image, "map 1 × filter 2", NOTE, MUTED)) == 2
    assert len(written(image, "Rows are maps that enter stage 2, columns its filters.", NOTE, MUTED)) == 1
    for number_of, grid in enumerate(panels.stages, 1):
        assert (grid.first.left, grid.first.top - 8) in written(image, f"stage {number_of}", NOTE, MUTED)
    for digit, panel in enumerate(panels.grid):
        spots = written(image, str(digit), SUM, strong=True)
        assert any(panel.left <= x < panel.right and panel.top <= y < panel.bottom for x, y in spots)


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        (LENET, "stage 2, 16 filters of 6 kernels"),
        (KERAS, "stage 2, 64 filters: of 32 kernels the largest"),
        (THREE_STAGES, "stage 3, 8 filters of 6 kernels"),
    ],
    ids=str,
)
def test_a_stage_says_how_many_kernels_its_filters_have(architecture: Architecture, words: str) -> None:
    assert len(written(draw(architecture, None), words, NOTE, MUTED)) == 1


def test_long_names_of_classes_stand_above_the_number_of_images() -> None:
    given, names = network_of(THREE), tuple(f"class with a name {number}" for number in range(10))
    network = Network(given.architecture, given.weights, names)
    image = usage("some-net", network, study_of(THREE))
    for panel, name in zip(Panels(network).grid, names, strict=True):
        [(x, baseline)] = written(image, name, SUM, strong=True)
        assert (x, baseline) == (panel.left, panel.top + 12)
        assert (panel.left, panel.top + 30) in written(image, "200 images", NOTE, MUTED)


def test_without_a_study_it_says_how_to_make_one() -> None:
    image = draw(LENET, None)
    text = "Not studied yet; this does it: python -m trainer study filters --model some-net"
    assert len(written(image, text, NOTE, MUTED)) == 1
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    assert image.height < 320


@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_nothing_overlaps(architecture: Architecture) -> None:
    panels = _panels(architecture)
    taken = np.zeros((panels.bottom + 50, panels.right + 50), int)
    frames = 0 if panels.dense else sum(panels.frame)
    boxes = [box for grid in panels.stages for box in grid]
    for digit, panel in enumerate(panels.grid):
        inner = [*panels.bars(digit)] if panels.ranked else [box.grow(frames) for box in panels.cells(digit)]
        inner += [icon.grow(3) for place in (0, 1) for _, icon in panels.icons(digit, place)]
        assert all(panel.top <= box.top and box.bottom <= panel.bottom for box in inner)
        assert all(panel.left - 4 <= box.left and box.right <= panel.right + 4 for box in inner)
        boxes += inner
    for box in boxes:
        assert box.width > 0
        taken[box.top : box.bottom, box.left : box.right] += 1
    assert taken.max() == 1
    assert max(panels.bottom, panels.right) < 1930


@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture) -> None:
    for study in (None, study_of(architecture)):
        pixels = decoded(draw(architecture, study)).copy()
        pixels[16:-16, 16:-16] = rgb(Theme.LIGHT, PAPER)
        assert (pixels == rgb(Theme.LIGHT, PAPER)).all()


def test_a_long_name_has_room() -> None:
    image = usage("x" * 150, network_of(THREE), None)
    assert len(written(image, f"{'x' * 150}: which filter pairs each class uses", TITLE, strong=True)) == 1
    assert image.width > 1300


def test_scale_and_theme() -> None:
    one, three = draw(THREE, study_of(THREE)), draw(THREE, study_of(THREE), 3)
    assert three.size == (3 * one.width, 3 * one.height)
    corners = {theme: tuple(decoded(draw(THREE, None, theme=theme))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}


def test_no_contribution_at_all_is_neutral() -> None:
    zero = ClassUsage(1, np.array([[1]]), np.zeros((1, 1)), np.zeros((1, 1)), None)
    shape = two_stages(Wiring.PAIRED, 1, 1)
    network = Network(shape, {name: np.zeros(size) for name, size in shape.tensor_shapes.items()})
    image = usage("zero", network, Usage(10, 1, (zero,) * 10, None))
    box: Box = Panels(network).cells(9).box(0)
    assert (region(image, box) == NEUTRAL).all()
