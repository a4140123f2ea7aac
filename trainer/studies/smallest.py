"""The smallest network that is accurate enough (section 2.1): every shape up to some parameters, in both wirings.

First each network is trained from several seeds and validates with one set of held-out images, which may be harder or
easier than others. Those near the border are then cross-validated: the training images are divided into folds, and each
fold validates networks that are trained on the others. The test images take no part in either choice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import mean, stdev
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np
from typer import Option

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages, written_stages
from konkyo.models.files.card import RunCard
from konkyo.models.files.checkpoint import SEARCH_FILE
from konkyo.trainer import document
from konkyo.trainer.data import SPLIT_SEED, Digits
from konkyo.trainer.document import table
from konkyo.trainer.studies.statistics import Estimate
from konkyo.trainer.studies.trained import TrainingStudy, Work
from konkyo.trainer.training.evaluation import evaluate
from konkyo.trainer.training.recipe import RECIPES, Recipe, RecipeName, fitted

# Of ``search.json``.
FORMAT_VERSION = 2
LENET = two_stages(Wiring.SUMMED, 6, 16)
# How far below the minimum accuracy a network may validate to be cross-validated, how far above, and how many.
BELOW, ABOVE = 0.007, 0.001
PER_WIRING = 4
STEPS = 6_000
# Some starts of a very small network learn nothing, which says nothing of the network: a short rung gives them up.
RESTARTS, RUNG = 4, 500


@dataclass(frozen=True)
class Settings:
    """The options of the study."""

    summed: Annotated[int, Option(min=1, help="Summed networks have fewer parameters than this.")] = 1300
    paired: Annotated[int, Option(min=1, help="Paired networks have fewer parameters than this.")] = 2400
    seeds: Annotated[int, Option(min=1, help="Seeds for each network, and for each fold.")] = 3
    folds: Annotated[int, Option(min=2, max=10, help="Parts of the training images.")] = 5
    recipe: Annotated[RecipeName, Option(help="How each is trained.")] = RecipeName.BEST
    steps: Annotated[int, Option(min=1, help="Batches that each is trained on.")] = STEPS
    minimum_accuracy: Annotated[float, Option(min=0, max=100, help="Accuracy that is enough, in percent.")] = 98.0


class Sized(Protocol):
    """A network with a mean accuracy."""

    @property
    def architecture(self) -> Architecture:
        """Its shape."""

    @property
    def accuracy(self) -> float:
        """The mean on images that choose, 0…1."""


Some = TypeVar("Some", bound=Sized)


@dataclass(frozen=True)
class Candidate:
    """A network of the search, with what each seed gave; accuracies are shares, 0…1."""

    architecture: Architecture
    runs: Sequence[RunCard]

    @property
    def accuracy(self) -> float:
        """The mean over the seeds on the held-out images."""
        return self.validation[0]

    @property
    def validation(self) -> tuple[float, float]:
        """(mean, standard deviation) over the seeds; the choice is made by the mean."""
        return _spread([run.validation for run in self.runs])

    @property
    def test(self) -> tuple[float, float]:
        """The same on the test images, which take no part in the choice."""
        return _spread([run.test for run in self.runs])


@dataclass(frozen=True)
class CrossValidated:
    """A network with its mean accuracy over the seeds in each fold, 0…1."""

    architecture: Architecture
    folds: Sequence[float]

    @property
    def accuracy(self) -> float:
        """The mean over the folds."""
        return mean(self.folds)

    @property
    def interval(self) -> float:
        """Half of the 95 % interval of the mean, by Student's t, corrected since folds share training images.

        The variance of the mean is not s²/k, but (1/k + n_test/n_train) s²; with k folds the latter is 1/(k − 1)
        (Nadeau and Bengio, 2003).
        """
        count = len(self.folds)
        corrected: float = Estimate.of(self.folds).interval * (1 + count / (count - 1)) ** 0.5
        return corrected


def shapes(below: Mapping[Wiring, int]) -> list[Architecture]:
    """Every network of section 2.1 with fewer parameters than its wiring's number, and LeNet's, the smallest first.

    With a single map both wirings are the same network; it is tried once, as ``summed``.
    """
    found = [LENET]
    for wiring, limit in below.items():
        for first in range(2 if wiring is Wiring.PAIRED else 1, 65):
            last = 1
            # One with more filters has more parameters.
            while last < 65 and (one := two_stages(wiring, first, last)).parameters < limit:
                found.append(one)
                last += 1
    return sorted(dict.fromkeys(found), key=lambda one: one.parameters)


def smallest(networks: Iterable[Some], minimum_accuracy: float) -> Iterator[Some]:
    """For each wiring, the network with the fewest parameters whose mean accuracy reaches the minimum, if any."""
    enough = [one for one in networks if one.accuracy >= minimum_accuracy]
    for wiring in Wiring:
        ours = [one for one in enough if one.architecture.stages[-1].wiring is wiring]
        if ours:
            yield min(ours, key=lambda one: one.architecture.parameters)


def near_the_border(candidates: Sequence[Candidate], minimum_accuracy: float) -> list[Architecture]:
    """The networks to cross-validate: of each wiring the smallest that validate near the minimum."""
    found = []
    for wiring in Wiring:
        near = [
            one.architecture
            for one in candidates
            if one.architecture.stages[-1].wiring is wiring
            and minimum_accuracy - BELOW <= one.accuracy <= minimum_accuracy + ABOVE
        ]
        found += sorted(near, key=lambda one: one.parameters)[:PER_WIRING]
    return sorted(found, key=lambda one: one.parameters)


def fold(digits: Digits, number: int, folds: int) -> Digits:
    """The images in an order in which ``split`` holds out another fold: all folds together hold out every image once.

    Parameters
    ----------
    digits
        The training images; their number must be a multiple of ``folds``.
    number
        Of the fold, from 0.
    folds
        How many there are.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(digits))
    which = np.empty_like(order)
    which[order] = np.roll(order, -number * (len(digits) // folds))
    return digits[which]


def search_document(candidates: Sequence[Candidate], recipe: Recipe, minimum_accuracy: float) -> dict[str, Any]:
    """What stands in ``search.json``, beside the checkpoints, for the service."""
    return {
        "format_version": FORMAT_VERSION,
        "recipe": asdict(recipe),
        "minimum_accuracy": minimum_accuracy,
        "lenet_parameters": LENET.parameters,
        "smallest": [
            {**_shape(one.architecture), "share_of_lenet": one.architecture.parameters / LENET.parameters}
            for one in smallest(candidates, minimum_accuracy)
        ],
        "networks": [
            {
                **_shape(one.architecture),
                "validation": {"mean": one.validation[0], "deviation": one.validation[1]},
                "test": {"mean": one.test[0], "deviation": one.test[1]},
                "runs": [run.model_dump() for run in one.runs],
            }
            for one in candidates
        ],
    }


def folds_document(
    networks: Sequence[CrossValidated], minimum_accuracy: float, seeds: int, steps: int, images: int
) -> dict[str, Any]:
    """What the cross-validation found, for the study's JSON. Accuracies are means with half of their 95 % interval."""
    listed = [
        {
            "stages": written_stages(one.architecture.stages),
            "wiring": str(one.architecture.stages[-1].wiring),
            "parameters": one.architecture.parameters,
            "accuracy": [one.accuracy, one.interval],
            "folds": list(one.folds),
        }
        for one in networks
    ]
    best = [networks.index(one) for one in smallest(networks, minimum_accuracy)]
    return {
        "study": "smallest",
        "minimum_accuracy": minimum_accuracy,
        "seeds": seeds,
        "steps": steps,
        "images": images,
        "smallest": [listed[place] for place in best],
        "networks": listed,
    }


def search_told(found: Mapping[str, Any]) -> Iterator[str]:
    """``search.json`` in Markdown."""
    lenet, minimum = found["lenet_parameters"], found["minimum_accuracy"]
    for one in found["smallest"]:
        yield (
            f"- {one['stages'][-1]['wiring']}: `{_text(one)}`, {one['parameters']:,} parameters, "
            f"{one['share_of_lenet']:.0%} of LeNet's {lenet:,}, are the fewest of those tried that validate at "
            f"{minimum:.1%} on average."
        )
    if not found["smallest"]:
        yield f"No network validated at {minimum:.1%} on average: train longer, or allow more parameters."
    if not found["recipe"].keys() <= Recipe.__annotations__.keys():
        yield "- They were trained by an older recipe, which is no longer here; the command trains them by today's."
    tried, usual = {_text(one) for one in found["networks"]}, Settings()
    wanted = shapes({Wiring.SUMMED: usual.summed, Wiring.PAIRED: usual.paired})
    if left := [one for one in wanted if written_stages(one.stages) not in tried]:
        yield (
            f"- Of the {len(wanted)} shapes that the command tries, {len(left)} were not, from "
            f"`{written_stages(left[0].stages)}` with {left[0].parameters:,} parameters on: a smaller one may be among "
            "them."
        )
    yield ""
    rows = [
        (
            f"`{_text(one)}`",
            f"{one['parameters']:,}",
            f"{one['parameters'] / lenet:.0%}",
            *(
                f"{100 * one[part]['mean']:.2f} ± {100 * one[part]['deviation']:.2f} %"
                for part in ("validation", "test")
            ),
        )
        for one in found["networks"]
    ]
    yield from table(("network", "parameters", "of LeNet's", "validation (mean ± sd)", "test (mean ± sd)"), rows)


def folds_told(found: Mapping[str, Any]) -> Iterator[str]:
    """The study's JSON in Markdown."""
    minimum, count = found["minimum_accuracy"], len(found["networks"][0]["folds"])
    yield (
        f"The networks near the border once more: {count} folds of the {found['images']:,} training images, each with "
        f"{found['seeds']} seeds, {found['steps']:,} steps. Mean ± half of the 95 % interval by Student's t, corrected "
        "since the folds share training images (Nadeau and Bengio, 2003)."
    )
    yield ""
    for wiring in Wiring:
        ours = [one for one in found["smallest"] if one["wiring"] == wiring]
        for one in ours:
            centre, half = one["accuracy"]
            sure = "and surely" if centre - half >= minimum else "not surely"
            share = f"{one['parameters'] / LENET.parameters:.0%} of LeNet's {LENET.parameters:,}"
            yield (
                f"- {wiring}: `{one['stages']}`, {one['parameters']:,} parameters, {share}, are the fewest of these "
                f"that reach {minimum:.1%} in the mean, {sure}: {100 * centre:.2f} ± {100 * half:.2f} %."
            )
        if not ours:
            yield f"- {wiring}: none of these networks reaches {minimum:.1%} in the mean."
    yield ""
    rows = [
        (
            f"`{one['stages']}`",
            f"{one['parameters']:,}",
            f"{100 * one['accuracy'][0]:.2f} ± {100 * one['accuracy'][1]:.2f} %",
        )
        for one in found["networks"]
    ]
    yield from table(("network", "parameters", "accuracy"), rows)


def _shape(architecture: Architecture) -> dict[str, Any]:
    return {"stages": [asdict(stage) for stage in architecture.stages], "parameters": architecture.parameters}


def _text(document: Mapping[str, Any]) -> str:
    return written_stages([Stage(**{**stage, "wiring": Wiring(stage["wiring"])}) for stage in document["stages"]])


def _spread(values: Sequence[float]) -> tuple[float, float]:
    return mean(values), stdev(values) if len(values) > 1 else 0.0


def _make(settings: Settings, work: Work) -> None:
    from konkyo.trainer.figures import smallest as figure
    from konkyo.trainer.training.publish import run_cards

    digits, test, enough = work.data("train"), work.data("t10k"), settings.minimum_accuracy / 100
    changes = {"steps": settings.steps, "restarts": RESTARTS, "rung": RUNG}
    recipe = fitted(RECIPES[settings.recipe], digits, **changes)
    limits = {Wiring.SUMMED: settings.summed, Wiring.PAIRED: settings.paired}
    wanted = {
        written_stages(one.stages): Architecture(
            one.stages, digits.side, digits.channels, classes=len(digits.about.classes)
        )
        for one in shapes(limits)
    }
    _, held_out = digits.split(recipe.held_out)
    trained = work.trained(wanted, recipe, settings.seeds, digits)
    candidates = [
        Candidate(wanted[title], [card for run in runs for card in run_cards(run, held_out, test)])
        for title, runs in trained.items()
    ]
    found = search_document(candidates, recipe, enough)
    work.tell(search_told(found))
    document.write(work.models / SEARCH_FILE, found)
    figure.draw_search(work.out / "search.png", candidates, enough)
    work.written(work.models / SEARCH_FILE, work.out / "search.png")

    near = {written_stages(one.stages): one for one in near_the_border(candidates, enough)}
    if not near:
        work.tell(["No network validates near it: there is nothing to cross-validate."])
        return
    parts = digits[: len(digits) // settings.folds * settings.folds]
    recipe = replace(recipe, held_out=len(parts) // settings.folds)
    accuracies: dict[str, list[float]] = {title: [] for title in near}
    for number in range(settings.folds):
        some = fold(parts, number, settings.folds)
        _, held_out = some.split(recipe.held_out)
        trained = work.trained(
            {f"fold {number}, {title}": one for title, one in near.items()}, recipe, settings.seeds, some
        )
        for title, runs in zip(near, trained.values(), strict=True):
            networks = [network for run in runs for network in run.networks()]
            accuracies[title].append(mean(evaluate(network, held_out).accuracy for network in networks))
    crossed_ones = [CrossValidated(near[title], each) for title, each in accuracies.items()]
    crossed = folds_document(crossed_ones, enough, settings.seeds, settings.steps, len(parts))
    work.tell(folds_told(crossed))
    document.write(work.out / "smallest.json", crossed)
    figure.draw_folds(work.out / "smallest.png", crossed_ones, enough)
    work.written(work.out / "smallest.json", work.out / "smallest.png")


STUDY = TrainingStudy(
    name="smallest",
    about="Train every network of section 2.1 up to some parameters, and cross-validate those near the border.",
    settings=Settings,
    make=_make,
)
