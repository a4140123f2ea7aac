"""Deletion and insertion curves: does what an explanation calls important matter to the network? (Petsiuk et al. 2018)

The pixels of an image are taken in the order of an explanation, the greatest value first and of equal ones the first
row by row, one at a time. *Deletion* sets them to 0, the background, in the whole image; *insertion* sets them to
their grey on an empty one. After each step the network reads the image. A curve is the score, against the share of
pixels taken, of the digit that is read in the whole image: its probability, or its logit. What is reported is the
area under the curve, of trapezoids over a base from 0 to 1. A faithful explanation has a low deletion curve, since the
first pixels it names are missed at once, and a high insertion curve, since they suffice.

On two bases:

- ``all``: all 784 pixels, as usual. Four fifths of them are background, and change nothing when they are taken, so most
  of this area is the score of the one image where the explanation goes from "for" to "against" through zeros.
- ``ink``: only the pixels that are not background already, 0 to 100 % of them. No plateau counts here.

One pixel at a time, deletion is also pixel flipping (Bach et al. 2015, with the background as what a pixel flips to):
the area over its curve, AOPC, is the score of the whole image minus the area under the deletion curve. Taken one at a
time there is no step size to choose; the answers change only with a pixel of ink, so some 150 images give the 785
points of a curve exactly.
"""

from dataclasses import dataclass

import numpy as np

from models.architecture import IMAGE_SIDE
from models.network import Array, IntArray
from models.occlusion import Score
from trainer.studies.stamps import Stamps

SCORES = tuple(Score)
BASES = ("all", "ink")
CURVES = ("deletion", "insertion")
# Points that are kept of a curve, for drawing: every 14th pixel of all, every 50th part of the ink.
POINTS = {"all": 57, "ink": 51}


@dataclass(frozen=True)
class Curves:
    """The answers along an explanation's order. n is the number of pixels that hold ink.

    Attributes
    ----------
    logits
        (2, n + 1, 10): after 0 to n pixels of ink have been deleted; inserted.
    taken
        (785,): how many pixels of ink are among the first 0 to 784 of the order.
    target
        Whose score is looked at.
    """

    logits: Array
    taken: IntArray
    target: int

    def scores(self, score: Score, base: str) -> Array:
        """(2, 785) for ``all``, (2, n + 1) for ``ink``: the curves of deletion and insertion."""
        scores: Array = score.of(self.logits)[..., self.target]
        return scores[:, self.taken] if base == "all" else scores

    def areas(self) -> Array:
        """(2, 2, 2): for each of ``SCORES``, ``BASES`` and ``CURVES``. Of an image without ink, its score."""
        return np.array([[_area(self.scores(score, base)) for base in BASES] for score in SCORES])

    def points(self, base: str) -> Array:
        """(2, ``POINTS[base]``): the curves of the probability at equal distances, between two steps on the line."""
        curves = self.scores(Score.PROBABILITY, base)
        wanted, steps = np.linspace(0, 1, POINTS[base]), np.linspace(0, 1, curves.shape[1])
        return np.array([np.interp(wanted, steps, curve) for curve in curves])


def curves(stamps: Stamps, attribution: Array, target: int) -> Curves:
    """Both curves of one image.

    Parameters
    ----------
    stamps
        The image's.
    attribution
        (28, 28): the explanation.
    target
        The digit that is read in the whole image.
    """
    order = np.argsort(-attribution.ravel(), kind="stable")
    entry = np.full(IMAGE_SIDE**2, -1)
    entry[stamps.places] = np.arange(len(stamps.places))
    inked = entry[order]
    inserted = np.zeros((len(stamps.places) + 1, *stamps.stamps.shape[1:]), stamps.stamps.dtype)
    np.cumsum(stamps.stamps[inked[inked >= 0]], axis=0, out=inserted[1:])
    logits = stamps.logits(np.stack([inserted[-1] - inserted, inserted]))
    return Curves(logits, np.concatenate([[0], np.cumsum(inked >= 0)]), target)


def _area(curves: Array) -> Array:
    """(2, steps + 1) → (2,): of trapezoids, over a base of 1."""
    if curves.shape[1] == 1:
        return curves[:, 0]
    area: Array = np.trapezoid(curves, axis=-1) / (curves.shape[1] - 1)
    return area
