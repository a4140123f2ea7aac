"""Which explanation is faithful: all of them by the same criteria, on the same images.

The criteria are deletion and insertion curves under two replacements, and infidelity. Sensitivity and the agreement
with exact Shapley values are reported beside them. Rankings depend on such settings, so an explanation is called better
than another only if it is better by every criterion, beyond the 95 % interval of the difference on the same images.

The explanations of others come from Captum (``captum_methods`` and ``perturbations`` in this folder). Quantus is not
used: its pixel flipping is one of these curves with a step size. ReX (PyPI's rex-xai 0.4.1) is not: it requires exactly
NumPy 1.26.4.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.studies import metrics
from konkyo.trainer.studies.comparison import BESIDE, Measured, best, ranks
from konkyo.trainer.studies.curves import CURVES, REPLACEMENTS, SCORES, curves, replacement
from konkyo.trainer.studies.estimate import Estimate
from konkyo.trainer.studies.explanations import DEFAULT, EXPLANATIONS, Explanation, Task
from konkyo.trainer.studies.parts import Arrays, Parts, slug
from konkyo.trainer.studies.sanity import correlations, layers_of

# Images a part.
CHUNK = 25
# The first images, on which sensitivity and the sanity check are measured, and how often the weights are drawn.
FIRST_IMAGES = 50
SANITY_SEEDS = 3


def study(
    checkpoint: Checkpoint,
    digits: Digits,
    runs: Path,
    advance: Callable[[], None],
    explanations: Sequence[Explanation] = EXPLANATIONS,
) -> list[Measured]:
    """Measure every explanation on every image.

    Parameters
    ----------
    checkpoint
        Explained in float64; the curves are computed in float32.
    digits
        The test images from the first one on.
    runs
        Where finished parts are kept: an interrupted study goes on, and ends with the same numbers.
    advance
        Called after each of ``parts(digits, explanations)`` parts.
    """
    kept = _kept(checkpoint, runs)
    done: dict[str, list[Arrays]] = {explanation.name: [] for explanation in explanations}
    for start in range(0, len(digits), CHUNK):
        some = digits[start : start + CHUNK]
        given = cache(partial(Given.of, checkpoint, some, start))
        for explanation in explanations:
            key = f"{slug(explanation.name)}-{start}-{some.sha256[:12]}"
            done[explanation.name].append(kept.get(key, partial(_part, explanation, given)))
            advance()
    moved: dict[str, Array] = {}
    for explanation in explanations:
        key = f"sensitivity-{slug(explanation.name)}-{digits[:FIRST_IMAGES].sha256[:12]}"
        first = partial(_sensitivity, explanation, checkpoint, digits[:FIRST_IMAGES])
        moved[explanation.name] = kept.get(key, first)["sensitivity"]
        advance()
    return [
        Measured(
            explanation.name,
            explanation.kind,
            np.concatenate([part["areas"] for part in done[explanation.name]]),
            {base: _mean([part[base] for part in done[explanation.name]], len(digits)) for base in REPLACEMENTS},
            np.concatenate([part["infidelity"] for part in done[explanation.name]]),
            np.concatenate([part["agreement"] for part in done[explanation.name]]),
            moved[explanation.name],
        )
        for explanation in explanations
    ]


def parts(digits: Digits, explanations: Sequence[Explanation]) -> int:
    """How many parts the study has."""
    return len(explanations) * (-(-len(digits) // CHUNK) + 1)


def sanity(
    checkpoint: Checkpoint, digits: Digits, runs: Path, advance: Callable[[], None], explanations: Sequence[Explanation]
) -> dict[str, Array]:
    """Each explanation's rank correlations (seeds, stages, N) on the first images; see ``sanity`` in this folder.

    ``advance`` is called after each explanation.
    """
    kept, some = _kept(checkpoint, runs), digits[:FIRST_IMAGES]
    images = some.scaled(np.float64)
    network = checkpoint.precise
    target = network.logits(images).argmax(-1)

    def compute(explanation: Explanation) -> Arrays:
        return {"correlations": correlations(explanation, network, images, target, range(SANITY_SEEDS))}

    found = {}
    for explanation in explanations:
        key = f"sanity-{slug(explanation.name)}-{some.sha256[:12]}"
        found[explanation.name] = kept.get(key, partial(compute, explanation))["correlations"]
        advance()
    return found


def document(
    checkpoint: Checkpoint, measured: Sequence[Measured], checked: dict[str, Array], left_out: str | None
) -> dict[str, Any]:
    """What was found, for the study's JSON. Every pair of numbers is a mean and half of its 95 % interval."""
    by_criterion, layers = ranks(measured), list(layers_of(checkpoint.network.architecture))
    return {
        "study": "faithfulness",
        "model": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "images": len(measured[0].areas),
        "default": DEFAULT,
        "best": best(measured).name,
        "left_out": left_out,
        "explanations": {
            one.name: {
                **dict(_entries(one)),
                "ranks": {criterion: places[number] for criterion, places in by_criterion.items()},
                "better_everywhere_than": [other.name for other in measured if one.beats_everywhere(other)],
            }
            for number, one in enumerate(measured)
        },
        "sanity": {
            name: {
                " and ".join(layers[: count + 1]): {
                    "rank_correlation": Estimate.of(values[:, count].mean(0)).document(),
                    "absolute": Estimate.of(np.abs(values[:, count]).mean(0)).document(),
                }
                for count in range(len(layers))
            }
            for name, values in checked.items()
        },
    }


