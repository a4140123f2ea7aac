"""Occlusion: hide a region of the picture, look at the output (section 4, DESIGN 4)."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.architecture import IMAGE_SIDE
from models.checks import check_class, check_fill
from models.incremental import occluder
from models.network import Array, IntArray, Network, softmax
from models.regions import Regions


class Score(StrEnum):
    """What is compared before and after hiding: the target's logit or its probability."""

    LOGIT = "logit"
    PROBABILITY = "probability"

    def of(self, logits: Array) -> Array:
        """The scores (..., 10) of logits (..., 10)."""
        return softmax(logits) if self is Score.PROBABILITY else logits


@dataclass(frozen=True)
class Occlusion:
    """What hiding each region does. ``...`` is the shape of the batch, nothing for one picture.

    Attributes
    ----------
    regions
        What was hidden.
    fill
        With which grey.
    score
        What ``baseline`` and ``drop`` measure.
    target, predicted
        (...): the class that is explained, and the one that is read in the whole picture.
    baseline
        (...): the target's score for the whole picture.
    drop
        (..., R, R): ``baseline`` − the target's score with the region hidden. Above 0 the region speaks for the target.
        One value a region, overlaps are not averaged.
    prediction
        (..., R, R): the digit that is read with the region hidden.
    """

    regions: Regions
    fill: float
    score: Score
    target: IntArray
    predicted: IntArray
    baseline: Array
    drop: Array
    prediction: IntArray

    @property
    def critical(self) -> NDArray[np.bool_]:
        """(..., R, R): hiding the region changes the reading; the paper's important regions."""
        changed: NDArray[np.bool_] = self.prediction != self.predicted[..., None, None]
        return changed

    @property
    def order(self) -> IntArray:
        """(..., R²): the regions' numbers row by row, the greatest drop first, and of equal ones the first."""
        flat = self.drop.reshape(*self.drop.shape[:-2], -1)
        return np.argsort(-flat, axis=-1, kind="stable")

    def heatmap(self) -> Array:
        """(..., 28, 28): for each pixel the mean drop of the regions that hide it (Captum's rule)."""
        return self.regions.spread(self.drop)


def occlude(
    network: Network,
    images: Array,
    target: ArrayLike | None = None,
    regions: Regions = Regions(),
    fill: float = 0.0,
    score: Score = Score.LOGIT,
) -> Occlusion:
    """Hide each region in turn and read the picture again.

    Only what a hidden region can change is computed anew; the answer is that of reading every hidden picture whole, to
    rounding. A region that already has the fill value drops nothing, exactly.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    images
        (..., 28, 28) in [0, 1].
    target
        The class to explain, one for all or (...); None is the one that is read in each.
    regions
        What to hide.
    fill
        The grey that hides, 0…1; 0 is the background (the paper's).
    score
        What to compare.

    Raises
    ------
    ImageError
        Not 28×28, or not finite.
    ParameterError
        A target or fill out of range.
    """
    check_fill(fill)
    flat, batch = network.flatten(images)
    if target is not None:
        for value in np.unique(target):
            check_class("target", int(value))

    whole, hidden, _ = occluder(network, regions).logits(flat.reshape(-1, IMAGE_SIDE, IMAGE_SIDE), fill)
    predicted = whole.argmax(-1)
    explained = predicted if target is None else np.broadcast_to(np.asarray(target, np.intp), batch).ravel()
    pictures = np.arange(len(flat))
    before = score.of(whole)[pictures, explained]
    after = score.of(hidden)[pictures, :, explained]

    def batched(array: Any) -> Any:
        return array.reshape((*batch, *array.shape[1:]))

    def on_grid(array: Any) -> Any:
        return array.reshape((*batch, *regions.grid, *array.shape[2:]))

    return Occlusion(
        regions=regions,
        fill=fill,
        score=score,
        target=batched(explained),
        predicted=batched(predicted),
        baseline=batched(before),
        drop=on_grid(before[:, None] - after),
        prediction=on_grid(hidden.argmax(-1)),
    )
