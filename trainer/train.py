"""One training run: from a seed to the weights that validate best. Interrupted and resumed, it ends the same."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from models.architecture import Architecture
from models.network import Network
from trainer.data import Digits
from trainer.errors import RunError
from trainer.network import TrainableNetwork, accuracy
from trainer.recipe import Recipe

REPORT_EVERY = 50


@dataclass(frozen=True)
class Progress:
    """Where a run is. ``loss`` is that of the last batch, ``validation`` the last measured accuracy, if any."""

    step: int
    loss: float
    validation: float | None


@dataclass
class Best:
    """The weights that validate best so far."""

    validation: float = -1.0
    step: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


class Run:
    """Training one network from one seed, with its state in a file.

    Every batch is a function of (seed, step) alone, and PyTorch runs on one thread: that is why a run that was
    interrupted ends with the very bits of one that was not.

    Parameters
    ----------
    architecture, recipe, seed
        What is trained, how, and from where.
    digits
        MNIST's training images; the recipe's share of them validates.
    state_file
        Written after each validation. If it exists, the run goes on from there.

    Raises
    ------
    RunError
        The state file belongs to another run, or cannot be read; fewer pictures than a batch.
    DataError
        Nothing would be left for training, or for validation.
    """

    def __init__(self, architecture: Architecture, recipe: Recipe, seed: int, digits: Digits, state_file: Path) -> None:
        self.architecture = architecture
        self.recipe = recipe
        self.seed = seed
        self.state_file = state_file
        training, validation = digits.split(recipe.held_out)
        if len(training) < recipe.batch:
            raise RunError(f"a batch of {recipe.batch} needs as many pictures; {len(training)} are left for training")
        self._images, self._labels = _tensors(training)
        self._validation = _tensors(validation)

        torch.set_num_threads(1)
        torch.manual_seed(seed)
        self.network = TrainableNetwork(architecture)
        self._optimizer = torch.optim.Adam(self.network.parameters(), lr=recipe.learning_rate, fused=True)
        self.step = 0
        self.seconds = 0.0
        self.best = Best()
        self.history: list[dict[str, float]] = []
        if state_file.exists():
            self._restore()

    def train(self) -> Iterator[Progress]:
        """Run to the end, reporting now and then. Stop iterating and build the run again: it goes on where it was."""
        per_epoch = len(self._labels) // self.recipe.batch
        validation = self.history[-1]["validation"] if self.history else None
        started = time.perf_counter() - self.seconds
        order: Tensor | None = None
        while self.step < self.recipe.steps:
            epoch, batch = divmod(self.step, per_epoch)
            if order is None or batch == 0:
                shuffled = np.random.default_rng([self.seed, epoch]).permutation(len(self._labels))
                order = torch.from_numpy(shuffled)
            which = order[batch * self.recipe.batch : (batch + 1) * self.recipe.batch]
            loss = F.cross_entropy(self.network(self._images[which]), self._labels[which])
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self.step += 1

            evaluates = self.step % self.recipe.evaluate_every == 0 or self.step == self.recipe.steps
            if evaluates:
                validation = self._evaluate(loss.item())
                self.seconds = time.perf_counter() - started
                self._save()
            if evaluates or self.step % REPORT_EVERY == 0:
                yield Progress(self.step, loss.item(), validation)

    def result(self) -> Network:
        """The network that validates best, as arrays."""
        network = TrainableNetwork(self.architecture)
        network.load_state_dict(self.best.weights)
        return network.export()

    def _evaluate(self, loss: float) -> float:
        validation = accuracy(self.network, *self._validation)
        if not np.isfinite(loss):
            raise RunError(f"the loss is {loss} at step {self.step}: a smaller learning rate is needed")
        self.history.append({"step": self.step, "loss": loss, "validation": validation})
        if validation > self.best.validation:
            weights = {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
            self.best = Best(validation, self.step, weights)
        return validation

    def _identity(self) -> dict[str, Any]:
        return {"architecture": asdict(self.architecture), "recipe": asdict(self.recipe), "seed": self.seed}

    def _save(self) -> None:
        state = {
            "identity": _plain(self._identity()),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history,
            "best": asdict(self.best),
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        self.state_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.state_file.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.state_file)

    def _restore(self) -> None:
        try:
            state = torch.load(self.state_file, weights_only=True)
        except Exception as error:  # torch raises whatever its unpickler met
            raise RunError(
                f"{self.state_file} cannot be read ({error!r}); delete it to start this run again"
            ) from error
        if not isinstance(state, dict) or "identity" not in state:
            raise RunError(f"{self.state_file} holds no run; delete it to start this run again")
        if state["identity"] != _plain(self._identity()):
            raise RunError(
                f"{self.state_file} is a run of another architecture or recipe: {state['identity']}. "
                "Train under another name or delete the file"
            )
        try:
            self.step = state["step"]
            self.seconds = state["seconds"]
            self.history = state["history"]
            self.best = Best(**state["best"])
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise RunError(f"{self.state_file} is incomplete ({error!r}); delete it to start this run again") from error


def _tensors(digits: Digits) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(digits.scaled(np.float32))[:, None], torch.from_numpy(digits.labels.astype(np.int64))


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """With plain strings for enums, which a weights-only unpickler accepts."""
    return {
        key: _plain(item) if isinstance(item, dict) else str(item) if isinstance(item, str) else item
        for key, item in value.items()
    }
