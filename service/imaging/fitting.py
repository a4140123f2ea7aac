"""Converts an image of a digit to 28×28 as it was done for MNIST."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.architecture import IMAGE_SIDE

Grey = NDArray[np.float32]
Box = tuple[int, int, int, int]

# MNIST's digits were scaled to fit 20×20 and then centred by mass in 28×28.
DIGIT_SIDE = 20
# Minimum contrast of an image with ink, and the share of the contrast from which on a pixel is ink.
LEAST_CONTRAST = 0.1
INK = 0.25
# Scaling causes ringing beside a stroke. Values below this share of the maximum are removed.
RINGING = 0.02
# An image of at least this side whose border has at least this range of grey values is treated as a photograph.
PHOTO_SIDE = 64
PHOTO_SPAN = 0.04
# Number of rows in one batch.
_ROWS = 256
# Number of squares along each side in which the paper is measured, and the percentile that is taken as paper.
_SQUARES = 8
_PAPER = 25


def fit_as_mnist(grey: Grey) -> tuple[Grey, Box | None]:
    """Crop to the ink, scale its longer side to 20, centre by mass in 28×28.

    Grey values are first normalised, so that the paper is 0 and the ink is 1.

    Parameters
    ----------
    grey
        (height, width) in [0, 1], light ink on dark. It is overwritten, to save memory.

    Returns
    -------
    image
        (28, 28) in [0, 1]; all 0 if there is no ink.
    box
        (left, top, right, bottom) of the ink; None if there is none.
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
    """Normalise the grey values so that paper is 0 and ink is 1; False if there is no ink."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    low, paper, high = np.percentile(border, (5, 50, 95))
    if min(grey.shape) < PHOTO_SIDE or high - low < PHOTO_SPAN:
        grey -= np.float32(paper)
        contrast = float(grey.max())
    else:
        _smooth(grey, max(grey.shape) / 200)
        _subtract_shaded_paper(grey)
        # A percentile instead of the maximum, so that a few bright pixels do not determine the contrast.
        contrast = float(np.percentile(grey, 99.5))
        grey[grey < INK * contrast] = 0
    if contrast < LEAST_CONTRAST:
        return False
    grey /= np.float32(contrast)
    np.clip(grey, 0, 1, out=grey)
    return True


def _smooth(grey: Grey, radius: float) -> None:
    """Replace each pixel by the mean of a square of 2 · radius + 1 pixels, to reduce the noise of a camera."""
    grey *= 255
    eight_bits = Image.fromarray(np.rint(grey, out=grey).astype(np.uint8))
    blurred = np.asarray(eight_bits.filter(ImageFilter.BoxBlur(radius)))
    np.divide(blurred, np.float32(255), out=grey)


def _subtract_shaded_paper(grey: Grey) -> None:
    """Subtract the grey value of the paper, measured in squares and interpolated between them.

    At least a quarter of a square is paper, unless a stroke fills it. The median of neighbouring squares corrects it.
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
    """The first row or column of the digit that centres its mass, limited so that the digit stays inside the image.

    The centre is pixel 14 of 0…27: the centres of mass of MNIST's test images are all between 13.5 and 14.5.
    """
    mass = digit.sum(axis=1 - axis)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(IMAGE_SIDE // 2 - centre), 0), IMAGE_SIDE - len(mass))
