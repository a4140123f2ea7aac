"""What each part of the recipe is worth: variants of it, trained from the same seeds, compared on images kept for that.

``ablation.json`` holds what every seed gave. A variant is compared with its base seed by seed: both begin with the same
weights.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated

import numpy as np
from typer import Option

from konkyo.models.architecture import Architecture, Wiring, two_stages
from konkyo.models.network import Network
from konkyo.models.result import predict
from konkyo.trainer import document
from konkyo.trainer.data import Digits
from konkyo.trainer.document import table
from konkyo.trainer.studies.statistics import Estimate, p_values
from konkyo.trainer.studies.trained import TrainingStudy, Work
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.recipe import BEST, PAPER, Recipe, Schedule, fitted

FILE = "ablation.json"
# One of so many training images judges. No variant trains on them or is chosen by them.
JUDGING = 12
WIRINGS = Wiring.PAIRED, Wiring.SUMMED


@dataclass(frozen=True)
class Settings:
    """The options of the study."""

    seeds: Annotated[int, Option(min=2, help="Seeds for each variant, from 1 on.")] = 10
    steps: Annotated[
        int | None, Option(min=1, help="Batches that each is trained on.", show_default="the recipe's")
    ] = None


# With one start a seed, so that ten seeds are trained in minutes.
_ONE_START = replace(BEST, restarts=1)
BASE = "one start, else the recipe"
STARTS = f"{BEST.restarts} starts: the recipe"
PAPER_ITSELF = "the paper's recipe"
VARIANTS: dict[str, Recipe] = {
    BASE: _ONE_START,
    "without changes of the images": replace(_ONE_START, augmented=False),
    "without the error-rate loss": replace(_ONE_START, error_rate_loss=0.0),
    "without the empty image": replace(_ONE_START, neutral=False),
    "without one cycle: a constant learning rate of 0.001": replace(
        _ONE_START, schedule=Schedule.CONSTANT, learning_rate=PAPER.learning_rate
    ),
    STARTS: BEST,
    PAPER_ITSELF: PAPER,
}


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
    """All that were made; ``judging`` says how many images judge."""

    judging: int
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
    return Experiments(found["judging"], [Variant(**entry) for entry in found["variants"]])


def _make(settings: Settings, work: Work) -> None:
    digits, test = work.data("train"), work.data("t10k")
    training, judging = digits.judging(len(digits) // JUDGING)
    finished: list[Variant] = []
    for name, recipe in VARIANTS.items():
        for wiring in WIRINGS:
            stages, network = two_stages(wiring, 3, 3).stages, f"{wiring}-3x3"
            shape = Architecture(stages, digits.side, digits.channels, classes=len(digits.about.classes))
            changes = {} if settings.steps is None else {"steps": settings.steps}
            chosen, title = fitted(recipe, digits, **changes), f"{network} {name}"
            [runs] = work.trained({title: shape}, chosen, settings.seeds, training).values()
            networks = [one for run in runs for one in run.networks()]
            finished.append(measured(network, name, chosen, networks, judging, test))
            # What is finished is written at once.
            listed = [asdict(one) for one in finished]
            document.write(work.out / FILE, {"judging": len(judging), "variants": listed})
    work.tell(told(Experiments(len(judging), finished)))
    work.written(work.out / FILE)


def measured(
    network: str, name: str, recipe: Recipe, seeds: Sequence[Network], judging: Digits, test: Digits
) -> Variant:
    """What the seeds of a variant gave."""
    empty = np.zeros(seeds[0].architecture.image_shape)
    return Variant(
        network,
        name,
        None if name in (BASE, PAPER_ITSELF) else BASE,
        recipe.steps,
        [evaluate(trained, judging).accuracy for trained in seeds],
        [evaluate(trained, test).accuracy for trained in seeds],
        [float(predict(trained, empty).probabilities.max()) for trained in seeds],
    )


def told(found: Experiments) -> Iterator[str]:
    """What each part is worth, in Markdown."""
    compared = [one for one in found.variants if found.differences(one) is not None]
    known = [found.differences(one) or [] for one in compared]
    by_variant = dict(zip(((one.network, one.name) for one in compared), p_values(known), strict=True))
    chance = 100 * 1.96 * (0.98 * 0.02 / found.judging) ** 0.5
    started = any(one.name == STARTS for one in found.variants)
    starts = "" if started else f"; what {BEST.restarts} starts a seed are worth was not measured"
    yield from (
        f"Three parts of the recipe are taken away, each alone, with one start a seed{starts}. The cycle of the "
        "learning rate is replaced: the constant one has another value, and keeps the weights that validate best of "
        "ten times. All are trained on the "
        f"same training images, without {found.judging:,} that judge them: no choice of a recipe was made by these, "
        "and no variant trains on them. The difference from the base, in points, is the mean over the seeds, ± half of "
        "its 95 % interval by Student's t: it says what other seeds would give, judged by the same images. p: that the "
        f"mean difference is 0, by Holm's correction for all {len(compared)} comparisons; bold below 0.05. The "
        "intervals are not corrected. A difference that is not bold is undecided, and not zero.",
        "",
        f"Other judging images would give other accuracies: at 98 %, that of one network on {found.judging:,} images "
        f"has itself a 95 % interval of ±{chance:.2f} points. Certainty: the probability of the class that an empty "
        "image is predicted as, mean over the seeds.",
        "",
    )
    head = "variant", "steps", "seeds", "judged (mean ± sd)", "difference", "p", "empty image: certainty"
    for network in dict.fromkeys(one.network for one in found.variants):
        rows = [
            _row(found, one, by_variant.get((one.network, one.name)))
            for one in found.variants
            if one.network == network
        ]
        yield from (f"#### `{network}`", "")
        yield from table(head, rows)


def _row(found: Experiments, one: Variant, p_value: float | None) -> tuple[str, ...]:
    differences = found.differences(one)
    told = ("–", "–")
    if differences is not None and p_value is not None:
        gain = Estimate.of(differences)
        difference = f"{100 * gain.mean:+.2f} ± {100 * gain.interval:.2f}".replace("-", "−")
        told = (f"**{difference}**" if p_value < 0.05 else difference, f"{p_value:.3f}")
    return (
        one.name,
        f"{one.steps:,}",
        f"{len(one.judged)}",
        f"{100 * mean(one.judged):.2f} ± {100 * stdev(one.judged):.2f} %",
        *told,
        f"{mean(one.empty):.0%}" if len(one.empty) == len(one.judged) else "–",
    )


STUDY = TrainingStudy(
    name="recipe",
    about="Take three parts of the recipe away and replace a fourth, each alone, and train by the paper's recipe: what "
    "is each worth?",
    settings=Settings,
    make=_make,
)
