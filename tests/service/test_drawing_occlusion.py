from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from konkyo.models.hiding.occlusion import Occlusion, OcclusionExplanation, Score, explain_occlusion
from konkyo.models.hiding.regions import FillKind, Hiding, Regions
from konkyo.models.network import Array, Network
from konkyo.service import drawing
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.occlusion import critical_classes
from konkyo.service.drawing.primitives.canvas import NOTE, SUM, TITLE, Box
from konkyo.service.drawing.primitives.colours import (
    INK,
    MUTED,
    NEGATIVE,
    NEUTRAL,
    PAPER,
    POSITIVE,
    diverging,
    grey,
    rgb,
)
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers.drawn import decoded, enlarged, painted, patch, written
from tests.helpers.shapes import THREE, TINY_VGG, image_of, network_of

occlusion = painted(drawing.occlusion)

LAYOUT = Magnified(28)
IMAGE, MAP = LAYOUT.image, LAYOUT.map
# The example of an outline in the legend.
KEY = Box(24, IMAGE.bottom + 78, 52, IMAGE.bottom + 106)
EMPTY = np.zeros((28, 28))
FULL = np.ones((28, 28))


def _result(
    regions: Regions = Regions(),
    drops: dict[tuple[int, int], float] | None = None,
    predictions: dict[tuple[int, int], int] | None = None,
    target: int = 5,
    score: Score = Score.LOGIT,
    whole: float = 12.5,
    fill: float = 0.0,
) -> Occlusion:
    """Drops and predictions by region; everywhere else no drop and 5 is predicted."""
    drop, prediction = np.zeros(regions.grid), np.full(regions.grid, 5)
    for place, value in (drops or {}).items():
        drop[place] = value
    for place, digit in (predictions or {}).items():
        prediction[place] = digit
    return Occlusion(
        hiding=Hiding(regions, fill),
        score=score,
        target=np.array(target),
        predicted=np.array(5),
        logits=np.eye(10)[5],
        whole=np.array(whole),
        drop=drop,
        prediction=prediction,
    )


def _draw(
    image: Array, found: Occlusion, style: Style = Style(), versus: int | None = None, network: Network | None = None
) -> Image.Image:
    result = OcclusionExplanation(
        network=network or network_of(THREE),
        image=image,
        logits=found.logits,
        target=int(found.target),
        versus=versus,
        occlusion=found,
        pairs=None,
        contributions=None,
        faithfulness=None,
    )
    return occlusion(result, style)


def _pixel(image: Image.Image, row: int, column: int, scale: int = 1) -> np.ndarray:
    """The palette indices of one picture pixel's square in the heatmap."""
    left, top, right, bottom = (edge * scale for edge in LAYOUT.box(row, column))
    return np.asarray(image)[top:bottom, left:right]


@pytest.mark.parametrize("theme", list(Theme))
def test_heat_is_drawn_exactly_pixel_by_pixel(theme: Theme) -> None:
    rng = np.random.default_rng(1)
    regions = Regions(4, 3)
    result = replace(_result(regions), drop=rng.normal(size=regions.grid))
    heat = result.heatmap()
    picture = patch(_draw(EMPTY, result, Style(theme=theme)), MAP)
    side = MAP.width // 28
    for row in range(28):
        for column in range(28):
            colour = rgb(theme, int(diverging(heat[row, column], np.abs(heat).max())))
            assert (picture[row * side : row * side + side, column * side : column * side + side] == colour).all()


