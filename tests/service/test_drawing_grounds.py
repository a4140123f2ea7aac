from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from konkyo.models.grounds.proofs import Contrast, Grounds, Position, Status, SufficientSet
from konkyo.models.hiding.regions import Empty, Hiding, Regions
from konkyo.service import drawing
from konkyo.service.drawing.grounds import boxes
from konkyo.service.drawing.primitives.canvas import BODY, NOTE, TITLE, Box
from konkyo.service.drawing.primitives.colours import ACCENT, FADED, INK, MUTED, NEGATIVE, PAPER, TRACK, grey, rgb
from konkyo.service.drawing.primitives.style import Style, Theme
from tests.helpers.drawn import enlarged, painted, patch, written
from tests.helpers.lamp import lamp_network
from tests.helpers.shapes import COLOUR, TINY_VGG, image_of, network_of

grounds = painted(drawing.grounds)

STAYS, GOES = boxes(28)
# Ink in four regions of 4×4.
INKED: tuple[Position, ...] = ((1, 1), (1, 2), (2, 1), (5, 5))
FULL = np.zeros((28, 28))
for _row, _column in INKED:
    FULL[4 * _row : 4 * _row + 4, 4 * _column : 4 * _column + 4] = 1.0


def _result(
    kept: tuple[Position, ...] = ((1, 1), (5, 5)),
    contrast: tuple[Position, ...] | None = ((1, 2),),
    players: tuple[Position, ...] = INKED,
    status: Status = Status.SMALLEST,
    image: np.ndarray = FULL,
) -> Grounds:
    return Grounds(
        network=lamp_network(),
        image=image,
        logits=np.eye(10)[6],
        hiding=Hiding(Regions(4), 0.0),
        players=players,
        sufficient=SufficientSet(kept, 0.5, 2 ** (len(players) - len(kept)), status),
        contrast=None if contrast is None else Contrast(contrast, 3, np.eye(10)[3]),
        empty=Empty(np.eye(10)[2] * 5),
    )


def _area(image: Image.Image, box: Box, place: Position, scale: int = 1) -> np.ndarray:
    """The palette indices of a region."""
    unit = 10 * scale
    left, top = box.left * scale + 4 * place[1] * unit, box.top * scale + 4 * place[0] * unit
    return np.asarray(image)[top : top + 4 * unit, left : left + 4 * unit]


def test_what_must_stay_is_whole_and_outlined_and_the_rest_is_shaded() -> None:
    image = grounds(_result())
    kept, shaded = _area(image, STAYS, (1, 1)), _area(image, STAYS, (1, 2))
    assert (kept[6:-6, 6:-6] == grey(np.ones(()))).all()
    assert (kept[0] == ACCENT).all()
    assert (kept[:, 0] == ACCENT).all()
    assert (shaded == grey(np.array(FADED))).all()


@pytest.mark.parametrize("scale", [1, 2])
def test_what_must_go_is_struck_out(scale: int) -> None:
    image = grounds(_result(), Style(scale))
    struck = _area(image, GOES, (1, 2), scale)
    middle = struck.shape[0] // 2
    assert struck[middle, middle] == NEGATIVE
    assert struck[middle, 6 * scale] == TRACK
    assert (struck[0] == NEGATIVE).all()
    assert (_area(image, GOES, (1, 1), scale)[: 30 * scale, : 30 * scale] == grey(np.ones(()))).all()


