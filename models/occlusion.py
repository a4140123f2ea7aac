"""Occlusion: hide a region of the picture, look at the output (section 4, DESIGN 4)."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.architecture import CLASSES, IMAGE_SIDE
from models.contributions import check_class
from models.errors import ImageError, ParameterError
from models.network import Array, IntArray, Network, softmax

MAX_REGION = IMAGE_SIDE // 2


class Score(StrEnum):
    """What is compared before and after hiding: the target's logit or its probability."""

    LOGIT = "logit"
    PROBABILITY = "probability"


@dataclass(frozen=True)
class Regions:
    """The squares that are hidden one at a time, as an R×C grid.

    They start at 0, stride, 2·stride, … until the picture is covered; one that reaches past the edge is clipped, so
    every pixel is hidden at least once (Captum's rule).

    Parameters
    ----------
    region
        Side in pixels, 1…14. The paper's is 2: 14×14 regions.
    stride
        From one region's corner to the next, 1…region. None is ``region``: no overlap.

    Raises
    ------
    ParameterError
        Out of range.
    """

    region: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.region <= MAX_REGION:
            raise ParameterError("region", f"must be from 1 to {MAX_REGION} pixels, not {self.region}")
        if self.stride is not None and not 1 <= self.stride <= self.region:
            raise ParameterError(
                "stride",
                f"must be from 1 to the region's {self.region}, so that no pixel is skipped, not {self.stride}",
            )

    @property
    def step(self) -> int:
        """The stride in pixels, with its default filled in."""
        return self.stride or self.region

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self._starts), len(self._starts)

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of a region in pixels, right and bottom excluded, clipped to the picture."""
        left, top = self._starts[column], self._starts[row]
        return left, top, min(left + self.region, IMAGE_SIDE), min(top + self.region, IMAGE_SIDE)

    @cached_property
    def covers(self) -> NDArray[np.bool_]:
        """(R, 28): which pixel rows each row of regions hides; the same holds for columns."""
        offset = np.arange(IMAGE_SIDE) - np.array(self._starts)[:, None]
        inside: NDArray[np.bool_] = (offset >= 0) & (offset < self.region)
        return inside

    @cached_property
    def masks(self) -> NDArray[np.bool_]:
        """(R, C, 28, 28): the pixels that each region hides."""
        return self.covers[:, None, :, None] & self.covers[None, :, None, :]

    @cached_property
    def _starts(self) -> range:
        return range(0, IMAGE_SIDE - self.region + self.step, self.step)


@dataclass(frozen=True)
class Occlusion:
    """What hiding each region does.

    Attributes
    ----------
    regions
        What was hidden.
    target, predicted
        The class that is explained, and the one that is read in the whole picture.
    score
        What ``baseline`` and ``drop`` measure.
    baseline
        The target's score for the whole picture.
    drop
        (R, C): ``baseline`` − the target's score with the region hidden. Above 0 the region speaks for the target.
        One value a region, overlaps are not averaged.
    prediction
        (R, C): the digit that is read with the region hidden.
    """

    regions: Regions
    target: int
    predicted: int
    score: Score
    baseline: float
    drop: Array
    prediction: IntArray

    @property
    def critical(self) -> NDArray[np.bool_]:
        """(R, C): hiding the region changes the reading; the paper's important regions."""
        changed: NDArray[np.bool_] = self.prediction != self.predicted
        return changed

    def heatmap(self) -> Array:
        """(28, 28): for each pixel the mean drop of the regions that hide it (Captum's rule)."""
        covers = self.regions.covers.astype(self.drop.dtype)
        counts = covers.sum(0)
        heat: Array = covers.T @ self.drop @ covers / np.outer(counts, counts)
        return heat


def occlude(
    network: Network,
    image: Array,
    target: int | None = None,
    regions: Regions = Regions(),
    fill: float = 0.0,
    score: Score = Score.LOGIT,
) -> Occlusion:
    """Hide each region in turn and read the whole picture again: exact by construction.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image
        (28, 28) in [0, 1].
    target
        The class to explain; None is the one that is read.
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
    if np.ndim(image) != 2:
        raise ImageError(f"one picture at a time; got an array of shape {np.shape(image)}")
    if not 0 <= fill <= 1:
        raise ParameterError("fill", f"must be from 0 to 1, not {fill}")
    if target is not None:
        check_class("target", target)

    whole = network.logits(image)
    # A region that already has the fill value changes nothing, not even the rounding.
    changes = (regions.masks & (image != fill)).any((-2, -1))
    hidden = np.broadcast_to(whole, (*regions.grid, CLASSES)).copy()
    hidden[changes] = network.logits(np.where(regions.masks[changes], network.dtype.type(fill), image))
    predicted = int(whole.argmax())
    explained = predicted if target is None else target
    before, after = _scores(whole, score)[explained], _scores(hidden, score)[..., explained]
    return Occlusion(regions, explained, predicted, score, float(before), before - after, hidden.argmax(-1))


def _scores(logits: Array, score: Score) -> NDArray[np.floating[Any]]:
    return softmax(logits) if score is Score.PROBABILITY else logits
