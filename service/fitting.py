"""Any picture of a digit, made into 28×28 as MNIST's were made."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.architecture import IMAGE_SIDE

Grey = NDArray[np.float32]
Box = tuple[int, int, int, int]

# MNIST's digits were scaled to fit 20×20 and then centred by mass in 28×28.
DIGIT_SIDE = 20
# Contrast below which there is no ink, and the share of the contrast from which a pixel is ink.
LEAST_CONTRAST = 0.1
INK = 0.25


def fit_as_mnist(grey: Grey) -> tuple[Grey, Box | None]:
    """Crop to the ink, scale its longer side to 20, centre by mass in 28×28.

    The background is first brought to 0 and the brightest ink to 1: a photograph has neither.

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
    background = float(np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])))
    contrast = float(grey.max()) - background
    if contrast < LEAST_CONTRAST:
        return np.zeros((IMAGE_SIDE, IMAGE_SIDE), np.float32), None
    clean = np.clip((grey - background) / contrast, 0, 1).astype(np.float32)

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


def _corner(digit: Grey, axis: int) -> int:
    """Where the digit starts along an axis, so that its centre of mass comes to the middle, kept inside the frame.

    MNIST's middle is pixel 14 of 0…27: the centres of mass of its test images all lie from 13.5 to 14.5.
    """
    mass = digit.sum(axis=1 - axis)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(IMAGE_SIDE // 2 - centre), 0), IMAGE_SIDE - len(mass))
