"""How far what is used for Shapley values is from the exact ones.

The players are the regions that hold ink, as large as the service takes them: 4×4 pixels for the paper's network.
Hiding fills with 0, and the game is the logit of the predicted class. Each baseline is asked with more and more
evaluations of the network. Its error is the mean over the players of the absolute difference from the exact value,
divided by the mean absolute exact value; its rank correlation is Spearman's, over the players. Time is that of the
processor, for one image and one class.

Not all of them estimate these values: LIME's linear model, gradient SHAP's path and occlusion answer other questions,
and are here since they are used for this one. Those that estimate this game are said to converge.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.document import table
from konkyo.trainer.studies.statistics import Estimate, spearman
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study, joined

# Images that are looked at, and the seed of their draw.
IMAGES, SEED = 20, 0
EVALUATIONS = (50, 100, 200, 500, 1000, 2000, 5000)
# An error that is small enough.
ENOUGH = 0.02
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
        (…) in [0, 1], of the network's shape.
    target
        The class.
    region
        The side of the regions, in pixels.
    players
        (R, R): whether hiding the region changes the image.
    seed
        Of what is drawn at random.
    """

    network: Network
    image: Array
    target: int
    region: int
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
    """

    name: str
    converges: bool
    evaluations: Sequence[int]
    approximate: Callable[[Question, int], tuple[Array, int]]


@dataclass(frozen=True)
class MeasuredBaseline:
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

    def needed(self) -> int | None:
        """Evaluations with which the mean error is ``ENOUGH``; None where it is not reached within those measured.

        Between two points the error is a power of them.
        """
        evaluations, error = self.evaluations.mean(0), self.error.mean(0)
        below = np.flatnonzero(error < ENOUGH)
        if not len(below):
            return None
        here = slice(max(below[0] - 1, 0), below[0] + 1)
        logs = np.interp(-np.log(ENOUGH), -np.log(error[here]), np.log(evaluations[here]))
        return round(float(np.exp(logs)))


@dataclass(frozen=True)
class ShapleyStudy:
    """The times of the exact values, (N,) milliseconds for all classes; the baselines; and what is left out and why."""

    exact: Array
    baselines: Sequence[MeasuredBaseline]
    left_out: Sequence[str]


def baselines() -> tuple[Sequence[Baseline], list[str]]:
    """Captum's, as far as they can be asked here, and what is left out and why."""
    has = "pip install 'konkyo[dev]' has it"
    try:
        from konkyo.trainer.studies.faithfulness.baselines import BASELINES, FITTED
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing not in {"captum", "torch"}:
            raise
        return [], [f"Captum's methods are left out: {missing} is not installed; {has}"]
    if find_spec("sklearn") is not None:
        return BASELINES, []
    others = [one for one in BASELINES if not one.name.startswith(FITTED)]
    return others, [f"{' and '.join(FITTED)} are left out: scikit-learn is not installed; {has}"]


def chosen(images: int, count: int) -> IntArray:
    """(count,): the numbers of the images that are looked at; more are the same ones and others."""
    return np.random.default_rng(SEED).permutation(images)[:count]


def _parts(asked: Asked) -> dict[str, Compute]:
    which = chosen(len(asked.digits), IMAGES)
    images = {int(number): asked.digits[number : number + 1].scaled(np.float64)[0] for number in which}
    network = asked.checkpoint.precise
    parts: dict[str, Compute] = {f"exact-{number}": partial(_timed, network, one) for number, one in images.items()}
    for baseline in baselines()[0]:
        for number, one in images.items():
            parts[f"{baseline.name}-{number}"] = partial(_part, network, one, number, baseline)
    return parts


def _timed(network: Network, image: Array) -> Arrays:
    region = usual_side(network.architecture)
    shapley_values(network, image, region)
    calls, started = 0, time.process_time()
    while not calls or time.process_time() - started < TURN:
        shapley_values(network, image, region)
        calls += 1
    return {"ms": np.array([1000 * (time.process_time() - started) / calls])}


