"""``python -m trainer train``."""

import re
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from konkyo.models.architecture import STAGES_SYNTAX, Architecture, parse_stages
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint
from konkyo.trainer.commands.options import DATA, RUNS, DataOption, RunsOption, SideOption, check_name, data_set
from konkyo.trainer.commands.terminal import console, interruptible
from konkyo.trainer.commands.training import RECIPES, RecipeName, groups, name_of, train_with_bars
from konkyo.trainer.data import Digits
from konkyo.trainer.data.about import MNIST
from konkyo.trainer.recipe import Recipe, Schedule

# Of MNIST's networks, in percent.
MINIMUM_ACCURACY = 97.0
# What recipes count in; of another data set they take the same share.
MNIST_IMAGES = 60_000
# Rungs of a recipe that has none, if --restarts asks for several starts.
RUNGS = 4
# Of other data than MNIST: epochs between two validations, but not fewer steps than this, and the validations after
# which a training that does not improve is over.
EPOCHS, FEWEST_STEPS, PATIENCE = 5, 50, 20
# The paper's network, in one of its two readings.
PAPER = "3k5,3k3q"


def train(
    stages: Annotated[str, typer.Option(help=f"{STAGES_SYNTAX}. The default is the paper's network.")] = PAPER,
    hidden: Annotated[
        str, typer.Option(help="Outputs of hidden affine layers, such as 128 or 128,64.", show_default="none")
    ] = "",
    side: SideOption = None,
    name: Annotated[str | None, typer.Option(help="Of the checkpoint.", show_default="from the stages")] = None,
    recipe: Annotated[RecipeName, typer.Option(help="The paper's, or the strongest for its network.")] = (
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
    patience: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Validations without improvement after which training ends; 0 for never. Not for --recipe best.",
            show_default=f"0 for MNIST, {PATIENCE} for other data",
        ),
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

    shape, widths = parse_stages(stages), _widths(hidden)
    name = name_of(shape, widths) if name is None else name
    check_name(name)
    digits = data_set(data_directory, "train", side)
    test = data_set(data_directory, "t10k", side)
    architecture = Architecture(shape, digits.side, digits.channels, widths, len(digits.about.classes))
    is_mnist = digits.about.name == MNIST.name
    if minimum_accuracy is None:
        minimum_accuracy = MINIMUM_ACCURACY if is_mnist else 0.0
    changes: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "restarts": restarts,
        "held_out": held_out,
        "patience": patience,
    }
    chosen = _fitted(RECIPES[recipe], {key: value for key, value in changes.items() if value is not None}, digits)
    jobs = []
    for group in groups(seed, seeds):
        numbers = f"seed {group[0]}" if len(group) == 1 else f"seeds {group[0]} to {group[-1]}"
        state = runs / name / f"{recipe}-{group[0]}-{group[-1]}.pt"
        jobs.append(Job(f"{name}, {numbers}", architecture, chosen, group, state))
    with interruptible("validation"):
        trained = [run for _, run in train_with_bars(jobs, digits)]
    published = publish(name, trained, test, minimum_accuracy / 100, out)
    _print_result(published, out)


def _widths(text: str) -> tuple[int, ...]:
    """``128,64`` as (128, 64)."""
    if not re.fullmatch(r"([1-9]\d{0,3}(,[1-9]\d{0,3})*)?", text, re.ASCII):
        raise typer.BadParameter(f"must be counts such as 128 or 128,64, not {text!r}", param_hint="--hidden")
    return tuple(map(int, text.split(","))) if text else ()


def _fitted(recipe: Recipe, changes: dict[str, Any], digits: Digits) -> Recipe:
    """A recipe with what was asked for, and for another number of images what was not in the same proportion."""
    chosen = replace(recipe, **changes)
    if chosen.restarts > 1 and not chosen.rung:
        # The paper's recipe has one start, and so no rungs: as many as the strongest recipe has.
        chosen = replace(chosen, rung=max(chosen.steps // RUNGS, 1))
    if "held_out" not in changes:
        chosen = replace(chosen, held_out=max(chosen.held_out * len(digits) // MNIST_IMAGES, 1))
    left = max(len(digits) - chosen.held_out, 1)
    if "batch" not in changes:
        chosen = replace(chosen, batch=min(chosen.batch, left))
    if digits.about.name != MNIST.name and chosen.schedule is Schedule.CONSTANT:
        every = max(EPOCHS * left // chosen.batch, FEWEST_STEPS)
        patient = chosen.patience if "patience" in changes else PATIENCE
        chosen = replace(chosen, evaluate_every=min(chosen.evaluate_every, every), patience=patient)
    return chosen


def _print_result(published: Checkpoint, out: Path) -> None:
    selection, accuracy = published.card.selection, published.card.accuracy
    if selection is None or accuracy is None:
        raise ValueError("a network that was trained here has both")
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
