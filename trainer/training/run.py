"""Training from several seeds at once, to the weights that validate best. Interrupted and resumed, it ends the same."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from konkyo.models.architecture import Architecture, written_stages
from konkyo.models.files.atomic import replacing
from konkyo.models.network import Network
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import RunError
from konkyo.trainer.training.augmentation import augment, tensors, with_copies
from konkyo.trainer.training.network import Ensemble, Weights, accuracies, at_random, exported
from konkyo.trainer.training.recipe import Recipe, Schedule

REPORT_EVERY = 50
# Of the error-rate loss, so that its gradient is about as large as that of cross-entropy.
ERROR_RATE_SCALE = 4.0
# All seeds see the same batches in the same order, so that many are trained at once: a seed is where weights start.
ORDER_SEED = 0


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    ``loss`` is the seeds' mean on the last batch, ``validation`` the best seed's last accuracy, ``seconds`` the time
    that all steps took.
    """

    step: int
    loss: float
    validation: float | None
    seconds: float


@dataclass
class Best:
    """The weights of one seed that validate best so far; after one cycle, the last ones."""

    validation: float = -1.0
    step: int = 0
    weights: Weights = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """A run that is wanted. Its state is in a file, which belongs to exactly this run on these images.

    Attributes
    ----------
    title
        What it is called.
    architecture, recipe, seeds
        What is trained, how, and from where.
    state_file
        Where the state goes.
    """

    title: str
    architecture: Architecture
    recipe: Recipe
    seeds: Sequence[int]
    state_file: Path

    def identity(self, images: str) -> dict[str, Any]:
        """All that the run depends on; ``images`` is the SHA-256 of the training images."""
        shape = self.architecture
        architecture = {
            "stages": written_stages(shape.stages),
            "side": shape.side,
            "channels": shape.channels,
            "hidden": list(shape.hidden),
            "classes": shape.classes,
        }
        recipe = asdict(self.recipe) | {"schedule": str(self.recipe.schedule)}
        return {"architecture": architecture, "recipe": recipe, "seeds": [*self.seeds], "images": images}

    def reached(self, labelled: Labelled) -> "Reached | None":
        """What stands in its file; None if it has not begun.

        Raises
        ------
        RunError
            As ``restoring``.
        """
        if not self.state_file.exists():
            return None
        with self.restoring(labelled.sha256) as state:
            best = [Best(**one) for one in state["best"]]
            return Reached(self.architecture, self.recipe, self.seeds, state["step"], state["finished"], best)

    @contextmanager
    def restoring(self, images: str) -> Iterator[dict[str, Any]]:
        """What stands in its file, to be taken over; ``images`` is the SHA-256 of the training images.

        Raises
        ------
        RunError
            The file belongs to another run, cannot be read or not be taken over. It says that it is to be deleted.
        """
        try:
            state = torch.load(self.state_file, weights_only=True)
            if not isinstance(state, dict) or "identity" not in state:
                raise RunError(f"{self.state_file} holds no run; delete it to start this run again")
            if state["identity"] != self.identity(images):
                raise RunError(
                    f"{self.state_file} is a run of another architecture or recipe, or on other images: "
                    f"{state['identity']}. Train under another name or delete the file"
                )
            yield state
        except RunError:
            raise
        except Exception as error:  # torch raises whatever its unpickler met
            raise RunError(
                f"{self.state_file} cannot be read ({error!r}); delete it to start this run again"
            ) from error


@dataclass(frozen=True)
class Reached:
    """What a run has reached.

    Attributes
    ----------
    architecture, recipe, seeds
        What was trained, how, and from where.
    step
        Batches that were trained on.
    finished
        Whether all steps are done, or no seed improves any more.
    best
        Of each seed.
    """

    architecture: Architecture
    recipe: Recipe
    seeds: Sequence[int]
    step: int
    finished: bool
    best: Sequence[Best]

    def network(self, which: int) -> Network:
        """The network that validates best of one seed's, as arrays."""
        return exported(self.architecture, self.best[which].weights)

    def networks(self) -> list[Network]:
        """Those of all seeds."""
        return [self.network(which) for which in range(len(self.seeds))]


