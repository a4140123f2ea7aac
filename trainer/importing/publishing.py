"""The checkpoint and the card of an imported network."""

import platform
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from konkyo.models.files import checkpoint, probe
from konkyo.models.files.card import (
    FORMAT_VERSION,
    OPTIONAL_WARNINGS,
    Document,
    Polarity,
    Preprocessing,
    described,
)
from konkyo.models.files.checkpoint import DIRECTORY, SUFFIX, USAGE_SUFFIX, Checkpoint
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.network_file import Imported
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.logits import calibrated

# What a temperature is fitted on, and why there is none, as a card says it.
TRAINING = "training images of the data set, on which it may have been trained"
NOT_ASKED = "not fitted: imported as it is"
# So many training images say it as well as more do.
MOST = 10_000


@dataclass(frozen=True)
class Preparation:
    """How pictures become images. By default they are resized, and never inverted."""

    preprocessing: Preprocessing = Preprocessing.RESIZE
    polarity: Polarity = Polarity.LIGHT_ON_DARK
    warnings: tuple[str, ...] = ()


def preparation(preprocessing: Preprocessing | None, polarity: Polarity | None, test: Labelled | None) -> Preparation:
    """What was asked for; else as the data set's pictures are prepared; else the default.

    Where drawings are prepared as MNIST's, their border says whether their ink is dark.
    """
    if preprocessing is None and test is not None:
        about = test.about
        return Preparation(about.preprocessing, polarity or about.polarity, tuple(map(str, about.warnings)))
    chosen = preprocessing or Preprocessing.RESIZE
    drawn = chosen is Preprocessing.MNIST
    usual = Polarity.AUTO if drawn else Polarity.LIGHT_ON_DARK
    return Preparation(chosen, polarity or usual, OPTIONAL_WARNINGS if drawn else ())


def check_name(name: str, called: str) -> None:
    """Raise NetworkFileError if a checkpoint cannot be called so."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name):
        raise NetworkFileError(f"{called} {name[:64]!r} must be lower-case letters, digits and hyphens")


def check_place(folder: Path, name: str, overwrite: bool, source: Path | None = None) -> None:
    """Look at what a network of this name would replace in a folder.

    Parameters
    ----------
    folder
        It may be missing.
    overwrite
        Whether an older network of this name may be replaced.
    source
        The file that the network is read from, which is never replaced.

    Raises
    ------
    NetworkFileError
        Something is there that must stay. The message says what would be right.
    """
    if folder.resolve().is_relative_to(DIRECTORY.resolve()):
        raise NetworkFileError(f"{folder} holds the networks that come with Konkyo; a folder of your own fits")
    written = [folder / f"{name}{suffix}" for suffix in (SUFFIX, ".json", USAGE_SUFFIX)]
    if source is not None and source.resolve() in {one.resolve() for one in written}:
        raise NetworkFileError(f"{source} would be replaced by what is read of it; another name or folder fits")
    for one in written:
        if one.exists() and not overwrite:
            raise NetworkFileError(
                f"{one} is there already; another name or folder fits, or overwrite, which replaces the network"
            )


def publish(
    imported: Imported,
    name: str,
    out: Path,
    prepared: Preparation,
    test: Labelled | None = None,
    training: Labelled | None = None,
) -> Checkpoint:
    """Measure an imported network on a data set, if there is one, and write its checkpoint and card.

    ``training`` is there if its logits are to be divided by the temperature that these images want.

    Raises
    ------
    NetworkFileError
        It does not fit the data set, or how its pictures are to be prepared. Nothing is written.
    """
    network = imported.network
    architecture = network.architecture
    if prepared.preprocessing is Preprocessing.MNIST and architecture.image_shape != (28, 28):
        raise NetworkFileError(
            f"--preprocessing mnist makes grey images of 28×28, and the network takes {architecture.channels} channels "
            f"of {architecture.side}×{architecture.side}; --preprocessing resize fits"
        )
    if test is not None:
        _check(imported, test)
    temperature, calibration = 1.0, None
    if test is not None:
        network, temperature, calibration = calibrated(
            network,
            training if training is None or len(training) <= MOST else training.split(MOST)[1],
            test,
            fitted=NOT_ASKED if training is None else TRAINING,
            made_by="konkyo import",
            centre=False,
        )
    image = _image(architecture.image_shape) if test is None else test.images[0]
    document = Document.model_validate(
        {
            "format_version": FORMAT_VERSION,
            "name": name,
            **described(architecture, tuple(network.border.tolist()), Polarity.LIGHT_ON_DARK.value),
            "classes": network.classes,
            "preprocessing": prepared.preprocessing,
            "polarity": prepared.polarity,
            "warnings": prepared.warnings,
            "recipe": None,
            "training": None,
            "selection": None,
            "dataset": None if test is None else test.about.card,
            "accuracy": None if test is None else evaluate(network, test).card(None),
            "temperature": temperature,
            "calibration": calibration,
            "imported": imported.card,
            "probe": probe.make(network, image),
            "made_with": {"python": platform.python_version(), "numpy": np.__version__},
        }
    )
    return checkpoint.save(out, network, document)


def _check(imported: Imported, test: Labelled) -> None:
    """Images of another size or colour are refused where the data set is read."""
    if test.about.classes != imported.network.classes:
        raise NetworkFileError(
            f"{imported.card.file} has the classes {', '.join(imported.network.classes)}, and {test.about.name} "
            f"{', '.join(test.about.classes)}; the same in the same order fit"
        )


def _image(shape: tuple[int, ...]) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Random squares: a card with noise would be much longer."""
    coarse = np.random.default_rng(0).integers(0, 256, (*shape[:-2], 8, 8), np.uint8)
    wide = -(-shape[-1] // 8)
    return coarse.repeat(wide, -1).repeat(wide, -2)[..., : shape[-1], : shape[-1]]
