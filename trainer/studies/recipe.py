"""What each part of the recipe is worth: variants of it, trained from the same seeds, compared by validation.

``ablation.json`` holds every seed's accuracy without one part, and ``recipe.json`` what was tried while the recipe was
sought. A variant is compared with its base seed by seed: both begin with the same weights.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.checkpoint import Checkpoint
from konkyo.models.network import Network
from konkyo.models.prediction import predict
from konkyo.trainer.data import Digits
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.recipe import BEST, PAPER, Recipe
from konkyo.trainer.studies import document
from konkyo.trainer.studies.estimate import interval

FILE = "recipe.json"
ABLATION = "ablation.json"

# With one start a seed, so that ten seeds are trained in minutes. What several starts are worth, the cards say.
_ONE_START = replace(BEST, restarts=1)
BASE = "one start, else the recipe"
RESTARTS = f"{BEST.restarts} starts: the recipe, as shipped"
PAPER_ITSELF = "the paper's recipe"
VARIANTS: dict[str, Recipe] = {
    BASE: _ONE_START,
    "without the teacher": replace(_ONE_START, distillation=False, temperature=1.0),
    "without augmented copies": replace(_ONE_START, augmentations=0),
    "without the error-rate loss": replace(_ONE_START, error_rate_loss=0.0),
    PAPER_ITSELF: PAPER,
}
_HOW = (
    "Each part is taken away alone. All variants have one start a seed. The row of several starts is from the "
    "networks' cards. Held-out are 10,000 training images, with the paper's recipe 5,000. The second accuracy is over "
    "these and eight augmented copies of each, slightly turned, stretched and shifted, by which a seed is chosen."
)


@dataclass(frozen=True)
class Variant:
    """A way to train a network, with what each seed gave; accuracies are shares, 0…1.

    Attributes
    ----------
    network, name
        What was trained, and what was changed.
    base
        Name of the variant it is compared with; None for a base.
    steps
        Batches of each training.
    validation
        On the held-out images, by which variants are compared.
    with_copies
        On these and their augmented copies together, by which a seed is chosen; empty where that was not measured.
    test
        On the test images, which take no part in any choice.
    empty
        The probability of the class that an empty image is predicted as.
    """

    network: str
    name: str
    base: str | None
    steps: int
    validation: Sequence[float]
    test: Sequence[float]
    empty: Sequence[float]
    with_copies: Sequence[float] = ()


@dataclass(frozen=True)
class Experiments:
    """All that were made; ``how`` says how, and ``notes`` what else was seen."""

    how: str
    notes: Sequence[str]
    variants: Sequence[Variant]

    def gain(self, variant: Variant, *, with_copies: bool = False) -> tuple[float, float] | None:
        """By how much it validates better than its base: mean, half of the 95 % interval; None for a base.

        ``with_copies`` counts the augmented copies as well; then also None where they were not measured.
        """
        for other in self.variants:
            if (other.network, other.name) == (variant.network, variant.base):
                ours, theirs = ((one.with_copies if with_copies else one.validation) for one in (variant, other))
                return interval([a - b for a, b in zip(ours, theirs, strict=True)]) if ours else None
        return None


def load(studies: Path, file: str = FILE) -> Experiments | None:
    """What stands in a file of the studies' folder; None where there is none."""
    path = studies / file
    if not path.exists():
        return None
    found = document.read(path)
    return Experiments(found["how"], found["notes"], [Variant(**entry) for entry in found["variants"]])


def write(path: Path, variants: Sequence[Variant]) -> None:
    """Write what the ablation has so far, as ``load`` reads it."""
    document.write(path, {"how": _HOW, "notes": [], "variants": [asdict(one) for one in variants]})


def measured(network: str, name: str, seeds: Sequence[tuple[Network, Digits]], test: Digits) -> Variant:
    """What the seeds of a variant gave, each with the images that it held out."""
    return Variant(
        network,
        name,
        None if name in (BASE, PAPER_ITSELF) else BASE,
        VARIANTS[name].steps,
        [evaluate(trained, held_out).accuracy for trained, held_out in seeds],
        [evaluate(trained, test).accuracy for trained, _ in seeds],
        [_certainty(trained) for trained, _ in seeds],
        [_with_copies(trained, held_out) for trained, held_out in seeds],
    )


def shipped(checkpoint: Checkpoint, seeds: int) -> Variant | None:
    """The seeds of a card, which were trained with several starts; None if it is not of the recipe, or of others."""
    card = checkpoint.card
    runs = card["selection"]["runs"]
    if card["recipe"] != asdict(BEST) or [run["seed"] for run in runs] != [*range(1, seeds + 1)]:
        return None
    return Variant(
        checkpoint.name,
        RESTARTS,
        BASE,
        BEST.steps,
        [run["validation"] for run in runs],
        [run["test"] for run in runs],
        [_certainty(checkpoint.network)],
        [run["chosen_by"] for run in runs],
    )


def _with_copies(network: Network, held_out: Digits) -> float:
    """The accuracy on images and augmented copies of them together, as a seed is chosen by."""
    # PyTorch comes with it, which the report does without.
    from konkyo.trainer.augmentation import augmented

    images, labels = augmented(held_out, BEST.augmentations)
    parts = np.split(images[:, 0].numpy(), 1 + BEST.augmentations)
    predicted = np.concatenate([network.astype(np.float32).logits(part).argmax(-1) for part in parts])
    return float((predicted == labels.numpy()).mean())


def _certainty(network: Network) -> float:
    """The probability of the class that an empty image is predicted as."""
    return float(predict(network, np.zeros((IMAGE_SIDE, IMAGE_SIDE))).probabilities.max())