class Run:
    """Training networks of one architecture from some seeds, with its state in a file.

    Every batch is a function of the step alone, and PyTorch runs on one thread: that is why a run that was interrupted
    ends with the very bits of one that was not. A seed ends the same whatever others are trained with it, but for
    rounding.

    Parameters
    ----------
    wanted
        Its file is written after each validation. If it exists, the run goes on from there.
    labelled
        The training images; the recipe's share of them validates.

    Raises
    ------
    RunError
        The state file belongs to another run, or cannot be read; fewer images than a batch; batch normalisation of a
        stage without a bias.
    DataError
        Nothing would be left for training, or for validation.
    """

    def __init__(self, wanted: Wanted, labelled: Labelled) -> None:
        self.wanted = wanted
        self.recipe = recipe = wanted.recipe
        self.seeds = list(wanted.seeds)
        if recipe.batch_norm and not all(stage.bias for stage in wanted.architecture.stages):
            raise RunError(
                "batch normalisation becomes part of the biases, and a stage without a bias (u) has none: give every "
                "stage a bias, or train without --batch-norm"
            )
        training, held_out = labelled.split(recipe.held_out)
        self._sha256 = labelled.sha256
        if len(training) < recipe.batch:
            raise RunError(f"a batch of {recipe.batch} needs as many images; {len(training)} are left for training")
        self._mirror = labelled.about.mirror
        self._images, self._labels = tensors(training)
        self._validation = with_copies(held_out) if recipe.augmented else tensors(held_out)

        torch.set_num_threads(1)
        self.ensemble = Ensemble(
            wanted.architecture,
            [network for seed in self.seeds for network in _starts(wanted.architecture, seed, recipe.restarts)],
            recipe.batch_norm,
        )
        self._optimizer = self._adam()
        self._rung_losses = torch.zeros(self.ensemble.size)
        self.step = 0
        self.seconds = 0.0
        self.best = [Best() for _ in self.seeds]
        self.history: list[dict[str, Any]] = []
        if wanted.state_file.exists():
            self._restore()

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or no seed improves any more."""
        return self.step >= self.recipe.steps or self._stands_still

    @property
    def _stands_still(self) -> bool:
        waits = self.recipe.patience * self.recipe.evaluate_every
        return waits > 0 and all(best.weights and self.step - best.step >= waits for best in self.best)

    def train(self) -> Iterator[Progress]:
        """Run to the end, reporting now and then. Stop iterating and build the run again: it goes on where it was."""
        per_epoch = len(self._labels) // self.recipe.batch
        validation = max(self.history[-1]["validation"]) if self.history else None
        started = time.perf_counter() - self.seconds
        order: Tensor | None = None
        while not self.finished:
            epoch, batch = divmod(self.step, per_epoch)
            if order is None or batch == 0:
                shuffled = np.random.default_rng([ORDER_SEED, epoch]).permutation(len(self._labels))
                order = torch.from_numpy(shuffled)
            which = order[batch * self.recipe.batch : (batch + 1) * self.recipe.batch]
            for group in self._optimizer.param_groups:
                group["lr"] = self.recipe.learning_rate_at(self.step)
            self._optimizer.zero_grad()
            images, labels = self._batch(which)
            losses = torch.cat([self._backward(images, labels, some) for some in self.ensemble.groups])
            self._optimizer.step()
            self.step += 1
            if self._in_rungs:
                losses = self._judge(losses)

            evaluates = self.step % self.recipe.evaluate_every == 0 or self.step == self.recipe.steps
            if evaluates:
                validation = max(self._evaluate(losses))
                self.seconds = time.perf_counter() - started
                self._save()
            if evaluates or self.step % REPORT_EVERY == 0:
                yield Progress(self.step, losses.mean().item(), validation, time.perf_counter() - started)

    @property
    def _in_rungs(self) -> bool:
        """Whether seeds still have several starts."""
        return self.ensemble.size > len(self.seeds)

    def _judge(self, losses: Tensor) -> Tensor:
        """Note each start's loss, and when a rung is over give up the worse half of each seed's.

        Returns the losses of those that go on.
        """
        done = (self.step - 1) % self.recipe.rung + 1
        if done > self.recipe.rung // 2:
            self._rung_losses += losses
        last = self.step == self.recipe.steps
        if done < self.recipe.rung and not last:
            return losses
        places = torch.arange(self.ensemble.size).view(len(self.seeds), -1)
        left = 1 if last else places.shape[1] // 2
        order = self._rung_losses.view_as(places).argsort(dim=1, stable=True)[:, :left].sort(1).values
        kept = places.gather(1, order).flatten()
        self._keep(kept)
        self._rung_losses = torch.zeros(self.ensemble.size)
        return losses[kept]

    def _keep(self, which: Tensor) -> None:
        """Go on with some networks of the ensemble, and with Adam's memory of them."""
        remembered = [self._optimizer.state[weights] for weights in self.ensemble.parameters()]
        self.ensemble = self.ensemble.kept(which)
        self._optimizer = self._adam()
        for weights, memory in zip(self.ensemble.parameters(), remembered, strict=True):
            self._optimizer.state[weights] = {
                name: value[which].clone() if value.dim() else value for name, value in memory.items()
            }

    def _adam(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.ensemble.parameters(), lr=self.recipe.learning_rate, fused=True)

    @property
    def reached(self) -> Reached:
        """Where it is."""
        return Reached(self.wanted.architecture, self.recipe, self.seeds, self.step, self.finished, self.best)

    def _batch(self, which: Tensor) -> tuple[Tensor, Tensor]:
        """The images of a step, changed a little where the recipe says so, with an empty one if it wants it; labels."""
        images = self._images[which]
        if self.recipe.augmented:
            images = augment(images, self.step, self._mirror)
        if self.recipe.neutral:
            images = torch.cat([images, _empty(images[0])[None]])
        return images, self._labels[which]

    def _backward(self, images: Tensor, labels: Tensor, some: slice) -> Tensor:
        """The losses of some of the networks on a batch, when their gradients have been added."""
        losses = self._losses(images, labels, some)
        # The sum: no seed's gradient depends on how many others there are.
        losses.sum().backward()  # type: ignore[no-untyped-call]
        return losses.detach()

    def _losses(self, images: Tensor, labels: Tensor, some: slice) -> Tensor:
        """Each network's loss on a batch: (S,)."""
        logits = self.ensemble(images, some).transpose(1, 2)  # (N, C, S), as cross_entropy takes it
        count, several = len(labels), logits.shape[2]
        empty, logits = logits[count:], logits[:count]
        labels = labels[:, None].expand(-1, several)
        losses = F.cross_entropy(logits, labels, reduction="none").mean(0)
        if share := self.recipe.error_rate_share(self.step):
            right = F.softmax(logits, 1).gather(1, labels[:, None])[:, 0]
            losses = (1 - share) * losses + share * ERROR_RATE_SCALE * (1 - right).mean(0)
        if self.recipe.neutral:
            # As much as any other image counts.
            losses = losses - F.log_softmax(empty, 1).mean((0, 1)) / count
        return losses

    def _evaluate(self, losses: Tensor) -> list[float]:
        # One cycle ends where it is best; a lucky validation before would only seem to be better.
        chooses = self.step == self.recipe.steps or not (self._in_rungs or self.recipe.schedule is Schedule.ONE_CYCLE)
        count = len(self._validation[1]) if chooses else self.recipe.held_out
        images, labels = (part[:count] for part in self._validation)
        validations = accuracies(self.ensemble, images, labels)
        if not losses.isfinite().all():
            raise RunError(f"the loss is {losses.sum()} at step {self.step}: a smaller learning rate is needed")
        self.history.append({"step": self.step, "loss": losses.tolist(), "validation": validations})
        if not chooses:
            return validations
        for which, validation in enumerate(validations):
            if validation > self.best[which].validation:
                self.best[which] = Best(validation, self.step, self.ensemble.network(which))
        return validations

    def _save(self) -> None:
        state = {
            "identity": self.wanted.identity(self._sha256),
            "step": self.step,
            "finished": self.finished,
            "seconds": self.seconds,
            "history": self.history,
            "best": [asdict(best) for best in self.best],
            "rung": self._rung_losses,
            "ensemble": self.ensemble.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        with replacing(self.wanted.state_file) as fresh:
            torch.save(state, fresh)

    def _restore(self) -> None:
        with self.wanted.restoring(self._sha256) as state:
            self.step = state["step"]
            self.seconds = state["seconds"]
            self.history = state["history"]
            self.best = [Best(**best) for best in state["best"]]
            self._rung_losses = state["rung"]
            self.ensemble = self.ensemble.kept(torch.arange(len(self._rung_losses)))
            self._optimizer = self._adam()
            self.ensemble.load_state_dict(state["ensemble"])
            self._optimizer.load_state_dict(state["optimizer"])


def _empty(image: Tensor) -> Tensor:
    """(channels, side, side): an image of the background alone, the median of the border; black for ink on black."""
    edge = torch.cat([image[:, 0], image[:, -1], image[:, 1:-1, 0], image[:, 1:-1, -1]], 1)
    return edge.quantile(0.5, 1)[:, None, None].expand_as(image)


def _starts(architecture: Architecture, seed: int, restarts: int) -> list[Weights]:
    torch.manual_seed(seed)
    return [at_random(architecture) for _ in range(restarts)]
