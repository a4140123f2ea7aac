"""How wrong the usual approximations of Shapley values are, against the exact ones.

The players are the regions of 4×4 pixels that hold ink, hiding fills with 0, and the game is the logit of the predicted
class. Each baseline is asked with more and more evaluations of the network. Its error is the mean over the players of
the absolute difference from the exact value, divided by the mean absolute exact value; its rank correlation is
Spearman's, over the players. Time is that of the processor, for one image and one class.

Baselines that converge are means of independent draws, or behave alike, so that their error falls with the root of the
evaluations. How many are needed for an error of 2 % follows from the last point. Sampling is asked with so many on a
few images, which checks it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.estimate import Estimate
from konkyo.trainer.studies.parts import Arrays, Parts, slug
from konkyo.trainer.studies.sanity import spearman

REGION = 4
# Of the draw of the images.
SEED = 0
EVALUATIONS = (50, 100, 200, 500, 1000, 2000, 5000)
# An error that is small enough, and on how many images it is checked that so many evaluations are needed.
ENOUGH = 0.02
CHECKED = 2
# Ours is repeated for so long, in seconds.
TURN = 0.05


@dataclass(frozen=True)
class Question:
    """The game that is to be shared out.

    Attributes
    ----------
    network
        In float64.
    image
        (28, 28) in [0, 1].
    target
        The class.
    players
        (R, R): whether hiding the region changes the image.
    seed
        Of what is drawn at random.
    """

    network: Network
    image: Array
    target: int
    players: NDArray[np.bool_]
    seed: int


@dataclass(frozen=True)
class Baseline:
    """A way to approximate the values.

    Attributes
    ----------
    name
        What it is called.
    converges
        Whether it ends at the exact values with ever more evaluations.
    evaluations
        About how many evaluations it is asked with, one after another.
    approximate
        The values (R, R), and how many images were evaluated for them.
    checked
        Whether it is asked with as many evaluations as an error of ``ENOUGH`` should need.
    """

    name: str
    converges: bool
    evaluations: Sequence[int]
    approximate: Callable[[Question, int], tuple[Array, int]]
    checked: bool = True


@dataclass(frozen=True)
class Measured:
    """A baseline beside the exact values, on N images with K numbers of evaluations.

    Attributes
    ----------
    name, converges
        Of the baseline.
    evaluations
        (N, K): images that were evaluated.
    error, rank
        (N, K): the relative error, and the rank correlation.
    ms
        (N, K): milliseconds of the processor.
    """

    name: str
    converges: bool
    evaluations: Array
    error: Array
    rank: Array
    ms: Array

    def needed(self) -> tuple[int, bool] | None:
        """Evaluations with which the mean error is ``ENOUGH``, and whether they lie within those measured.

        Between two points, and beyond the last one of a baseline that converges, the error is a power of them. None
        where it does not get there.
        """
        evaluations, error = self.evaluations.mean(0), self.error.mean(0)
        below = np.flatnonzero(error < ENOUGH)
        if len(below):
            here = slice(max(below[0] - 1, 0), below[0] + 1)
            logs = np.interp(-np.log(ENOUGH), -np.log(error[here]), np.log(evaluations[here]))
            return round(float(np.exp(logs))), True
        if not self.converges:
            return None
        return round(float(evaluations[-1] * (error[-1] / ENOUGH) ** 2)), False


@dataclass(frozen=True)
class Check:
    """A baseline with as many evaluations as an error of ``ENOUGH`` should need, on the first images.

    Attributes
    ----------
    evaluations
        On the mean.
    error, expected
        The mean error on these images, and what follows for them from the last point.
    ms
        The median.
    """

    evaluations: float
    error: float
    expected: float
    ms: float


def chosen(images: int, count: int) -> IntArray:
    """(count,): the numbers of the images that are looked at; more are the same ones and others."""
    return np.random.default_rng(SEED).permutation(images)[:count]


def exact(checkpoint: Checkpoint, digits: Digits, which: IntArray, runs: Path) -> Array:
    """(N,): milliseconds of the processor for the exact values of all classes of each of these images."""
    kept, found = _kept(checkpoint, digits, runs), []

    def compute(image: Array) -> Arrays:
        network = checkpoint.precise
        shapley_values(network, image, REGION)
        calls, started = 0, time.process_time()
        while not calls or time.process_time() - started < TURN:
            shapley_values(network, image, REGION)
            calls += 1
        return {"ms": np.array([1000 * (time.process_time() - started) / calls])}

    for number in which.tolist():
        image = digits[number : number + 1].scaled(np.float64)[0]
        found.append(kept.get(f"exact-{number}", partial(compute, image))["ms"])
    return np.concatenate(found)


def study(
    checkpoint: Checkpoint,
    digits: Digits,
    which: IntArray,
    runs: Path,
    advance: Callable[[], None],
    baselines: Sequence[Baseline],
) -> list[Measured]:
    """Ask every baseline about every image.

    Parameters
    ----------
    checkpoint
        Computed with in float64.
    digits
        All test images.
    which
        (N,): the numbers of those that are looked at.
    runs
        Where finished parts are kept: an interrupted study goes on, and ends with the same numbers.
    advance
        Called after each image of each baseline.
    """
    kept, found = _kept(checkpoint, digits, runs), []
    for baseline in baselines:
        done = []
        for number in which.tolist():
            key = f"{slug(baseline.name)}-{number}-{'-'.join(map(str, baseline.evaluations))}"
            ask = partial(_part, checkpoint.precise, digits, number, baseline, baseline.evaluations)
            done.append(kept.get(key, ask))
            advance()
        arrays = {name: np.stack([part[name] for part in done]) for name in done[0]}
        found.append(Measured(baseline.name, baseline.converges, **arrays))
    return found


def check(
    checkpoint: Checkpoint,
    digits: Digits,
    which: IntArray,
    runs: Path,
    advance: Callable[[], None],
    baselines: Sequence[Baseline],
    measured: Sequence[Measured],
) -> dict[str, Check]:
    """Ask the baselines that converge, but not within what was measured, with as many evaluations as they need.

    Parameters are those of ``study``, and what it has found. ``advance`` is called after each of ``CHECKED`` images of
    each baseline, asked or not.
    """
    kept, found = _kept(checkpoint, digits, runs), {}
    for baseline, one in zip(baselines, measured, strict=True):
        needed, done = one.needed(), []
        for number in which[:CHECKED].tolist():
            if baseline.checked and needed is not None and not needed[1]:
                ask = partial(_part, checkpoint.precise, digits, number, baseline, needed[:1])
                done.append(kept.get(f"check-{slug(baseline.name)}-{number}-{needed[0]}", ask))
            advance()
        if done:
            part = {name: np.concatenate([each[name] for each in done]) for name in done[0]}
            last = one.error[:CHECKED, -1] * np.sqrt(one.evaluations[:CHECKED, -1] / part["evaluations"])
            found[one.name] = Check(
                evaluations=float(part["evaluations"].mean()),
                error=float(part["error"].mean()),
                expected=float(last.mean()),
                ms=float(np.median(part["ms"])),
            )
    return found


def document(
    checkpoint: Checkpoint,
    which: IntArray,
    ours: Array,
    measured: Sequence[Measured],
    checks: dict[str, Check],
    left_out: Sequence[str],
) -> dict[str, Any]:
    """What was found, for the study's JSON. Every pair of numbers is a mean and half of its 95 % interval."""
    return {
        "study": "shapley",
        "model": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "images": len(which),
        "seed": SEED,
        "region": REGION,
        "fill": 0,
        "left_out": list(left_out),
        "exact": {"ms": float(np.median(ours))},
        "baselines": {one.name: _entry(one, checks.get(one.name)) for one in measured},
    }


