"""What hiding one region does, over a whole data set (section 4): mean drops, critical regions, changed answers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.data import Digits
from konkyo.trainer.studies.parts import Arrays, Parts

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
    predicted: IntArray
    drop: Array
    critical: IntArray
    changes: IntArray

    @property
    def heatmap(self) -> Array:
        """(C, 28, 28): the mean drop of the region that covers each pixel."""
        return Regions(self.region).spread(self.drop)

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


def study(
    checkpoint: Checkpoint, digits: Digits, runs: Path, advance: Callable[[], None], regions: tuple[int, ...] = REGIONS
) -> list[RegionStudy]:
    """Hide every region of every size in every image, alone.

    Parameters
    ----------
    checkpoint
        Computed with in float64.
    digits
        The test images. Part of them is told from all by their number.
    runs
        Where finished parts are kept: an interrupted study goes on, and ends with the same numbers.
    advance
        Called after each of ``parts(digits, regions)`` parts.
    """
    kept = Parts(runs / "studies", {"study": "occlusion", "sha256": checkpoint.sha256})
    found = []
    for region in regions:
        done = []
        for start in range(0, len(digits), CHUNK):
            some = digits[start : start + CHUNK]
            key = f"{region}-{start}-{some.sha256[:12]}"
            done.append(kept.get(key, partial(_part, checkpoint.precise, some, Regions(region))))
            advance()
        found.append(_together(region, done))
    return found


def parts(digits: Digits, regions: tuple[int, ...] = REGIONS) -> int:
    """How many parts the study has."""
    return len(regions) * -(-len(digits) // CHUNK)


def document(checkpoint: Checkpoint, found: list[RegionStudy]) -> dict[str, Any]:
    """What was found, for the study's JSON."""
    return {
        "study": "occlusion",
        "model": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "images": len(found[0].critical),
        "score": "logit of the predicted class",
        "fill": 0,
        "predicted_as": found[0].predicted.tolist(),
        "regions": {str(one.region): one.document() for one in found},
    }


def _part(network: Network, digits: Digits, regions: Regions) -> Arrays:
    result = occlude(network, digits.scaled(np.float64), hiding=Hiding(regions))
    classes = len(network.classes)
    drop, changes = np.zeros((classes, *regions.grid)), np.zeros((classes, classes), np.int64)
    np.add.at(drop, result.predicted, result.drop)
    image, row, column = np.nonzero(result.critical)
    np.add.at(changes, (result.predicted[image], result.prediction[image, row, column]), 1)
    return {
        "predicted": np.bincount(result.predicted, minlength=classes),
        "drop": drop,
        "critical": result.critical.sum((1, 2)),
        "changes": changes,
    }


def _together(region: int, done: list[Arrays]) -> RegionStudy:
    predicted: IntArray = np.sum([part["predicted"] for part in done], axis=0)
    drop: Array = np.sum([part["drop"] for part in done], axis=0)
    return RegionStudy(
        region,
        predicted,
        drop / np.maximum(predicted, 1)[:, None, None],
        np.concatenate([part["critical"] for part in done]),
        np.sum([part["changes"] for part in done], axis=0),
    )
