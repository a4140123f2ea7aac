"""``python -m tools.unlike``: how many digits, scribbles, pairs of digits and letters are told to be unlike digits.

Writes docs/likeness.md. Part of ``make examples``.
"""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from konkyo.models.files import usage_file
from konkyo.models.files.checkpoint import DIRECTORY
from konkyo.models.filters.usage import Usage
from konkyo.models.network import CHUNK, Network
from konkyo.models.preparation.fitting import fit_as_mnist
from konkyo.trainer.data import read
from konkyo.trainer.data.about import MNIST
from tools.examples import ROOT, trained_on

Images = NDArray[np.floating[Any]]

PAGE = ROOT / "docs" / "likeness.md"
SIDE = 280
COUNT = 500
# Letters that look like no digit, in each of matplotlib's DejaVu fonts.
LETTERS = "AEFHKMNPRTWXaefhkmnrtwx"
FONTS = sorted((Path(matplotlib.__file__).parent / "mpl-data" / "fonts" / "ttf").glob("DejaVuS*[!y].ttf"))

TEXT = """# Unlike the training images

Made by `python -m tools.unlike`. `POST /explain/process` warns of an image in which the network finds something unlike
what it finds in the training images. For each class, `trainer study filters` takes the subspace of the last stage's
output that holds most of what is found in 1,000 training images: 15 axes, whatever the strength. The distance of an
image is the share of that output, by the sum of squares, that the nearest subspace does not hold. The threshold is the
distance that 1% of the other training images exceed.

How many images are flagged:

{table}

- *Test digits*: MNIST's 10,000 test images.
- *Pairs*: {count} pairs of test digits side by side, as one image of 28×28.
- *Scribbles*: {count} drawings of one or two random strokes, brought to 28×28 by the service's `fit=mnist`.
- *Letters*: {letters} letters that look like no digit ({example}), each in {fonts} fonts and turned by up to 10°,
  brought to 28×28 in the same way.

What is not flagged may still be no digit, and one in a hundred digits is flagged. A scribble may look like a digit. A
network with few maps finds little in a letter that it does not find in digits.
"""


def main() -> None:
    sets = {
        "test digits": read(ROOT / "tests" / "data", "t10k").scaled(np.float64),
        "scribbles": scribbles(default_rng(1)),
        "pairs": pairs(default_rng(2)),
        "letters": letters(default_rng(3)),
    }
    rows = ["| | threshold | " + " | ".join(sets) + " |", "|---|--:|" + "--:|" * len(sets)]
    for name, checkpoint in trained_on(MNIST.name).items():
        usage = usage_file.load(DIRECTORY, checkpoint)
        assert usage is not None
        assert usage.likeness is not None
        shares = [flagged(checkpoint.precise, usage, images) for images in sets.values()]
        shown = " | ".join(f"{share:.1%}" for share in shares)
        rows.append(f"| `{name}` | {usage.likeness.threshold:.3f} | {shown} |")
    table = "\n".join(rows)
    print(table)
    PAGE.write_text(
        TEXT.format(
            table=table, count=COUNT, letters=len(sets["letters"]), example=", ".join(LETTERS[-4:]), fonts=len(FONTS)
        )
    )


def flagged(network: Network, usage: Usage, images: Images) -> float:
    """The share of images (N, 28, 28) that are unlike the training images."""
    assert usage.likeness is not None
    outputs = [network.trace(images[start : start + CHUNK]).layers[-1] for start in range(0, len(images), CHUNK)]
    return float(np.mean(usage.likeness.distance(np.concatenate(outputs)) > usage.likeness.threshold))


def fitted(grey: Images) -> Images:
    """What the service makes of a drawing, in steps of 1/255."""
    return np.rint(fit_as_mnist(np.array(grey, np.float32)).image * 255) / 255


def scribbles(rng: Generator) -> Images:
    """(N, 28, 28): one or two strokes through random points, smoothed."""
    return np.stack([fitted(_scribble(rng)) for _ in range(COUNT)])


def _scribble(rng: Generator) -> Images:
    picture = Image.new("L", (SIDE, SIDE))
    for _ in range(rng.integers(1, 3)):
        points = rng.uniform(40, SIDE - 40, (rng.integers(5, 10), 2))
        places = np.linspace(0, len(points) - 1, 40 * len(points))
        line = [np.interp(places, range(len(points)), points[:, axis]) for axis in range(2)]
        smooth = [np.convolve(np.pad(one, 12, mode="edge"), np.ones(25) / 25, "valid") for one in line]
        ImageDraw.Draw(picture).line(list(zip(*smooth, strict=True)), fill=255, width=24, joint="curve")
    return np.asarray(picture) / 255


def pairs(rng: Generator) -> Images:
    """(N, 28, 28): two test digits side by side, half as large."""
    digits = read(ROOT / "tests" / "data", "t10k").images
    chosen = digits[rng.integers(0, len(digits), (COUNT, 2))].reshape(COUNT, 2, 14, 2, 14, 2).mean((3, 5)) / 255
    return np.pad(np.concatenate([chosen[:, 0], chosen[:, 1]], axis=2), ((0, 0), (7, 7), (0, 0)))


def letters(rng: Generator) -> Images:
    """(N, 28, 28): every letter in every font."""
    return np.stack([fitted(_letter(letter, font, rng)) for letter in LETTERS for font in FONTS])


def _letter(letter: str, font: Path, rng: Generator) -> Images:
    picture = Image.new("L", (SIDE, SIDE))
    middle = (SIDE / 2, SIDE / 2)
    ImageDraw.Draw(picture).text(middle, letter, 255, ImageFont.truetype(str(font), 180), anchor="mm")
    return np.asarray(picture.rotate(rng.uniform(-10, 10), Image.Resampling.BILINEAR)) / 255


if __name__ == "__main__":
    main()
