"""Which explanation is faithful: all of them by the same criteria, on the same images.

The criteria are deletion and insertion curves under two replacements, and infidelity. Sensitivity and the agreement
with exact Shapley values are reported beside them. Rankings depend on such settings, so an explanation is called better
than another only if it is better by every criterion, beyond the 95 % interval of the difference on the same images.

The explanations of others come from Captum (``captum`` and ``baselines``). Quantus is not
used: its pixel flipping is one of these curves with a step size. ReX (PyPI's rex-xai 0.4.1) is not: it requires exactly
NumPy 1.26.4.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from konkyo.models import ties
from konkyo.models.architecture import Architecture
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.document import table
from konkyo.trainer.studies.faithfulness import criteria
from konkyo.trainer.studies.faithfulness.criteria import (
    BESIDE,
    CRITERIA,
    CURVES,
    REPLACEMENTS,
    SCORES,
    MeasuredExplanation,
    best,
    correlations,
    curves,
    layers_of,
    ranks,
    replacement,
)
from konkyo.trainer.studies.faithfulness.explanations import (
    DEFAULT,
    OPTIMISED,
    OURS,
    PLAIN,
    Explanation,
    Task,
    ours,
    sane,
)
from konkyo.trainer.studies.statistics import Estimate
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study, chunks, joined, slug

# Images a part.
CHUNK = 25
# The first images, on which sensitivity and the sanity check are measured, and how often the weights are drawn.
FIRST_IMAGES = 50
SANITY_SEEDS = 3
_WORDS = {"brightness": "brightness (the image itself)", "random": "a random order"}


@dataclass(frozen=True)
class FaithfulnessStudy:
    """All explanations, measured; for some of them the rank correlations (seeds, layers, N) of the sanity check."""

    measured: Sequence[MeasuredExplanation]
    checked: Mapping[str, Array]
    left_out: str | None


def explanations(architecture: Architecture) -> tuple[list[Explanation], str | None]:
    """Ours and Captum's, for a network, or ours and why Captum's are left out."""
    try:
        from konkyo.trainer.studies.faithfulness.baselines import PERTURBATIONS
        from konkyo.trainer.studies.faithfulness.captum import CAPTUM_METHODS
    except ModuleNotFoundError as error:
        missing = str(error.name).split(".")[0]
        if missing not in {"captum", "torch"}:
            raise
        left_out = f"Captum's explanations are left out: {missing} is not installed; pip install 'konkyo[dev]' has it"
        return ours(architecture), left_out
    return [*ours(architecture), *CAPTUM_METHODS, *PERTURBATIONS], None


def _parts(asked: Asked) -> dict[str, Compute]:
    shape = asked.checkpoint.network.architecture
    known, _ = explanations(shape)
    some = asked.digits[:FIRST_IMAGES]
    parts: dict[str, Compute] = {}
    for start, digits in chunks(asked.digits, CHUNK):
        given = cache(partial(Given.of, asked.checkpoint, digits, start))
        parts |= {f"{one.name}-{start}": partial(_part, one, given) for one in known}
    parts |= {f"sensitivity-{one.name}": partial(_sensitivity, one, asked.checkpoint, some) for one in known}
    checked = [one for one in known if one.name in sane(shape)]
    parts |= {f"sanity-{one.name}": partial(_sanity, one, asked.checkpoint, some) for one in checked}
    return parts


def _gather(asked: Asked, done: Sequence[Arrays]) -> FaithfulnessStudy:
    shape = asked.checkpoint.network.architecture
    known, left_out = explanations(shape)
    by_name = dict(zip(map(slug, _parts(asked)), done, strict=True))
    measured = []
    for one in known:
        parts = [by_name[slug(f"{one.name}-{start}")] for start, _ in chunks(asked.digits, CHUNK)]
        together = joined([{name: part[name] for name in ("areas", "infidelity", "agreement")} for part in parts])
        points = {base: np.sum([part[base] for part in parts], axis=0) / len(asked.digits) for base in REPLACEMENTS}
        moved = by_name[slug(f"sensitivity-{one.name}")]["sensitivity"]
        measured.append(MeasuredExplanation(one.name, one.kind, points=points, sensitivity=moved, **together))
    names = [one.name for one in known if one.name in sane(shape)]
    checked = {name: by_name[slug(f"sanity-{name}")]["correlations"] for name in names}
    return FaithfulnessStudy(measured, checked, left_out)


def _summary(asked: Asked, found: FaithfulnessStudy) -> dict[str, Any]:
    """Every pair of numbers is a mean and half of its 95 % interval over the images."""
    measured = found.measured
    by_criterion, layers = ranks(measured), list(layers_of(asked.checkpoint.network.architecture))
    return {
        "images": len(measured[0].areas),
        "default": DEFAULT,
        "best": best(measured).name,
        "left_out": found.left_out,
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
            for name, values in found.checked.items()
        },
    }


def _entries(one: MeasuredExplanation) -> Iterator[tuple[str, Any]]:
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
        (N, K, side, side): what is hidden for the infidelity.
    dropped
        (N, K): the drops of the logit.
    values
        (N, R, R): the exact Shapley values, of regions as large as the service takes them.
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
        hidden = np.array([criteria.squares(start + number, digits.side) for number in range(len(digits))])
        return cls(
            task,
            checkpoint.network,
            hidden,
            np.array([criteria.drops(task.network, *pair, some) for pair, some in zip(pairs, hidden, strict=True)]),
            np.array([shapley_values(task.network, image).of(target).values for image, target in pairs]),
        )


def _task(checkpoint: Checkpoint, digits: Digits, start: int) -> Task:
    images, network = digits.scaled(np.float64), checkpoint.precise
    return Task(network, images, ties.predicted(network.logits(images)), start)


def _part(explanation: Explanation, lazily: Callable[[], Given]) -> Arrays:
    given = lazily()
    heatmaps = explanation.heatmap(given.task)
    targets, region = given.task.target.tolist(), usual_side(given.network.architecture)
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
            [criteria.infidelity(*one) for one in zip(heatmaps, given.hidden, given.dropped, strict=True)]
        ),
        "agreement": np.array(
            [criteria.agreement(*one, region) for one in zip(heatmaps, given.values, given.task.images, strict=True)]
        ),
        **{base: np.sum([one.points() for one in drawn[base]], axis=0) for base in REPLACEMENTS},
    }


def _sensitivity(explanation: Explanation, checkpoint: Checkpoint, digits: Digits) -> Arrays:
    task = _task(checkpoint, digits, 0)

    def explain(images: Array) -> Array:
        return explanation.heatmap(Task(task.network, images, task.target, task.seed))

    return {"sensitivity": criteria.sensitivity(explain, task.images, task.seed)}


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    """Which rankings hold by every criterion, and a table of all."""
    listed: dict[str, dict[str, Any]] = found["explanations"]
    yield (
        f"The first {found['images']:,} test images, which are no random sample; sensitivity of the first "
        f"{FIRST_IMAGES}. Comparisons are not corrected for their number. Deletion and insertion: "
        "area under the curve of the probability; `background` replaces pixels by 0, `blurred` by the blurred image. "
        "Infidelity hides random squares, much as our occlusion does. Less is better, but for insertion and agreement, "
        "which is the rank correlation with our exact Shapley values. Means ± half of the 95 % interval over the "
        "images; in brackets the rank. The greedy order is made for the first two columns: it shows what they can "
        "reach, and is in no comparison."
    )
    yield ""
    judged = {name: one for name, one in listed.items() if one["kind"] != OPTIMISED}
    for plain in (name for name, one in judged.items() if one["kind"] == PLAIN):
        beaten_by = [name for name, one in judged.items() if plain in one["better_everywhere_than"]]
        yield f"- Better than {_WORDS.get(plain, plain)} by all five criteria: {_names(beaten_by)}."
        if not beaten_by:
            continue
        others = [name for name in judged if name not in (*beaten_by, plain)]
        yield f"- Not better than {_WORDS.get(plain, plain)} by all five: {_names(others)}."
    default = found["default"]
    for curve in CURVES if default in judged else ():
        columns = [f"{curve}, {base}" for base in REPLACEMENTS]
        better = [
            name
            for name, one in judged.items()
            if all(one["ranks"][each] < judged[default]["ranks"][each] for each in columns)
        ]
        yield f"- Before {default}, the service's default, by the mean {curve} of both kinds: {_names(better)}."
    for name, one in judged.items():
        others = [other for other in one["better_everywhere_than"] if other in judged]
        if others:
            yield f"- {name} is better by all five criteria than {_names(others)}."
    yield ""
    rows = []
    for name, one in sorted(listed.items(), key=lambda entry: sum(entry[1]["ranks"][each] for each in CRITERIA)):
        label = f"**{name}**" if one["kind"] == OURS else name
        rows.append((label, *(_cell(one, column) for column in (*CRITERIA, *BESIDE))))
    yield from table(("ours are bold", *CRITERIA, *BESIDE), rows)
    yield "Rank correlation with the explanation of the trained network, when layers are drawn anew from the top:"
    yield ""
    for name, one in found["sanity"].items():
        drawn = "; ".join(f"{layers} {two['rank_correlation'][0]:.2f}" for layers, two in one.items())
        yield f"- {name}: {drawn}."
    yield ""
    if found["left_out"] is not None:
        yield found["left_out"]


def _names(names: Sequence[str]) -> str:
    # Some names have commas.
    return "; ".join(names) or "none"


def _cell(one: dict[str, Any], column: str) -> str:
    if ", " in column:
        curve, base = column.split(", ")
        mean, half = one["probability"][base][curve]
    else:
        mean, half = one[column]
    return f"{mean:.3f} ± {half:.3f} ({one['ranks'][column]})"


def _sanity(explanation: Explanation, checkpoint: Checkpoint, digits: Digits) -> Arrays:
    task = _task(checkpoint, digits, 0)
    found = correlations(explanation, task.network, task.images, task.target, range(SANITY_SEEDS))
    return {"correlations": found}


STUDY = Study(
    name="faithfulness",
    heading="Which explanation is faithful",
    about="Measure which explanation is faithful, ours and Captum's, by five criteria.",
    parts=_parts,
    gather=_gather,
    summary=_summary,
    told=_told,
    caption="Deletion and insertion, and ranks by every criterion",
    images=200,
)
