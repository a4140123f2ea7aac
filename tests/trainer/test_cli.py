import os
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import konkyo.trainer.commands.train as command_module
from konkyo.models.architecture import STAGES_SYNTAX, Wiring, two_stages
from konkyo.models.files.checkpoint import DIRECTORY, load
from konkyo.trainer.__main__ import main
from konkyo.trainer.cli import app, run
from konkyo.trainer.commands import options
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training.network import groups
from konkyo.trainer.training.recipe import BEST, PAPER, RECIPES, RecipeName
from tests.helpers.runs import interrupted
from tests.helpers.sure import sure

MNIST = Path(os.environ["KONKYO_DATA"]).absolute() if "KONKYO_DATA" in os.environ else None


def words(text: str) -> str:
    """Without the box and the line breaks that depend on a terminal's width."""
    return " ".join(re.sub(r"[╭╮╰╯│─┃┏┓┡┩└┘├┤━┴┬┼╇╋╈]", " ", text).split())


@pytest.fixture(autouse=True)
def _away_from_real_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may train on, or publish into, what a person works with: a mistaken default would find it."""

    def out_of_reach(*_: object) -> None:
        pytest.fail("the command went on to the data")

    monkeypatch.setattr(command_module, "data_set", out_of_reach)
    monkeypatch.setenv("KONKYO_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)


def in_process(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["train", *arguments])


@pytest.fixture
def real_data(_away_from_real_work: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_module, "data_set", options.data_set)


@pytest.fixture
def little(_away_from_real_work: None, monkeypatch: pytest.MonkeyPatch, digits: Labelled) -> None:
    """600 test images stand in for MNIST."""
    parts = {"train": digits[:600], "t10k": digits[600:700]}
    monkeypatch.setattr(command_module, "data_set", lambda _, part, *__: parts[part])


OUT_OF_REACH = {"--seed": -1, "--seeds": 0, "--steps": 0, "--learning-rate": 0, "--minimum-accuracy": 101, "--side": 7}
REFUSED = [
    *(
        (
            "--hidden",
            hidden,
            f"--hidden: must be counts such as 128 or 128,64, or with an activation 120,84:tanh, not {hidden!r}",
        )
        for hidden in ("0", "128,", "128 64", "12.5", "99999")
    ),
    *(
        ("--name", name, "--name: must be lower-case letters, digits and hyphens")
        for name in ("Paired", "a b", "../up", "-a", "a" * 65, "ä", "a\n")
    ),
    *((option, str(value), f"'{option}': ") for option, value in OUT_OF_REACH.items()),
]


@pytest.mark.parametrize(("option", "value", "message"), REFUSED)
def test_refuses_a_wrong_option(option: str, value: str, message: str) -> None:
    result = in_process(f"{option}={value}")
    assert result.exit_code == 2
    assert f"Invalid value for {message}" in words(result.output)


def failing(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """What the command says, which ends with status 1."""
    with pytest.raises(SystemExit, match=r"^1$"):
        run([*map(str, arguments)])
    return capsys.readouterr().err


@pytest.mark.usefixtures("real_data")
def test_an_error_is_printed_as_it_is_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Brackets are rich's markup, but a folder may have them."""
    monkeypatch.setattr(sys, "argv", ["trainer", "train", "--stages=3x5"])
    with pytest.raises(SystemExit, match=r"^1$"):
        main()
    assert capsys.readouterr().err == f"error: stage 1 is '3x5'; write {STAGES_SYNTAX}\n"
    (tmp_path / "[bold]").write_text("in the way")
    directory = tmp_path / "[bold]" / "[/red]"
    assert failing(capsys, "train", "--data", directory) == (
        f"error: {directory} lacks train-images-idx3-ubyte and cannot be written: "
        f"[Errno 20] Not a directory: '{directory}'\n"
    )


SMALL = [
    "--stages=1k5,2k3",
    "--steps=60",
    "--batch=20",
    "--learning-rate=0.01",
    "--held-out=100",
    "--minimum-accuracy=0",
]
# What they make of a recipe.
CHANGED = {"steps": 60, "batch": 20, "learning_rate": 0.01, "held_out": 100}


@pytest.mark.usefixtures("little")
def test_trains_each_seed_and_publishes_the_best(tmp_path: Path, digits: Labelled) -> None:
    out, runs = tmp_path / "out[1]", tmp_path / "runs"
    options = ["--stages=1k5,2k3u", "--seed=4", "--seeds=2", "--restarts=2", f"--out={out}", f"--runs={runs}"]
    result = in_process(*SMALL, *options)
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in out.iterdir()) == ["1k5-2k3u.json", "1k5-2k3u.safetensors"]
    assert sorted(path.name for path in (runs / "1k5-2k3u").iterdir()) == ["paper-4-5.pt"]
    made = load(out / "1k5-2k3u.safetensors")
    assert made.network.architecture == two_stages(Wiring.SUMMED, 1, 2, bias=False)
    # The paper's recipe has no rungs of its own: several starts get four.
    assert made.card.recipe == {**asdict(PAPER), **CHANGED, "schedule": "constant", "restarts": 2, "rung": 15}
    tried = made.card.runs
    assert [run.seed for run in tried] == [4, 5]
    best = max(tried, key=lambda run: run.chosen_by)
    assert sure(made.card.selection).seed == best.seed
    pictures, labels = digits.images[600:700] / 255, digits.labels[600:700]
    right = int((made.network.astype(np.float64).logits(pictures).argmax(-1) == labels).sum())
    said = words(result.output)
    assert (
        f"seed {best.seed} has {right:.2f}% accuracy on the 100 test images, "
        f"with {made.card.parameters} parameters" in said
    )
    tests = [run.test for run in tried]
    assert tests[tried.index(best)] == right / 100
    spread = abs(tests[0] - tests[1]) / 2**0.5
    assert f"all 2 seeds: {sum(tests) / 2:.2%} ± {spread:.2%} of the test images (mean ± sd)" in said
    assert f"{made.sha256[:12]}…" in said
    assert "out[1]/1k5-2k3u.safetensors and .json" in result.output.replace("\n", "")


