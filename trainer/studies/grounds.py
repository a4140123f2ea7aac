"""On how many regions predictions rest, over a whole data set: sufficient sets and fewest contrasts.

The grounds of every image are proven as the service proves them: with the same regions (4×4 for the paper's network),
fill 0 and the same budget. Asked besides: does the number of regions that change the class warn of a wrong prediction,
as the softmax probability does?
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError
from konkyo.models.grounds.proofs import Status, grounds
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, IntArray, Network, softmax
from konkyo.trainer.data import Labelled
from konkyo.trainer.document import between, table
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study, chunks, joined

# Images a part.
CHUNK = 100
# What became of the question: a set with its status, or more work than the budget.
OUTCOMES = (*(str(status) for status in Status), "over budget")
OVER_BUDGET = OUTCOMES.index("over budget")
# Stands for a number of regions where there is no answer.
UNKNOWN = -1


@dataclass(frozen=True)
class GroundsStudy:
    """The grounds of N images.

    Attributes
    ----------
    label, predicted
        (N,): the class that an image shows, and the one that is predicted.
    probability
        (N,): the softmax probability of the predicted class.
    players
        (N,): how many regions hiding changes.
    outcome
        (N,): an index into ``OUTCOMES``.
    sufficient
        (N,): how many regions the sufficient set has; ``UNKNOWN`` without an answer.
    fewest
        (N,): the fewest regions whose hiding changes the class; 0 where none do, ``UNKNOWN`` without an answer.
    becomes
        (N,): what is predicted then; ``UNKNOWN`` where nothing changes it, or without an answer.
    """

    label: IntArray
    predicted: IntArray
    probability: Array
    players: IntArray
    outcome: IntArray
    sufficient: IntArray
    fewest: IntArray
    becomes: IntArray

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, which: NDArray[np.bool_]) -> "GroundsStudy":
        return GroundsStudy(**{name: values[which] for name, values in vars(self).items()})

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,): whether the prediction is right."""
        right: NDArray[np.bool_] = self.predicted == self.label
        return right

    @property
    def answered(self) -> NDArray[np.bool_]:
        """(N,): whether there are grounds."""
        answered: NDArray[np.bool_] = self.sufficient != UNKNOWN
        return answered

    def groups(self, classes: int) -> Iterator[tuple[str, "GroundsStudy"]]:
        """All images, those that are predicted right and wrong, and those of each predicted class."""
        yield "all", self
        yield "right", self[self.right]
        yield "wrong", self[~self.right]
        for number in range(classes):
            yield str(number), self[self.predicted == number]

    def warnings(self) -> dict[str, Array]:
        """For the images with an answer, numbers that ought to be greater where the prediction is wrong: (n,) each.

        An image whose class nothing changes stands behind all others.
        """
        some = self[self.answered]
        regions = np.where(some.fewest == 0, some.players + 1, some.fewest)
        return {"fewest regions": -regions.astype(np.float64), "softmax probability": -some.probability}

    def document(self) -> dict[str, Any]:
        """The numbers of a group, as they stand in the study's JSON; null where there is nothing to take a mean of."""
        some = self[self.answered]
        changed = some.fewest[some.fewest > 0]
        return {
            "images": len(self),
            "outcomes": {name: int((self.outcome == number).sum()) for number, name in enumerate(OUTCOMES)},
            "players": _spread(self.players),
            "sufficient": {**_spread(some.sufficient), "share_empty": _share(some.sufficient == 0)},
            "contrast": {
                **_spread(changed),
                "share_none": _share(some.fewest == 0),
                "share_single": _share(some.fewest == 1),
            },
        }


def _parts(asked: Asked) -> dict[str, Compute]:
    network = asked.checkpoint.precise
    return {f"{start}": partial(_part, network, some) for start, some in chunks(asked.labelled, CHUNK)}


def _part(network: Network, labelled: Labelled) -> Arrays:
    images = labelled.scaled(np.float64)
    logits = network.logits(images)
    answers = np.array([_counts(network, image) for image in images])
    names = "players", "outcome", "sufficient", "fewest", "becomes"
    return {
        "label": labelled.labels.astype(np.intp),
        "predicted": ties.predicted(logits),
        "probability": softmax(logits).max(-1),
        **dict(zip(names, answers.T, strict=True)),
    }


def _counts(network: Network, image: Array) -> tuple[int, int, int, int, int]:
    """Players, outcome, size of the sufficient set, fewest regions, and the class that these change it to."""
    players = int(Hiding(regions_of(network.architecture)).changed(image).sum())
    try:
        found = grounds(network, image)
    except BudgetError:
        return players, OVER_BUDGET, UNKNOWN, UNKNOWN, UNKNOWN
    outcome, contrast = OUTCOMES.index(found.sufficient.status), found.contrast
    changed = (0, UNKNOWN) if contrast is None else (len(contrast.regions), contrast.predicted)
    return players, outcome, len(found.sufficient.regions), *changed


def regions_of(architecture: Architecture) -> Regions:
    """The regions of which grounds are made where nobody says others: 4×4 for the paper's network."""
    return Regions(usual_side(architecture, proofs=True), side=architecture.side)


def _gather(_: Asked, done: Sequence[Arrays]) -> GroundsStudy:
    return GroundsStudy(**joined(done))


