"""Deletion and insertion curves: do the pixels that an explanation calls important matter? (Petsiuk et al. 2018)

The pixels of an image are taken in the order of an explanation, one at a time, the greatest value first and of equal
ones the first row by row. *Deletion* replaces them in the whole image; *insertion* puts them into an image in which all
are replaced. After each step the network predicts. A curve is the score of the class that is predicted for the whole
image, its probability or its logit, against the share of pixels taken. The result is the area under the curve. A
faithful explanation has a low deletion curve and a high insertion curve.

Two replacements: ``background`` is 0, and ``blurred`` is the image itself, blurred. Rankings depend on it, so both are
measured. Only the pixels that the replacement changes are taken: others would add constant parts to the curve.

One pixel at a time, deletion is also pixel flipping (Bach et al. 2015).
"""

from dataclasses import dataclass

import numpy as np

from konkyo.models.hiding.occlusion import Score
from konkyo.models.network import Array, Network

SCORES = tuple(Score)
REPLACEMENTS = ("background", "blurred")
CURVES = ("deletion", "insertion")
# Points that are kept of a curve, for drawing: every 50th part.
POINTS = 51
# Steps that are predicted at once.
BATCH = 128
# Standard deviation of the blur in pixels. Of a digit, whose strokes are 2 to 4 pixels wide, a cloud remains.
BLUR = 4.0


@dataclass(frozen=True)
class Curves:
    """The predictions along an explanation's order. n is the number of pixels that are taken.

    Attributes
    ----------
    logits
        (2, n + 1, C): after 0 to n pixels have been deleted; inserted.
    target
        The class whose score is looked at.
    """

    logits: Array
    target: int

    def scores(self, score: Score) -> Array:
        """(2, n + 1): the curves of deletion and insertion."""
        scores: Array = score.of(self.logits)[..., self.target]
        return scores

    def areas(self) -> Array:
        """(2, 2): for each of ``SCORES`` and ``CURVES``. Of an image without such pixels, its score."""
        return np.array([_area(self.scores(score)) for score in SCORES])

    def points(self) -> Array:
        """(2, ``POINTS``): the curves of the probability at equal distances, between two steps on the line."""
        curves = self.scores(Score.PROBABILITY)
        wanted, steps = np.linspace(0, 1, POINTS), np.linspace(0, 1, curves.shape[1])
        return np.array([np.interp(wanted, steps, curve) for curve in curves])


def curves(network: Network, image: Array, other: Array, attribution: Array, target: int) -> Curves:
    """Both curves of one image.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image, other
        What is replaced, and by what; of the network's shape.
    attribution
        (side, side): the explanation. In colour all channels of a pixel are replaced together.
    target
        The class that is predicted for the whole image.
    """
    shape = network.architecture
    pixels, others = (each.astype(network.dtype).reshape(shape.channels, -1) for each in (image, other))
    places = np.flatnonzero((pixels != others).any(0))
    order = places[np.argsort(-attribution.ravel()[places], kind="stable")]
    turn = np.full(shape.side**2, len(order))
    turn[order] = np.arange(len(order))
    logits = []
    for start in range(0, len(order) + 1, BATCH):
        steps = np.arange(start, min(start + BATCH, len(order) + 1))
        taken = (turn < steps[:, None])[:, None]
        both = np.stack([np.where(taken, others, pixels), np.where(taken, pixels, others)])
        logits.append(network.logits(both.reshape(2, len(steps), *shape.image_shape)))
    return Curves(np.concatenate(logits, axis=1), target)


def replacement(name: str, image: Array) -> Array:
    """What the pixels of an image are replaced by."""
    return np.zeros_like(image) if name == "background" else blurred(image)


def blurred(image: Array) -> Array:
    """The image (…, side, side) under a Gaussian of ``BLUR`` pixels. Beyond the edge is background."""
    pixels = np.arange(image.shape[-1])
    distance = np.subtract.outer(pixels, pixels)
    kernel = np.exp(-(distance**2) / (2 * BLUR**2)) / (BLUR * np.sqrt(2 * np.pi))
    found: Array = kernel @ image @ kernel.T
    return found


def _area(curves: Array) -> Array:
    """(2, steps + 1) → (2,): of trapezoids, over a base of 1."""
    if curves.shape[1] == 1:
        return curves[:, 0]
    area: Array = np.trapezoid(curves, axis=-1) / (curves.shape[1] - 1)
    return area