def _entry(one: Measured, checked: Check | None) -> dict[str, Any]:
    needed = one.needed()
    return {
        "converges": one.converges,
        "evaluations": one.evaluations.mean(0).tolist(),
        "error": [Estimate.of(values).document() for values in one.error.T],
        "rank_correlation": [Estimate.of(values).document() for values in one.rank.T],
        "ms": np.median(one.ms, axis=0).tolist(),
        "enough": None if needed is None else {"error": ENOUGH, "evaluations": needed[0], "within_measured": needed[1]},
        "checked": None if checked is None else {"images": CHECKED, **vars(checked)},
    }


def _part(network: Network, digits: Digits, number: int, baseline: Baseline, evaluations: Sequence[int]) -> Arrays:
    """The error, the rank correlation, the evaluations and the time with each number of evaluations: (K,) each."""
    image = digits[number : number + 1].scaled(np.float64)[0]
    values = shapley_values(network, image, REGION)
    players = Hiding(Regions(REGION)).changed(image).reshape(values.values.shape[1:])
    question = Question(network, image, values.predicted, players, number)
    true = values.of(values.predicted).values[players]
    baseline.approximate(question, baseline.evaluations[0])
    rows = []
    for count in evaluations:
        started = time.process_time()
        found, spent = baseline.approximate(question, count)
        ms = 1000 * (time.process_time() - started)
        error = np.abs(found[players] - true).mean() / np.abs(true).mean()
        rows.append((spent, error, spearman(found[players], true), ms))
    columns = np.array(rows, np.float64).T
    return dict(zip(("evaluations", "error", "rank", "ms"), np.ascontiguousarray(columns), strict=True))


def _kept(checkpoint: Checkpoint, digits: Digits, runs: Path) -> Parts:
    return Parts(runs / "studies", {"study": "shapley", "sha256": checkpoint.sha256, "images": digits.sha256})
