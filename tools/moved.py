"""``python -m tools.moved OUT --images N``: many images, made by moving MNIST's; for docs/scaling.md."""

import argparse
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from konkyo.trainer.data import read
from konkyo.trainer.data.idx import write_images

# The 25 ways to move an image by at most two pixels, the smallest first: 60,000 images make 1,500,000.
MOVES = sorted(product(range(-2, 3), repeat=2), key=lambda move: (max(map(abs, move)), move))


def moved(images: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Images (N, 28, 28), moved; what leaves the frame is lost, and what comes into it is empty."""
    there = np.zeros_like(images)
    side = images.shape[-1]

    def parts(move: int) -> tuple[slice, slice]:
        return slice(max(move, 0), side + min(move, 0)), slice(max(-move, 0), side + min(-move, 0))

    (to_row, from_row), (to_column, from_column) = parts(rows), parts(columns)
    there[:, to_row, to_column] = images[:, from_row, from_column]
    return there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="MNIST's folder")
    parser.add_argument("--images", type=int, default=1_000_000)
    asked = parser.parse_args()
    images = read(asked.data, "train").images
    needed = MOVES[: -(-asked.images // len(images))]
    write_images(asked.out, np.concatenate([moved(images, *move) for move in needed])[: asked.images])


if __name__ == "__main__":
    main()
