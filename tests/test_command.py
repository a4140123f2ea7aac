"""The command ``konkyo``: what it passes on, and what it says of packages that are not installed."""

import sys
from importlib.abc import MetaPathFinder

import pytest
from typer.testing import CliRunner

from konkyo.__main__ import app, divided


class Without(MetaPathFinder):
    """Where a package is looked for first; it is not there."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == self.package:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments, prog_name="konkyo")
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "arguments",
    [("train",), ("report",), ("study", "filters"), ("import",), ("serve",)],
    ids=" ".join,
)
def test_each_command_shows_its_own_help(arguments: tuple[str, ...]) -> None:
    status, text = said(*arguments, "--help")
    assert status == 0
    assert f"usage: konkyo {' '.join(arguments)} " in " ".join(text.replace("Usage", "usage").split())


@pytest.mark.parametrize(
    ("command", "module", "package", "extra"),
    [
        ("serve", "konkyo.service.__main__", "uvicorn", "serve"),
        ("train", "konkyo.trainer.cli", "rich", "train"),
        ("explain", "konkyo.trainer.cli", "rich", "cluster"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_what_installs_it(
    command: str, module: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, module, raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(package), *sys.meta_path])
    message = f"error: the package {package} is not installed; `pip install 'konkyo[{extra}]'` installs it\n"
    assert said(command, "--anything") == (1, message)


def test_options_of_the_import_go_before_those_of_the_service() -> None:
    given = ["--range", "0,1", "--port=80", "--name=mine", "--docs", "false", "--range"]
    assert divided(given, {"--range", "--name"}) == (
        ["--range", "0,1", "--name=mine", "--range"],
        ["--port=80", "--docs", "false"],
    )
