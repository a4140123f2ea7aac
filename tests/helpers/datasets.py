"""Data sets for tests: IDX files of any name, and folders of pictures, one a class."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Bytes = NDArray[np.uint8]


def idx_bytes(array: Bytes) -> bytes:
    """An array as an IDX file."""
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def write_idx(directory: Path, prefix: str, images: Bytes, labels: Iterable[int], packed: bool = False) -> None:
    """``PREFIX-images-idx3-ubyte`` and ``PREFIX-labels-idx1-ubyte``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in (("images-idx3-ubyte", images), ("labels-idx1-ubyte", np.array([*labels], np.uint8))):
        data = idx_bytes(array)
        path = directory / f"{prefix}-{name}"
        (path.with_name(f"{path.name}.gz") if packed else path).write_bytes(gzip.compress(data) if packed else data)


def described(directory: Path, **said: Any) -> None:
    """``dataset.json``."""
    (directory / "dataset.json").write_text(json.dumps(said))


def bars(lean: float, number: int, size: tuple[int, int] = (40, 60)) -> Image.Image:
    """A dark bar on light paper, ``lean`` degrees from upright, at a place that depends on ``number``."""
    rng = np.random.default_rng(number)
    picture = Image.new("L", size, 250)
    across, down = size[0] / 2 + rng.integers(-5, 6), size[1] / 2 + rng.integers(-5, 6)
    angle = np.deg2rad(lean + rng.integers(-6, 7))
    reach = 0.38 * min(size)
    ends = (across - reach * np.sin(angle), down - reach * np.cos(angle))
    others = (across + reach * np.sin(angle), down + reach * np.cos(angle))
    ImageDraw.Draw(picture).line([ends, others], fill=15, width=6)
    return picture


def write_pictures(directory: Path, classes: Mapping[str, float], count: int) -> None:
    """A folder of ``count`` pictures of bars for each class, which is a name with its lean."""
    for name, lean in classes.items():
        (directory / name).mkdir(parents=True)
        for number in range(count):
            bars(lean, number).save(directory / name / f"{number:03}.png")
