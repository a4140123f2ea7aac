import numpy as np
import pytest
from PIL import Image

from konkyo.models.architecture import Architecture
from konkyo.models.network import Array
from konkyo.models.result import Prediction, predict
from konkyo.service import drawing
from konkyo.service.drawing.prediction import Bars
from konkyo.service.drawing.primitives.canvas import BODY, TITLE
from konkyo.service.drawing.primitives.colours import ACCENT, INK, MUTED, PAPER, TRACK, grey, rgb
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers.drawn import decoded, enlarged, painted, patch, written
from tests.helpers.shapes import ANY, MANY_CLASSES, THREE, TINY_VGG, image_of, network_of

prediction = painted(drawing.prediction)

PROBABILITIES = np.array([0.0, 0.004, 0.05, 0.6, 0.02, 0.25, 0.01, 0.03, 0.036, 0.0])
BARS = Bars(network_of(THREE))
IMAGE = np.linspace(0, 1, 784).reshape(28, 28)


def _draw(probabilities: Array, predicted: int, style: Style = Style(), image: Array = IMAGE) -> Image.Image:
    logits = np.eye(10)[predicted]
    result = Prediction(network=network_of(THREE), image=image, logits=logits, probabilities=probabilities)
    return prediction(result, style)


def _filled(image: Image.Image, digit: int, colour: int, scale: int = 1) -> int:
    """How many pixels of a digit's bar have a colour, from the left; the rest must be track."""
    bar = np.asarray(image)[tuple(slice(*edges) for edges in _edges(digit, scale))]
    lengths = (bar == colour).sum(1)
    assert len(set(lengths.tolist())) == 1
    length = int(lengths[0])
    assert (bar[:, :length] == colour).all()
    assert (bar[:, length:] == TRACK).all()
    return length


def _edges(digit: int, scale: int) -> tuple[tuple[int, int], tuple[int, int]]:
    left, top, right, bottom = (edge * scale for edge in BARS.tracks.box(digit))
    return (top, bottom), (left, right)


@pytest.mark.parametrize("digit", range(10))
def test_only_the_bar_of_the_digit_that_is_predicted_stands_out(digit: int) -> None:
    probabilities = np.full(10, 0.05)
    probabilities[digit] = 0.55
    image = _draw(probabilities, digit)
    for candidate in range(10):
        assert _filled(image, candidate, ACCENT if candidate == digit else MUTED) == round(
            probabilities[candidate] * BARS.tracks.box(candidate).width
        )


@pytest.mark.parametrize("scale", [1, 3])
def test_bars_are_as_long_as_their_probabilities_to_a_pixel(scale: int) -> None:
    image = _draw(PROBABILITIES, 3, Style(scale))
    for candidate, probability in enumerate(PROBABILITIES):
        length = _filled(image, candidate, ACCENT if candidate == 3 else MUTED, scale)
        assert length == pytest.approx(probability * BARS.tracks.box(candidate).width * scale, abs=0.5)


def test_the_class_that_is_predicted_is_the_one_given_not_the_greatest_bar() -> None:
    image = _draw(PROBABILITIES, 5)
    assert _filled(image, 5, ACCENT) == 55
    assert _filled(image, 3, MUTED) == 132


@pytest.mark.parametrize("scale", [1, 2])
def test_each_bar_has_its_percentage_in_its_row(scale: int) -> None:
    image = _draw(PROBABILITIES, 3, Style(scale))
    for candidate, text in {1: "0.4%", 2: "5.0%", 5: "25.0%"}.items():
        spots = written(image, text, BODY, MUTED, scale=scale)
        assert len(spots) == 1, text
        box = BARS.tracks.box(candidate)
        assert box.top * scale < spots[0][1] <= box.bottom * scale
    assert len(written(image, "60.0%", BODY, INK, strong=True, scale=scale)) == 1


def test_certainty_is_written_in_full() -> None:
    image = _draw(np.eye(10)[7], 7)
    assert _filled(image, 7, ACCENT) == BARS.tracks.box(7).width
    assert len(written(image, "100.0%", BODY, INK, strong=True)) == 1
    assert len(written(image, "0.0%", BODY, MUTED)) == 9


def test_the_heading_says_what_is_predicted() -> None:
    image = _draw(PROBABILITIES, 3)
    assert len(written(image, "predicted 3", TITLE, strong=True)) == 1
    assert written(image, "predicted 5", TITLE, strong=True) == []


@pytest.mark.parametrize("theme", list(Theme))
def test_the_digit_is_drawn_pixel_by_pixel(theme: Theme) -> None:
    tile = patch(_draw(PROBABILITIES, 3, Style(theme=theme)), BARS.image)
    side = BARS.image.width // 28
    for row in range(28):
        for column in range(28):
            colour = rgb(theme, int(grey(IMAGE[row, column])))
            assert (tile[row * side : row * side + side, column * side : column * side + side] == colour).all()


@pytest.mark.parametrize("theme", list(Theme))
def test_a_colour_image_is_drawn_in_its_colours(theme: Theme) -> None:
    network, given = network_of(TINY_VGG), image_of(TINY_VGG)
    box = Bars(network).image
    expected = np.rint(given * 255).astype(np.uint8).transpose(1, 2, 0)
    assert (patch(prediction(predict(network, given), Style(theme=theme)), box) == enlarged(expected, box)).all()


@pytest.mark.parametrize("architecture", ANY, ids=str)
def test_any_network_has_a_bar_for_each_class_within_the_margins(architecture: Architecture) -> None:
    network = network_of(architecture)
    image, bars = prediction(predict(network, image_of(architecture))), Bars(network)
    assert bars.tracks.count == architecture.classes
    assert bars.tracks.bottom <= image.height - 24
    assert bars.image.bottom <= image.height - 24
    assert max(image.size) <= 2000
    pixels = decoded(image).copy()
    pixels[16:-16, 16:-16] = rgb(Theme.LIGHT, PAPER)
    assert (pixels == rgb(Theme.LIGHT, PAPER)).all()


def test_many_classes_begin_at_the_top_of_the_image() -> None:
    bars = Bars(network_of(MANY_CLASSES))
    assert bars.tracks.box(0).top == bars.image.top
    assert bars.tracks.box(63).top == bars.image.top + 63 * 20


def test_scale_three_is_exactly_three_times_the_size() -> None:
    one = _draw(PROBABILITIES, 3)
    three = _draw(PROBABILITIES, 3, Style(3))
    assert three.size == (3 * one.width, 3 * one.height)


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(PROBABILITIES, 3, Style(theme=theme)))[0, 0]) for theme in Theme}
    assert corners == {theme: rgb(theme, PAPER) for theme in Theme}
    assert corners[Theme.LIGHT] != corners[Theme.DARK]


def test_an_empty_picture_is_background_only() -> None:
    image = _draw(np.full(10, 0.1), 0, image=np.zeros((28, 28)))
    assert (patch(image, BARS.image) == rgb(Theme.LIGHT, int(grey(np.array(0.0))))).all()
