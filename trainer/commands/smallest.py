"""``python -m trainer study smallest``."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer
from rich.table import Table

from konkyo.models.architecture import Architecture
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE
from konkyo.trainer.commands.options import DATA, RUNS, STUDIES, DataOption, ModelsOption, OutOption, RunsOption, mnist
from konkyo.trainer.commands.search import RESTARTS, RUNG, STEPS
from konkyo.trainer.commands.terminal import console, interruptible, print_written
from konkyo.trainer.commands.training import RECIPES, RecipeName, groups, name_of, train_with_bars
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.recipe import Recipe
from konkyo.trainer.studies.document import read, write
from konkyo.trainer.studies.smallest import CrossValidated, document, fold, near_the_border, verdict


def smallest(
    folds: Annotated[int, typer.Option(min=2, max=10, help="Parts of the training images.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds for each network and fold.")] = 3,
    recipe: Annotated[RecipeName, typer.Option(help="How each is trained.")] = RecipeName.BEST,
    steps: Annotated[int, typer.Option(min=1, help="Batches that each is trained on.")] = STEPS,
    models_directory: ModelsOption = DIRECTORY,
    data_directory: DataOption = DATA,
    out: OutOption = STUDIES,
    runs: RunsOption = RUNS,
) -> None:
    """Cross-validate the networks that `trainer search` found near the border: which is the smallest?

    Stop it at any time: the same command goes on where it was.
    """
    from konkyo.trainer.figures import smallest as figure

    path = models_directory / SEARCH_FILE
    if not path.exists():
        raise RunError(f"{path} is not there; `python -m trainer search` writes it")
    searched = read(path)
    wanted, digits = near_the_border(searched), mnist(data_directory, "train")
    if not wanted:
        raise RunError(
            f"no network of {path} validates near {searched['minimum_accuracy']:.1%}: search again with other --first, "
            "--last or --minimum-accuracy"
        )
    held_out, rest = divmod(len(digits), folds)
    if rest:
        raise typer.BadParameter(f"must divide the {len(digits):,} training images", param_hint="--folds")
    chosen = replace(RECIPES[recipe], steps=steps, restarts=RESTARTS, rung=RUNG, held_out=held_out)
    found: dict[Architecture, list[float]] = {architecture: [] for architecture in wanted}
    with interruptible("validation"):
        for number in range(folds):
            for architecture, accuracy in _train(wanted, chosen, fold(digits, number, folds), seeds, number, runs):
                found[architecture].append(accuracy)
    networks = [CrossValidated(architecture, accuracies) for architecture, accuracies in found.items()]
    written = document(networks, searched["minimum_accuracy"], seeds, steps, len(digits))
    console.print(_table(networks))
    for line in verdict(written):
        console.print(line, highlight=False)
    write(out / "smallest.json", written)
    figure.draw(out / "smallest.png", networks, searched["minimum_accuracy"])
    print_written(out / "smallest.json", out / "smallest.png")


def _train(
    wanted: list[Architecture], recipe: Recipe, digits: Digits, seeds: int, number: int, runs: Path
) -> Iterator[tuple[Architecture, float]]:
    """Each network with its mean accuracy over the seeds on the images that the fold holds out."""
    from konkyo.trainer.jobs import Job

    folder = runs / f"fold-{recipe.held_out}-{number}"
    jobs = [
        Job(
            f"fold {number + 1}: {name_of(one.stages)}",
            one,
            recipe,
            group,
            folder / f"{name_of(one.stages)}-{group[0]}-{group[-1]}.pt",
        )
        for one in wanted
        for group in groups(1, seeds)
    ]
    accuracies: dict[Architecture, list[float]] = {}
    for job, run in train_with_bars(jobs, digits):
        each = [evaluate(run.result(which), run.held_out).accuracy for which in range(len(run.seeds))]
        accuracies.setdefault(job.architecture, []).extend(each)
    for architecture, each in accuracies.items():
        yield architecture, mean(each)


def _table(networks: list[CrossValidated]) -> Table:
    caption = f"mean of {len(networks[0].folds)} folds ± half of its 95 % interval; beside it the folds"
    table = Table("network", "parameters", "accuracy, %", "folds, %", title="cross-validation", caption=caption)
    for one in networks:
        accuracy = f"{100 * one.accuracy:.2f} ± {100 * one.interval:.2f}"
        each = " ".join(f"{100 * share:.2f}" for share in one.folds)
        table.add_row(name_of(one.architecture.stages), f"{one.architecture.parameters:,}", accuracy, each)
    return table
