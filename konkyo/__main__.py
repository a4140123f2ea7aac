"""The command ``konkyo``, also ``python -m konkyo``.

Each command parses its own options, and what it needs is imported when it is asked for: the service says how many
threads numpy may use before numpy is imported, and importing a network needs no service.
"""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Command = Callable[[typer.Context], Any]
PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True}


def passed_on(name: str | None = None) -> Callable[[Command], Command]:
    """A command that gets all options as they are."""
    return app.command(name, add_help_option=False, context_settings=PASSED_ON)


@app.callback()
def main() -> None:
    """Ask a small CNN why it predicted what it did, and get an exact answer."""


@passed_on()
def serve(context: typer.Context) -> None:
    """Start the HTTP service and its page. A network's file as the first argument is imported, and served alone."""
    try:
        from konkyo.service.__main__ import main as start
    except ModuleNotFoundError as error:
        sys.exit(missing(error, "serve"))
    asks_for_help = not {"--help", "-h"}.isdisjoint(context.args)
    if not asks_for_help and (not context.args or context.args[0].startswith("-")):
        raise typer.Exit(start(context.args, "konkyo serve"))
    from konkyo.trainer.importing.command import OPTIONS, described, run

    if asks_for_help:
        with suppress(SystemExit):
            start(["--help"], "konkyo serve [FILE]")
        typer.echo(f"\n{described()}", nl=False)
        return

    bringing, serving = divided(context.args[1:], OPTIONS)
    # The server ends by the signal that it got. As an exception, it also ends the folder.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    with TemporaryDirectory(prefix="konkyo-") as folder:
        failed = run([context.args[0], *bringing, "--out", folder], "konkyo serve", served=True)
        if failed:
            raise typer.Exit(failed)
        [name] = (path.stem for path in Path(folder).glob("*.safetensors"))
        raise typer.Exit(start(["--models", folder, "--default-model", name, *serving], "konkyo serve"))


@passed_on()
def train(context: typer.Context) -> None:
    """Train a network on MNIST or on a data set of your own, and write its checkpoint."""
    offline("train", context)


@passed_on()
def calibrate(context: typer.Context) -> None:
    """Give a network that was trained with version 0.3 probabilities that mean what they say, as a new file."""
    offline("calibrate", context)


@passed_on("import")
def bring(context: typer.Context) -> None:
    """Bring a network that was trained elsewhere: ONNX, or a state dict."""
    from konkyo.trainer.importing.command import run

    raise typer.Exit(run(context.args, "konkyo import"))


@passed_on()
def explain(context: typer.Context) -> None:
    """Explain any number of images: pictures, arrays or IDX files, as Parquet files."""
    offline("explain", context)


@passed_on()
def study(context: typer.Context) -> None:
    """Measure over whole data sets what the paper finds, and what goes beyond it."""
    offline("study", context)


@passed_on()
def report(context: typer.Context) -> None:
    """Write what the studies found as one document."""
    offline("report", context)


def offline(command: str, context: typer.Context) -> None:
    """Run a command of the trainer."""
    try:
        from konkyo.trainer.cli import run

        run([command, *context.args], "konkyo")
    except ModuleNotFoundError as error:
        sys.exit(missing(error, "cluster" if command == "explain" else "train"))


def missing(error: ModuleNotFoundError, extra: str) -> str:
    """What to install for a package that is not there."""
    return f"error: the package {error.name} is not installed; `pip install 'konkyo[{extra}]'` installs it"


def divided(arguments: Sequence[str], options: Mapping[str, bool]) -> tuple[list[str], list[str]]:
    """(these options, with their values where they take one; all other arguments)."""
    ours: list[str] = []
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, _ = argument.partition("=")
        if name not in options:
            others.append(argument)
            continue
        ours.append(argument)
        if options[name] and not equals:
            ours += [value for value in [next(rest, None)] if value is not None]
    return ours, others


if __name__ == "__main__":
    app(prog_name="konkyo")
