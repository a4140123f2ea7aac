"""Converts an image of a digit to 28×28 as it was done for MNIST.

There is one method for drawings, crops and photographs. What is wider than any stroke is background. Of the connected
pieces that remain, the digit is the largest that does not touch the border. Strokes get the widths that MNIST's have.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.preparation.components import label
from konkyo.models.preparation.resizing import reduced, sharpened

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.intp]
Box = tuple[int, int, int, int]

# MNIST's digits were scaled to fit 20×20 and then centred by mass in 28×28.
DIGIT_SIDE = 20
# The digit is looked for in an image whose longer side is at most this: noise averages out, and the time is bounded.
SEARCH_SIDE = 400
# Brighter areas in which a square of this side fits are background, not strokes; a share of the longer side.
STROKE = 0.65
# Minimum contrast of ink, and the share of the strongest contrast from which on a pixel belongs to a piece of ink.
# Printed lines are mostly paler.
LEAST_CONTRAST = 0.1
CORE = 0.45
# Share of the digit's contrast from which on a pixel counts for its box.
INK = 0.25
# Minimum side of a digit beside which other pieces touch the border, as a share of the longer side of the image.
LEAST_SIDE = 0.08
# Pieces at most this far from the digit, as a share of its longer side, are parts of it, unless they are specks, with
# less than this share of its pixels. Pieces farther away with at least this share of its pixels may be other digits.
NEAR = 0.15
SPECK = 0.02
OTHER = 0.3
# Scaling causes ringing beside a stroke. Values below this share of the maximum are removed.
RINGING = 0.02
# Mean stroke widths of MNIST's digits in pixels of the 20×20: 98 of 100 lie between. Others are adjusted.
STROKES = (1.4, 4.5)
# The side at which stroke widths are adjusted.
ADJUST_SIDE = 80


@dataclass(frozen=True)
class Fitted:
    """A digit found in an image.

    Attributes
    ----------
    image
        (28, 28) in [0, 1]; all 0 if there is no ink.
    box
        (left, top, right, bottom) of the digit in pixels of the image; None if there is no ink.
    others
        Number of other pieces of ink as large as a digit, which were left out.
    """

    image: Grey
    box: Box | None
    others: int


def fit_as_mnist(grey: Grey) -> Fitted:
    """Find the digit in an image (height, width) in [0, 1] with light ink, and fit it into 28×28.

    As for MNIST, the digit's longer side is scaled to 20 pixels, and its centre of mass is moved to the centre.
    """
    factor = math.ceil(max(grey.shape) / SEARCH_SIDE)
    search = reduced(grey, factor) if factor > 1 else grey
    raised = _without_background(search)
    core, others = _find(raised)
    if not core.any():
        return Fitted(np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32), None, 0)

    ink = _isolated(raised, core)
    left, top, right, bottom = _box(ink > INK)
    digit = _scaled(ink[top:bottom, left:right])
    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32)
    row, column = _corner(digit, axis=0), _corner(digit, axis=1)
    image[row : row + digit.shape[0], column : column + digit.shape[1]] = digit
    height, width = grey.shape
    box = factor * left, factor * top, min(factor * right, width), min(factor * bottom, height)
    return Fitted(image, box, others)


def _without_background(grey: Grey) -> Grey:
    """The grey values above the background: a white top-hat, less the median, which noise has raised."""
    window = max(3, round(STROKE * max(grey.shape)))
    raised = grey - _largest(_smallest(grey, window), window)
    return np.asarray(np.maximum(raised - np.median(raised), 0), np.float32)


def _find(raised: Grey) -> tuple[Mask, int]:
    """The pixels of the digit without its soft edges, and the number of other pieces that are as large.

    Pieces that touch the border belong to the surroundings, such as a table, if there is a digit besides them.
    """
    left = raised.copy()
    first = np.zeros(raised.shape, np.bool_), 0
    # Each round removes all pixels above a share of the peak, so there are few.
    while (peak := float(_mean3(left).max())) >= LEAST_CONTRAST:
        labels, count = label(left > CORE * peak)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        sizes[0] = 0
        inside = sizes.copy()
        for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            inside[edge] = 0
        chosen = int(inside.argmax())
        if inside[chosen] and _longer_side(labels == chosen) >= LEAST_SIDE * max(raised.shape):
            return _digit(labels, sizes, inside, chosen)
        if not first[0].any():
            first = _digit(labels, sizes, sizes, int(sizes.argmax()))
        left[_with_edges(labels > 0)] = 0
    return first


def _digit(labels: Labels, sizes: Labels, inside: Labels, chosen: int) -> tuple[Mask, int]:
    """A piece with the pieces near it, such as the bar of a 5, and the number of large pieces elsewhere.

    ``sizes`` are the numbers of pixels of all pieces; ``inside`` has 0 for those that cannot be digits.
    """
    left, top, right, bottom = _box(labels == chosen)
    reach = max(1, round(NEAR * max(right - left, bottom - top)))
    near = np.unique(labels[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach])
    parts = near[sizes[near] >= SPECK * sizes[chosen]]
    elsewhere = inside.copy()
    elsewhere[near] = 0
    return np.isin(labels, parts), int(np.count_nonzero(elsewhere >= OTHER * sizes[chosen]))


def _box(mask: Mask) -> Box:
    """(left, top, right, bottom) of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _longer_side(mask: Mask) -> int:
    left, top, right, bottom = _box(mask)
    return max(right - left, bottom - top)


