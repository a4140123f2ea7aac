"""Several random starts of a seed, of which the best goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from konkyo.trainer.data import Digits
from konkyo.trainer.training import run as train
from konkyo.trainer.training.network import Ensemble, TrainableNetwork
from konkyo.trainer.training.run import Run
from tests.helpers.oracles import PAIRED, SUMMED
from tests.helpers.runs import SHORT, finished, listed, outcome, run_of

RESTARTS = replace(SHORT, restarts=5, rung=10)


@pytest.mark.parametrize("stops", [[10], [20], [30], [10, 20, 30]], ids=str)
def test_with_several_starts_too_it_ends_with_the_same_bits(stops: list[int], few: Digits, tmp_path: Path) -> None:
    whole = outcome(finished(run_of(PAIRED, RESTARTS, [1, 2], few, tmp_path / "whole.pt")))
    for stop in stops:
        for progress in run_of(PAIRED, RESTARTS, [1, 2], few, tmp_path / "state.pt").train():
            if progress.step == stop:
                break
    assert outcome(finished(run_of(PAIRED, RESTARTS, [1, 2], few, tmp_path / "state.pt"))) == whole


def test_the_half_with_the_least_losses_goes_on(few: Digits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_EVERY", 1)
    run = run_of(SUMMED, RESTARTS, [4, 5], few, tmp_path / "state.pt")
    assert run.ensemble.size == 10
    torch.manual_seed(4)
    first = TrainableNetwork(SUMMED)
    assert listed(run.ensemble.network(0).state_dict()) == listed(first.state_dict()), "a seed's own is among them"

    losses: list[Any] = []
    known = Run._losses

    def noted(run: Run, images: Any, labels: Any, some: slice) -> Any:
        found = known(run, images, labels, some)
        if some.start:
            losses[-1] = torch.cat([losses[-1], found])
        else:
            losses.append(found)
        return found

    monkeypatch.setattr(Run, "_losses", noted)
    before = [[listed(run.ensemble.network(which).state_dict()) for which in range(10)]]
    for progress in run.train():
        before.append([listed(run.ensemble.network(which).state_dict()) for which in range(run.ensemble.size)])
        if progress.step == 21:
            break
    assert [len(loss) for loss in losses] == [10] * 10 + [4] * 10 + [2]
    for end, had, left in ((10, 5, 2), (20, 2, 1)):
        counted = torch.stack(losses[end - 5 : end]).sum(0).view(2, had)
        for seed in range(2):
            kept = sorted(counted[seed].argsort()[:left].tolist())
            # They are a step further than the ones that were chosen, and nearer to them than to any other.
            for which, place in enumerate(kept):
                now = before[end][seed * left + which]
                gaps = [
                    sum(float(np.abs(np.subtract(now[name], old[name])).sum()) for name in now)
                    for old in before[end - 1]
                ]
                assert int(np.argmin(gaps)) == seed * had + place
    assert [len(entry["validation"]) for entry in run.history] == [4, 2]
    assert [best.step for best in run.best] == [20, 20]


def test_a_run_no_longer_than_its_rung_has_one_network_a_seed(few: Digits, tmp_path: Path) -> None:
    run = finished(run_of(SUMMED, replace(RESTARTS, rung=3_000), [4, 5], few, tmp_path / "state.pt"))
    assert run.ensemble.size == 2
    assert [best.step for best in run.best] == [40, 40]


def test_what_goes_on_is_trained_as_if_it_had_been_alone(few: Digits, tmp_path: Path) -> None:
    """Adam's memory goes on as well."""
    several = finished(run_of(SUMMED, RESTARTS, [4], few, tmp_path / "several.pt"))
    matching = []
    torch.manual_seed(4)
    for start in range(5):
        network = TrainableNetwork(SUMMED)
        run = run_of(SUMMED, SHORT, [4], few, tmp_path / f"{start}.pt")
        run.ensemble.load_state_dict(Ensemble([network]).state_dict())
        alone = finished(run).ensemble.network(0).state_dict()
        gap = max(float((alone[name] - several.ensemble.network(0).state_dict()[name]).abs().max()) for name in alone)
        matching.append(gap < 1e-4)
    assert sorted(matching) == [False] * 4 + [True]
