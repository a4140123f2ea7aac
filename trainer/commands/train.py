"""``python -m trainer train``."""

from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint
from konkyo.trainer.about import MNIST
from konkyo.trainer.commands.options import DATA, RUNS, DataOption, RunsOption, check_name, counts, data_set
from konkyo.trainer.commands.terminal import console, interruptible
from konkyo.trainer.commands.training import RECIPES, RecipeName, groups, train_with_bars

# Of MNIST's networks, in percent.
MINIMUM_ACCURACY = 97.0
# What recipes count in; of another data set they take the same share.
MNIST_IMAGES = 60_000
# Rungs of a recipe that has none, if --restarts asks for several starts.
RUNGS = 4


def train(
    wiring: Annotated[Wiring, typer.Option(help="What conv2 does with the maps it gets.")] = Wiring.PAIRED,
    filters: Annotated[str, typer.Option(help="conv1 × conv2 filters.", metavar="AxB")] = "3x3",
    conv2_bias: Annotated[bool, typer.Option(help="Whether conv2's filters have a bias.")] = True,
    name: Annotated[str | None, typer.Option(help="Of the checkpoint.", show_default="WIRING-AxB")] = None,
    recipe: Annotated[RecipeName, typer.Option(help="The paper's, or the strongest for the same network.")] = (
        RecipeName.PAPER
    ),
    seed: Annotated[int, typer.Option(min=0, help="Of the first run.")] = 1,
    seeds: Annotated[int, typer.Option(min=1, help="Runs, from SEED on; the best by validation is published.")] = 1,
    steps: Annotated[int | None, typer.Option(min=1, show_default="the recipe's")] = None,
    batch: Annotated[int | None, typer.Option(min=1, show_default="the recipe's")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=1e-8, max=1.0, show_default="the recipe's")] = None,
    restarts: Annotated[
        int | None,
        typer.Option(min=1, help="Random starts of a seed; the best is left.", show_default="the recipe's"),
    ] = None,
    held_out: Annotated[
        int | None, typer.Option(min=1, help="Training images that validate.", show_default="the recipe's share")
    ] = None,
    minimum_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            help="Validation accuracy below which nothing is published, in percent.",
            show_default=f"{MINIMUM_ACCURACY:g} for MNIST, 0 for other data",
        ),
    ] = None,
    data_directory: DataOption = DATA,
    out: Annotated[
        Path, typer.Option(envvar="KONKYO_MODELS", help="Where the checkpoint and its card go.")
    ] = DIRECTORY,
    runs: RunsOption = RUNS,
) -> None:
    """Train a network from one or more seeds, and publish the one that validates best.

    Stop it at any time: the same command goes on where it was, and ends with the same network.
    """
    from konkyo.trainer.jobs import Job
    from konkyo.trainer.publish import publish

    architecture = two_stages(wiring, *counts(filters), conv2_bias=conv2_bias)
    name = f"{wiring}-{filters}" if name is None else name
    check_name(name)
    changes: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "restarts": restarts,
        "held_out": held_out,
    }
    chosen = replace(RECIPES[recipe], **{key: value for key, value in changes.items() if value is not None})
    if chosen.restarts > 1 and not chosen.rung:
        # The paper's recipe has one start, and so no rungs: as many as the strongest recipe has.
        chosen = replace(chosen, rung=max(chosen.steps // RUNGS, 1))
    digits, test = data_set(data_directory, "train"), data_set(data_directory, "t10k")
    architecture = replace(architecture, classes=len(digits.about.classes))
    is_mnist = digits.about.name == MNIST.name
    if minimum_accuracy is None:
        minimum_accuracy = MINIMUM_ACCURACY if is_mnist else 0.0
    if held_out is None:
        chosen = replace(chosen, held_out=max(chosen.held_out * len(digits) // MNIST_IMAGES, 1))
    if batch is None:
        chosen = replace(chosen, batch=min(chosen.batch, max(len(digits) - chosen.held_out, 1)))
    jobs = []
    for group in groups(seed, seeds):
        numbers = f"seed {group[0]}" if len(group) == 1 else f"seeds {group[0]} to {group[-1]}"
        state = runs / name / f"{recipe}-{group[0]}-{group[-1]}.pt"
        jobs.append(Job(f"{name}, {numbers}", architecture, chosen, group, state))
    with interruptible("validation"):
        trained = [run for _, run in train_with_bars(jobs, digits)]
    published = publish(name, trained, test, minimum_accuracy / 100, out)
    _print_result(published, out)


def _print_result(published: Checkpoint, out: Path) -> None:
    selection, accuracy = published.card.selection, published.card.accuracy
    table = Table("seed", "validation", "chosen by", "best step", "test", title=published.name)
    for run in selection.runs:
        style = "bold" if run.seed == selection.seed else None
        table.add_row(
            str(run.seed),
            f"{run.validation:.2%}",
            f"{run.chosen_by:.2%}",
            f"{run.step:,}",
            f"{run.test:.2%}",
            style=style,
        )
    console.print(table)
    console.print(
        f"seed {selection.seed} has {accuracy.test:.2%} accuracy on the {accuracy.test_images:,} test images, "
        f"with {published.card.parameters:,} parameters"
    )
    tests = [run.test for run in selection.runs]
    if len(tests) > 1:
        console.print(f"all {len(tests)} seeds: {mean(tests):.2%} ± {stdev(tests):.2%} of the test images (mean ± sd)")
    console.print(
        f"written: {escape(str(out / published.name))}.safetensors and .json  (sha256 {published.sha256[:12]}…)"
    )