def _isolated(raised: Grey, core: Mask) -> Grey:
    """The digit alone, in [0, 1], with the soft edges of its strokes."""
    near = _with_edges(core)
    contrast = np.float32(np.percentile(raised[core], 80))
    ink: Grey = np.clip(raised / contrast, 0, 1)
    away = ink[~near]
    noise = min(float(np.percentile(away, 90)), INK) if away.size else 0
    ink[~near | (ink < noise)] = 0
    return ink


def _with_edges(core: Mask) -> Mask:
    """The mask with the soft edges of its strokes: half a stroke and one pixel more on each side."""
    return _largest(core.astype(np.float32), 2 * round(_stroke_width(core) / 2) + 3) > 0


def _stroke_width(core: Mask) -> float:
    """Mean width of the strokes in pixels: twice the area by the length of the outline."""
    padded = np.pad(core, 1)
    steps = np.count_nonzero(padded[1:] != padded[:-1]) + np.count_nonzero(padded[:, 1:] != padded[:, :-1])
    # A slanted outline is shorter than its steps: by π/4 on the average of all directions.
    return 2 * np.count_nonzero(core) / (math.pi / 4 * steps)


def _scaled(ink: Grey) -> Grey:
    """Scale the longer side to 20, and bring strokes that are too thin or too thick to MNIST's widths."""
    width = _stroke_width(ink > CORE) * DIGIT_SIDE / max(ink.shape)
    wanted = min(max(width, STROKES[0]), STROKES[1])
    if wanted != width:
        large = _resized(ink, ADJUST_SIDE)
        change = 2 * round(abs(wanted - width) * ADJUST_SIDE / DIGIT_SIDE / 2) + 1
        if wanted > width:
            ink = _largest(np.pad(large, change // 2), change)
        else:
            thinner = _smallest(np.pad(large, 1), change)
            # Nothing is left of a blot, which no digit is.
            if (thinner > INK).any():
                left, top, right, bottom = _box(thinner > INK)
                ink = thinner[top:bottom, left:right]
    digit = _resized(ink, DIGIT_SIDE)
    digit[digit < RINGING * digit.max()] = 0
    return digit


def _resized(ink: Grey, side: int) -> Grey:
    height, width = ink.shape
    scale = side / max(height, width)
    resized: Grey = np.clip(sharpened(ink, max(1, round(height * scale)), max(1, round(width * scale))), 0, 1)
    return resized


def _corner(digit: Grey, axis: int) -> int:
    """The first row or column of the digit that centres its mass, limited so that the digit stays inside the image.

    The centre is pixel 14 of 0…27: the centres of mass of MNIST's test images are all between 13.5 and 14.5.
    """
    mass = digit.sum(axis=1 - axis)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(IMAGE_SIDE // 2 - centre), 0), IMAGE_SIDE - len(mass))


def _mean3(grey: Grey) -> Grey:
    """Mean of a cross-wise 3×3 neighbourhood, which a single bright pixel does not determine."""
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / np.float32(9))


def _largest(grey: Grey, window: int) -> Grey:
    """The maximum in a square of side ``window`` around each pixel, as far as it lies in the image."""
    return _running(_running(grey, window, np.maximum, 0), window, np.maximum, 1)


def _smallest(grey: Grey, window: int) -> Grey:
    """The minimum in a square of side ``window`` around each pixel, as far as it lies in the image."""
    return _running(_running(grey, window, np.minimum, 0), window, np.minimum, 1)


def _running(grey: Grey, window: int, extreme: np.ufunc, axis: int) -> Grey:
    """The running extreme along an axis, by windows of doubled length: log₂(window) passes."""
    grey = grey if axis == 0 else grey.T
    half = window // 2
    pad = np.float32(np.inf if extreme is np.minimum else -np.inf)
    found = np.pad(grey, ((half, half), (0, 0)), constant_values=pad)
    length, wanted = 1, 2 * half + 1
    while length < wanted:
        step = min(length, wanted - length)
        found = extreme(found[:-step], found[step:])
        length += step
    return found if axis == 0 else found.T
