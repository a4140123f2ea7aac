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
# Scaling leaves an echo beside a stroke, paler than this share of it: MNIST's digits have none, and it is no ink.
RINGING = 0.02
# A picture at least this large, whose border spans at least so much, is a photograph: shaded, and noisy.
PHOTO_SIDE = 64
PHOTO_SPAN = 0.04
# Rows of a large picture that are worked on at a time.
_ROWS = 256
# Squares along each side in which the paper is measured, and the share of a square that is surely paper.
_SQUARES = 8
_PAPER = 25


def fit_as_mnist(grey: Grey) -> tuple[Grey, Box | None]:
    """Crop to the ink, scale its longer side to 20, centre by mass in 28×28.

    The paper is first brought to 0 and the ink to 1: a photograph has neither.

    Parameters
    ----------
    grey
        (height, width) in [0, 1], light ink on dark. It is used up: a large picture takes much even once.

    Returns
    -------
    image
        (28, 28) in [0, 1]; all 0 where there is no ink.
    box
        (left, top, right, bottom) of the ink; None where there is none.
    """
    if not _remove_paper(grey):
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32), None

    ink = grey > INK
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    width, height = right - left, bottom - top
    scale = DIGIT_SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cropped = Image.fromarray(grey[top:bottom, left:right])
    digit = np.clip(np.asarray(cropped.resize(size, Image.Resampling.LANCZOS)), 0, 1)
    digit[digit < RINGING * digit.max()] = 0

    image = np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32)
    row, column = _corner(digit, axis=0), _corner(digit, axis=1)
    image[row : row + digit.shape[0], column : column + digit.shape[1]] = digit
    return image, (left, top, right, bottom)


def _remove_paper(grey: Grey) -> bool:
    """Bring the picture's paper to 0 and its ink to 1; False where nothing stands out."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    low, paper, high = np.percentile(border, (5, 50, 95))
    if min(grey.shape) < PHOTO_SIDE or high - low < PHOTO_SPAN:
        grey -= np.float32(paper)
        contrast = float(grey.max())
    else:
        _smooth(grey, max(grey.shape) / 200)
        _subtract_shaded_paper(grey)
        # A few bright specks must not decide what ink is.
        contrast = float(np.percentile(grey, 99.5))
        grey[grey < INK * contrast] = 0
    if contrast < LEAST_CONTRAST:
        return False
    grey /= np.float32(contrast)
    np.clip(grey, 0, 1, out=grey)
    return True


def _smooth(grey: Grey, radius: float) -> None:
    """Take the mean over squares of 2 · radius + 1 pixels: what a camera's noise hides shows better so."""
    grey *= 255
    eight_bits = Image.fromarray(np.rint(grey, out=grey).astype(np.uint8))
    blurred = np.asarray(eight_bits.filter(ImageFilter.BoxBlur(radius)))
    np.divide(blurred, np.float32(255), out=grey)


def _subtract_shaded_paper(grey: Grey) -> None:
    """Take from each pixel how light the paper is there: measured square by square, and smooth between them.

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
    height, width = grey.shape
    paper = Image.fromarray(np.median(neighbours, axis=0).astype(np.float32))
    paper = paper.resize((width, height), Image.Resampling.BICUBIC)
    for top in range(0, height, _ROWS):
        bottom = min(top + _ROWS, height)
        grey[top:bottom] -= np.asarray(paper.crop((0, top, width, bottom)))


def _corner(digit: Grey, axis: int) -> int:
    """Where the digit starts along an axis, so that its centre of mass comes to the middle, kept inside the frame.

    MNIST's middle is pixel 14 of 0…27: the centres of mass of its test images all lie from 13.5 to 14.5.
    """
    mass = digit.sum(axis=1 - axis)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(IMAGE_SIDE // 2 - centre), 0), IMAGE_SIDE - len(mass))
