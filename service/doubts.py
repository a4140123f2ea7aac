"""Reasons to doubt that a picture shows one digit: they come with the answer as warnings."""

import numpy as np
from numpy.typing import NDArray

# From this on a pixel counts as ink here.
_INK = 0.4
_MOST_INK = 0.5
# A blob with at least this share of the ink is no dot and no broken stroke.
_LARGE_BLOB = 0.3


def doubts(image: NDArray[np.float32]) -> tuple[str, ...]:
    """What speaks against one digit in a picture (28, 28) in [0, 1], light ink on dark."""
    ink = image > _INK
    share = float(ink.mean())
    if share == 0:
        return ("the picture is empty: nothing stands out from its background",)
    if share > _MOST_INK:
        return ("more than half of the picture is ink: no digit of MNIST is",)
    large = [size for size in blobs(ink) if size >= _LARGE_BLOB * ink.sum()]
    if len(large) > 1:
        return (f"the ink falls into {len(large)} large pieces: there may be more than one digit",)
    return ()


def blobs(ink: NDArray[np.bool_]) -> list[int]:
    """The sizes in pixels of the connected pieces of a mask, neighbours across corners included.

    The mask is one long number, a bit a pixel: a piece grows by shifting all of it at once.
    """
    # An empty column at the end of each row keeps its last pixel from touching the next row's first.
    rows = np.pad(ink, ((0, 0), (0, 1)))
    width = rows.shape[1]
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
