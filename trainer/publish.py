"""From finished runs to a checkpoint: choose by validation, measure on the test images, write the card."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from konkyo.models.files.card import RunCard, SelectionCard, TrainingCard
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.trainer import augmentation
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.model_card import Origin, save
from konkyo.trainer.train import Run


def publish(name: str, runs: Sequence[Run], test: Digits, minimum_accuracy: float, directory: Path) -> Checkpoint:
    """Write the network that validates best as ``NAME.safetensors`` and ``NAME.json``.

    Parameters
    ----------
    name
        Of the checkpoint.
    runs
        Finished runs of one architecture and recipe, from different seeds. The first of equal ones is taken.
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
    network, recipe = chosen.result(place), chosen.recipe
    validation = evaluate(network, chosen.held_out).accuracy
    if validation < minimum_accuracy:
        raise RunError(
            f"{name} predicts {validation:.2%} of {len(chosen.held_out):,} held-out images correctly, below the "
            f"minimum accuracy of {minimum_accuracy:.2%}: no checkpoint was written. Train longer or from more seeds, "
            "or lower --minimum-accuracy"
        )
    copies = f" and {augmentation.COPIES} augmented copies of each" if recipe.augmented else ""
    origin = Origin(
        recipe=asdict(recipe),
        training=TrainingCard(
            augmentations=augmentation.card(test.side, test.about.mirror) if recipe.augmented else None,
            loss=recipe.loss,
            centred=True,
        ),
        selection=SelectionCard(
            by=f"validation accuracy on {recipe.held_out} held-out training images{copies}",
            seed=chosen.seeds[place],
            runs=tuple(entry for run in runs for entry in run_cards(run, test)),
        ),
        validation=validation,
        packages={"torch": torch.__version__},
    )
    # Each part of a data set knows its own files.
    about = replace(test.about, files={**chosen.held_out.about.files, **test.about.files})
    return save(directory, name, network, origin, about, test)


def run_cards(run: Run, test: Digits) -> list[RunCard]:
    """What each seed of a finished run gave, the test images included."""
    networks = [run.result(which) for which in range(len(run.seeds))]
    return [
        RunCard(
            seed=seed,
            validation=evaluate(network, run.held_out).accuracy,
            chosen_by=best.validation,
            step=best.step,
            test=evaluate(network, test).accuracy,
        )
        for seed, best, network in zip(run.seeds, run.best, networks, strict=True)
    ]


def _named(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"the run of seeds {seeds[0]} to {seeds[-1]}"
