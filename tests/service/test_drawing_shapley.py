from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from konkyo.models.hiding.shapley import ShapleyExplanation, explain_shapley
from konkyo.service import drawing
from konkyo.service.drawing.layout.magnified import Magnified
from konkyo.service.drawing.layout.pairs import arrange
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, SUM, TITLE
from konkyo.service.drawing.primitives.colours import FIRST, INK, MUTED, NEUTRAL, POSITIVE, rgb
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers.drawn import enlarged, painted, patch, region, written
from tests.helpers.lamp import lamp_network, lit
from tests.helpers.shapes import COLOUR, image_of, network_of

shapley = painted(drawing.shapley)


def _pixel(image: Image.Image, row: int, column: int) -> np.ndarray:
    return region(image, Magnified(28).box(row, column))


def _lamp(**options: bool) -> ShapleyExplanation:
    """The lamp's region adds 12 to the logit of 6, which is 8 without it; nothing else adds anything."""
    return explain_shapley(lamp_network(), lit((2, 2)), **options)


def test_the_region_of_the_lamp_has_the_end_of_the_scale() -> None:
    image = shapley(_lamp())
    assert (_pixel(image, 12, 12) == POSITIVE).all()
    assert (_pixel(image, 15, 15) == POSITIVE).all()
    assert (_pixel(image, 11, 12) == NEUTRAL).all()
    assert (_pixel(image, 16, 15) == NEUTRAL).all()


def test_the_sum_line() -> None:
    image = shapley(_lamp())
    for text, name in (("8.00", "all hidden"), ("12.00", "2 regions")):
        assert written(image, text, SUM), text
        assert written(image, name, NOTE, MUTED), name
    assert written(image, "20.00", SUM, strong=True)
    assert written(image, "logit 6", NOTE, MUTED)


def test_the_heading_and_the_empty_image() -> None:
    image = shapley(_lamp())
    assert written(image, "predicted 6: what each region adds to 6", TITLE, strong=True)
    # exp(10) against exp(8) and eight times exp(0).
    share = np.exp(10) / (np.exp(10) + np.exp(8) + 8)
    assert written(image, f"2, {share:.1%}", SUM)
    caption = "regions of 4×4 pixels, stride 4, fill 0; exact over all combinations"
    assert written(image, caption, NOTE, MUTED)


def test_a_contrast_class_is_named() -> None:
    result = explain_shapley(lamp_network(), lit(), 6, 2)
    image = shapley(result)
    assert written(image, "predicted 6: what each region adds to 6 − 2", TITLE, strong=True)
    assert written(image, "logit 6 − logit 2", NOTE, MUTED)
    assert written(image, "10.00", SUM, strong=True)


@pytest.mark.parametrize("scale", [1, 2])
def test_the_pairs_have_a_heatmap_each(scale: int) -> None:
    result = _lamp(pairs=True)
    image = shapley(result, Style(scale))
    box = arrange(result.network, np.array([[12.0]]), 28, heat=True).boxes[0, 0]
    cell = region(image, box, scale)
    unit = 4 * scale
    lamp = cell[12 * unit : 16 * unit, 12 * unit : 16 * unit]
    # A line of ink runs around the lamp, whose grey is half ink.
    assert np.isin(lamp, (POSITIVE, INK)).all()
    assert (lamp == POSITIVE).mean() > 0.8
    assert (cell[: 12 * unit, 12 * unit :] == NEUTRAL).all()
    if scale == 1:
        assert written(image, "12.00", BODY, FIRST, strong=True)
        assert written(image, "12.00", SUM, strong=True)
        assert written(image, "all regions", NOTE, MUTED)


def test_heatmaps_of_pairs_must_have_been_asked_for() -> None:
    with pytest.raises(ValueError, match="the result holds no pairs; explain_shapley computes them with pairs=True"):
        _lamp().pair_heatmaps()
    assert replace(_lamp(pairs=True)).pair_heatmaps().shape == (28, 28, 1, 1)


@pytest.mark.parametrize("theme", list(Theme))
def test_a_colour_image_stands_beside_its_heatmap_which_even_parts_show_as_it_is(theme: Theme) -> None:
    given = np.full(COLOUR.image_shape, 0.25)
    result = explain_shapley(network_of(COLOUR), given, region=4)
    image, layout = shapley(result, Style(theme=theme)), Magnified(16)
    assert (patch(image, layout.image) == 64).all()
    heat = result.heatmap()
    greatest = np.unravel_index(np.abs(heat).argmax(), heat.shape)
    end = POSITIVE if heat[greatest] > 0 else 2 * NEUTRAL - POSITIVE
    assert (patch(image, layout.box(*map(int, greatest))) == rgb(theme, end)).all()


def test_pairs_of_a_colour_network_add_up() -> None:
    result = explain_shapley(network_of(COLOUR), image_of(COLOUR), region=4, pairs=True)
    image = shapley(result)
    assert result.pairs is not None
    layout = arrange(result.network, result.pairs.sum((0, 1)), 16, heat=True)
    assert len(layout.boxes) == 20
    expected = enlarged(np.rint(result.image * 255).astype(np.uint8).transpose(1, 2, 0), layout.image)
    assert (patch(image, layout.image) == expected).all()


def test_a_long_name_moves_the_bar_s_title_beneath_and_is_written_in_lines() -> None:
    given = lamp_network()
    names = tuple(f"a class with a long name {number}" for number in range(10))
    network = type(given)(given.architecture, given.weights, names)
    image, layout = shapley(explain_shapley(network, lit())), Magnified(28)
    [(_, baseline)] = written(image, "Shapley value", NOTE, MUTED)
    assert baseline > layout.map.bottom
    assert written(image, "logit of a class with", NOTE, MUTED)
    assert written(image, "a long name 6", NOTE, MUTED)
    [(_, above)] = written(shapley(_lamp()), "Shapley value", NOTE, MUTED)
    assert above < layout.map.top
