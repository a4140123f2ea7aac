"""The command line."""

import sys
from collections.abc import Sequence

import typer
from rich.console import Console
from rich.markup import escape

from konkyo.models.errors import KonkyoError
from konkyo.trainer.commands.explain import explain
from konkyo.trainer.commands.studies import command, every, report
from konkyo.trainer.commands.train import calibrate, train
from konkyo.trainer.importing.command import import_network
from konkyo.trainer.report import STUDIES

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
study = typer.Typer(no_args_is_help=True)
app.command()(train)
app.command()(calibrate)
app.command()(report)
app.command()(explain)
app.command("import")(import_network)
for of_networks in STUDIES:
    study.command(of_networks.name)(command(of_networks))
study.command("all")(every)
app.add_typer(study, name="study", help="What the paper finds, and what goes beyond it, over whole data sets.")


@app.callback()
def main() -> None:
    """Konkyo's trainer: from a data set to a checkpoint with its model card, and what it is made of."""


def run(arguments: Sequence[str] | None = None, name: str | None = None) -> None:
    """Run the command line; one of our own errors ends it with one line.

    Parameters
    ----------
    arguments
        By default those of the process.
    name
        Of the command, in what it says of itself.
    """
    try:
        app(arguments, prog_name=name)
    except (KonkyoError, OSError) as error:
        said = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            said = f"{error.filename} cannot be read or written: {error.strerror}; name another place"
        Console(stderr=True).print(f"[red]error:[/] {escape(said)}", highlight=False, soft_wrap=True)
        sys.exit(1)
