"""What the tests of studies and their commands share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer.data import Labelled
from konkyo.trainer.figures.style import drawing
from konkyo.trainer.studies.study import Asked, Found, Study
from tests.helpers.lamp import checkpoint_of, lamp_network, lit

# What the figures of hand-set networks are drawn of; of the images none is looked at.
ASKED = Asked(
    checkpoint_of(lamp_network(), "lamp"), Labelled(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)), Path()
)


def nothing(_: int) -> None:
    """Nobody is told."""


def lamps(*labels: int) -> Labelled:
    """The lamp, which is predicted as a 6; the lamp with dust; the dust alone, a 2 whatever is hidden."""
    dust = np.zeros((28, 28))
    dust[2, 2] = 1
    images = np.round(255 * np.array([lit(), lit((2, 2)), dust])).astype(np.uint8)
    return Labelled(images, np.array(labels, np.uint8))


def measured(study: Study[Found], checkpoint: Checkpoint, digits: Labelled, runs: Path) -> tuple[Found, dict[str, Any]]:
    """What a study finds, and its JSON."""
    asked = Asked(checkpoint, digits, runs)
    found = study.measure(asked, lambda _: nothing)
    return found, study.entry(asked, found)


def caught(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that a module has drawn since, as Matplotlib knows them."""
    figures: list[Any] = []

    @contextmanager
    def catching(*arguments: Any) -> Iterator[Any]:
        with drawing(*arguments) as figure:
            yield figure
            figures.append(figure.figure)

    monkeypatch.setattr(module, "drawing", catching)
    return figures
