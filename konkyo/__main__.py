"""The command ``konkyo``, also ``python -m konkyo``."""

import sys

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Ask a small CNN why it predicted what it did, and get an exact answer."""


# The options are the settings of the service, which describe themselves.
@app.command(add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def serve(context: typer.Context) -> None:
    """Start the HTTP service and its page."""
    try:
        from konkyo.service.__main__ import main as start
    except ModuleNotFoundError as error:
        sys.exit(f"error: the package {error.name} is not installed; `pip install 'konkyo[serve]'` installs it")
    raise typer.Exit(start(context.args, "konkyo serve"))


if __name__ == "__main__":
    app(prog_name="konkyo")
