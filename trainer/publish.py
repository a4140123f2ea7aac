"""From finished runs to a checkpoint: choose by validation, measure on the test images, write the card."""

import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from models import checkpoint, probe
from models.architecture import IMAGE_SIDE
from models.card import FORMAT_VERSION, Document, RunDocument
from models.checkpoint import Checkpoint
from trainer.data import SHA256, Digits
from trainer.errors import RunError
from trainer.measure import read_all
from trainer.train import Run


def publish(name: str, runs: Sequence[Run], test: Digits, floor: float, directory: Path) -> Checkpoint:
    """Write the network that validates best as ``NAME.safetensors`` and ``NAME.json``.

    Parameters
    ----------
    name
        Of the checkpoint.
    runs
        Finished runs of one architecture and recipe, from different seeds. The first of equal ones is taken.
    test
        MNIST's test images; they take no part in the choice. Every seed's network reads them once it is made, so that
        the card can say what a seed that was not chosen would have given.
    floor
        Accuracy on the test images below which nothing is written, 0…1.
    directory
        Where to.

    Raises
    ------
    RunError
        A run that is not finished, or below the floor. The runs stay where they are.
    """
    for run in runs:
        if not run.finished:
            raise RunError(
                f"{_named(run.seeds)} is at step {run.step:,} of {run.recipe.steps:,}: train it to the end first"
            )
    candidates = [(run, which) for run in runs for which in range(len(run.seeds))]
    chosen, place = max(candidates, key=lambda candidate: candidate[0].best[candidate[1]].validation)
    network = chosen.result(place)
    reading = read_all(network, test)
    if reading.accuracy < floor:
        raise RunError(
            f"{name} reads {reading.accuracy:.2%} of {len(test):,} test images, below the floor of {floor:.2%}: "
            "no checkpoint was written. Train longer or from more seeds, or lower --floor"
        )
    copies = f" and {chosen.recipe.copies} moved copies of each" if chosen.recipe.copies else ""
    document: Document = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "architecture": asdict(chosen.architecture),
        "parameters": chosen.architecture.parameters,
        "input": {"side": IMAGE_SIDE, "range": [0, 1], "polarity": "light-on-dark"},
        "recipe": asdict(chosen.recipe),
        "selection": {
            "by": f"validation accuracy on {chosen.recipe.held_out} held-out training images{copies}",
            "seed": chosen.seeds[place],
            "runs": [entry for run in runs for entry in told(run, test)],
        },
        "dataset": SHA256,
        "accuracy": {
            "validation": read_all(network, chosen.held_out).accuracy,
            "test": reading.accuracy,
            "test_images": len(test),
            "per_class": reading.per_class,
            "confusion": reading.confusion.tolist(),
        },
        "probe": probe.make(network, test.images[0]),
        "made_with": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    return checkpoint.save(directory, network, document)


def told(run: Run, test: Digits) -> list[RunDocument]:
    """What each seed of a finished run gave, the test images included."""
    runs: list[RunDocument] = []
    for which, (seed, best) in enumerate(zip(run.seeds, run.best, strict=True)):
        network = run.result(which)
        runs.append(
            {
                "seed": seed,
                "validation": read_all(network, run.held_out).accuracy,
                "chosen_by": best.validation,
                "step": best.step,
                "test": read_all(network, test).accuracy,
            }
        )
    return runs


def _named(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"the run of seeds {seeds[0]} to {seeds[-1]}"
