"""Uploads made of digits and of arrays, and the pixels of an answer."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from konkyo.trainer.data import read
from support.folders import DATA, ROOT

DIGITS = ROOT / "docs" / "digits"


def sample(digit: int) -> bytes:
    """The PNG of that digit in docs/digits."""
    return (DIGITS / f"{digit}.png").read_bytes()


def pixels(digit: int) -> NDArray[np.uint8]:
    """(28, 28), what that PNG holds."""
    return np.asarray(Image.open(DIGITS / f"{digit}.png"))


def encode(picture: Image.Image | NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a picture file."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes) -> NDArray[np.uint8]:
    """(height, width, 3): the pixels of a PNG answer."""
    image = Image.open(BytesIO(data), formats=["PNG"])
    return np.asarray(image.convert("RGB"))


def uploads(count: int) -> list[bytes]:
    """The first so many of MNIST's test images, each a PNG."""
    digits = read(DATA, "t10k")
    return [encode(digits.images[index]) for index in range(min(count, len(digits.images)))]
