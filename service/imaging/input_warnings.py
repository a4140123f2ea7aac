"""Input warnings: reasons to doubt that an image shows one digit. They come with the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# From this grey value on a pixel counts as ink here.
_INK = 0.4
_MOST_INK = 0.5
# A piece with at least this share of the ink is no dot and no broken stroke.
_LARGE_PIECE = 0.3

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class InputWarning:
    """One reason.

    Attributes
    ----------
    code
        Stable, for programs.
    text
        A sentence, for people.
    """

    code: str
    text: str


def input_warnings(image: NDArray[np.floating[Any]]) -> tuple[InputWarning, ...]:
    """All that apply to an image (28, 28) in [0, 1], light ink on dark."""
    ink = image > _INK
    return tuple(warning for check in _CHECKS if (warning := check(ink)) is not None)


def _empty(ink: Mask) -> InputWarning | None:
    if ink.any():
        return None
    return InputWarning("empty", "the image is empty: nothing stands out from its background")


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
    """The sizes in pixels of the connected pieces of a mask, neighbours across corners included.

    The mask is one long number, a bit a pixel: a piece grows by shifting all of it at once.
    """
    # An empty column at the end of each row keeps its last pixel from touching the next row's first.
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
