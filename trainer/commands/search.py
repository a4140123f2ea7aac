"""``python -m trainer search``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from konkyo.models.architecture import Architecture, written_stages
from konkyo.models.files.atomic import replacing
from konkyo.models.files.card import RunCard
from konkyo.models.files.checkpoint import DIRECTORY, SEARCH_FILE, pretty
from konkyo.trainer.commands.options import DATA, RUNS, STUDIES, DataOption, OutOption, RunsOption, mnist
from konkyo.trainer.commands.terminal import console, interruptible, print_written
from konkyo.trainer.commands.training import RECIPES, RecipeName, groups, name_of, train_with_bars
from konkyo.trainer.search import LENET, Candidate, document, grid, smallest

STEPS = 6_000
# Some starts of a very small network learn nothing, which says nothing of the network: a short rung gives them up.
RESTARTS, RUNG = 4, 500


def search(
    first: Annotated[str, typer.Option(help="Filter counts of the first stage.", metavar="A,A,…")] = "1,2,3,4",
    last: Annotated[str, typer.Option(help="Filter counts of the second.", metavar="B,B,…")] = "1,2,3,4",
    seeds: Annotated[int, typer.Option(min=1, help="Seeds for each network.")] = 3,
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
    """Find the smallest filter counts that are accurate enough (section 2.1), in both wirings, beside LeNet's 6 and 16.

    Stop it at any time: the same command goes on where it was.
    """
    from konkyo.trainer.figures import search as figure
    from konkyo.trainer.jobs import Job
    from konkyo.trainer.publish import run_cards

    wanted = grid(_counts(first, "--first"), _counts(last, "--last"))
    chosen = replace(RECIPES[recipe], steps=steps, restarts=RESTARTS, rung=RUNG)
    digits, test = mnist(data_directory, "train"), mnist(data_directory, "t10k")
    states = runs / "search" / f"{recipe}-{steps}"
    jobs = [
        Job(
            f"{number} of {len(wanted)}: {name_of(architecture.stages)}",
            architecture,
            chosen,
            group,
            states / f"{name_of(architecture.stages)}-{group[0]}-{group[-1]}.pt",
        )
        for number, architecture in enumerate(wanted, 1)
        for group in groups(1, seeds)
    ]
    found: dict[Architecture, list[RunCard]] = {architecture: [] for architecture in wanted}
    with interruptible("validation"):
        for job, run in train_with_bars(jobs, digits):
            found[job.architecture] += run_cards(run, test)
    candidates = [Candidate(architecture, told_of) for architecture, told_of in found.items()]
    console.print(_table(candidates, minimum_accuracy / 100))
    for line in _verdict(candidates, minimum_accuracy / 100):
        console.print(line, highlight=False)
    path = models_directory / SEARCH_FILE
    with replacing(path) as fresh:
        fresh.write_text(pretty(document(candidates, chosen, minimum_accuracy / 100)), encoding="utf-8")
    figure.draw(out / "search.png", candidates, minimum_accuracy / 100)
    print_written(path, out / "search.png")


def _counts(text: str, option: str) -> list[int]:
    try:
        return sorted({int(count) for count in text.split(",")})
    except ValueError:
        raise typer.BadParameter(f"must be counts such as 1,2,3, not {text!r}", param_hint=option) from None


def _table(candidates: list[Candidate], minimum_accuracy: float) -> Table:
    best = [one.architecture for one in smallest(candidates, minimum_accuracy)]
    caption = (
        f"mean ± sd over {len(candidates[0].runs)} seeds; bold: the smallest that validates at {minimum_accuracy:.1%}"
    )
    table = Table("network", title="the smallest network", caption=caption)
    for column in ("parameters", "of LeNet's", "validation", "test"):
        table.add_column(column, justify="right")
    for one in candidates:
        table.add_row(
            name_of(one.architecture.stages) + (" (LeNet's)" if one.architecture == LENET else ""),
            f"{one.architecture.parameters:,}",
            f"{one.architecture.parameters / LENET.parameters:.0%}",
            *(f"{100 * centre:.2f} ± {100 * spread:.2f}" for centre, spread in (one.validation, one.test)),
            style="bold" if one.architecture in best else None,
        )
    return table


def _verdict(candidates: list[Candidate], minimum_accuracy: float) -> list[str]:
    best = list(smallest(candidates, minimum_accuracy))
    if not best:
        return [f"No network validates at {minimum_accuracy:.1%} on average: train longer, or try more filters."]
    return [
        f"The smallest that validates at {minimum_accuracy:.1%} on average, {one.architecture.stages[-1].wiring}: "
        f"{written_stages(one.architecture.stages)}, "
        f"{one.architecture.parameters:,} parameters, {one.architecture.parameters / LENET.parameters:.0%} of LeNet's "
        f"{LENET.parameters:,}; it predicts {one.test[0]:.2%} of the test images correctly."
        for one in best
    ]
