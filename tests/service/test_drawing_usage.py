from itertools import product

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.network import Network
from konkyo.models.usage import ClassUsage, Usage
from konkyo.service.drawing.layout.panels import Panels
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE, Box
from konkyo.service.drawing.primitives.colours import FIRST, MUTED, NEUTRAL, PAPER, SECOND, diverging, rgb, signed_grey
from konkyo.service.drawing.primitives.style import Style, Theme
from konkyo.service.drawing.usage import usage
from tests.helpers.drawn import decoded, written
from tests.helpers.shapes import SHAPES, network_of

THREE = SHAPES[0]
LENET = two_stages(Wiring.SUMMED, 6, 16)
ALL = [*SHAPES, two_stages(Wiring.SUMMED, 64, 64), two_stages(Wiring.PAIRED, 64, 1, conv1_kernel=13)]


def study_of(architecture: Architecture, shares: dict[int, float] | None = None) -> Usage:
    """Ten classes of 200 pictures; the pair of first place goes from class to class, by a share that can be given."""
    rng = np.random.default_rng(2)
    pairs = architecture.conv1_filters * architecture.conv2_filters
    shape = architecture.conv1_filters, architecture.conv2_filters
    classes = []
    for digit in range(10):
        firsts = np.zeros(pairs, np.intp)
        most = round(200 * (shares or {}).get(digit, 0.6))
        firsts[digit % pairs] = most
        firsts[(digit + 1) % pairs] += 200 - most
        values = rng.normal(0, 3, shape)
        classes.append(ClassUsage(200, firsts.reshape(shape), values, values * 0, np.arange(101.0)))
    return Usage(2000, 200, tuple(classes), np.eye(pairs))


def draw(architecture: Architecture, study: Usage | None, scale: int = 1, theme: Theme = Theme.LIGHT) -> Image.Image:
    return usage("some-net", network_of(architecture), study, Style(scale, theme))


def frame(image: Image.Image, box: Box, gap: int) -> set[int]:
    """The palette indices in the middle of each side of a frame that is ``gap`` away from a box."""
    indices, outer = np.asarray(image), box.grow(gap + 2)
    x, y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    spots = [(outer.top, x), (outer.bottom - 1, x), (y, outer.left), (y, outer.right - 1)]
    spots += [(outer.top + 1, x), (outer.bottom - 2, x), (y, outer.left + 1), (y, outer.right - 2)]
    return {int(indices[spot]) for spot in spots}


@pytest.mark.parametrize("architecture", SHAPES[:4], ids=str)
def test_first_is_framed_red_second_blue_and_no_other(architecture: Architecture) -> None:
    study, panels = study_of(architecture), Panels(architecture)
    image = draw(architecture, study)
    for digit, one in enumerate(study.classes):
        assert one.second is not None
        colours = dict(zip(one.combination, (FIRST, SECOND), strict=True))
        for pair in np.ndindex(one.mean.shape):
            around = frame(image, panels.cell(digit, *pair), panels.frame[1])
            expected = colours.get(pair)
            if expected is None:
                assert FIRST not in around or panels.dense
            else:
                # Where cells stand close, the first's frame lies over the second's.
                assert around == {expected} or (panels.dense and expected == SECOND)
                assert expected in around


def test_the_filters_of_the_places_are_framed_in_their_colours() -> None:
    for architecture in (THREE, SHAPES[1]):
        study, panels, network = study_of(architecture), Panels(architecture), network_of(architecture)
        image = draw(architecture, study)
        indices = np.asarray(image)
        conv1, conv2 = network.weights["conv1.weight"], network.weights["conv2.weight"]
        for digit, place in product((0, 7), (0, 1)):
            i, j = study.classes[digit].combination[place]
            kernel = conv2[j, i if architecture.wiring is Wiring.SUMMED else 0]
            for box, weights, layer in zip(
                panels.icons(digit, place), (conv1[i, 0], kernel), (conv1, conv2), strict=True
            ):
                assert frame(image, box, 1) == {(FIRST, SECOND)[place]}
                shades = signed_grey(weights, float(np.abs(layer).max()))
                side = box.width // len(weights)
                drawn = indices[box.top : box.bottom, box.left : box.right]
                assert (drawn == shades.repeat(side, 0).repeat(side, 1)).all()


def test_a_dominated_class_has_no_blue() -> None:
    image = draw(THREE, study_of(THREE, dict.fromkeys(range(10), 0.95)))
    assert not (np.asarray(image) == SECOND).any()
    one = draw(THREE, study_of(THREE, {4: 0.95}))
    panels = Panels(THREE)
    column = np.asarray(one)[
        panels.panel(4).top : panels.panel(4).bottom, panels.panel(4).left - 5 : panels.panel(4).right
    ]
    assert not (column == SECOND).any()
    assert (column == FIRST).any()
    assert (np.asarray(one) == SECOND).any()


