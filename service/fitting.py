"""Any picture of a digit, made into 28×28 as MNIST's were made."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.architecture import IMAGE_SIDE

Grey = NDArray[np.float32]
Box = tuple[int, int, int, int]

# MNIST's digits were scaled to fit 20×20 and then centred by mass in 28×28.
DIGIT_SIDE = 20
# Contrast below which there is no ink, and the share of the contrast from which a pixel is ink.
LEAST_CONTRAST = 0.1
INK = 0.25
# A picture at least this large, whose border spans at least so much, is a photograph: shaded, and noisy.
PHOTO_SIDE = 64
PHOTO_SPAN = 0.04
# Squares along each side in which the paper is measured, and the share of a square that is surely paper.
_SQUARES = 8
_PAPER = 25


def fit_as_mnist(grey: Grey) -> tuple[Grey, Box | None]:
    """Crop to the ink, scale its longer side to 20, centre by mass in 28×28.

    The paper is first brought to 0 and the ink to 1: a photograph has neither.

    Parameters
    ----------
    grey
        (height, width) in [0, 1], light ink on dark.

    Returns
    -------
    image
        (28, 28) in [0, 1]; all 0 where there is no ink.
    box
        (left, top, right, bottom) of the ink; None where there is none.
    """
    clean = _without_paper(grey)
    if clean is None:
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32), None

    ink = clean > INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    width, height = right - left, bottom - top
    scale = DIGIT_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cropped = Image.fromarray(clean[top:bottom, left:right])
    digit = np.clip(np.asarray(cropped.resize(size, Image.Resampling.LANCZOS)), 0, 1)

    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32)
    row, column = _corner(digit, axis=0), _corner(digit, axis=1)
    image[row : row + digit.shape[0], column : column + digit.shape[1]] = digit
    return image, (left, top, right, bottom)


def _without_paper(grey: Grey) -> Grey | None:
    """The picture with its paper at 0 and its ink at 1; None where nothing stands out."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    low, paper, high = np.percentile(border, (5, 50, 95))
    if min(grey.shape) < PHOTO_SIDE or high - low < PHOTO_SPAN:
        above = grey - np.float32(paper)
        contrast = float(above.max())
    else:
        smooth = _smooth(grey, max(grey.shape) / 200)
        above = smooth - _shaded_paper(smooth)
        # A few bright specks must not decide what ink is.
        contrast = float(np.percentile(above, 99.5))
        above[above < INK * contrast] = 0
    if contrast < LEAST_CONTRAST:
        return None
    clean: Grey = np.clip(above / np.float32(contrast), 0, 1)
    return clean


def _smooth(grey: Grey, radius: float) -> Grey:
    """The mean over squares of 2 · radius + 1 pixels: what a camera's noise hides shows better so."""
    eight_bits = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
    return np.asarray(eight_bits.filter(ImageFilter.BoxBlur(radius)), np.float32) / np.float32(255)


def _shaded_paper(grey: Grey) -> Grey:
    """How light the paper is at each pixel: measured square by square, and smooth between them.

    A quarter of a square at least is paper, unless a stroke fills it; such a square is overruled by its neighbours.
    """
    rows, columns = (np.linspace(0, side, _SQUARES + 1).astype(int) for side in grey.shape)
    squares = np.array(
        [
            [np.percentile(grey[top:bottom, left:right], _PAPER) for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ],
        np.float32,
    )
    padded = np.pad(squares, 1, mode="edge")
    neighbours = np.stack([padded[y : y + _SQUARES, x : x + _SQUARES] for y in range(3) for x in range(3)])
    paper = Image.fromarray(np.median(neighbours, axis=0).astype(np.float32))
    return np.asarray(paper.resize(grey.shape[::-1], Image.Resampling.BICUBIC))


def _corner(digit: Grey, axis: int) -> int:
    """Where the digit starts along an axis, so that its centre of mass comes to the middle, kept inside the frame.

    MNIST's middle is pixel 14 of 0…27: the centres of mass of its test images all lie from 13.5 to 14.5.
    """
    mass = digit.sum(axis=1 - axis)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(IMAGE_SIDE // 2 - centre), 0), IMAGE_SIDE - len(mass))
