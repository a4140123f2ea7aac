"""Which explanation is faithful: every one's deletion and insertion curves on the same pictures, compared in pairs.

Captum's explanations come as they are (``trainer.studies.rivals``). Quantus is not used: its pixel flipping is one of
these curves with a step size, and it would bring many packages for it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from re import sub
from typing import Any

import numpy as np

from models.checkpoint import Checkpoint
from models.network import Array
from trainer.data import Digits
from trainer.studies.curves import BASES, CURVES, POINTS, SCORES, curves
from trainer.studies.explanations import DEFAULT, EXPLANATIONS, OURS, Explanation, Task
from trainer.studies.parts import Arrays, Parts
from trainer.studies.sanity import LAYERS, correlations
from trainer.studies.stamps import Stamps

# Images a part.
CHUNK = 50
# Of the sanity check: the first images, and how often the weights are drawn.
SANITY_IMAGES = 50
SANITY_SEEDS = 3
# Half of a normal distribution's 95 % in standard deviations.
NORMAL = 1.96


@dataclass(frozen=True)
class Estimate:
    """A mean, and half of its 95 % interval by the normal approximation."""

    mean: float
    interval: float

    @classmethod
    def of(cls, values: Array) -> "Estimate":
        """Of two values at least."""
        return cls(float(values.mean()), float(NORMAL * values.std(ddof=1) / np.sqrt(len(values))))

    def document(self) -> list[float]:
        """[mean, half of the interval]."""
        return [self.mean, self.interval]


@dataclass(frozen=True)
class Measured:
    """One explanation's curves.

    Attributes
    ----------
    name, kind
        Of the explanation.
    areas
        (N, 2, 2, 2): each image's areas, for each of ``SCORES``, ``BASES`` and ``CURVES``.
    points
        For each base the mean curves of the probability, (2, ``POINTS[base]``).
    """

    name: str
    kind: str
    areas: Array
    points: dict[str, Array]

    def area(self, score: str, base: str, curve: str) -> Array:
        """(N,): the areas under one kind of curve."""
        found: Array = self.areas[:, SCORES.index(score), BASES.index(base), CURVES.index(curve)]
        return found

    @property
    def gap(self) -> float:
        """By how much the mean insertion curve lies above the mean deletion curve, over the ink."""
        deletion, insertion = (self.area("probability", "ink", curve).mean() for curve in CURVES)
        return float(insertion - deletion)

    def gain(self, other: "Measured", base: str, curve: str) -> Estimate:
        """By how much the probability's area is better than another's on the same images: above 0, it is better."""
        difference = self.area("probability", base, curve) - other.area("probability", base, curve)
        return Estimate.of(-difference if curve == "deletion" else difference)

    def beats(self, other: "Measured", base: str, curve: str) -> bool:
        """Whether it is better beyond the 95 % interval."""
        gain = self.gain(other, base, curve)
        return gain.mean > gain.interval


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
        Explained in float64; the curves are read in float32.
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
        task = cache(partial(_task, checkpoint, digits[start : start + CHUNK], start))
        for explanation in explanations:
            key = f"{slug(explanation.name)}-{start}-{len(digits[start : start + CHUNK])}"
            done[explanation.name].append(kept.get(key, partial(_part, explanation, task)))
            advance()
    return [
        Measured(
            explanation.name,
            explanation.kind,
            np.concatenate([part["areas"] for part in done[explanation.name]]),
            {base: _mean([part[base] for part in done[explanation.name]], len(digits)) for base in BASES},
        )
        for explanation in explanations
    ]


def parts(digits: Digits, explanations: Sequence[Explanation]) -> int:
    """How many parts the study has."""
    return len(explanations) * -(-len(digits) // CHUNK)


def sanity(
    checkpoint: Checkpoint, digits: Digits, runs: Path, advance: Callable[[], None], explanations: Sequence[Explanation]
) -> dict[str, Array]:
    """Each explanation's rank correlations (seeds, stages, N) on the first images; see ``trainer.studies.sanity``.

    ``advance`` is called after each explanation.
    """
    kept, some = _kept(checkpoint, runs), digits[:SANITY_IMAGES]
    images = some.scaled(np.float64)
    network = checkpoint.precise
    target = network.logits(images).argmax(-1)

    def compute(explanation: Explanation) -> Arrays:
        return {"correlations": correlations(explanation, network, images, target, range(SANITY_SEEDS))}

    found = {}
    for explanation in explanations:
        key = f"sanity-{slug(explanation.name)}-{len(some)}"
        found[explanation.name] = kept.get(key, partial(compute, explanation))["correlations"]
        advance()
    return found


def unbeaten(measured: Sequence[Measured], name: str) -> dict[str, dict[str, list[str]]]:
    """For each base and curve, what of the rivals and plain orders the explanation of that name is not better than."""
    by_name = {one.name: one for one in measured}
    others = [one for one in measured if one.kind != OURS]
    return {
        base: {
            curve: [other.name for other in others if not by_name[name].beats(other, base, curve)] for curve in CURVES
        }
        for base in BASES
    }


def best(measured: Sequence[Measured]) -> Measured:
    """The one of ours that is better than most of the others in most ways; of equal ones, that with the widest gap."""

    def failures(one: Measured) -> int:
        return sum(len(others) for curves in unbeaten(measured, one.name).values() for others in curves.values())

    return min((one for one in measured if one.kind == OURS), key=lambda one: (failures(one), -one.gap))


def document(
    checkpoint: Checkpoint, measured: Sequence[Measured], checked: dict[str, Array], left_out: str | None
) -> dict[str, Any]:
    """What was found, for the study's JSON. Every pair of numbers is a mean and half of its 95 % interval."""
    [default] = [one for one in measured if one.name == DEFAULT]
    return {
        "study": "faithfulness",
        "model": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "images": len(default.areas),
        "default": DEFAULT,
        "best": best(measured).name,
        "left_out": left_out,
        "explanations": {one.name: dict(_entries(one, default)) for one in measured},
        "not_better_than": {one.name: unbeaten(measured, one.name) for one in measured if one.kind == OURS},
        "sanity": {
            name: {
                " and ".join(LAYERS[: stage + 1]): {
                    "rank_correlation": Estimate.of(values[:, stage].mean(0)).document(),
                    "absolute": Estimate.of(np.abs(values[:, stage]).mean(0)).document(),
                }
                for stage in range(len(LAYERS))
            }
            for name, values in checked.items()
        },
    }