def _entries(one: Measured) -> Iterator[tuple[str, Any]]:
    yield "kind", one.kind
    for score in SCORES:
        yield (
            score,
            {
                base: {curve: Estimate.of(one.area(score, base, curve)).document() for curve in CURVES}
                for base in REPLACEMENTS
            },
        )
    for name in ("infidelity", *BESIDE):
        yield name, Estimate.of(one.values(name)).document()
    yield "curves", {base: dict(zip(CURVES, one.points[base].tolist(), strict=True)) for base in REPLACEMENTS}


@dataclass(frozen=True)
class Given:
    """What all explanations of some images are measured against.

    Attributes
    ----------
    task
        The images.
    network
        In float32, in which the curves are computed.
    hidden
        (N, K, 28, 28): what is hidden for the infidelity.
    dropped
        (N, K): the drops of the logit.
    values
        (N, 7, 7): the exact Shapley values.
    """

    task: Task
    network: Network
    hidden: Array
    dropped: Array
    values: Array

    @classmethod
    def of(cls, checkpoint: Checkpoint, digits: Digits, start: int) -> "Given":
        """Of images that start at this number of the data set."""
        task = _task(checkpoint, digits, start)
        pairs = list(zip(task.images, task.target.tolist(), strict=True))
        hidden = np.array([metrics.squares(start + number) for number in range(len(digits))])
        return cls(
            task,
            checkpoint.network,
            hidden,
            np.array([metrics.drops(task.network, *pair, some) for pair, some in zip(pairs, hidden, strict=True)]),
            np.array(
                [shapley_values(task.network, image, metrics.REGION).of(target).values for image, target in pairs]
            ),
        )


def _task(checkpoint: Checkpoint, digits: Digits, start: int) -> Task:
    images, network = digits.scaled(np.float64), checkpoint.precise
    return Task(network, images, network.logits(images).argmax(-1), start)


def _part(explanation: Explanation, lazily: Callable[[], Given]) -> Arrays:
    given = lazily()
    heatmaps = explanation.heatmap(given.task)
    targets = given.task.target.tolist()
    drawn = {
        base: [
            curves(given.network, image, replacement(base, image), heatmap, target)
            for image, heatmap, target in zip(given.task.images, heatmaps, targets, strict=True)
        ]
        for base in REPLACEMENTS
    }
    return {
        "areas": np.array([[one.areas() for one in drawn[base]] for base in REPLACEMENTS]).swapaxes(0, 1),
        "infidelity": np.array(
            [metrics.infidelity(*one) for one in zip(heatmaps, given.hidden, given.dropped, strict=True)]
        ),
        "agreement": np.array(
            [metrics.agreement(*one) for one in zip(heatmaps, given.values, given.task.images, strict=True)]
        ),
        **{base: np.sum([one.points() for one in drawn[base]], axis=0) for base in REPLACEMENTS},
    }


def _sensitivity(explanation: Explanation, checkpoint: Checkpoint, digits: Digits) -> Arrays:
    task = _task(checkpoint, digits, 0)

    def explain(images: Array) -> Array:
        return explanation.heatmap(Task(task.network, images, task.target, task.seed))

    return {"sensitivity": metrics.sensitivity(explain, task.images, task.seed)}


def _mean(sums: Sequence[Array], images: int) -> Array:
    mean: Array = np.sum(sums, axis=0) / images
    return mean


def _kept(checkpoint: Checkpoint, runs: Path) -> Parts:
    return Parts(runs / "studies", {"study": "faithfulness, 0.2", "sha256": checkpoint.sha256})
