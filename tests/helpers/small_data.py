"""Small data sets that a small network learns in seconds."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def strokes(count: int, seed: int) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], list[int]]:
    """Images of 20×20 with a bright row (class 0), column (1) or diagonal (2), and noise."""
    rng = np.random.default_rng(seed)
    images, labels = rng.integers(0, 60, (count, 20, 20), dtype=np.uint8), (np.arange(count) % 3).tolist()
    for image, label in zip(images, labels, strict=True):
        at = rng.integers(4, 16)
        line = (at, slice(None)) if label == 0 else (slice(None), at) if label == 1 else np.diag_indices(20)
        image[line] = 255
    return images, labels


def write_fruits(folder: Path, count: int) -> None:
    """Discs of 48×40 pixels on white, red or green, beside which colours say nothing."""
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[:40, :48]
    for name, colour in {"apple": (200, 30, 40), "lime": (60, 180, 30)}.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            disc = (rows - rng.integers(14, 26)) ** 2 + (columns - rng.integers(18, 30)) ** 2 < 120
            picture = np.where(disc[..., None], colour, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / name / f"{number:02}.png")
