"""Input warnings: reasons to doubt that an image shows one digit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.files.card import OPTIONAL_WARNINGS, Polarity, Preprocessing
from konkyo.models.preparation.expected import MNIST, Expected

# Grey value from which on a pixel is ink.
_INK = 0.4
# Least contrast of an image that shows something.
_CONTRAST = 0.1
_MOST_INK = 0.5
# Minimum share of the ink of a large piece. Dots and parts of broken strokes are smaller.
_LARGE_PIECE = 0.3

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class InputWarning:
    """One warning.

    Attributes
    ----------
    code
        Stable, for programs.
    text
        A sentence, for people.
    """

    code: str
    text: str


_EMPTY = InputWarning("empty", "the image is empty: nothing stands out from its background")
# What is said of an array, which is taken as it is. A picture is inverted.
DARK_INK = InputWarning(
    "dark-ink", "its ink seems to be dark on light paper, and the network reads light ink on dark: ask with 1 - image"
)
# What is said of an image for a network whose images are taken as they are. Nobody but its owner knows what they show.
BRIGHT_BORDER = InputWarning(
    "bright-border",
    "its border is bright, as that of dark ink on light paper, and nothing was inverted: a network that was trained on "
    "light ink on dark reads it wrongly",
)
# What an explanation of the process adds: it alone knows what the network finds in the image.
UNLIKE = InputWarning(
    "unlike-training-images",
    "what the network finds in the image is unlike what it finds in 99 of 100 training images: it may be of no class",
)


def input_warnings(
    image: NDArray[np.floating[Any]], others: int = 0, expected: Expected = MNIST
) -> tuple[InputWarning, ...]:
    """All warnings that apply to an image in [0, 1]: (side, side), light ink on dark; or (3, side, side), in colour.

    ``others`` is the number of things as large as a digit that were left out when the image was fitted. ``expected``
    says which warnings make sense for the network's images. Ink is bright; in images of other things it stands out.
    Colour images have no ink: they are empty, or not.
    """
    if expected.colour:
        flat = np.ptp(image, axis=(-2, -1)).max() <= _CONTRAST
        return (_EMPTY,) if flat else ()
    ink = image > (_INK if expected.preprocessing is Preprocessing.MNIST else float(image.min()) + _CONTRAST)
    found = [warning for check in _CHECKS if (warning := check(ink)) is not None]
    found = [one for one in found if one.code not in OPTIONAL_WARNINGS or one.code in expected.warnings]
    if _EMPTY not in found and expected.polarity is Polarity.LIGHT_ON_DARK and expected.inverts(image, Polarity.AUTO):
        found.append(BRIGHT_BORDER)
    if others:
        text = f"{others + 1} things were found that may be digits: the largest was read"
        found.append(InputWarning("several-digits", text))
    return tuple(found)


def _empty(ink: Mask) -> InputWarning | None:
    return None if ink.any() else _EMPTY


def _mostly_ink(ink: Mask) -> InputWarning | None:
    if np.count_nonzero(ink) <= _MOST_INK * ink.size:
        return None
    return InputWarning("mostly-ink", "more than half of the image is ink: no digit of MNIST is")


def _several_pieces(ink: Mask) -> InputWarning | None:
    sizes = pieces(ink)
    large = sum(size >= _LARGE_PIECE * sum(sizes) for size in sizes)
    if large <= 1:
        return None
    text = f"the ink falls into {large} large pieces: there may be more than one digit"
    return InputWarning("several-pieces", text)


_CHECKS: tuple[Callable[[Mask], InputWarning | None], ...] = (_empty, _mostly_ink, _several_pieces)


def pieces(ink: Mask) -> list[int]:
    """The sizes in pixels of the connected pieces of a mask. Diagonal neighbours are connected.

    The mask is stored as the bits of one integer. A piece grows by shifts of the whole integer.
    """
    # An empty column separates the last pixel of each row from the first of the next row.
    height, width = ink.shape[0], ink.shape[1] + 1
    rows = np.zeros((height, width), np.bool_)
    rows[:, :-1] = ink
    left = int.from_bytes(np.packbits(rows).tobytes(), "big")
    sizes = []
    while left:
        piece, grown = 0, left & -left
        while grown != piece:
            piece = grown
            wide = piece | piece << 1 | piece >> 1
            grown = (wide | wide << width | wide >> width) & left
        sizes.append(piece.bit_count())
        left &= ~piece
    return sizes
