"""From finished runs to a checkpoint: choose by validation, measure on the test images, write the card; and back."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from konkyo.models.files import checkpoint as files
from konkyo.models.files import probe
from konkyo.models.files.card import (
    FORMAT_VERSION,
    AccuracyCard,
    Document,
    Polarity,
    RunCard,
    SelectionCard,
    TrainingCard,
    described,
)
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.training import augmentation
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.run import Reached, restoring


def publish(
    name: str, runs: Sequence[Reached], training: Digits, test: Digits, minimum_accuracy: float, directory: Path
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
    network, recipe = chosen.network(place), chosen.recipe
    _, held_out = training.split(recipe.held_out)
    validation = evaluate(network, held_out).accuracy
    if validation < minimum_accuracy:
        raise RunError(
            f"{name} predicts {validation:.2%} of {len(held_out):,} held-out images correctly, below the "
            f"minimum accuracy of {minimum_accuracy:.2%}: no checkpoint was written. Train longer or from more seeds, "
            "or lower --minimum-accuracy"
        )
    copies = f" and {augmentation.COPIES} augmented copies of each" if recipe.augmented else ""
    about, tested = test.about, evaluate(network, test)
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
            # Each part of a data set knows its own files.
            "dataset": about.card.model_copy(update={"files": {**training.about.files, **about.files}}),
            "accuracy": AccuracyCard(
                validation=validation,
                test=tested.accuracy,
                test_images=len(test),
                per_class=tuple(tested.per_class),
                confusion=tuple(map(tuple, tested.confusion.tolist())),
            ),
            "probe": probe.make(network, test.images[0]),
            "made_with": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        }
    )
    return files.save(directory, network, document)


def run_cards(run: Reached, held_out: Digits, test: Digits) -> list[RunCard]:
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


def networks_of_seeds(checkpoint: Checkpoint, runs: Path) -> dict[int, Network]:
    """The network of each seed that the card of a checkpoint lists, in float64.

    Parameters
    ----------
    checkpoint
        The published one of these networks.
    runs
        The folder in which ``trainer train`` kept its runs.

    Raises
    ------
    RunError
        The run of a seed is not there or not finished, or the published network is not among them.
    """
    found: dict[int, Network] = {}
    card = checkpoint.card
    listed = [run.seed for run in card.runs]
    if len(listed) < 2 or card.selection is None:
        raise RunError(
            f"{checkpoint.name} is not of several seeds, so there is nothing to compare; `trainer train --seeds 10` "
            "trains ten"
        )
    for path in sorted((runs / checkpoint.name).glob("*.pt")):
        with restoring(path, "train these seeds again") as state:
            run = Reached.of(state)
        # The folder may hold runs of another recipe under the same name.
        if run.finished and run.recipe.is_of(card.recipe):
            found |= dict(zip(run.seeds, run.networks(), strict=True))
    missing = [str(seed) for seed in listed if seed not in found]
    if missing:
        raise RunError(
            f"{runs / checkpoint.name} holds no finished run of seed {', '.join(missing)}; train {checkpoint.name} "
            "again, or name the folder of its runs with --runs"
        )
    published, shipped = found[card.selection.seed], checkpoint.network.weights
    if any(not np.array_equal(weights, shipped[name]) for name, weights in published.weights.items()):
        raise RunError(f"{runs / checkpoint.name} holds another training than that of {checkpoint.name}")
    return {seed: found[seed].astype(np.float64) for seed in listed}


def _named(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"the run of seeds {seeds[0]} to {seeds[-1]}"