def _entries(one: Measured, default: Measured) -> Iterator[tuple[str, Any]]:
    yield "kind", one.kind
    for score in SCORES:
        yield (
            score,
            {base: {curve: Estimate.of(one.area(score, base, curve)).document() for curve in CURVES} for base in BASES},
        )
    yield (
        "gain_on_default",
        {base: {curve: one.gain(default, base, curve).document() for curve in CURVES} for base in BASES},
    )
    yield "curves", {base: dict(zip(CURVES, one.points[base].tolist(), strict=True)) for base in BASES}


def _task(checkpoint: Checkpoint, digits: Digits, start: int) -> Task:
    images, network = digits.scaled(np.float64), checkpoint.precise
    stamps = [Stamps.of(checkpoint.network, image) for image in images]
    return Task(network, images, network.logits(images).argmax(-1), stamps, start)


def _part(explanation: Explanation, task: Callable[[], Task]) -> Arrays:
    given = task()
    entries = zip(given.stamps, explanation.heatmap(given), given.target.tolist(), strict=True)
    drawn = [curves(stamps, heatmap, target) for stamps, heatmap, target in entries]
    return {
        "areas": np.array([one.areas() for one in drawn]),
        **{base: np.sum([one.points(base) for one in drawn], axis=0) for base in POINTS},
    }


def _mean(sums: Sequence[Array], images: int) -> Array:
    mean: Array = np.sum(sums, axis=0) / images
    return mean


def _kept(checkpoint: Checkpoint, runs: Path) -> Parts:
    return Parts(runs / "studies", {"study": "faithfulness", "sha256": checkpoint.sha256})


def slug(name: str) -> str:
    """A name as part of a file's."""
    return sub(r"[^a-z0-9]+", "-", name.lower())
