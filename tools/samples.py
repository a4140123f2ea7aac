"""``python -m tools.samples``: the digits that the page offers.

Ten that every network predicts right, and for each network its own: some that it predicts wrong while they are legible,
since the other networks are sure of the truth, and some that it predicts right while another one does not. Part of
``make examples``.

``pictures`` of a network, or of a data set by its name, are listed by hand: ``[{"name", "truth"}]``, each a PNG in
``service/web/digits``, grey or in colour. They are kept.
"""

import json
from collections.abc import Callable, Collection, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from konkyo.trainer.data import Labelled, read
from support.folders import ROOT
from tools.examples import DIGITS, trained_on
from tools.gallery import MISREAD

TEST = ROOT / "tests" / "data"
WEB = ROOT / "service" / "web" / "digits"
EACH = 5

Labels = NDArray[np.uint8]
Logits = dict[str, NDArray[np.float32]]
Sample = dict[str, Any]


def main() -> None:
    for kind in ("right", "misread", "animal-right", "animal-misread"):
        for path in WEB.glob(f"{kind}-*.png"):
            path.unlink()
    digits, animals = (read(folder, "t10k") for folder in (TEST, TEST / "animals"))
    chosen = {**of_data_set(digits, MISREAD), **of_data_set(animals, (), "animal-")}
    # A link of the page may hold the name of one of the gallery's.
    for path in DIGITS.glob("*.png"):
        (WEB / path.name).write_bytes(path.read_bytes())
    listed = json.loads((WEB / "samples.json").read_text())
    for name, kinds in listed.items():
        if "pictures" in kinds:
            chosen.setdefault(name, {})["pictures"] = kinds["pictures"]
    (WEB / "samples.json").write_text(json.dumps(chosen, indent=1) + "\n")


def of_data_set(test: Labelled, known: Collection[int], prefix: str = "") -> dict[str, dict[str, list[Sample]]]:
    """The samples of each network of a data set, whose pictures are written.

    Parameters
    ----------
    test
        Its test images.
    known
        The numbers of some that were found legible by eye.
    prefix
        Of the names of their pictures.
    """
    shipped = trained_on(test.about.name)
    logits = {name: one.network.logits(test.scaled(np.float32)) for name, one in shipped.items()}
    chosen = {
        name: {"right": right(name, test.labels, logits), "wrong": misread(name, test.labels, logits, known)}
        for name in logits
    }
    for one in (one for kinds in chosen.values() for several in kinds.values() for one in several):
        number = int(one["name"].partition("-")[2])
        one["name"] = f"{prefix}{one['name']}"
        Image.fromarray(test.images[number]).save(WEB / f"{one['name']}.png", optimize=True)
    return chosen


def misread(name: str, labels: Labels, logits: Logits, known: Collection[int] = MISREAD) -> list[Sample]:
    """Of the test images that a network predicts wrong, those of whose truth the others are surest.

    The gallery's, which were chosen by eye, come first where they are among them, and no confusion comes twice. What is
    asked about one is why it is not the truth.
    """
    predicted = logits[name].argmax(-1)
    sure = np.min([lead(one, labels) for other, one in logits.items() if other != name], axis=0)
    legible = (sure > 0) | np.isin(np.arange(len(labels)), list(known))
    wrong = np.flatnonzero((predicted != labels) & legible)
    ordered = sorted(wrong.tolist(), key=lambda number: (number not in known, -sure[number]))
    taken = first_of_each(ordered, lambda number: (labels[number], predicted[number]))
    return [sample("misread", number, labels[number], predicted[number], labels[number]) for number in taken]


def right(name: str, labels: Labels, logits: Logits) -> list[Sample]:
    """Of the test images that a network predicts right and another one does not, those of which it is surest.

    No digit comes twice. What is asked about one is why it is not what the other predicts.
    """
    rival = dict.fromkeys(range(len(labels)), -1)
    for other, one in logits.items():
        predicted = one.argmax(-1)
        rival |= {int(n): int(predicted[n]) for n in np.flatnonzero(predicted != labels) if other != name}
    sure = lead(logits[name], labels)
    ordered = sorted((n for n, versus in rival.items() if versus >= 0 and sure[n] > 0), key=lambda n: -sure[n])
    taken = first_of_each(ordered, lambda number: labels[number])
    return [sample("right", number, labels[number], labels[number], rival[number]) for number in taken]


def first_of_each(ordered: list[int], kind: Callable[[int], Hashable]) -> list[int]:
    """The first few numbers, of each kind one."""
    found: dict[Hashable, int] = {}
    for number in ordered:
        found.setdefault(kind(number), number)
    return list(found.values())[:EACH]


def sample(kind: str, number: int, truth: int, predicted: int, versus: int) -> Sample:
    """One entry of samples.json."""
    return {
        "name": f"{kind}-{number}",
        "truth": int(truth),
        "predicted": int(predicted),
        "versus": int(versus),
    }


def lead(logits: NDArray[np.float32], labels: Labels) -> NDArray[np.float32]:
    """By how much the true class's logit exceeds all others."""
    rows = np.arange(len(labels))
    others = logits.copy()
    others[rows, labels] = -np.inf
    difference: NDArray[np.float32] = logits[rows, labels] - others.max(-1)
    return difference


if __name__ == "__main__":
    main()