def test_cells_have_the_colours_of_the_mean_contributions() -> None:
    for architecture in (THREE, LENET):
        study, panels = study_of(architecture), Panels(architecture)
        indices = np.asarray(draw(architecture, study))
        limit = max(float(np.abs(one.mean).max()) for one in study.classes)
        for digit, one in enumerate(study.classes):
            expected = diverging(one.mean, limit)
            for pair in np.ndindex(one.mean.shape):
                box = panels.cell(digit, *pair)
                assert indices[(box.top + box.bottom) // 2, (box.left + box.right) // 2] == expected[pair]


def test_the_filters_stand_above() -> None:
    for architecture in ALL:
        network, panels = network_of(architecture), Panels(architecture)
        for study in (None, study_of(architecture)):
            indices = np.asarray(draw(architecture, study))
            conv1, conv2 = network.weights["conv1.weight"], network.weights["conv2.weight"]
            tiles = [(panels.filter(i), conv1[i, 0], conv1) for i in range(len(conv1))]
            tiles += [(panels.kernel(i, j), conv2[j, i], conv2) for j, i in np.ndindex(conv2.shape[:2])]
            for box, weights, layer in tiles[:: max(len(tiles) // 50, 1)]:
                side = box.width // len(weights)
                shades = signed_grey(weights, float(np.abs(layer).max())).repeat(side, 0).repeat(side, 1)
                assert (indices[box.top : box.bottom, box.left : box.right] == shades).all()


def test_the_words_and_numbers() -> None:
    image, panels = draw(THREE, study_of(THREE, {0: 0.675})), Panels(THREE)
    assert len(written(image, "some-net: which filter pairs each class uses", TITLE, strong=True)) == 1
    assert len(written(image, "67.5%", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "32.5%", BODY, SECOND, strong=True)) == 1
    assert len(written(image, "68%", NOTE, FIRST, strong=True)) == 1
    assert len(written(image, "40%", NOTE, SECOND, strong=True)) == 9
    assert len(written(image, "0%", NOTE, MUTED)) == 70
    assert len(written(image, "200 images", NOTE, MUTED)) == 10
    assert len(written(image, "conv1[1]×conv2[2]", NOTE, MUTED)) == 2
    for digit in range(10):
        spots = written(image, str(digit), SUM, strong=True)
        panel = panels.panel(digit)
        assert any(panel.left <= x < panel.right and panel.top <= y < panel.bottom for x, y in spots)


def test_without_a_study_it_says_how_to_make_one() -> None:
    image = draw(LENET, None)
    text = "Not studied yet; this does it: python -m trainer study filters --model some-net"
    assert len(written(image, text, NOTE, MUTED)) == 1
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    assert image.height < 250


@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_nothing_overlaps(architecture: Architecture) -> None:
    panels = Panels(architecture)
    rows, columns = architecture.conv1_filters, architecture.conv2_filters
    taken = np.zeros((panels.bottom + 50, panels.right + 50), int)
    frames = 0 if panels.dense else sum(panels.frame)
    boxes = [panels.filter(i) for i in range(rows)]
    boxes += [panels.kernel(i, j) for i in range(architecture.kernels_per_filter) for j in range(columns)]
    for digit in range(10):
        boxes += [panels.cell(digit, i, j).grow(frames) for i in range(rows) for j in range(columns)]
        boxes += [icon.grow(3) for place in (0, 1) for icon in panels.icons(digit, place)]
    for box in boxes:
        assert box.width > 0
        taken[box.top : box.bottom, box.left : box.right] += 1
    assert taken.max() == 1
    assert panels.bottom < 1200


@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture) -> None:
    for study in (None, study_of(architecture)):
        indices = np.asarray(draw(architecture, study)).copy()
        margin = 16
        indices[margin:-margin, margin:-margin] = PAPER
        assert (indices == PAPER).all()


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
    zero = ClassUsage(1, np.array([[1]]), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(101))
    shape = two_stages(Wiring.PAIRED, 1, 1)
    network = Network(shape, {name: np.zeros(size) for name, size in shape.tensor_shapes.items()})
    image = usage("zero", network, Usage(10, 1, (zero,) * 10, np.zeros((1, 1))))
    box = Panels(shape).cell(9, 0, 0)
    assert (np.asarray(image)[box.top : box.bottom, box.left : box.right] == NEUTRAL).all()
