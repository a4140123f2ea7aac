"""MNIST's test images as PNG uploads."""

from pathlib import Path

from konkyo.trainer.data import read
from tests.helpers.pictures import encode

DATA = Path(__file__).parents[2] / "tests" / "data"


def uploads(count: int) -> list[bytes]:
    """The first so many test images, each a PNG of its own."""
    digits = read(DATA, "t10k")
    return [encode(digits.images[index]) for index in range(min(count, len(digits.images)))]
