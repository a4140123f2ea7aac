import numpy as np
import pytest
from PIL import Image

from models.grounds import Grounds, Proof
from models.regions import Regions
from service.overlays.canvas import NOTE, TITLE, Theme
from service.overlays.colours import INK, MUTED, NEGATIVE, NEUTRAL, PAPER, POSITIVE, grey
from service.overlays.grounds import grounds
from service.overlays.magnified import MAP, pixel_box
from tests.test_overlays_canvas import decoded, written

# Four regions of 2×2 with pale ink in a row: the first two are the evidence, and the first is enough.
IMAGE = np.zeros((28, 28))
IMAGE[10:12, 4:12] = 0.01
TURN = np.zeros((28, 28), int)
for number in range(4):
    TURN[10:12, 4 + 2 * number : 6 + 2 * number] = number + 1


def _probabilities(digit: int, probability: float) -> np.ndarray:
    rest = np.full(10, (1 - probability) / 9)
    rest[digit] = probability
    return rest


WHOLE = _probabilities(7, 0.999)
PROOF = Proof(1, TURN == 1, _probabilities(7, 0.84), _probabilities(4, 0.612))
FOUND = Grounds(target=7, predicted=7, order=np.arange(4), turn=TURN, evidence=2, proof=PROOF)
NONE = Grounds(target=3, predicted=7, order=np.arange(4), turn=TURN, evidence=2, proof=None)


def _draw(found: Grounds = FOUND, fill: float = 0.0, scale: int = 1, theme: Theme = Theme.LIGHT) -> Image.Image:
    return grounds(IMAGE, found, WHOLE, regions=Regions(), fill=fill, scale=scale, theme=theme)


@pytest.mark.parametrize("scale", [1, 3])
def test_the_heat_falls_with_the_order(scale: int) -> None:
    indices = np.asarray(_draw(scale=scale))

    half, minus_half = NEUTRAL + (POSITIVE - NEUTRAL) / 2, NEUTRAL + (NEGATIVE - NEUTRAL) / 2
    found = [_corner(indices, 11, column, scale) for column in (5, 7, 9, 11)]
    assert found == [POSITIVE, pytest.approx(half, abs=1), pytest.approx(minus_half, abs=1), NEGATIVE]
    assert _corner(indices, 20, 20, scale) == NEUTRAL


def _corner(indices: np.ndarray, row: int, column: int, scale: int) -> int:
    """The index in the upper left of a pixel's square: within any outline, beside any dot."""
    box = pixel_box(row, column)
    return int(indices[(box.top + 1) * scale, (box.left + 1) * scale])


def test_the_grounds_are_outlined() -> None:
    indices = np.asarray(_draw())
    box = pixel_box(10, 4)
    square = indices[box.top : box.top + 24, box.left : box.left + 24]
    for edge in (square[:2], square[-2:], square[:, :2], square[:, -2:]):
        assert (edge == INK).all()
    assert (square[2, 2:-2] == PAPER).all(), "a thin line of paper within"
    second = pixel_box(10, 6)
    assert not (indices[second.top : second.top + 24, second.left : second.left + 2] == INK).any()


@pytest.mark.parametrize("fill", [0.0, 0.5])
def test_whole_alone_and_without_stand_beside_it(fill: float) -> None:
    image = _draw(fill=fill)
    indices = np.asarray(image)
    kept = PROOF.kept
    pictures = (IMAGE, np.where(kept, IMAGE, fill), np.where(kept, fill, IMAGE))
    lines = ("whole: 7, 99.9%", "alone: 7, 84.0%", "without: 4, 61.2%")
    for picture, line in zip(pictures, lines, strict=True):
        [(left, baseline)] = written(image, line, NOTE)
        tile = indices[baseline - 17 - 84 : baseline - 17, left : left + 84]
        assert (tile == grey(picture).repeat(3, 0).repeat(3, 1)).all(), line


def test_heading_bar_and_caption() -> None:
    image = _draw(fill=0.5)
    assert len(written(image, "read 7: the grounds for 7", TITLE, strong=True)) == 1
    assert len(written(image, "order", NOTE, MUTED)) == len(written(image, "first", NOTE)) == 1
    assert len(written(image, "last", NOTE)) == 1
    caption = "outlined: 1 of 4 regions of 2×2 pixels, stride 2, fill 0.5; alone 7 is read, without them 4"
    assert len(written(image, caption, NOTE, MUTED)) == 1


def test_without_a_proof_nothing_is_outlined_and_the_picture_says_so() -> None:
    image = _draw(NONE)
    assert len(written(image, "read 7: no grounds for 3", TITLE, strong=True)) == 1
    caption = "regions of 2×2 pixels, stride 2, fill 0: none are read as 3 alone and leave another digit without them"
    assert len(written(image, caption, NOTE, MUTED)) == 1
    assert len(written(image, "whole: 7, 99.9%", NOTE)) == 1
    assert not (np.asarray(image)[MAP.top : MAP.bottom, MAP.left : MAP.right] == PAPER).any()


@pytest.mark.parametrize("found", [FOUND, NONE], ids=["proof", "none"])
def test_everything_stays_within_the_margins(found: Grounds) -> None:
    indices = np.asarray(_draw(found)).copy()
    indices[16:-12, 20:-20] = PAPER
    assert (indices == PAPER).all()


def test_light_and_dark_differ_in_their_background() -> None:
    corners = {theme: tuple(decoded(_draw(theme=theme))[0, 0]) for theme in Theme}
    assert corners[Theme.LIGHT] != corners[Theme.DARK]
