"""What each part of the recipe is worth: variants of it, trained from the same seeds, compared on images kept for that.

``ablation.json`` holds what every seed gave. A variant is compared with its base seed by seed: both begin with the same
weights.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.network import Network
from konkyo.models.result import predict
from konkyo.trainer.data import Digits
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.recipe import BEST, PAPER, Recipe, Schedule
from konkyo.trainer.studies import document

FILE = "ablation.json"
# MNIST's training images that judge. No variant trains on them or is chosen by them.
JUDGING = 5_000
NETWORKS = {f"{wiring}-3x3": two_stages(wiring, 3, 3) for wiring in (Wiring.PAIRED, Wiring.SUMMED)}

# With one start a seed, so that ten seeds are trained in minutes.
_ONE_START = replace(BEST, restarts=1)
BASE = "one start, else the recipe"
PAPER_ITSELF = "the paper's recipe"
VARIANTS: dict[str, Recipe] = {
    BASE: _ONE_START,
    "without changes of the images": replace(_ONE_START, augmented=False),
    "without the error-rate loss": replace(_ONE_START, error_rate_loss=0.0),
    "without the empty image": replace(_ONE_START, neutral=False),
    "without one cycle: a constant learning rate of 0.001": replace(
        _ONE_START, schedule=Schedule.CONSTANT, learning_rate=PAPER.learning_rate
    ),
    f"{BEST.restarts} starts: the recipe": BEST,
    PAPER_ITSELF: PAPER,
}
_HOW = (
    "Each part is taken away alone, with one start a seed; what sixteen starts are worth was not measured. The "
    "constant learning rate is another one as well, and keeps the weights that validate best of ten times. All are "
    f"trained on the same training images, without {JUDGING:,} that judge them: no choice of a recipe was made by "
    "these, and no variant trains on them."
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
    judged
        On the images that judge, by which variants are compared.
    test
        On the test images, which take no part in any choice.
    empty
        The probability of the class that an empty image is predicted as.
    """

    network: str
    name: str
    base: str | None
    steps: int
    judged: Sequence[float]
    test: Sequence[float]
    empty: Sequence[float]


@dataclass(frozen=True)
class Experiments:
    """All that were made; ``how`` says how."""

    how: str
    variants: Sequence[Variant]

    def differences(self, variant: Variant) -> list[float] | None:
        """By how much it is better than its base, seed by seed; None for a base."""
        for other in self.variants:
            if (other.network, other.name) == (variant.network, variant.base):
                return [ours - theirs for ours, theirs in zip(variant.judged, other.judged, strict=True)]
        return None


def load(studies: Path) -> Experiments | None:
    """What stands in the studies' folder; None where there is none."""
    path = studies / FILE
    if not path.exists():
        return None
    found = document.read(path)
    return Experiments(found["how"], [Variant(**entry) for entry in found["variants"]])


def write(path: Path, variants: Sequence[Variant]) -> None:
    """Write what there is so far, as ``load`` reads it."""
    document.write(path, {"how": _HOW, "variants": [asdict(one) for one in variants]})


def measured(network: str, name: str, seeds: Sequence[Network], judging: Digits, test: Digits) -> Variant:
    """What the seeds of a variant gave."""
    empty = np.zeros(seeds[0].architecture.image_shape)
    return Variant(
        network,
        name,
        None if name in (BASE, PAPER_ITSELF) else BASE,
        VARIANTS[name].steps,
        [evaluate(trained, judging).accuracy for trained in seeds],
        [evaluate(trained, test).accuracy for trained in seeds],
        [float(predict(trained, empty).probabilities.max()) for trained in seeds],
    )
