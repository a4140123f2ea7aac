"""The trainer's command in the process of a test."""

from pathlib import Path

from typer.testing import CliRunner, Result

from konkyo.trainer.cli import app


def invoked(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def trainer(*arguments: str | Path) -> str:
    """What it says, where it ends well."""
    result = invoked(*arguments)
    assert result.exit_code == 0, result.output
    return result.output