@pytest.mark.usefixtures("little")
def test_the_defaults_are_the_papers_and_nothing_is_written_below_the_minimum_accuracy(tmp_path: Path) -> None:
    out, runs = tmp_path / "out", tmp_path / "runs"
    options = ["--steps=1", "--held-out=100", f"--out={out}", f"--runs={runs}"]
    result = in_process(*options)
    assert isinstance(result.exception, RunError)
    assert "below the minimum accuracy of 97.00%: no checkpoint was written" in str(result.exception)
    assert not out.exists()
    assert (runs / "3k5-3k3q" / "paper-1-1.pt").exists()
    result = in_process(*options, "--minimum-accuracy=0")
    assert "3k5-3k3q, seed 1: trained before" in words(result.output)
    made = load(out / "3k5-3k3q.safetensors")
    assert made.network.architecture == two_stages(Wiring.PAIRED, 3, 3)
    assert made.card.recipe == {**asdict(PAPER), "steps": 1, "held_out": 100, "schedule": "constant"}


def test_five_seeds_are_trained_together() -> None:
    assert [list(group) for group in groups(3, 7)] == [[3, 4, 5, 6, 7], [8, 9]]
    assert [list(group) for group in groups(3, 5)] == [[3, 4, 5, 6, 7]]


@pytest.mark.usefixtures("little")
def test_the_best_recipe(tmp_path: Path) -> None:
    options = ["--recipe=best", "--name=better", f"--out={tmp_path / 'out'}", f"--runs={tmp_path / 'runs'}"]
    result = in_process(*SMALL, *options)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "runs" / "better" / "best-1-1.pt").exists()
    recipe = load(tmp_path / "out" / "better.safetensors").card.recipe
    assert recipe == {**asdict(BEST), **CHANGED, "schedule": "one-cycle"}


@pytest.mark.usefixtures("little")
def test_an_interrupted_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, RecipeName.PAPER, replace(PAPER, evaluate_every=50))
    arguments = [*SMALL, "--steps=100", "--name=x", f"--runs={tmp_path / 'runs'}", f"--out={tmp_path / 'out'}"]
    with interrupted(monkeypatch, 50):
        result = in_process(*arguments)
    assert result.exit_code == 130
    assert "interrupted: the same command goes on from the last validation" in words(result.output)
    assert not (tmp_path / "out").exists()
    again = in_process(*arguments)
    assert again.exit_code == 0
    assert "x, seed 1: goes on from step 50 of 100" in words(again.output)
    assert in_process(*arguments[:-2], f"--runs={tmp_path / 'other'}", f"--out={tmp_path / 'whole'}").exit_code == 0
    assert load(tmp_path / "out" / "x.safetensors").sha256 == load(tmp_path / "whole" / "x.safetensors").sha256


@pytest.mark.skipif(not MNIST, reason="KONKYO_DATA names no folder with MNIST's four files")
@pytest.mark.usefixtures("real_data")
def test_the_whole_command_on_mnist(tmp_path: Path, digits: Labelled) -> None:
    options = ["--steps=150", "--learning-rate=0.005", "--minimum-accuracy=50", "--name=whole"]
    result = in_process(*options, f"--data={MNIST}", f"--out={tmp_path / 'out'}", f"--runs={tmp_path}")
    assert result.exit_code == 0, result.output
    made = load(tmp_path / "out" / "whole.safetensors")
    read = made.network.astype(np.float64).logits(digits.images / 255).argmax(-1)
    share = int((read == digits.labels).sum()) / 10_000
    assert share > 0.85
    assert sure(made.card.accuracy).test == share
    assert f"seed 1 has {share:.2%} accuracy on the 10,000 test images, with 2,368 parameters" in words(result.output)


def test_an_error_of_a_file_ends_a_command_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").mkdir()
    said = failing(capsys, "report", "--models", DIRECTORY, "--out", tmp_path)
    expected = r"error: .*/README\.md cannot be read or written: Is a directory; name another place"
    assert re.fullmatch(expected, words(said))
    monkeypatch.setattr(sys, "argv", ["trainer", "import", "none.onnx"])
    assert main() == 1
    said = "error: none.onnx cannot be read or written: No such file or directory; name another place"
    assert words(capsys.readouterr().err) == said


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "konkyo.trainer.cli")
    with pytest.raises(SystemExit) as ended:
        main()
    assert str(ended.value) == (
        "error: the package typer is not installed; `make trainer` installs all that the trainer needs"
    )
