"""``python -m tools.samples``: the digits that the page offers.

Ten that every network predicts right, and for each network some that it predicts wrong while they are legible: the
other networks are sure of the truth. Part of ``make examples``.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.checkpoint import load_all
from tools.examples import DIGITS, ROOT
from tools.gallery import MISREAD
from trainer.data import Digits, read

WEB = ROOT / "service" / "web" / "digits"
WRONG = 5

Logits = dict[str, NDArray[np.float32]]


def main() -> None:
    digits = read(ROOT / "tests" / "data", "t10k")
    images = digits.scaled(np.float32)
    logits = {name: one.network.logits(images) for name, one in sorted(load_all().items())}
    chosen = {name: misread(name, digits, logits) for name in logits}
    for path in WEB.glob("misread-*.png"):
        path.unlink()
    for one in (one for several in chosen.values() for one in several):
        number = int(one["name"].partition("-")[2])
        Image.fromarray(digits.images[number]).save(WEB / f"{one['name']}.png", optimize=True)
    # A link of the page may hold the name of one of the gallery's.
    for path in DIGITS.glob("misread-*.png"):
        (WEB / path.name).write_bytes(path.read_bytes())
    (WEB / "samples.json").write_text(json.dumps(chosen, indent=1) + "\n")


def misread(name: str, digits: Digits, logits: Logits) -> list[dict[str, Any]]:
    """Of the test images that a network predicts wrong, those of whose truth the others are surest.

    The gallery's, which were chosen by eye, come first where they are among them, and no confusion comes twice.
    """
    predicted = logits[name].argmax(-1)
    sure = np.min([lead(one, digits.labels) for other, one in logits.items() if other != name], axis=0)
    legible = (sure > 0) | np.isin(np.arange(len(digits.labels)), list(MISREAD))
    wrong = np.flatnonzero((predicted != digits.labels) & legible)
    ordered = sorted(wrong.tolist(), key=lambda number: (number not in MISREAD, -sure[number]))
    found: dict[tuple[int, int], int] = {}
    for number in ordered:
        found.setdefault((int(digits.labels[number]), int(predicted[number])), number)
    taken = sorted(found.items(), key=lambda item: ordered.index(item[1]))[:WRONG]
    return [{"name": f"misread-{number}", "truth": truth, "predicted": read_as} for (truth, read_as), number in taken]


def lead(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """By how much the true class's logit exceeds all others."""
    rows = np.arange(len(labels))
    others = logits.copy()
    others[rows, labels] = -np.inf
    difference: NDArray[np.float32] = logits[rows, labels] - others.max(-1)
    return difference


if __name__ == "__main__":
    main()
