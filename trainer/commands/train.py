"""``python -m trainer train``."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from konkyo.models.architecture import STAGES_SYNTAX, Architecture, Stage, parse_stages, written_stages
from konkyo.models.files.checkpoint import DIRECTORY, Checkpoint, load
from konkyo.trainer.commands.options import (
    DATA,
    RUNS,
    DataOption,
    RunsOption,
    SideOption,
    check_name,
    console,
    data_set,
    interruptible,
    processors,
)
from konkyo.trainer.data import Labelled
from konkyo.trainer.data.about import MNIST
from konkyo.trainer.errors import RunError
from konkyo.trainer.training.logits import told
from konkyo.trainer.training.recipe import PATIENCE, RECIPES, Recipe, RecipeName, fitted

if TYPE_CHECKING:
    from konkyo.trainer.training.run import Progress, Reached, Wanted

# Of MNIST's networks, in percent.
MINIMUM_ACCURACY = 97.0
# The paper's network, in one of its two readings.
PAPERS = "3k5,3k3q"
# Seconds between two lines about a run, where there is no terminal.
LINE_EVERY = 15.0


def train(
    stages: Annotated[str, typer.Option(help=f"{STAGES_SYNTAX}. The default is the paper's network.")] = PAPERS,
    hidden: Annotated[
        str,
        typer.Option(
            help="Outputs of hidden affine layers, such as 128 or 128,64; with another activation than ReLU 84:tanh.",
            show_default="none",
        ),
    ] = "",
    side: SideOption = None,
    name: Annotated[str | None, typer.Option(help="Of the checkpoint.", show_default="from the stages")] = None,
    recipe: Annotated[RecipeName, typer.Option(help="The paper's as far as it is told, or ours.")] = (RecipeName.PAPER),
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
    batch_norm: Annotated[
        bool,
        typer.Option(
            "--batch-norm",
            help="Normalise what each convolution gives, over a batch, while training; it becomes part of the weights.",
        ),
    ] = False,
    minimum_accuracy: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            help="Validation accuracy below which nothing is published, in percent.",
            show_default=f"{MINIMUM_ACCURACY:g} for MNIST, 0 for other data",
        ),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option(help="Divide the logits by the temperature that the held-out images want.")
    ] = True,
    data_directory: DataOption = DATA,
    out: Annotated[
        Path, typer.Option(envvar="KONKYO_MODELS", help="Where the checkpoint and its card go.")
    ] = DIRECTORY,
    runs: RunsOption = RUNS,
) -> None:
    """Train a network from one or more seeds, and publish the one that validates best.

    Stop it at any time: the same command goes on where it was, and ends with the same network.
    """
    from konkyo.trainer.training.network import groups
    from konkyo.trainer.training.publish import publish
    from konkyo.trainer.training.run import Wanted

    shape, (widths, between) = parse_stages(stages), _head(hidden)
    name = name_of(shape, widths, between) if name is None else name
    check_name(name)
    labelled = data_set(data_directory, "train", side)
    test = data_set(data_directory, "t10k", side)
    classes = len(labelled.about.classes)
    architecture = Architecture(shape, labelled.side, labelled.channels, widths, classes, between)
    is_mnist = labelled.about.name == MNIST.name
    if minimum_accuracy is None:
        minimum_accuracy = MINIMUM_ACCURACY if is_mnist else 0.0
    changes: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "learning_rate": learning_rate,
        "restarts": restarts,
        "held_out": held_out,
        "patience": patience,
        "batch_norm": batch_norm or None,
    }
    chosen = fitted(RECIPES[recipe], labelled, **{key: value for key, value in changes.items() if value is not None})
    jobs = []
    for group in groups(seed, seeds):
        numbers = f"seed {group[0]}" if len(group) == 1 else f"seeds {group[0]} to {group[-1]}"
        state = runs / name / f"{recipe}-{group[0]}-{group[-1]}.pt"
        jobs.append(Wanted(f"{name}, {numbers}", architecture, chosen, group, state))
    with interruptible("validation"):
        runs_made = trained(jobs, labelled)
    published = publish(name, runs_made, labelled, test, minimum_accuracy / 100, out, calibrate=calibrate)
    _print_result(published, out)


def calibrate(
    file: Annotated[Path, typer.Argument(help="A checkpoint that was trained here.", metavar="FILE")],
    out: Annotated[Path, typer.Option(help="The folder that the new checkpoint and its card go to.")],
    data_directory: DataOption = DATA,
) -> None:
    """Write a network that was trained without a temperature again, with calibrated probabilities, as a new file."""
    from konkyo.trainer.training.publish import rescaled

    checkpoint = load(file)
    shape = checkpoint.network.architecture
    colour = shape.channels > 1 or None
    published = rescaled(checkpoint, lambda part: data_set(data_directory, part, shape.side, colour), out)
    console.print(f"{published.name}: {told(published.card)}", highlight=False, soft_wrap=True)
    _print_written(published, out)


def _head(text: str) -> tuple[tuple[int, ...], str]:
    """``128,64`` as (128, 64) and ReLU, ``120,84:tanh`` as (120, 84) and tanh."""
    found = re.fullmatch(r"(?:([1-9]\d{0,3}(?:,[1-9]\d{0,3})*)(?::([a-z0-9.=-]{1,24}))?)?", text, re.ASCII)
    if found is None:
        raise typer.BadParameter(
            f"must be counts such as 128 or 128,64, or with an activation 120,84:tanh, not {text!r}",
            param_hint="--hidden",
        )
    return tuple(map(int, found[1].split(","))) if found[1] else (), found[2] or "relu"


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
    if published.card.calibration is not None:
        console.print(told(published.card), highlight=False, soft_wrap=True)
    _print_written(published, out)


def _print_written(published: Checkpoint, out: Path) -> None:
    console.print(
        f"written: {escape(str(out / published.name))}.safetensors and .json  (sha256 {published.sha256[:12]}…)"
    )


def name_of(stages: Sequence[Stage], hidden: Sequence[int] = (), activation: str = "relu") -> str:
    """What a network is called by its shape: ``3k5-3k3q``, ``16k3-16k3-h32``, ``6k5a2-tanh-h84-tanh``."""
    between = [activation] if hidden and activation != "relu" else []
    parts = [written_stages(stages), *(f"h{width}" for width in hidden), *between]
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts))


def trained(jobs: Sequence["Wanted"], labelled: Labelled) -> "list[Reached]":
    """Train all to their ends, several at once; gives what each has reached, in their order."""
    from konkyo.trainer.training.jobs import train

    found = {job: job.reached(labelled) for job in jobs}
    begun: dict[Wanted, int] = {}
    for job, reached in found.items():
        if reached is not None and reached.finished:
            console.print(f"{job.title}: trained before")
            continue
        if reached is not None:
            console.print(f"{job.title}: goes on from step {reached.step:,} of {job.recipe.steps:,}")
        begun[job] = 0 if reached is None else reached.step
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with ProgressBar(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {
            job: bar.add_task(job.title, total=job.recipe.steps, completed=step, told="") for job, step in begun.items()
        }
        due: dict[Wanted, float] = {}
        for job, progress in train(list(begun), labelled, processors()):
            told, now = _told(job.recipe, progress), time.monotonic()
            bar.update(tasks[job], completed=progress.step, told=told)
            # Without a terminal, as in a container's log, a line at once and then now and again takes the bar's place.
            if not console.is_terminal and now >= due.get(job, now):
                due[job] = now + LINE_EVERY
                console.print(
                    f"{job.title}: step {progress.step:,} of {job.recipe.steps:,}  {told}",
                    highlight=False,
                    soft_wrap=True,
                )
    ends: list[Reached] = []
    for job, before in found.items():
        reached = job.reached(labelled) if job in begun else before
        if reached is None:
            raise RunError(f"{job.state_file} has gone; the same command trains it again")
        if job in begun and reached.step < job.recipe.steps:
            best = max(best.step for best in reached.best)
            console.print(f"{job.title}: ended at step {reached.step:,}, no better since step {best:,}")
        ends.append(reached)
    return ends


def _told(recipe: Recipe, progress: "Progress") -> str:
    """What is told of a run beside its step, with the time that is left."""
    validation = "–" if progress.validation is None else f"{progress.validation:.2%}"
    left = round(progress.seconds * (recipe.steps - progress.step) / progress.step)
    most = "at most " if recipe.patience else ""
    return f"loss {progress.loss:.4f}  validation {validation}  {most}{left // 60}:{left % 60:02} left"
