import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.hiding.occlusion import Occlusion, OcclusionExplanation, Score
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.service import drawing
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.layout.table import Pairs, Table
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, TITLE
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
from tests.helpers.drawn import decoded, enlarged, frame_colours, painted, patch, region, written
from tests.helpers.shapes import COLOUR, LENET, SHAPES, THREE, TINY_VGG, TOTALS, network_of

pair_drops = painted(drawing.pair_drops)

EMPTY = np.zeros((28, 28))
# A square of ink, and beside it grey that is less than half ink.
SQUARE = EMPTY.copy()
SQUARE[10:18, 10:18] = 1.0
SQUARE[10:18, 18] = 0.4


def _draw(
    heat: np.ndarray | None = None,
    totals: np.ndarray | None = None,
    architecture: Architecture = THREE,
    *,
    image: np.ndarray = EMPTY,
    predicted: int = 5,
    target: int = 5,
    versus: int | None = None,
    fill: float = 0.5,
    style: Style = Style(),
) -> Image.Image:
    """``heat`` is that of each pixel: the drops of regions of one pixel. Without it, larger regions drop nothing."""
    shape = architecture.pairs
    side = architecture.side
    hiding = Hiding(Regions(4, 3, side) if heat is None else Regions(1, side=side), fill)
    grid, logits = hiding.regions.grid, np.eye(architecture.classes)[predicted]
    found = Occlusion(
        hiding=hiding,
        score=Score.LOGIT,
        target=np.array(target),
        predicted=np.array(predicted),
        logits=logits,
        whole=np.array(1.0),
        drop=np.zeros(grid),
        prediction=np.full(grid, predicted),
    )
    result = OcclusionExplanation(
        network=network_of(architecture),
        image=image,
        logits=logits,
        target=target,
        versus=versus,
        occlusion=found,
        pairs=np.zeros((*grid, *shape)) if heat is None else heat,
        contributions=np.zeros(shape) if totals is None else totals,
        faithfulness=None,
    )
    return pair_drops(result, style)


