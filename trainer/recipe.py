"""How a network is trained: everything but the data, the architecture and the seed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The paper's recipe (2.2): batches of 100, 100,000 steps, random start, Adam.

    The paper gives no learning rate; Adam's own default is taken. It trains on all 60,000 images; here ``held_out`` of
    them validate instead, so that no choice is ever made on the test images.

    Attributes
    ----------
    steps
        Batches to train on.
    batch
        Pictures in a batch.
    learning_rate
        Adam's step size.
    held_out
        Training images kept for validation.
    evaluate_every
        Steps between two validations. The weights of the best one are kept, the earliest where several are equal.
    """

    steps: int = 100_000
    batch: int = 100
    learning_rate: float = 1e-3
    held_out: int = 5_000
    evaluate_every: int = 1_000