@pytest.mark.parametrize(
    ("result", "lines"),
    [
        (
            _result(),
            ["2 of 4 regions. However the other 2 are hidden,", "in any of 4 ways, it stays a 6."],
        ),
        (_result(kept=INKED), ["All 4 regions are needed."]),
        (
            _result(kept=()),
            ["No region is needed. However the 4 are hidden,", "in any of 16 ways, it stays a 6."],
        ),
        (
            _result(kept=(), contrast=None, players=(), image=np.zeros((28, 28))),
            ["No region holds anything but the fill value, so", "there is nothing to hide."],
        ),
        (_result(contrast=None), ["Whatever is hidden, it stays a 6."]),
        (_result(), ["With this region hidden, 3 is predicted."]),
        (
            _result(contrast=((1, 1), (1, 2))),
            ["With these 2 regions hidden, 3 is predicted.", "Hiding fewer than 2 never changes the answer."],
        ),
    ],
)
def test_the_sentences(result: Grounds, lines: list[str]) -> None:
    image = grounds(result)
    assert written(image, "predicted 6: the grounds", TITLE, strong=True)
    for line in lines:
        assert written(image, line, BODY), line


@pytest.mark.parametrize(
    ("status", "note"),
    [
        (Status.SMALLEST, "Proven: no smaller set suffices."),
        (Status.IRREDUCIBLE, "Proven: none of them can be left out."),
    ],
)
def test_what_is_proven_is_said(status: Status, note: str) -> None:
    assert written(grounds(_result(status=status)), note, NOTE, MUTED)


def test_the_heads_say_what_to_do() -> None:
    image = grounds(_result())
    assert written(image, "Keep these: it stays a 6", BODY, INK, strong=True)
    assert written(image, "Hide this: it becomes a 3", BODY, INK, strong=True)
    other = grounds(_result(kept=((1, 1),), contrast=((1, 1), (1, 2))))
    assert written(other, "Keep this: it stays a 6", BODY, INK, strong=True)
    assert written(other, "Hide these: it becomes a 3", BODY, INK, strong=True)
    nothing = grounds(_result(kept=(), contrast=None))
    assert written(nothing, "Keep nothing: it stays a 6", BODY, INK, strong=True)
    assert written(nothing, "Hide anything: it stays a 6", BODY, INK, strong=True)


def test_the_empty_image_is_named() -> None:
    probability = float(np.exp(5) / (np.exp(5) + 9))
    note = f"regions of 4×4 pixels, stride 4, fill 0; with everything hidden, 2 is predicted, {probability:.1%}"
    assert written(grounds(_result()), note, NOTE, MUTED)


@pytest.mark.parametrize("theme", list(Theme))
@pytest.mark.parametrize("side", [16, 64])
def test_on_colour_what_stays_has_its_colours_and_the_rest_is_pale(side: int, theme: Theme) -> None:
    architecture = {16: COLOUR, 64: TINY_VGG}[side]
    unit, given = side // 4, image_of(architecture)
    logits = np.eye(architecture.classes)[1]
    result = replace(
        _result(image=given),
        network=network_of(architecture),
        logits=logits,
        hiding=Hiding(Regions(unit, side=side), 0.0),
        players=tuple(np.ndindex(4, 4)),
        sufficient=SufficientSet(((1, 1), (3, 2)), 0.5, 2**14, Status.SMALLEST),
        contrast=Contrast(((0, 2),), 2, np.eye(architecture.classes)[2]),
        empty=Empty(logits),
    )
    image, (stays, goes) = grounds(result, Style(theme=theme)), boxes(side)
    expected = enlarged(np.rint(given * 255).astype(np.uint8).transpose(1, 2, 0), stays)
    left, right = patch(image, stays), patch(image, goes)
    pixel = stays.width // side * unit
    paper = np.array(rgb(theme, PAPER), int)
    for row, column in np.ndindex(4, 4):
        area = slice(row * pixel + 5, (row + 1) * pixel - 5), slice(column * pixel + 5, (column + 1) * pixel - 5)
        if (row, column) in ((1, 1), (3, 2)):
            assert (left[area] == expected[area]).all()
        else:
            assert np.abs(left[area].astype(int) - paper).max() <= 0.28 * 255
        if (row, column) == (0, 2):
            colours = {tuple(colour) for colour in right[area].reshape(-1, 3).tolist()}
            assert colours == {rgb(theme, TRACK), rgb(theme, NEGATIVE)}
        else:
            assert (right[area] == expected[area]).all()