def _layout(architecture: Architecture = THREE, totals: object = None) -> Pairs:
    given = np.zeros(architecture.pairs) if totals is None else np.array(totals)
    return arrange(network_of(architecture), given, architecture.side, heat=True)


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_every_pixel_of_every_pair_has_its_heat(architecture: Architecture, theme: Theme) -> None:
    shape = architecture.pairs
    rng = np.random.default_rng(4)
    heat, totals = rng.normal(size=(28, 28, *shape)), rng.normal(size=shape)
    image, layout = _draw(heat, totals, architecture, style=Style(theme=theme)), _layout(architecture, totals)
    limit = max(np.abs(heat[:, :, *pair]).max() for pair in layout.boxes)
    for (i, j), box in layout.boxes.items():
        assert (region(image, box) == enlarged(diverging(heat[:, :, i, j], limit), box)).all(), (i, j)


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", [COLOUR, TINY_VGG], ids=str)
def test_on_colour_even_parts_of_the_image_have_exactly_the_heat(architecture: Architecture, theme: Theme) -> None:
    side, rng = architecture.side, np.random.default_rng(4)
    heat, totals = rng.normal(size=(side, side, *architecture.pairs)), rng.normal(size=architecture.pairs)
    even, layout = np.full((3, side, side), 0.3), _layout(architecture, totals)
    edged = even.copy()
    edged[:, :, side // 2] = 0.0 if theme is Theme.LIGHT else 1.0
    limit = max(np.abs(heat[:, :, *pair]).max() for pair in layout.boxes)
    plain, lined = (
        _draw(heat, totals, architecture, image=one, predicted=1, target=1, style=Style(theme=theme))
        for one in (even, edged)
    )
    for (i, j), box in layout.boxes.items():
        colours = np.array([rgb(theme, index) for index in diverging(heat[:, :, i, j], limit).ravel().tolist()])
        expected = enlarged(colours.reshape(side, side, 3).astype(np.uint8), box)
        assert (patch(plain, box) == expected).all(), (i, j)
        unit = box.width // side
        line = slice(side // 2 * unit, (side // 2 + 1) * unit)
        drawn, ink = patch(lined, box).astype(int), np.array(rgb(theme, INK))
        nearer = np.abs(drawn - ink).sum(2) < np.abs(expected.astype(int) - ink).sum(2)
        assert nearer[:, line].all(), "the edge is drawn towards ink"


def test_what_speaks_for_and_against_are_the_two_ends_of_one_scale() -> None:
    heat = np.zeros((28, 28, 3, 3))
    heat[3, 4, 0, 1], heat[20, 9, 2, 2], heat[0, 0, 1, 1] = 4.0, -4.0, 2.0
    image, layout = _draw(heat), _layout()
    assert (region(image, layout.boxes[0, 1])[12:16, 16:20] == POSITIVE).all()
    assert (region(image, layout.boxes[2, 2])[80:84, 36:40] == NEGATIVE).all()
    assert (region(image, layout.boxes[1, 1])[0:4, 0:4] == NEUTRAL + (POSITIVE - NEUTRAL) // 2).all()
    for pair, box in layout.boxes.items():
        coloured = (region(image, box) != NEUTRAL).sum()
        assert coloured == (16 if pair in ((0, 1), (2, 2), (1, 1)) else 0)
    for text in ("+4.00", "−4.00"):
        assert len(written(image, text, NOTE)) == 1


@pytest.mark.parametrize("scale", [1, 3])
def test_the_digit_is_outlined_around_what_is_half_inked(scale: int) -> None:
    heat = np.zeros((28, 28, 3, 3))
    heat[10:18, 10:18, 0, 0] = 1.0
    image = _draw(heat, image=SQUARE, style=Style(scale))
    for pair, box in _layout().boxes.items():
        cell = region(image, box, scale)
        inside = slice(40 * scale, 72 * scale)
        line = slice(39 * scale, 73 * scale)
        assert (cell[inside, inside] == (POSITIVE if pair == (0, 0) else NEUTRAL)).all(), "heat keeps its colour"
        ring = cell[line, line].copy()
        ring[scale:-scale, scale:-scale] = INK
        assert (ring == INK).all()
        assert (cell == INK).sum() == (34 * scale) ** 2 - (32 * scale) ** 2


def test_in_small_pictures_the_outline_is_paler() -> None:
    dense = two_stages(Wiring.SUMMED, 5, 6)
    cell = region(_draw(architecture=dense, image=SQUARE), _layout(dense).boxes[4, 5])
    assert set(np.unique(cell).tolist()) == {NEUTRAL, MUTED}
    assert (cell == MUTED).sum() == 18**2 - 16**2


def test_of_many_pairs_the_greatest_contributions_are_drawn_and_the_others_counted() -> None:
    totals = np.zeros(LENET.pairs)
    totals[3, 8], totals[5, 15], totals[2, 2] = 10.25, 8.0, -3.5
    totals[0, :] = 0.25
    image, layout = _draw(totals=totals, architecture=LENET), _layout(LENET, totals)
    assert len(layout.boxes) == 15
    assert [*layout.boxes][:2] == [(3, 8), (5, 15)]
    assert frame_colours(image, layout.boxes[3, 8], layout.frame) == {FIRST}
    assert frame_colours(image, layout.boxes[5, 15], layout.frame) == {SECOND}
    assert len(written(image, "+ 81", BODY, MUTED)) == 1
    # Twelve of the sixteen 0.25 are drawn.
    assert len(written(image, "0.25", BODY)) == 12
    assert len(written(image, "1.00", BODY)) == 1


def test_the_greatest_total_is_framed_red_the_second_blue_and_no_other() -> None:
    image, layout = _draw(totals=np.array(TOTALS)), _layout(totals=TOTALS)
    for pair, box in layout.boxes.items():
        expected = {(1, 0): {FIRST}, (2, 1): {SECOND}}.get(pair, {PAPER})
        assert frame_colours(image, box, layout.frame) == expected, pair
    assert len(written(image, "first: map 1 × filter 0", NOTE)) == 1
    assert len(written(image, "second: map 2 × filter 1", NOTE)) == 1


def test_totals_stand_beneath() -> None:
    image, box = _draw(totals=np.array(TOTALS)), _layout(totals=TOTALS).boxes[0, 1]
    [(x, y)] = written(image, "−2.25", BODY)
    assert box.left < x < box.right
    assert y == box.bottom + 19
    assert len(written(image, "12.34", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "8.75", BODY, SECOND, strong=True)) == 1


def test_heads_are_those_of_the_ledger() -> None:
    network, table = network_of(THREE), _layout()
    assert isinstance(table, Table)
    filters, kernels = network.weights["conv1.weight"], network.weights["conv2.weight"]
    indices = np.asarray(_draw())
    for box, weights, layer in [
        (table.filter(2), filters[2, 0], filters),
        (table.kernel(0, 1), kernels[1, 0], kernels),
    ]:
        side = box.width // len(weights)
        expected = signed_grey(weights, float(np.abs(layer).max())).repeat(side, 0).repeat(side, 1)
        assert (indices[box.top : box.bottom, box.left : box.right] == expected).all()


@pytest.mark.parametrize(
    ("target", "heading"),
    [
        (5, "predicted 5: what each filter pair takes from where, for 5"),
        (8, "predicted 5: what each filter pair takes from where, for 8"),
    ],
)
def test_heading_and_caption_say_what_is_shown(target: int, heading: str) -> None:
    image = _draw(target=target)
    assert len(written(image, heading, TITLE, strong=True)) == 1
    assert len(written(image, "Hidden: regions of 4×4 pixels, stride 3, fill 0.5.", NOTE, MUTED)) == 1
    meaning = f"Colour: by how much a pair’s contribution to {target} falls when the pixel is hidden."
    assert len(written(image, meaning, NOTE, MUTED)) == 1


def test_without_any_heat_or_contribution_all_is_neutral_and_nothing_is_framed() -> None:
    image = _draw()
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    for box in _layout().boxes.values():
        assert (region(image, box) == NEUTRAL).all()


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_scale_three_is_exactly_three_times_the_size(architecture: Architecture) -> None:
    one, three = _draw(architecture=architecture), _draw(architecture=architecture, style=Style(3))
    assert three.size == (3 * one.width, 3 * one.height)


@pytest.mark.parametrize("size", [1e-5, 1.0, 98765.4])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture, size: float) -> None:
    shape = architecture.pairs
    heat, totals = np.full((28, 28, *shape), size), np.full(shape, -size)
    indices = np.asarray(_draw(heat, totals, architecture, target=8)).copy()
    indices[16:-16, 16:-16] = PAPER
    assert (indices == PAPER).all()


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(style=Style(theme=theme)))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}
