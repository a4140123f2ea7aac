"""From finished runs to a checkpoint: choose by validation, measure on the test images, write the card."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from konkyo.models.files import checkpoint as files
from konkyo.models.files import probe
from konkyo.models.files.card import (
    FORMAT_VERSION,
    Document,
    Polarity,
    RunCard,
    SelectionCard,
    TrainingCard,
    described,
)
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training import augmentation, logits
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.run import Reached

# What a temperature is fitted on, and why there may be none, as a card says it.
HELD_OUT = "held-out training images as they are"
NOT_ASKED = "not fitted: it was not asked for"


def publish(
    name: str,
    runs: Sequence[Reached],
    training: Labelled,
    test: Labelled,
    minimum_accuracy: float,
    directory: Path,
    *,
    calibrate: bool = True,
) -> Checkpoint:
    """Write the network that validates best as ``NAME.safetensors`` and ``NAME.json``.

    Parameters
    ----------
    name
        Of the checkpoint.
    runs
        Finished runs of one architecture and recipe, from different seeds. The first of equal ones is taken.
    training
        The images that they were trained on, those that validate included.
    test
        The test images. They take no part in any decision: neither which seed is written, nor whether. Every
        seed's network is measured with them in the end, so that the card says what another seed would have given.
    minimum_accuracy
        Accuracy on the held-out images, without augmented copies, below which nothing is written, 0…1.
    directory
        Where to.
    calibrate
        Whether its logits are divided by the temperature that the held-out images want.

    Raises
    ------
    RunError
        A run that is not finished, or below the minimum accuracy. The runs stay where they are.
    """
    for run in runs:
        if not run.finished:
            raise RunError(
                f"{_named(run.seeds)} is at step {run.step:,} of {run.recipe.steps:,}: train it to the end first"
            )
    candidates = [(run, which) for run in runs for which in range(len(run.seeds))]
    chosen, place = max(candidates, key=lambda candidate: candidate[0].best[candidate[1]].validation)
    trained, recipe = chosen.network(place), chosen.recipe
    _, held_out = training.split(recipe.held_out)
    validation = evaluate(trained, held_out).accuracy
    if validation < minimum_accuracy:
        raise RunError(
            f"{name} predicts {validation:.2%} of {len(held_out):,} held-out images correctly, below the "
            f"minimum accuracy of {minimum_accuracy:.2%}: no checkpoint was written. Train longer or from more seeds, "
            "or lower --minimum-accuracy"
        )
    copies = f" and {augmentation.COPIES} augmented copies of each" if recipe.augmented else ""
    network, temperature, calibration = logits.calibrated(
        trained,
        held_out if calibrate else None,
        test,
        fitted=HELD_OUT if calibrate else NOT_ASKED,
        made_by="konkyo train",
        centre=True,
    )
    about = test.about
    document = Document.model_validate(
        {
            "format_version": FORMAT_VERSION,
            "name": name,
            **described(network.architecture, tuple(network.border.tolist()), Polarity.LIGHT_ON_DARK.value),
            "classes": about.classes,
            "preprocessing": about.preprocessing,
            "polarity": about.polarity,
            "warnings": about.warnings,
            "recipe": asdict(recipe),
            "training": TrainingCard(
                augmentations=augmentation.card(test.side, about.mirror) if recipe.augmented else None,
                loss=recipe.loss,
                centred=True,
            ),
            "selection": SelectionCard(
                by=f"validation accuracy on {recipe.held_out} held-out training images{copies}",
                seed=chosen.seeds[place],
                runs=tuple(entry for run in runs for entry in run_cards(run, held_out, test)),
            ),
            "imported": None,
            "temperature": temperature,
            "calibration": calibration,
            # Each part of a data set knows its own files.
            "dataset": about.card.model_copy(update={"files": {**training.about.files, **about.files}}),
            "accuracy": evaluate(network, test).card(validation),
            "probe": probe.make(network, test.images[0]),
            "made_with": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        }
    )
    return files.save(directory, network, document)


def rescaled(checkpoint: Checkpoint, read: Callable[[str], Labelled], directory: Path) -> Checkpoint:
    """Write a network that was published without a temperature again, with its logits divided by one.

    Parameters
    ----------
    checkpoint
        Trained here. Its card names the number of its held-out images.
    read
        A part of its data set, ``train`` or ``t10k``.
    directory
        Where to; it must not hold a checkpoint of that name.

    Raises
    ------
    RunError
        It was calibrated before, was imported, is of other images, or is in the way. Nothing is written.
    """
    card, name = checkpoint.card, checkpoint.name
    if card.recipe is None or card.dataset is None:
        raise RunError(f"{name} was imported, so it has no held-out images; `konkyo import --calibrate` fits one")
    if card.calibration is not None and card.temperature != 1:
        raise RunError(f"{name} is calibrated: its logits are divided by {card.temperature}")
    if (directory / f"{name}{files.SUFFIX}").exists():
        raise RunError(
            f"{directory} holds {name}{files.SUFFIX}; name another folder with --out, nothing is overwritten"
        )
    training, test = read("train"), read("t10k")
    if card.dataset.files != {**training.about.files, **test.about.files}:
        raise RunError(
            f"these images are not those of {card.dataset.name} that {name} was trained on; name their folder with "
            "--data"
        )
    _, held_out = training.split(int(card.recipe["held_out"]))
    centre = card.training is not None and card.training.centred is True
    command = f"konkyo calibrate {name}{files.SUFFIX} --data FOLDER --out FOLDER"
    network, temperature, calibration = logits.calibrated(
        checkpoint.network,
        held_out,
        test,
        fitted=HELD_OUT,
        made_by=f"{command}, with the data set {card.dataset.name}",
        centre=centre,
        made_of=checkpoint.sha256,
    )
    document = card.model_dump(exclude={"sha256"}) | {
        "temperature": temperature,
        "calibration": calibration,
        "accuracy": evaluate(network, test).card(evaluate(network, held_out).accuracy),
        "probe": probe.make(network, test.images[0]),
    }
    return files.save(directory, network, Document.model_validate(document, strict=False))


def run_cards(run: Reached, held_out: Labelled, test: Labelled) -> list[RunCard]:
    """What each seed of a finished run gave, the test images included."""
    return [
        RunCard(
            seed=seed,
            validation=evaluate(network, held_out).accuracy,
            chosen_by=best.validation,
            step=best.step,
            test=evaluate(network, test).accuracy,
        )
        for seed, best, network in zip(run.seeds, run.best, run.networks(), strict=True)
    ]


def _named(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"the run of seeds {seeds[0]} to {seeds[-1]}"