def _part(network: Network, image: Array, number: int, baseline: Baseline) -> Arrays:
    """The error, the rank correlation, the evaluations and the time with each number of evaluations: (1, K) each."""
    region = usual_side(network.architecture)
    values = shapley_values(network, image, region)
    players = Hiding(Regions(region, side=network.architecture.side)).changed(image).reshape(values.values.shape[1:])
    question = Question(network, image, values.predicted, region, players, number)
    true = values.of(values.predicted).values[players]
    baseline.approximate(question, baseline.evaluations[0])
    rows = []
    for count in baseline.evaluations:
        started = time.process_time()
        found, spent = baseline.approximate(question, count)
        ms = 1000 * (time.process_time() - started)
        error = np.abs(found[players] - true).mean() / np.abs(true).mean()
        rows.append((spent, error, spearman(found[players], true), ms))
    columns = np.array(rows, np.float64).T[:, None]
    return dict(zip(("evaluations", "error", "rank", "ms"), columns, strict=True))


def _gather(asked: Asked, done: Sequence[Arrays]) -> ShapleyStudy:
    known, left_out = baselines()
    images = min(IMAGES, len(asked.digits))
    parts = [joined(done[start : start + images]) for start in range(0, len(done), images)]
    measured = [MeasuredBaseline(one.name, one.converges, **part) for one, part in zip(known, parts[1:], strict=True)]
    return ShapleyStudy(parts[0]["ms"], measured, left_out)


def _summary(asked: Asked, found: ShapleyStudy) -> dict[str, Any]:
    """Every pair of numbers is a mean and half of its 95 % interval over the images."""
    return {
        "images": len(found.exact),
        "seed": SEED,
        "region": usual_side(asked.checkpoint.network.architecture),
        "fill": 0,
        "left_out": list(found.left_out),
        "exact": {"ms": float(np.median(found.exact))},
        "baselines": {
            one.name: {
                "converges": one.converges,
                "evaluations": one.evaluations.mean(0).tolist(),
                "error": [Estimate.of(values).document() for values in one.error.T],
                "rank_correlation": [Estimate.of(values).document() for values in one.rank.T],
                "ms": np.median(one.ms, axis=0).tolist(),
                "enough": one.needed(),
            }
            for one in found.baselines
        },
    }


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    """How far each is from the exact values with the most evaluations that it was asked with."""
    yield (
        f"Against the exact values of {found['images']} test images (seed {found['seed']}), in regions of "
        f"{found['region']}×{found['region']} pixels, which take "
        f"{found['exact']['ms']:.1f} ms for all classes. Error: the mean absolute error over the regions with ink "
        "by the mean absolute value, with half of its 95 % interval. Time is that of the processor, for one image and "
        "one class. Told the players: without the regions that hold no ink. Those that estimate these values are bold; "
        "the others answer other questions, and are often taken for this one."
    )
    yield ""
    rows = []
    for name, one in found["baselines"].items():
        (error, half), (rank, _) = one["error"][-1], one["rank_correlation"][-1]
        most = f"{one['evaluations'][-1]:,.0f}"
        enough = f"more than {most}" if one["converges"] else "–"
        first = round(one["evaluations"][0])
        rows.append(
            (
                f"**{name}**" if one["converges"] else name,
                most,
                f"{error:.1%} ± {100 * half:.1f}",
                f"{rank:.3f}",
                f"{one['ms'][-1]:,.0f}",
                enough if one["enough"] is None else f"{'at most ' * (one['enough'] <= first)}{one['enough']:,}",
            )
        )
    head = "Captum's", "evaluations", "error", "rank correlation", "ms", f"evaluations for {ENOUGH:.0%}"
    yield from table(head, rows)
    for line in found["left_out"]:
        yield from (line + ".", "")


STUDY = Study(
    name="shapley",
    heading="How far what is used for Shapley values is from the exact ones",
    about=f"Measure how far Captum's methods that are used for Shapley values are from the exact ones, on {IMAGES} "
    "test images, drawn at random.",
    parts=_parts,
    gather=_gather,
    summary=_summary,
    told=_told,
    caption="Shapley values, exact and sampled",
)