def _summary(asked: Asked, found: GroundsStudy) -> dict[str, Any]:
    answered = found[found.answered]
    classes = len(asked.checkpoint.network.classes)
    changes = np.zeros((classes, classes), np.int64)
    changed = answered.fewest > 0
    np.add.at(changes, (answered.predicted[changed], answered.becomes[changed]), 1)
    return {
        "images": len(found),
        "region": regions_of(asked.checkpoint.network.architecture).region,
        "fill": 0,
        "groups": {name: group.document() for name, group in found.groups(classes)},
        "changes_from_to": changes.tolist(),
        "auroc_of_wrong": {name: auroc(values, ~answered.right) for name, values in found.warnings().items()},
    }


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    everyone, region = found["groups"]["all"], found["region"]
    outcomes = everyone["outcomes"]
    yield (
        f"Of {found['images']:,} test images in regions of {region}×{region}, {outcomes['smallest']:,} have a set that "
        f"is proven to be smallest; {outcomes['irreducible']:,} have one that suffices, as is proven, and from which "
        f"no region can be taken, but perhaps there is a smaller one; and {outcomes['over budget']:,} took more work "
        "than the budget."
    )
    yield ""
    fewest, softmax = (found["auroc_of_wrong"][name] for name in ("fewest regions", "softmax probability"))
    if fewest is not None and softmax is not None:
        yield (
            "As a warning of a wrong prediction, the fewest regions whose hiding changes it have an area under the ROC "
            f"curve of {fewest:.3f}, the softmax probability one of {softmax:.3f}."
        )
        yield ""
    rows = []
    for name, one in found["groups"].items():
        sufficient, contrast, outcomes = one["sufficient"], one["contrast"], one["outcomes"]
        if sufficient["mean"] is None or contrast["mean"] is None:
            continue
        rows.append(
            (
                name if name == "all" else f"predicted {name}",
                f"{one['images']:,}",
                f"{sufficient['mean']:.2f}",
                f"{sufficient['most']}",
                f"{sufficient['share_empty']:.1%}",
                f"{outcomes['smallest'] / one['images']:.1%}",
                f"{outcomes['over budget']}",
                f"{contrast['mean']:.2f}",
                f"{contrast['most']}",
                f"{contrast['share_single']:.1%}",
            )
        )
    head = "", "images", "suffice, mean", "most", "none needed", "proven smallest", "over budget"
    yield from table((*head, "fewest that change it, mean", "most", "a single one does"), rows)


def _row(found: Mapping[str, Any]) -> dict[str, str]:
    everyone, area = found["groups"]["all"], found["auroc_of_wrong"]
    known = everyone["sufficient"]["mean"] is not None
    outcomes, images = everyone["outcomes"], everyone["images"]
    single = everyone["contrast"]["share_single"]
    return {
        "images": f"{images:,}",
        "regions": f"{found['region']}×{found['region']}",
        "suffice, mean": f"{everyone['sufficient']['mean']:.2f}" if known else "–",
        "proven smallest": f"{outcomes['smallest'] / images:.1%}",
        "over budget": f"{outcomes['over budget']}",
        "change it, mean of the fewest": "–"
        if everyone["contrast"]["mean"] is None
        else f"{everyone['contrast']['mean']:.2f}",
        "a single one does": "–" if single is None else f"{single:.1%}",
        **{
            f"area under the ROC curve of errors, {name}": "–" if one is None else f"{one:.3f}"
            for name, one in area.items()
        },
    }


def _answer(all_found: Sequence[Mapping[str, Any]]) -> str:
    groups = [one["groups"]["all"] for one in all_found]
    suffice, change = (
        between([one[kind]["mean"] for one in groups if one[kind]["mean"] is not None], ".1f")
        for kind in ("sufficient", "contrast")
    )
    return f"Regions that prove a prediction: {suffice} on the mean. The fewest that change it: {change}."


def auroc(warning: Array, wrong: NDArray[np.bool_]) -> float | None:
    """The share of pairs, a wrong and a right prediction, of which the wrong one has the greater number; a tie is half.

    The area under the ROC curve, from Mann and Whitney's U. None where there are no such pairs.
    """
    # SciPy is imported where it is used: the command line starts without it.
    from scipy import stats

    positives, negatives = warning[wrong], warning[~wrong]
    if not len(positives) or not len(negatives):
        return None
    # The p-value, which is not looked at, is not exact.
    statistic = stats.mannwhitneyu(positives, negatives, method="asymptotic").statistic
    return float(statistic / (len(positives) * len(negatives)))


def _spread(values: IntArray) -> dict[str, Any]:
    """The mean, the median and the most, and how many there are of each number from 0 on."""
    if not len(values):
        return {"mean": None, "median": None, "most": None, "images_by_count": []}
    return {
        "mean": float(values.mean()),
        "median": float(np.median(values)),
        "most": int(values.max()),
        "images_by_count": np.bincount(values).tolist(),
    }


def _share(which: NDArray[np.bool_]) -> float | None:
    return float(which.mean()) if len(which) else None


STUDY = Study(
    name="grounds",
    heading="On how many regions a prediction rests",
    about="Prove the grounds of every test image: how many regions suffice for its class, and how few change it.",
    parts=_parts,
    gather=_gather,
    summary=_summary,
    told=_told,
    row=_row,
    answer=_answer,
    settings={"chunk": CHUNK},
    caption="On how many regions a prediction rests",
)
