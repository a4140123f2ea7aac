"""``python -m trainer study smallest``."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.markup import escape

from konkyo.models.architecture import Architecture, Wiring
from konkyo.models.files.card import RunCard
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE
from konkyo.trainer.commands.options import DATA, RUNS, STUDIES, DataOption, OutOption, RunsOption, data_set
from konkyo.trainer.commands.terminal import console, interruptible, print_written
from konkyo.trainer.commands.training import RECIPES, RecipeName, groups, name_of, train_with_bars
from konkyo.trainer.data import Digits
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.recipe import Recipe
from konkyo.trainer.studies import document
from konkyo.trainer.studies.smallest import (
    Candidate,
    CrossValidated,
    fold,
    folds_document,
    folds_told,
    near_the_border,
    search_document,
    search_told,
    shapes,
)

if TYPE_CHECKING:
    from konkyo.trainer.train import Run

T = TypeVar("T")
STEPS = 6_000
# Some starts of a very small network learn nothing, which says nothing of the network: a short rung gives them up.
RESTARTS, RUNG = 4, 500


def smallest(
    summed: Annotated[int, typer.Option(min=1, help="Summed networks have fewer parameters than this.")] = 1300,
    paired: Annotated[int, typer.Option(min=1, help="Paired networks have fewer parameters than this.")] = 2400,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds for each network, and for each fold.")] = 3,
    folds: Annotated[int, typer.Option(min=2, max=10, help="Parts of the training images.")] = 5,
    recipe: Annotated[RecipeName, typer.Option(help="How each is trained.")] = RecipeName.BEST,
    steps: Annotated[int, typer.Option(min=1, help="Batches that each is trained on.")] = STEPS,
    minimum_accuracy: Annotated[
        float, typer.Option(min=0, max=100, help="Accuracy that is enough, in percent.")
    ] = 98.0,
    data_directory: DataOption = DATA,
    models_directory: Annotated[
        Path, typer.Option("--models", envvar="KONKYO_MODELS", help=f"Where {SEARCH_FILE} goes, for the service.")
    ] = DIRECTORY,
    out: OutOption = STUDIES,
    runs: RunsOption = RUNS,
) -> None:
    """Train every network of section 2.1 up to some parameters, and cross-validate those near the border.

    Stop it at any time: the same command goes on where it was.
    """
    from konkyo.trainer.figures import smallest as figure
    from konkyo.trainer.publish import run_cards

    digits, test, enough = data_set(data_directory, "train"), data_set(data_directory, "t10k"), minimum_accuracy / 100
    chosen = replace(RECIPES[recipe], steps=steps, restarts=RESTARTS, rung=RUNG)
    side, channels, classes = digits.side, digits.channels, len(digits.about.classes)
    wanted = [
        Architecture(one.stages, side, channels, classes=classes)
        for one in shapes({Wiring.SUMMED: summed, Wiring.PAIRED: paired})
    ]

    def told(lines: Iterator[str]) -> None:
        for line in lines:
            console.print(escape(line), highlight=False, soft_wrap=True)

    def cards(run: "Run") -> list[RunCard]:
        return run_cards(run, test)

    def held_out(run: "Run") -> list[float]:
        return [evaluate(run.result(which), run.held_out).accuracy for which in range(len(run.seeds))]

    with interruptible("validation"):
        cheap = runs / "search" / f"{recipe}-{steps}"
        candidates = [Candidate(*each) for each in _each(wanted, chosen, digits, seeds, cheap, cards)]
        found = search_document(candidates, chosen, enough)
        told(search_told(found))
        document.write(models_directory / SEARCH_FILE, found)
        figure.draw_search(out / "search.png", candidates, enough)
        print_written(models_directory / SEARCH_FILE, out / "search.png")

        near, parts = near_the_border(candidates, enough), digits[: len(digits) // folds * folds]
        if not near:
            console.print("No network validates near it: there is nothing to cross-validate.")
            return
        accuracies: dict[Architecture, list[float]] = {one: [] for one in near}
        recipe_of_folds = replace(chosen, held_out=len(parts) // folds)
        for number in range(folds):
            folder = runs / f"fold-{recipe_of_folds.held_out}-{number}"
            some = fold(parts, number, folds)
            for architecture, each in _each(near, recipe_of_folds, some, seeds, folder, held_out):
                accuracies[architecture].append(mean(each))
    networks = [CrossValidated(architecture, each) for architecture, each in accuracies.items()]
    crossed = folds_document(networks, enough, seeds, steps, len(parts))
    told(folds_told(crossed))
    document.write(out / "smallest.json", crossed)
    figure.draw_folds(out / "smallest.png", networks, enough)
    print_written(out / "smallest.json", out / "smallest.png")


def _each(
    wanted: Sequence[Architecture],
    recipe: Recipe,
    digits: Digits,
    seeds: int,
    folder: Path,
    take: Callable[["Run"], list[T]],
) -> list[tuple[Architecture, list[T]]]:
    """What ``take`` says of all seeds of each network, when they have been trained."""
    from konkyo.trainer.jobs import Job

    jobs = [
        Job(f"{folder.name}: {name}", one, recipe, group, folder / f"{name}-{group[0]}-{group[-1]}.pt")
        for name, one in ((name_of(one.stages), one) for one in wanted)
        for group in groups(1, seeds)
    ]
    found: dict[Architecture, list[T]] = {one: [] for one in wanted}
    for job, run in train_with_bars(jobs, digits):
        found[job.architecture] += take(run)
    return list(found.items())
