"""The model card of a new checkpoint: what the network is, how it was made, and what it reads of the test images."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from konkyo.models.files import checkpoint, probe
from konkyo.models.files.card import (
    FORMAT_VERSION,
    AccuracyCard,
    Document,
    Polarity,
    SelectionCard,
    TrainingCard,
    described,
)
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from konkyo.trainer.data.about import About
from konkyo.trainer.evaluation import evaluate


@dataclass(frozen=True)
class Origin:
    """How a network was made.

    Attributes
    ----------
    recipe
        The settings of its training; empty if they are not known.
    training, selection
        As the card has them.
    validation
        Its accuracy on images that it was chosen by, 0…1.
    packages
        Version by name of what else made it.
    """

    recipe: dict[str, Any]
    training: TrainingCard
    selection: SelectionCard
    validation: float
    packages: dict[str, str]


def save(directory: Path, name: str, network: Network, origin: Origin, about: About, test: Digits) -> Checkpoint:
    """Measure a network with the test images, and write its checkpoint and card."""
    tested = evaluate(network, test)
    document = Document.model_validate(
        {
            "format_version": FORMAT_VERSION,
            "name": name,
            **described(network.architecture, tuple(network.border.tolist()), Polarity.LIGHT_ON_DARK.value),
            "classes": about.classes,
            "preprocessing": about.preprocessing,
            "polarity": about.polarity,
            "warnings": about.warnings,
            "recipe": origin.recipe,
            "training": origin.training,
            "selection": origin.selection,
            "imported": None,
            "dataset": about.card,
            "accuracy": AccuracyCard(
                validation=origin.validation,
                test=tested.accuracy,
                test_images=len(test),
                per_class=tuple(tested.per_class),
                confusion=tuple(map(tuple, tested.confusion.tolist())),
            ),
            "probe": probe.make(network, test.images[0]),
            "made_with": {"python": platform.python_version(), **origin.packages, "numpy": np.__version__},
        }
    )
    return checkpoint.save(directory, network, document)
