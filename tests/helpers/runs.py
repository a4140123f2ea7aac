"""Short trainings, and what they leave."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from konkyo.models.architecture import Architecture
from konkyo.trainer.data import Labelled
from konkyo.trainer.training.recipe import Recipe
from konkyo.trainer.training.run import Progress, Run, Wanted

# 500 images to train on are 25 batches: the second epoch begins within the run.
SHORT = Recipe(steps=40, batch=20, learning_rate=0.01, held_out=100, evaluate_every=10)


def run_of(architecture: Architecture, recipe: Recipe, seeds: Sequence[int], digits: Labelled, state_file: Path) -> Run:
    return Run(Wanted("a run", architecture, recipe, tuple(seeds), state_file), digits)


def finished(run: Run) -> Run:
    for _ in run.train():
        pass
    return run


@contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, step: int, number: int = 1) -> Iterator[None]:
    """Within it, a signal interrupts the run that is begun as the ``number``-th at a step."""
    train, begun = Run.train, list[Run]()

    def stopped(run: Run) -> Iterator[Progress]:
        begun.append(run)
        for progress in train(run):
            if len(begun) == number and progress.step == step:
                signal.raise_signal(signal.SIGINT)
            yield progress

    with monkeypatch.context() as patch:
        patch.setattr(Run, "train", stopped)
        # A shell has its jobs in the background ignore the signal, and they their children.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)


def accuracies(run: Run, digits: Labelled) -> list[float]:
    """Of each seed's network, the share of right predictions."""
    networks = [network.astype(np.float64) for network in run.reached.networks()]
    return [float((one.logits(digits.images / 255).argmax(-1) == digits.labels).mean()) for one in networks]


def outcome(run: Run) -> dict[str, Any]:
    """Everything that a run leaves, but for the time it took: weights to the bit."""
    return {
        "step": run.step,
        "history": run.history,
        "best": [(best.validation, best.step) for best in run.best],
        "best weights": [listed(best.weights) for best in run.best],
        "last weights": listed(run.ensemble.state_dict()),
        "result": [listed(network.weights) for network in run.reached.networks()],
    }


def listed(weights: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values.tolist() for name, values in weights.items()}
