from itertools import product

import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.hiding.occlusion import Occlusion, OcclusionExplanation, Score
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.service.drawing.layout.table import Table
from konkyo.service.drawing.pair_drops import pair_drops
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
from tests.helpers.drawn import decoded, frame_colours, written
from tests.helpers.shapes import SHAPES, THREE, TOTALS, network_of

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
    shape = architecture.conv1_filters, architecture.conv2_filters
    hiding = Hiding(Regions(4, 3) if heat is None else Regions(1), fill)
    grid, logits = hiding.regions.grid, np.eye(10)[predicted]
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


def _cell(image: Image.Image, table: Table, pair: tuple[int, int], scale: int = 1) -> np.ndarray:
    """The palette indices of a pair's picture."""
    left, top, right, bottom = (edge * scale for edge in table.map(*pair))
    return np.asarray(image)[top:bottom, left:right]


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_every_pixel_of_every_pair_has_its_heat(architecture: Architecture, theme: Theme) -> None:
    table = Table(architecture, pictures=True)
    shape = architecture.conv1_filters, architecture.conv2_filters
    heat = np.random.default_rng(4).normal(size=(28, 28, *shape))
    image = _draw(heat, architecture=architecture, style=Style(theme=theme))
    limit = np.abs(heat).max()
    for i, j in np.ndindex(shape):
        side = table.map(i, j).width // 28
        expected = diverging(heat[:, :, i, j], limit).repeat(side, 0).repeat(side, 1)
        assert (_cell(image, table, (i, j)) == expected).all(), (i, j)


def test_what_speaks_for_and_against_are_the_two_ends_of_one_scale() -> None:
    heat = np.zeros((28, 28, 3, 3))
    heat[3, 4, 0, 1], heat[20, 9, 2, 2], heat[0, 0, 1, 1] = 4.0, -4.0, 2.0
    image, table = _draw(heat), Table(THREE, pictures=True)
    assert (_cell(image, table, (0, 1))[12:16, 16:20] == POSITIVE).all()
    assert (_cell(image, table, (2, 2))[80:84, 36:40] == NEGATIVE).all()
    assert (_cell(image, table, (1, 1))[0:4, 0:4] == NEUTRAL + (POSITIVE - NEUTRAL) // 2).all()
    for pair in product(range(3), range(3)):
        coloured = (_cell(image, table, pair) != NEUTRAL).sum()
        assert coloured == (16 if pair in ((0, 1), (2, 2), (1, 1)) else 0)
    for text in ("+4.00", "−4.00"):
        assert len(written(image, text, NOTE)) == 1


@pytest.mark.parametrize("scale", [1, 3])
def test_the_digit_is_outlined_around_what_is_half_inked(scale: int) -> None:
    heat = np.zeros((28, 28, 3, 3))
    heat[10:18, 10:18, 0, 0] = 1.0
    image, table = _draw(heat, image=SQUARE, style=Style(scale)), Table(THREE, pictures=True)
    for pair in product(range(3), range(3)):
        cell = _cell(image, table, pair, scale)
        inside = slice(40 * scale, 72 * scale)
        line = slice(39 * scale, 73 * scale)
        assert (cell[inside, inside] == (POSITIVE if pair == (0, 0) else NEUTRAL)).all(), "heat keeps its colour"
        ring = cell[line, line].copy()
        ring[scale:-scale, scale:-scale] = INK
        assert (ring == INK).all()
        assert (cell == INK).sum() == (34 * scale) ** 2 - (32 * scale) ** 2


def test_in_small_pictures_the_outline_is_paler() -> None:
    lenet = two_stages(Wiring.SUMMED, 6, 16)
    cell = _cell(_draw(architecture=lenet, image=SQUARE), Table(lenet, pictures=True), (5, 15))
    assert set(np.unique(cell).tolist()) == {NEUTRAL, MUTED}
    assert (cell == MUTED).sum() == 18**2 - 16**2


def test_the_greatest_total_is_framed_red_the_second_blue_and_no_other() -> None:
    image, table = _draw(totals=np.array(TOTALS)), Table(THREE, pictures=True)
    for pair in product(range(3), range(3)):
        expected = {(1, 0): {FIRST}, (2, 1): {SECOND}}.get(pair, {PAPER})
        assert frame_colours(image, table.map(*pair), table) == expected, pair
    assert len(written(image, "first: conv1[1]×conv2[0]", NOTE)) == 1
    assert len(written(image, "second: conv1[2]×conv2[1]", NOTE)) == 1


def test_totals_stand_beneath() -> None:
    image, table = _draw(totals=np.array(TOTALS)), Table(THREE, pictures=True)
    (x, y), *more = written(image, "−2.25", BODY)
    assert not more
    assert table.map(0, 1).left < x < table.map(0, 1).right
    assert y == table.total_baseline(0)
    assert len(written(image, "12.34", BODY, FIRST, strong=True)) == 1
    assert len(written(image, "8.75", BODY, SECOND, strong=True)) == 1


def test_heads_are_those_of_the_ledger() -> None:
    network, table = network_of(THREE), Table(THREE, pictures=True)
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
    image, table = _draw(), Table(THREE, pictures=True)
    assert not np.isin(np.asarray(image), (FIRST, SECOND)).any()
    for pair in product(range(3), range(3)):
        assert (_cell(image, table, pair) == NEUTRAL).all()


@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_scale_three_is_exactly_three_times_the_size(architecture: Architecture) -> None:
    one, three = _draw(architecture=architecture), _draw(architecture=architecture, style=Style(3))
    assert three.size == (3 * one.width, 3 * one.height)


@pytest.mark.parametrize("size", [1e-5, 1.0, 98765.4])
@pytest.mark.parametrize("architecture", SHAPES, ids=str)
def test_no_text_or_frame_reaches_the_margin(architecture: Architecture, size: float) -> None:
    shape = architecture.conv1_filters, architecture.conv2_filters
    heat, totals = np.full((28, 28, *shape), size), np.full(shape, -size)
    indices = np.asarray(_draw(heat, totals, architecture, target=8)).copy()
    indices[16:-16, 16:-16] = PAPER
    assert (indices == PAPER).all()


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(style=Style(theme=theme)))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}
