"""How a network is trained: everything but the data, the architecture and the seed."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from konkyo.trainer.data import Labelled
from konkyo.trainer.data.about import MNIST


class Schedule(StrEnum):
    """What becomes of the learning rate: it stays, or it rises, and falls to nothing along a cosine."""

    CONSTANT = "constant"
    ONE_CYCLE = "one-cycle"


# What recipes count in; of another data set they take the same share.
MNIST_IMAGES = 60_000
# Rungs of a recipe that has none, if several starts are asked for.
RUNGS = 4
# Of other data than MNIST: epochs between two validations, but not fewer steps than this, and the validations after
# which a training that does not improve is over.
EPOCHS, FEWEST_STEPS, PATIENCE = 5, 50, 20
# Share of the steps in which one cycle rises.
WARM_UP = 0.1
# Shares of the steps between which the error-rate loss grows: no network learns from nothing by counting errors.
ERROR_RATE_GROWS = 0.3, 0.9


@dataclass(frozen=True)
class Recipe:
    """By default the paper's recipe (2.2): batches of 100, 100,000 steps, random start, Adam.

    The paper gives no learning rate; Adam's own default is taken. It trains on all 60,000 images; here ``held_out`` of
    them validate instead, so that no choice is ever made on the test images.

    Attributes
    ----------
    steps
        Batches to train on.
    batch
        Images in a batch.
    learning_rate
        Adam's, or its greatest one.
    held_out
        Training images kept for validation.
    evaluate_every
        Steps between two validations. The weights of the best one are kept, the earliest where several are equal; after
        one cycle the last ones are.
    schedule
        What becomes of the learning rate.
    error_rate_loss
        Share of the loss that in the end asks for few errors instead: 1 − the label's probability (Ghosh, Kumar and
        Sastry, 2017). It gives up on images that so small a network cannot classify.
    neutral
        Whether an empty image is added to each batch, with equal probabilities for all classes: where nothing is left
        to see, the network should say nothing.
    augmented
        Whether an image is changed a little each time that it is trained on, see ``augmentation.py``. Changed copies of
        the held-out images validate as well, where they make chance smaller.
    restarts
        Random starts of each seed. One is left by successive halving: after each rung, the half with the greater losses
        is given up. So small a network ends in the valley that it starts in.
    rung
        Steps of a rung, if there are several starts; losses count from half of it on.
    patience
        Validations without an improvement of any seed after which training ends early; 0 for never. Not with one cycle,
        which ends where it is best.
    batch_norm
        Whether batch normalisation follows each convolution while the network learns. It becomes part of the weights.
    """

    steps: int = 100_000
    batch: int = 100
    learning_rate: float = 1e-3
    held_out: int = 5_000
    evaluate_every: int = 1_000
    schedule: Schedule = Schedule.CONSTANT
    error_rate_loss: float = 0.0
    neutral: bool = False
    augmented: bool = False
    restarts: int = 1
    rung: int = 0
    patience: int = 0
    batch_norm: bool = False

    def learning_rate_at(self, step: int) -> float:
        """Adam's learning rate at a step, from 0."""
        if self.schedule is Schedule.CONSTANT:
            return self.learning_rate
        rising = WARM_UP * self.steps
        if step < rising:
            return self.learning_rate * (step + 1) / (rising + 1)
        return self.learning_rate * (1 + math.cos(math.pi * (step - rising) / (self.steps - rising))) / 2

    def error_rate_share(self, step: int) -> float:
        """What ``error_rate_loss`` has become at a step: it grows along a line."""
        begin, end = (share * self.steps for share in ERROR_RATE_GROWS)
        return self.error_rate_loss * min(max((step - begin) / (end - begin), 0.0), 1.0)

    @property
    def loss(self) -> str:
        """The loss in words, for the card."""
        parts = ["cross-entropy with the labels"]
        if self.error_rate_loss:
            begin, end = ERROR_RATE_GROWS
            parts.append(
                f"from {begin:.0%} of the steps on replaced by the error rate, 1 − the label's probability, "
                f"up to {self.error_rate_loss:.0%} at {end:.0%} of them"
            )
        if self.neutral:
            parts.append("in each batch, an empty image with equal probabilities for all classes")
        return "; ".join(parts)


PAPER = Recipe()
# Starts are given up late: losses say little of a start while the learning rate is high. 10,000 held-out images choose
# a seed better than 5,000.
BEST = Recipe(
    steps=10_000,
    learning_rate=0.02,
    held_out=10_000,
    schedule=Schedule.ONE_CYCLE,
    error_rate_loss=0.9,
    neutral=True,
    augmented=True,
    restarts=16,
    rung=2_500,
)


class RecipeName(StrEnum):
    """The recipes that have a name."""

    PAPER = "paper"
    BEST = "best"


RECIPES = {RecipeName.PAPER: PAPER, RecipeName.BEST: BEST}


def fitted(recipe: Recipe, labelled: Labelled, **changes: Any) -> Recipe:
    """A recipe with what was asked for, and for another number of images what was not in the same proportion."""
    chosen = replace(recipe, **changes)
    if chosen.restarts > 1 and not chosen.rung:
        # The paper's recipe has one start, and so no rungs: as many as the strongest recipe has.
        chosen = replace(chosen, rung=max(chosen.steps // RUNGS, 1))
    if "held_out" not in changes:
        chosen = replace(chosen, held_out=max(chosen.held_out * len(labelled) // MNIST_IMAGES, 1))
    left = max(len(labelled) - chosen.held_out, 1)
    if "batch" not in changes:
        chosen = replace(chosen, batch=min(chosen.batch, left))
    if labelled.about.name != MNIST.name and chosen.schedule is Schedule.CONSTANT:
        every = max(EPOCHS * left // chosen.batch, FEWEST_STEPS)
        patient = chosen.patience if "patience" in changes else PATIENCE
        chosen = replace(chosen, evaluate_every=min(chosen.evaluate_every, every), patience=patient)
    return chosen
