"""What ``make bench`` measures can be measured: each way runs once, and none is timed."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from benchmarks import explanations, occlusion, timing
from benchmarks.twin import twin
from konkyo.models.files.checkpoint import load_all
from konkyo.trainer.data import Labelled


@pytest.mark.parametrize("name", ["paired-3x3"])
def test_each_way_runs(
    name: str, digits: Labelled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def once(ways: Mapping[str, Callable[[], object]], *_: object) -> dict[str, float]:
        for way, run in ways.items():
            run()
            ran.append(way)
        return dict.fromkeys(ways, 0.5)

    monkeypatch.setattr(timing, "medians", once)
    network = load_all()[name].network
    for module in (explanations, occlusion):
        module.measure(name, network, twin(network), digits.scaled(np.float32))
    assert "captum, gradient × activation of conv1" in ran
    assert ran.count("captum, 196 per evaluation") == 5
    assert f"{name}, one image, 196 regions of 2×2" in capsys.readouterr().out
