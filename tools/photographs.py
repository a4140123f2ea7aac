"""Pictures of digits as people take them, made from MNIST by a seeded script, and how many of them are read right.

``python -m tools.photographs`` prints the table of docs/photographs.md.
"""

from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from konkyo.models.files.card import Polarity
from konkyo.models.files.checkpoint import load_all
from konkyo.models.preparation.expected import Fit
from konkyo.service.imaging.decoding import decode_image
from konkyo.trainer.data import Labelled, read
from support.folders import ROOT

Digit = NDArray[np.uint8]
Random = np.random.Generator
Ink = NDArray[np.float64]

# Height and width of a photographed sheet.
SHEET = (900, 1200)


def _enlarged(digit: Digit, side: int, how: Image.Resampling = Image.Resampling.BICUBIC) -> Ink:
    """(side, side) in [0, 1]."""
    return np.asarray(Image.fromarray(digit).resize((side, side), how), np.float64) / 255


def _cropped(digit: Digit) -> Digit:
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    return digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _stroke(digit: Digit, side: int, pen: int) -> Ink:
    """The digit, ``side`` pixels high and wide, drawn with a round pen that is ``pen`` pixels wide."""
    solid = _enlarged(digit, side // 2) > 0.5
    pixels = Image.fromarray(_thinned(solid)).resize((side, side), Image.Resampling.NEAREST)
    ink = Image.new("L", (side, side))
    draw = ImageDraw.Draw(ink)
    for row, column in np.argwhere(np.asarray(pixels)):
        draw.ellipse((column - pen / 2, row - pen / 2, column + pen / 2, row + pen / 2), fill=255)
    return np.asarray(ink.filter(ImageFilter.GaussianBlur(0.8)), np.float64) / 255


def _thinned(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The centre lines of the strokes (Zhang and Suen 1984, A Fast Parallel Algorithm for Thinning)."""
    ink = np.pad(solid, 1)
    while True:
        removed = False
        for first in (True, False):
            # The eight neighbours, clockwise from the upper one.
            shifts = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
            around = np.stack([np.roll(ink, shift, (0, 1)) for shift in shifts])
            count = around.sum(axis=0)
            turns = (~around & np.roll(around, -1, axis=0)).sum(axis=0)
            up, right, down, left = around[0], around[2], around[4], around[6]
            ends = (
                ~(up & right & down) & ~(right & down & left) if first else ~(up & right & left) & ~(up & down & left)
            )
            gone = ink & (count >= 2) & (count <= 6) & (turns == 1) & ends
            ink = ink & ~gone
            removed |= bool(gone.any())
        if not removed:
            return ink[1:-1, 1:-1]


def _on_sheet(ink: Ink, rng: Random, shape: tuple[int, int] = SHEET) -> Ink:
    """The ink somewhere on an empty sheet, a little turned."""
    turned = Image.fromarray((255 * ink).astype(np.uint8)).rotate(float(rng.uniform(-6, 6)), Image.Resampling.BICUBIC)
    sheet = np.zeros(shape)
    side = ink.shape[0]
    margin = 60
    top, left = (int(rng.integers(margin, length - side - margin)) for length in shape)
    sheet[top : top + side, left : left + side] = np.asarray(turned) / 255
    return sheet


def _photographed(
    ink: Ink, rng: Random, darkness: float = 0.6, paper: float = 0.85, noise: float = 0.02
) -> Image.Image:
    """Dark ink on paper in a shadow that grows in one direction, with noise and a soft focus."""
    height, width = ink.shape
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.45)
    rows, columns = np.linspace(-0.5, 0.5, height)[:, None], np.linspace(-0.5, 0.5, width)
    shade = 1 - depth * (0.5 + rows * np.sin(angle) + columns * np.cos(angle))
    seen = paper * shade * (1 - darkness * ink) + rng.normal(0, noise, ink.shape)
    return Image.fromarray((np.clip(seen, 0, 1) * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))


def _with_lines(ink: Ink, rng: Random, squared: bool) -> Ink:
    """Printed lines, paler than the ink, a little turned like the sheet."""
    height, width = ink.shape
    gap, thickness = int(rng.integers(40, 70)), int(rng.integers(2, 4))
    slope, strength = rng.uniform(-0.03, 0.03), rng.uniform(0.2, 0.4)
    lines = Image.new("L", (width, height))
    draw = ImageDraw.Draw(lines)
    for row in range(-gap, height + gap, gap):
        draw.line((0, row, width, row + slope * width), fill=255, width=thickness)
    if squared:
        for column in range(-gap, width + gap, gap):
            draw.line((column, 0, column - slope * height, height), fill=255, width=thickness)
    return np.maximum(ink, strength * np.asarray(lines) / 255)


def _with_table(picture: Image.Image, rng: Random) -> Image.Image:
    """A table, darker than the paper, beyond one or two edges of the sheet."""
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    grey = int(rng.integers(20, 130))
    depth, slant = int(rng.integers(15, 55)), int(rng.integers(-12, 12))
    edges = rng.permutation(4)[: int(rng.integers(1, 3))]
    corners = {
        0: [(0, 0), (width, 0), (width, depth + slant), (0, depth)],
        1: [(0, height), (width, height), (width, height - depth - slant), (0, height - depth)],
        2: [(0, 0), (0, height), (depth + slant, height), (depth, 0)],
        3: [(width, 0), (width, height), (width - depth - slant, height), (width - depth, 0)],
    }
    for edge in edges:
        draw.polygon(corners[int(edge)], fill=grey)
    return picture


def _plain(digit: Digit, rng: Random) -> Image.Image:
    return _ink_on_white(_enlarged(digit, int(rng.integers(60, 400))))


def _tight(digit: Digit, rng: Random) -> Image.Image:
    crop = Image.fromarray(_cropped(digit))
    times = float(rng.uniform(3, 14))
    size = (max(4, round(crop.width * times)), round(crop.height * times))
    return _ink_on_white(np.asarray(crop.resize(size, Image.Resampling.BICUBIC)) / 255)


def _soft(digit: Digit, rng: Random) -> Image.Image:
    """Enlarged smoothly to 64×64 or so, so that the strokes touch the border."""
    side = int(rng.integers(56, 100))
    crop = Image.fromarray(_cropped(digit))
    scale = side / max(crop.size)
    size = (max(4, round(crop.width * scale)), max(4, round(crop.height * scale)))
    smooth = crop.resize(size, Image.Resampling.BICUBIC)
    return _ink_on_white(np.asarray(smooth.filter(ImageFilter.GaussianBlur(side / 40))) / 255)


def _ink_on_white(ink: Ink) -> Image.Image:
    return Image.fromarray((255 - np.clip(ink, 0, 1) * 255).astype(np.uint8))


def _sheet(side: tuple[int, int]) -> Callable[[Digit, Random], Image.Image]:
    def make(digit: Digit, rng: Random) -> Image.Image:
        return _photographed(_on_sheet(_enlarged(digit, int(rng.integers(*side))), rng), rng)

    return make


def _pen(pen: tuple[float, float]) -> Callable[[Digit, Random], Image.Image]:
    """A pen of a width that is a share of the height, on a photographed sheet."""

    def make(digit: Digit, rng: Random) -> Image.Image:
        side = int(rng.integers(350, 550))
        width = max(4, round(side * float(rng.uniform(*pen))))
        return _photographed(_on_sheet(_stroke(digit, side, width), rng), rng)

    return make


def _pencil(digit: Digit, rng: Random) -> Image.Image:
    side = int(rng.integers(200, 450))
    ink = _stroke(digit, side, max(5, round(side * 0.03))) * rng.uniform(0.7, 1, (side, side))
    return _photographed(_on_sheet(ink, rng), rng, darkness=0.35, paper=0.65)


def _lines(squared: bool) -> Callable[[Digit, Random], Image.Image]:
    def make(digit: Digit, rng: Random) -> Image.Image:
        side = int(rng.integers(250, 500))
        ink = _stroke(digit, side, max(8, round(side * float(rng.uniform(0.03, 0.06)))))
        return _photographed(_with_lines(_on_sheet(ink, rng), rng, squared), rng)

    return make


def _table(digit: Digit, rng: Random) -> Image.Image:
    return _with_table(_sheet((250, 500))(digit, rng), rng)


def _all_at_once(digit: Digit, rng: Random) -> Image.Image:
    """Squared paper, a ballpoint pen and the table."""
    return _with_table(_lines(squared=True)(digit, rng), rng)


KINDS: dict[str, Callable[[Digit, Random], Image.Image]] = {
    "enlarged": _plain,
    "cropped to the ink": _tight,
    "soft, touching the border": _soft,
    "200 pixels on a shaded sheet of 900×1200": _sheet((200, 201)),
    "250 to 500 pixels on a shaded sheet": _sheet((250, 500)),
    "thin pen (1.2 % of the height)": _pen((0.012, 0.013)),
    "pens of 1.5 to 5 %": _pen((0.015, 0.05)),
    "thick pen (10 to 15 %)": _pen((0.1, 0.15)),
    "pencil on grey": _pencil,
    "ruled paper": _lines(squared=False),
    "squared paper": _lines(squared=True),
    "edge of the table": _table,
    "squared paper and the edge of the table": _all_at_once,
}


def pictures(kind: str, digits: NDArray[np.uint8], seed: int) -> Iterator[bytes]:
    """A file for each digit: JPEG, or PNG where it is small."""
    for number, digit in enumerate(digits):
        picture = KINDS[kind](digit, np.random.default_rng([seed, number]))
        file = BytesIO()
        picture.save(file, "JPEG" if max(picture.size) > 500 else "PNG", quality=85)
        yield file.getvalue()


def read_right(kind: str, digits: Labelled, seed: int) -> list[bool]:
    """Whether ``paired-3x3`` reads each picture right that is made of the digits."""
    network = load_all()["paired-3x3"].network
    found = []
    for file, digit in zip(pictures(kind, digits.images, seed), digits.labels, strict=True):
        image, _ = decode_image(file, Fit.MNIST, Polarity.AUTO)
        found.append(bool(network.logits(image).argmax() == digit))
    return found


def main() -> None:
    """Print the share that is read right: of the digits that the method was tuned on, and of others."""
    digits = read(ROOT / "tests" / "data", "t10k")
    tuned, apart = digits[:100], digits[6000:6100]
    print("| pictures | tuned on | kept apart |\n|---|--:|--:|")
    for kind in KINDS:
        shares = [np.mean(read_right(kind, which, seed)) for which, seed in ((tuned, 1), (apart, 4))]
        print(f"| {kind} | {shares[0]:.0%} | {shares[1]:.0%} |", flush=True)


if __name__ == "__main__":
    main()