def test_the_greatest_drop_and_rise_have_the_ends_of_the_scale() -> None:
    image = _draw(EMPTY, _result(drops={(3, 4): 4.0, (9, 9): -4.0, (0, 0): 2.0}))
    assert (_pixel(image, 6, 8) == POSITIVE).all()
    assert (_pixel(image, 18, 18) == NEGATIVE).all()
    assert (_pixel(image, 0, 0) == NEUTRAL + (POSITIVE - NEUTRAL) // 2).all()
    assert (_pixel(image, 20, 2) == NEUTRAL).all()


def test_without_a_critical_region_there_is_no_outline() -> None:
    image = _draw(EMPTY, _result(drops={(3, 4): 4.0}))
    heat = np.asarray(image)[MAP.top : MAP.bottom, MAP.left : MAP.right]
    assert set(np.unique(heat).tolist()) == {NEUTRAL, POSITIVE}
    assert not (np.asarray(image)[KEY.top : KEY.bottom, KEY.left : KEY.right] == INK).any()


@pytest.mark.parametrize("scale", [1, 3])
def test_a_critical_region_is_outlined_inside_its_edges(scale: int) -> None:
    image = _draw(EMPTY, _result(drops={(3, 4): 4.0}, predictions={(3, 4): 9}), Style(scale))
    box = np.vstack([np.hstack([_pixel(image, row, column, scale) for column in (8, 9)]) for row in (6, 7)])
    line = 2 * scale
    for edge in (box[:line], box[-line:], box[:, :line], box[:, -line:]):
        assert np.isin(edge, np.arange(INK - 15, INK + 1)).all() or (edge == INK).mean() > 0.7
    assert (box[-line:] == INK).all()
    assert (box[:, -line:] == INK).all()
    assert (box[-line - scale : -line, line + scale : -line] == PAPER).all(), "a thin line of paper within"
    assert (box[16 * scale : -line - scale, 16 * scale : -line - scale] == POSITIVE).all(), "the heat keeps its colour"
    for row, column in ((5, 8), (8, 8), (6, 7), (6, 10)):
        assert (_pixel(image, row, column, scale) == NEUTRAL).all(), "nothing outside"


def test_neighbours_with_one_prediction_are_outlined_together() -> None:
    image = _draw(EMPTY, _result(predictions={(3, 4): 9, (3, 5): 9}))
    left, right = _pixel(image, 7, 9), _pixel(image, 7, 10)
    assert (left[:-3, -2:] == NEUTRAL).all()
    assert (right[:-3, :2] == NEUTRAL).all()
    assert (left[-2:] == INK).all()
    assert (right[-2:] == INK).all()


def test_neighbours_with_two_predictions_are_parted_by_one_line() -> None:
    image = _draw(EMPTY, _result(predictions={(3, 4): 3, (3, 5): 9}))
    lower, higher = _pixel(image, 7, 9), _pixel(image, 7, 10)
    assert (lower[:-3, -2:] == NEUTRAL).all()
    assert (higher[:, :2] == INK).all()


def test_the_prediction_stands_in_the_corner_of_each_group() -> None:
    image = _draw(EMPTY, _result(predictions={(3, 4): 9, (3, 5): 9, (10, 2): 0, (12, 12): 3}))
    # Tags are ink with letters of paper: only their surroundings differ from paper with letters of ink.
    negative = Image.fromarray(_reversed(np.asarray(image)))
    spots = {digit: written(negative, str(digit), NOTE) for digit in (9, 0, 3)}
    for digit, (row, column) in {9: (6, 8), 0: (20, 4), 3: (24, 24)}.items():
        box = LAYOUT.box(row, column)
        inside = [(x, y) for x, y in spots[digit] if box.left <= x < box.right and box.top < y <= box.top + 14]
        assert len(inside) == 1, digit


def _reversed(indices: np.ndarray) -> np.ndarray:
    """The ramp from paper to ink, turned around; all else is paper."""
    ramp = np.where(
        indices == PAPER, INK, np.where((indices > INK - 15) & (indices < INK), 2 * INK - 15 - indices, PAPER)
    )
    return ramp.astype(np.uint8)


def _named(names: dict[int, str]) -> Network:
    given = network_of(THREE)
    return Network(given.architecture, given.weights, tuple(names.get(number, str(number)) for number in range(10)))


@pytest.mark.parametrize("name", ["school bus", "a tabby cat on a sofa"])
def test_a_long_name_stands_above_its_outline(name: str) -> None:
    found = _result(predictions={(5, 4): 9, (5, 5): 9})
    image = _draw(EMPTY, found, network=_named({9: name}))
    [(x, baseline)] = written(Image.fromarray(_reversed(np.asarray(image))), name, NOTE)
    corner = LAYOUT.box(10, 8)
    assert corner.left < x < corner.left + 8
    assert baseline < corner.top
    assert (_pixel(image, 10, 9)[4:] == NEUTRAL).all(), "the outlined part stays visible"
    assert written(image, "hide one region", NOTE)


def test_a_tag_that_would_lie_on_another_is_left_out() -> None:
    found = _result(predictions={(5, 4): 9, (5, 6): 3})
    image = _draw(EMPTY, found, network=_named({9: "school bus", 3: "sport car"}))
    reverse = Image.fromarray(_reversed(np.asarray(image)))
    assert len(written(reverse, "school bus", NOTE)) == 1
    assert written(reverse, "sport car", NOTE) == []
    found = _result(predictions={(5, 2): 9, (5, 10): 3})
    apart = Image.fromarray(
        _reversed(np.asarray(_draw(EMPTY, found, network=_named({9: "school bus", 3: "sport car"}))))
    )
    assert len(written(apart, "school bus", NOTE)) == len(written(apart, "sport car", NOTE)) == 1


def test_a_name_at_the_right_edge_ends_there() -> None:
    image = _draw(EMPTY, _result(predictions={(5, 13): 9}), network=_named({9: "school bus"}))
    [(x, _)] = written(Image.fromarray(_reversed(np.asarray(image))), "school bus", NOTE)
    assert x < LAYOUT.box(10, 26).left


@pytest.mark.parametrize("theme", list(Theme))
def test_a_colour_image_is_beside_the_heatmap_and_outlines_are_ink_on_it(theme: Theme) -> None:
    network, given, layout = network_of(TINY_VGG), image_of(TINY_VGG), Magnified(64)
    found = explain_occlusion(network, given, hiding=Hiding(Regions(8, side=64)))
    prediction = np.full((8, 8), int(found.predicted))
    prediction[2, 3] = (int(found.predicted) + 1) % 10
    found = replace(found, occlusion=replace(found.occlusion, prediction=prediction))
    image = occlusion(found, Style(theme=theme))
    expected = np.rint(given * 255).astype(np.uint8).transpose(1, 2, 0)
    assert (patch(image, layout.image) == enlarged(expected, layout.image)).all()
    corner = layout.box(16, 24)
    outlined = patch(image, Box(corner.left, corner.top, corner.left + 40, corner.top + 40))
    for edge in (outlined[-2:], outlined[:, -2:]):
        assert (edge == rgb(theme, INK)).all()
    assert (outlined[-3, 3:-3] == rgb(theme, PAPER)).all()


def test_regions_of_one_pixel_have_no_room_for_a_prediction() -> None:
    image = _draw(EMPTY, _result(Regions(1), predictions={(6, 8): 9}))
    square = _pixel(image, 6, 8)
    assert (square[:2] == INK).all()
    assert (square[3:-3, 3:-3] == NEUTRAL).all()
    assert len(written(image, "no longer 5", NOTE)) == 1


def test_the_key_explains_the_outline_by_an_example() -> None:
    image = _draw(EMPTY, _result(predictions={(3, 4): 9}))
    assert len(written(image, "hide one region", NOTE)) == 1
    assert len(written(image, "9 is predicted", NOTE)) == 1


def test_where_critical_regions_overlap_the_commonest_prediction_counts() -> None:
    regions = Regions(4, 2)
    digits = critical_classes(_result(regions, predictions={(2, 2): 7, (2, 3): 7, (3, 2): 1, (9, 9): 1, (9, 10): 7}))
    assert digits[6, 6] == 7, "two of three"
    assert digits[9, 4] == 1, "the only one"
    assert digits[19, 20] == 1, "one each: the lower"
    assert digits[0, 0] == -1
    covered = np.zeros((28, 28), bool)
    for row, column in ((2, 2), (2, 3), (3, 2), (9, 9), (9, 10)):
        left, top, right, bottom = regions.box(row, column)
        covered[top:bottom, left:right] = True
    assert ((digits != -1) == covered).all()


def test_dots_grow_with_the_ink_and_leave_room_for_heat() -> None:
    image = np.zeros((28, 28))
    image[2, 2], image[2, 4], image[2, 6] = 0.25, 0.5, 1.0
    drawn = _draw(image, _result(drops={(1, 1): 1.0}), Style(4))
    areas = [(_pixel(drawn, 2, column, 4) == INK).mean() for column in (2, 4, 6)]
    assert areas[2] == pytest.approx(2 * areas[1], rel=0.1)
    assert areas[2] == pytest.approx(4 * areas[0], rel=0.1)
    assert 0.2 < areas[2] < 0.4
    assert set(np.unique(_pixel(drawn, 2, 2, 4)).tolist()) == {INK, POSITIVE}
    assert not (_pixel(drawn, 3, 2, 4) == INK).any()


def test_the_digit_stands_beside_the_heatmap() -> None:
    image = np.linspace(0, 1, 784).reshape(28, 28)
    drawn = _draw(image, _result(), Style(theme=Theme.DARK))
    expected = grey(image).repeat(4, 0).repeat(4, 1)
    assert (np.asarray(drawn)[IMAGE.top : IMAGE.bottom, IMAGE.left : IMAGE.right] == expected).all()


@pytest.mark.parametrize(
    ("target", "heading"),
    [(5, "predicted 5: which regions speak for 5"), (8, "predicted 5: which regions speak for 8")],
)
def test_the_heading_asks_the_question(target: int, heading: str) -> None:
    assert len(written(_draw(EMPTY, _result(target=target)), heading, TITLE, strong=True)) == 1


def test_the_caption_says_what_was_hidden() -> None:
    result = _result(Regions(4, 3), predictions={(0, 0): 1, (8, 8): 1}, fill=0.5)
    image = _draw(EMPTY, result)
    assert len(written(image, "regions of 4×4 pixels, stride 3, fill 0.5; 2 of 81 critical", NOTE, MUTED)) == 1


@pytest.mark.parametrize("fill", list(FillKind))
def test_the_caption_names_a_fill_that_is_made_from_the_image(fill: FillKind) -> None:
    image = _draw(EMPTY, replace(_result(), hiding=Hiding(Regions(2), fill)))
    assert (
        len(written(image, f"regions of 2×2 pixels, stride 2, fill {fill.value}; 0 of 196 critical", NOTE, MUTED)) == 1
    )


@pytest.mark.parametrize(
    ("score", "whole", "texts"),
    [
        (Score.LOGIT, -12.5, {"drop in logit": MUTED, "logit of 5": MUTED}),
        (Score.PROBABILITY, 0.75, {"drop in probability": MUTED, "probability of 5": MUTED}),
    ],
)
def test_the_score_is_named_with_its_whole_value(score: Score, whole: float, texts: dict[str, int]) -> None:
    image = _draw(EMPTY, _result(drops={(0, 0): 0.5}, score=score, whole=whole))
    for text, colour in {**texts, "+0.50": INK, "−0.50": INK, "−0.25": MUTED}.items():
        assert len(written(image, text, NOTE, colour)) == 1, text
    assert len(written(image, f"{whole:.2f}".replace("-", "−"), SUM)) == 1


def test_the_bar_of_tiny_drops_has_exponents() -> None:
    image = _draw(EMPTY, _result(drops={(0, 0): 2.6e-6}, score=Score.PROBABILITY))
    assert len(written(image, "+2.6e−06", NOTE)) == 1


@pytest.mark.parametrize("picture", [EMPTY, FULL])
def test_no_drop_at_all_is_neutral_everywhere(picture: np.ndarray) -> None:
    image = _draw(picture, _result())
    heat = np.asarray(image)[MAP.top : MAP.bottom, MAP.left : MAP.right]
    assert set(np.unique(heat).tolist()) == {NEUTRAL} | ({INK} if picture.any() else set())
    assert not np.isin(np.asarray(image), (POSITIVE, NEGATIVE)).any()
    assert len(written(image, "0", NOTE)) == 1


@pytest.mark.parametrize("regions", [Regions(1), Regions(2), Regions(3, 2), Regions(4, 1), Regions(14), Regions(14, 1)])
def test_every_region_critical_stays_within_the_margins(regions: Regions) -> None:
    rng = np.random.default_rng(2)
    predictions = {place: int(rng.choice([1, 3, 8])) for place in np.ndindex(*regions.grid)}
    drops = {place: float(rng.normal(0, 1e4)) for place in np.ndindex(*regions.grid)}
    indices = np.asarray(_draw(FULL, _result(regions, drops, predictions, whole=-123456.0))).copy()
    assert (indices[MAP.top, MAP.left : MAP.right] == INK).all(), "the outer line runs along the edge of the picture"
    indices[16:-12, 20:-20] = PAPER
    assert (indices == PAPER).all()


def test_scale_three_is_exactly_three_times_the_size() -> None:
    result = _result(drops={(0, 0): 1.0})
    one, three = _draw(FULL, result), _draw(FULL, result, Style(3))
    assert three.size == (3 * one.width, 3 * one.height)


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(FULL, _result(), Style(theme=theme)))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}
