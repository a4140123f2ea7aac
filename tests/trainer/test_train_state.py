"""A training that is interrupted goes on from its state, which is no other's and is never run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.training import run as train
from konkyo.trainer.training.recipe import Recipe, Schedule
from tests.helpers.oracles import PAIRED, SUMMED, title
from tests.helpers.refuse import refuses
from tests.helpers.runs import SHORT, finished, outcome, run_of


@pytest.mark.parametrize("architecture", [PAIRED, SUMMED], ids=title)
@pytest.mark.parametrize("stops", [[10], [20], [30], [40], [10, 20, 30]], ids=str)
def test_interrupted_and_resumed_it_ends_with_the_same_bits(
    architecture: Architecture, stops: list[int], few: Digits, tmp_path: Path
) -> None:
    whole = outcome(finished(run_of(architecture, SHORT, [3], few, tmp_path / "whole.pt")))
    for stop in stops:
        torch.rand(stop)  # what else drew random numbers must not matter
        run = run_of(architecture, SHORT, [3], few, tmp_path / "state.pt")
        for progress in run.train():
            if progress.step == stop:
                break
    resumed = run_of(architecture, SHORT, [3], few, tmp_path / "state.pt")
    assert resumed.step == stops[-1]
    assert outcome(finished(resumed)) == whole


def test_an_interruption_loses_what_came_after_the_last_validation(
    few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    whole = outcome(finished(run_of(SUMMED, SHORT, [1], few, tmp_path / "whole.pt")))
    for stop, kept in ((7, 0), (19, 10), (33, 30)):
        for progress in run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt").train():
            if progress.step == stop:
                break
        assert (tmp_path / "state.pt").exists() == (kept > 0)
        assert run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt").step == kept
    assert outcome(finished(run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt"))) == whole
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["state.pt", "whole.pt"]


def test_refuses_the_state_of_another_run(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    identity = (
        "{'architecture': {'stages': '3k5,3k3', 'side': 28, 'channels': 1, 'hidden': [], 'classes': 10}, "
        "'recipe': {'steps': 40, 'batch': 20, "
        "'learning_rate': 0.01, 'held_out': 100, 'evaluate_every': 10, 'schedule': 'constant', "
        "'error_rate_loss': 0.0, 'neutral': False, 'augmented': False, 'restarts': 1, 'rung': 0, 'patience': 0}, "
        f"'seeds': [1], 'images': '{few.sha256}'}}"
    )
    message = (
        f"{state} is a run of another architecture or recipe, or on other images: {identity}. "
        "Train under another name or delete the file"
    )
    longer = Recipe(steps=50, batch=20, learning_rate=0.01, held_out=100, evaluate_every=10)
    for architecture, recipe, seed in (
        (PAIRED, SHORT, 1),
        (two_stages(Wiring.SUMMED, 3, 3, bias=False), SHORT, 1),
        (SUMMED, longer, 1),
        (SUMMED, SHORT, 2),
        (SUMMED, replace(SHORT, schedule=Schedule.ONE_CYCLE), 1),
    ):
        with refuses(RunError, message):
            run_of(architecture, recipe, [seed], few, state)
    assert run_of(SUMMED, SHORT, [1], few, state).step == 10


def test_refuses_a_state_that_cannot_be_read(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    whole = state.read_bytes()
    for content in (b"", b"not a state", whole[: len(whole) // 2], whole[:-1]):
        state.write_bytes(content)
        with pytest.raises(RunError) as caught:
            run_of(SUMMED, SHORT, [1], few, state)
        assert str(caught.value).startswith(f"{state} cannot be read (")
        assert str(caught.value).endswith("); delete it to start this run again")


def test_refuses_a_state_without_a_part(few: Digits, tmp_path: Path) -> None:
    state = tmp_path / "state.pt"
    next(iter(run_of(SUMMED, SHORT, [1], few, state).train()))
    whole = torch.load(state, weights_only=True)
    # Whether it is finished is for `trainer study consistency`, which takes networks from states.
    for part in set(whole) - {"identity", "finished"}:
        torch.save({name: value for name, value in whole.items() if name != part}, state)
        with refuses(RunError, f"{state} cannot be read (KeyError('{part}')); delete it to start this run again"):
            run_of(SUMMED, SHORT, [1], few, state)


@pytest.mark.parametrize("content", [{}, [1, 2], {"step": 3}, 7], ids=str)
def test_refuses_a_state_that_is_something_else(content: Any, few: Digits, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "state.pt")
    with refuses(RunError, f"{tmp_path / 'state.pt'} holds no run; delete it to start this run again"):
        run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt")


def test_a_state_is_never_unpickled(few: Digits, tmp_path: Path) -> None:
    """torch.load would run what is in it, were it not told to take weights only."""
    torch.save(Bomb(), tmp_path / "state.pt")
    with pytest.raises(RunError):
        run_of(SUMMED, SHORT, [1], few, tmp_path / "state.pt")
    assert Bomb.exploded == 0
    torch.load(tmp_path / "state.pt", weights_only=False)
    assert Bomb.exploded == 1


class Bomb:
    exploded = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _explode, ()


def _explode() -> None:
    Bomb.exploded += 1
