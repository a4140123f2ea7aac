"""How a network is trained: everything but the data, the architecture and the seed."""

import math
from dataclasses import dataclass
from enum import StrEnum


class Schedule(StrEnum):
    """What becomes of the step size: it stays, or it rises, and falls to nothing along a cosine."""

    CONSTANT = "constant"
    ONE_CYCLE = "one-cycle"


# Share of the steps in which one cycle rises.
WARM_UP = 0.1
# Shares of the steps between which the share of mistakes grows: no network learns from nothing by counting them.
MISTAKES_GROW = 0.3, 0.9


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
        Pictures in a batch.
    learning_rate
        Adam's step size, or its greatest one.
    held_out
        Training images kept for validation.
    evaluate_every
        Steps between two validations. The weights of the best one are kept, the earliest where several are equal; after
        one cycle the last ones are.
    schedule
        What becomes of the step size.
    distillation
        Share of the loss that asks for a teacher's answer instead of the label, 0…1 (Hinton, Vinyals and Dean, 2015).
    temperature
        What both networks' logits are divided by for that share: above 1, the teacher's second thoughts count for more.
    mistakes
        Share of the loss that in the end asks for few wrong answers instead: it counts 1 − the label's probability
        (Ghosh, Kumar and Sastry, 2017), and so gives up on pictures that so small a network cannot read.
    copies
        Moved copies of each picture that are trained on as well, with the teacher's answers to them, and of each that
        validates, where they make chance smaller.
    starts
        Random starts of each seed. So small a network ends in the valley that it starts in: those with the greater
        losses are given up, half of them after each trial, until one is left.
    trial
        Steps of a trial, if there are several starts; losses count from half of it on.
    """

    steps: int = 100_000
    batch: int = 100
    learning_rate: float = 1e-3
    held_out: int = 5_000
    evaluate_every: int = 1_000
    schedule: Schedule = Schedule.CONSTANT
    distillation: float = 0.0
    temperature: float = 1.0
    mistakes: float = 0.0
    copies: int = 0
    starts: int = 1
    trial: int = 0

    def step_size(self, step: int) -> float:
        """Adam's step size at a step, from 0."""
        if self.schedule is Schedule.CONSTANT:
            return self.learning_rate
        rising = WARM_UP * self.steps
        if step < rising:
            return self.learning_rate * (step + 1) / (rising + 1)
        return self.learning_rate * (1 + math.cos(math.pi * (step - rising) / (self.steps - rising))) / 2

    def mistake_share(self, step: int) -> float:
        """What ``mistakes`` has become at a step: it grows along a line."""
        begin, end = (share * self.steps for share in MISTAKES_GROW)
        return self.mistakes * min(max((step - begin) / (end - begin), 0.0), 1.0)


PAPER = Recipe()
BEST = Recipe(
    steps=20_000,
    learning_rate=0.02,
    evaluate_every=2_000,
    schedule=Schedule.ONE_CYCLE,
    distillation=1.0,
    temperature=2.0,
    mistakes=0.9,
    copies=8,
    starts=16,
    trial=2_000,
)
