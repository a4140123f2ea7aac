"""``python -m trainer study recipe``."""

from pathlib import Path
from typing import Annotated

import typer

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.checkpoint import DIRECTORY, load_all
from konkyo.trainer.commands.options import DATA, RUNS, STUDIES, DataOption, ModelsOption, OutOption, RunsOption, mnist
from konkyo.trainer.commands.terminal import console, interruptible, print_written
from konkyo.trainer.commands.training import distillation_set_for, groups, title, train_with_bars
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.parts import slug
from konkyo.trainer.studies.recipe import ABLATION, VARIANTS, Variant, measured, shipped, write

_FILTERS = 3, 3


def recipe(
    seeds: Annotated[int, typer.Option(min=2, help="Seeds for each variant, from 1 on.")] = 10,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    runs: RunsOption = RUNS,
) -> None:
    """Take away each part of the recipe alone, and train by the paper's own recipe: what is each part worth?

    Stop it at any time: the same command goes on where it was. What is finished is written at once.
    """
    training, test = mnist(data_directory, "train"), mnist(data_directory, "t10k")
    networks = [Architecture(wiring, *_FILTERS) for wiring in (Wiring.PAIRED, Wiring.SUMMED)]
    checkpoints = load_all(models_directory)
    cards = [shipped(checkpoints[title(one)], seeds) for one in networks if title(one) in checkpoints]
    finished = [one for one in cards if one is not None]
    with interruptible("validation"):
        for variant in VARIANTS:
            for network in networks:
                finished.append(_train(variant, network, range(1, seeds + 1), training, test, runs))
                write(out / ABLATION, finished)
    print_written(out / ABLATION)


def _train(
    variant: str, architecture: Architecture, seeds: range, training: Digits, test: Digits, runs: Path
) -> Variant:
    """All seeds of one network by one variant of the recipe."""
    from konkyo.trainer.jobs import Job

    chosen, named = VARIANTS[variant], f"{title(architecture)} {variant}"
    folder = runs / f"recipe-{chosen.held_out}"
    distillation_set = distillation_set_for(chosen, training, folder)
    jobs = [
        Job(named, architecture, chosen, group, folder / f"{slug(named)}-{group[0]}-{group[-1]}.pt")
        for group in groups(seeds[0], len(seeds))
    ]
    networks = [
        (run.result(which), run.held_out)
        for _, run in train_with_bars(jobs, training, distillation_set, folder)
        for which in range(len(run.seeds))
    ]
    console.print(f"{named}: finished")
    return measured(title(architecture), variant, networks, test)
