"""``python -m trainer study recipe``."""

from pathlib import Path
from typing import Annotated

import typer

from konkyo.models.architecture import Architecture
from konkyo.trainer.commands.options import DATA, RUNS, STUDIES, DataOption, OutOption, RunsOption, mnist
from konkyo.trainer.commands.terminal import console, interruptible, print_written
from konkyo.trainer.commands.training import groups, train_with_bars
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.recipe import FILE, JUDGING, NETWORKS, VARIANTS, Variant, measured, write
from konkyo.trainer.studies.study import slug


def recipe(
    seeds: Annotated[int, typer.Option(min=2, help="Seeds for each variant, from 1 on.")] = 10,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    runs: RunsOption = RUNS,
) -> None:
    """Take away each part of the recipe alone, and train by the paper's own recipe: what is each part worth?

    Stop it at any time: the same command goes on where it was. What is finished is written at once.
    """
    training, judging = mnist(data_directory, "train").judging(JUDGING)
    test = mnist(data_directory, "t10k")
    finished: list[Variant] = []
    with interruptible("validation"):
        for variant in VARIANTS:
            for name, network in NETWORKS.items():
                finished.append(_train(name, variant, network, range(1, seeds + 1), training, judging, test, runs))
                write(out / FILE, finished)
    print_written(out / FILE)


def _train(
    name: str,
    variant: str,
    architecture: Architecture,
    seeds: range,
    training: Digits,
    judging: Digits,
    test: Digits,
    runs: Path,
) -> Variant:
    """All seeds of one network by one variant of the recipe."""
    from konkyo.trainer.jobs import Job

    named = f"{name} {variant}"
    jobs = [
        Job(named, architecture, VARIANTS[variant], group, runs / "recipe" / f"{slug(named)}-{group[0]}-{group[-1]}.pt")
        for group in groups(seeds[0], len(seeds))
    ]
    networks = [run.result(which) for _, run in train_with_bars(jobs, training) for which in range(len(run.seeds))]
    console.print(f"{named}: finished")
    return measured(name, variant, networks, judging, test)
