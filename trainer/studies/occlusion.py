"""What hiding one region does, over a whole data set (section 4): mean drops, critical regions, changed answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.data import Labelled
from konkyo.trainer.document import between, table
from konkyo.trainer.studies.study import Arrays, Asked, Compute, Study, chunks

REGIONS = (2, 4, 6, 8)
# Images a part.
CHUNK = 250


@dataclass(frozen=True)
class RegionStudy:
    """What hiding regions of one size does; they do not overlap, and the fill is 0.

    Attributes
    ----------
    region
        Side in pixels.
    side
        Of the images.
    predicted
        (C,): how many images are predicted as each class.
    drop
        (C, R, R): by how much hiding each region lowers the logit of the predicted class, on the mean over the images
        that are predicted as that class; 0 where there are none.
    critical
        (N,): how many regions of each image are critical, that is, change the answer when they alone are hidden.
    changes
        (C, C): how many hidings change the answer, from the row's class to the column's.
    """

    region: int
    side: int
    predicted: IntArray
    drop: Array
    critical: IntArray
    changes: IntArray

    @property
    def heatmap(self) -> Array:
        """(C, side, side): the mean drop of the region that covers each pixel."""
        return Regions(self.region, side=self.side).spread(self.drop)

    @property
    def images_changed(self) -> float:
        """Share of images whose answer at least one of the hidings changes."""
        return float((self.critical > 0).mean())

    @property
    def hidings_changed(self) -> float:
        """Share of all hidings, empty regions included, that change the answer."""
        return float(self.critical.sum() / (len(self.critical) * self.drop[0].size))

    def document(self) -> dict[str, Any]:
        """The numbers, as they stand in the study's JSON."""
        return {
            "grid": list(self.drop.shape[1:]),
            "critical": {
                "mean": float(self.critical.mean()),
                "median": float(np.median(self.critical)),
                "most": int(self.critical.max()),
                "images_without": float((self.critical == 0).mean()),
                "images_by_count": np.bincount(self.critical).tolist(),
            },
            "answer_changes": {
                "share_of_images": self.images_changed,
                "share_of_hidings": self.hidings_changed,
                "from_to": self.changes.tolist(),
            },
            "mean_drop": {str(number): drop.tolist() for number, drop in enumerate(self.drop)},
        }


def _parts(asked: Asked) -> dict[str, Compute]:
    network = asked.checkpoint.precise
    side = network.architecture.side
    return {
        f"{region}-{start}": partial(_part, network, some, Regions(region, side=side))
        for region in REGIONS
        if region <= side // 2
        for start, some in chunks(asked.labelled, CHUNK)
    }


def _part(network: Network, labelled: Labelled, regions: Regions) -> Arrays:
    result = occlude(network, labelled.scaled(np.float64), hiding=Hiding(regions))
    classes = len(network.classes)
    drop, changes = np.zeros((classes, *regions.grid)), np.zeros((classes, classes), np.int64)
    np.add.at(drop, result.predicted, result.drop)
    image, row, column = np.nonzero(result.critical)
    np.add.at(changes, (result.predicted[image], result.prediction[image, row, column]), 1)
    return {
        "region": np.array([regions.region]),
        "predicted": np.bincount(result.predicted, minlength=classes),
        "drop": drop,
        "critical": result.critical.sum((1, 2)),
        "changes": changes,
    }


def _gather(asked: Asked, done: Sequence[Arrays]) -> list[RegionStudy]:
    found = []
    for region, parts in groupby(done, lambda part: int(part["region"][0])):
        some = list(parts)
        predicted: IntArray = np.sum([part["predicted"] for part in some], axis=0)
        drop: Array = np.sum([part["drop"] for part in some], axis=0)
        found.append(
            RegionStudy(
                region,
                asked.labelled.side,
                predicted,
                drop / np.maximum(predicted, 1)[:, None, None],
                np.concatenate([part["critical"] for part in some]),
                np.sum([part["changes"] for part in some], axis=0),
            )
        )
    return found


def _summary(_: Asked, found: list[RegionStudy]) -> dict[str, Any]:
    return {
        "images": len(found[0].critical),
        "score": "logit of the predicted class",
        "fill": 0,
        "predicted_as": found[0].predicted.tolist(),
        "regions": {str(one.region): one.document() for one in found},
    }


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        (
            f"{region}×{region}",
            f"{one['grid'][0] * one['grid'][1]}",
            f"{one['critical']['mean']:.2f}",
            f"{one['answer_changes']['share_of_images']:.1%}",
            f"{one['answer_changes']['share_of_hidings']:.2%}",
        )
        for region, one in found["regions"].items()
    ]
    yield f"Each region of {found['images']:,} test images is hidden alone, by the value 0."
    yield ""
    head = "region", "regions", "critical, mean", "images whose answer changes", "hidings that change it"
    yield from table(head, rows)


def _row(found: Mapping[str, Any]) -> dict[str, str]:
    measured = found["regions"]
    changed = {region: one["answer_changes"]["share_of_images"] for region, one in measured.items()}
    names = {f"{region}×{region}": changed.get(str(region)) for region in REGIONS}
    return {
        "images": f"{found['images']:,}",
        **{
            f"answers that one region of {name} changes": "–" if share is None else f"{share:.1%}"
            for name, share in names.items()
        },
    }


def _answer(all_found: Sequence[Mapping[str, Any]]) -> str:
    least = str(REGIONS[0])
    shares = [one["regions"][least]["answer_changes"]["share_of_images"] for one in all_found]
    return f"Hiding one region of {least}×{least} pixels changes the answer for {between(shares, '.1%')} of the images."


STUDY = Study(
    name="occlusion",
    heading="What hiding a region does",
    about="Hide every region of every test image: what it costs, and how often the answer changes (section 4).",
    parts=_parts,
    gather=_gather,
    summary=_summary,
    told=_told,
    row=_row,
    answer=_answer,
    settings={"regions": REGIONS, "chunk": CHUNK},
    caption="What hiding a region does, on average",
)
