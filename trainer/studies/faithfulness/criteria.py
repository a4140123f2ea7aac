"""How an explanation is judged: deletion and insertion, infidelity and more; and when one is better than another.

*Deletion and insertion* (Petsiuk et al. 2018): do the pixels that an explanation calls important matter?

The pixels of an image are taken in the order of an explanation, one at a time, the greatest value first and of equal
ones the first row by row. *Deletion* replaces them in the whole image; *insertion* puts them into an image in which all
are replaced. After each step the network predicts. A curve is the score of the class that is predicted for the whole
image, its probability or its logit, against the share of pixels taken. The result is the area under the curve. A
faithful explanation has a low deletion curve and a high insertion curve.

Two replacements: ``background`` is 0, and ``blurred`` is the image itself, blurred. Rankings depend on it, so both are
measured. Only the pixels that the replacement changes are taken: others would add constant parts to the curve.

One pixel at a time, deletion is also pixel flipping (Bach et al. 2015).

*Infidelity* (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations", definition 2.1): squares of random
sizes and places are hidden, and the sum of the explanation over the hidden pixels is compared with the drop of the
logit. The explanation is scaled by the best factor first, as its units are free. The result is the mean squared
difference divided by the mean squared drop: 0 is exact, 1 is no better than zeros.

*Sensitivity* (definition 3.1): how far the explanation moves, at the most, when the ink changes a little. A low one
is necessary for trust and proves nothing: a constant map has 0.

*Agreement*: the rank correlation with the exact Shapley values, over the regions that hold ink.

*Sanity* (Adebayo et al. 2018): does it depend on what was learnt? Layer by layer the weights are drawn anew.

From the top: first the affine layer of the classes, then the layer before it as well, and so on, each drawn as before
training. An explanation of the network, for the class that was predicted before, must then have little to do with the
original one. What is compared is their rank correlation over the pixels of ink; background would agree by itself. A
heatmap that is the same everywhere has no order, and counts as a correlation of 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.hiding.occlusion import Score
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.studies.faithfulness.explanations import OURS, Explanation, Task, ink
from konkyo.trainer.studies.statistics import Estimate, spearman
from konkyo.trainer.studies.study import sums_of_regions

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


# Hidings for each image, and the least side of their squares in pixels; the greatest is half the image's.
HIDINGS = 200
LEAST = 3
# Changed images for each image, and by how much each pixel of ink changes at the most.
CHANGES = 4
RADIUS = 0.1


def squares(seed: int, side: int) -> NDArray[np.bool_]:
    """(``HIDINGS``, side, side): the pixels of random squares that lie within the image."""
    rng = np.random.default_rng((seed, HIDINGS))
    sides = rng.integers(LEAST, side // 2 + 1, HIDINGS)
    top, left = (rng.integers(0, side - sides + 1) for _ in range(2))
    line = np.arange(side)
    rows, columns = ((line >= start[:, None]) & (line < (start + sides)[:, None]) for start in (top, left))
    inside: NDArray[np.bool_] = rows[:, :, None] & columns[:, None, :]
    return inside


def drops(network: Network, image: Array, target: int, hidden: NDArray[np.bool_]) -> Array:
    """(K,): by how much each hiding (K, side, side) lowers the logit of the target."""
    shown = hidden if image.ndim == 2 else hidden[:, None]
    dropped: Array = network.logits(image)[target] - network.logits(np.where(shown, 0, image))[:, target]
    return dropped


def infidelity(attribution: Array, hidden: NDArray[np.bool_], dropped: Array) -> float:
    """Of one explanation (side, side), from hidings (K, side, side) and their drops (K,)."""
    claimed = hidden.reshape(len(hidden), -1) @ attribution.ravel()
    energy, total = claimed @ claimed, dropped @ dropped
    if total == 0:
        return 0.0 if energy == 0 else 1.0
    scale = claimed @ dropped / energy if energy > 0 else 0.0
    return float(((scale * claimed - dropped) ** 2).sum() / total)


def changed(images: Array, seed: int) -> Array:
    """(``CHANGES``, N, …): the images with each pixel of ink moved by up to ``RADIUS`` within [0, 1]."""
    noise = np.random.default_rng((seed, CHANGES)).uniform(-RADIUS, RADIUS, (CHANGES, *images.shape))
    return np.where(images > 0, np.clip(images + noise, 0, 1), 0)


def sensitivity(explain: Callable[[Array], Array], images: Array, seed: int) -> Array:
    """(N,): the greatest distance of a changed image's explanation, relative to the explanation's norm."""
    original = explain(images).reshape(len(images), -1)
    norm = np.linalg.norm(original, axis=1)
    moved = [
        np.linalg.norm(explain(some).reshape(len(images), -1) - original, axis=1) for some in changed(images, seed)
    ]
    farthest = np.max(moved, axis=0)
    relative: Array = np.divide(farthest, norm, out=np.zeros_like(norm), where=norm > 0)
    return relative


def agreement(attribution: Array, values: Array, image: Array, region: int) -> float:
    """With exact Shapley values (R, R) of regions of this side, of one explanation (side, side)."""
    sums, ink = (sums_of_regions(one, region) for one in (attribution, image.reshape(-1, *image.shape[-2:]).sum(0)))
    return spearman(sums[ink > 0], values[ink > 0])


# What an explanation is judged by, and whether more is better.
CRITERIA = {f"{curve}, {base}": curve == "insertion" for base in REPLACEMENTS for curve in CURVES} | {
    "infidelity": False
}
# What is reported beside them.
BESIDE = {"sensitivity": False, "agreement": True}


@dataclass(frozen=True)
class MeasuredExplanation:
    """One explanation, measured on N images.

    Attributes
    ----------
    name, kind
        Of the explanation.
    areas
        (N, 2, 2, 2): each image's areas, for each of ``REPLACEMENTS``, ``SCORES`` and ``CURVES``.
    points
        For each replacement the mean curves of the probability, (2, ``POINTS``).
    infidelity, agreement
        (N,).
    sensitivity
        (n,): of the first images.
    """

    name: str
    kind: str
    areas: Array
    points: Mapping[str, Array]
    infidelity: Array
    agreement: Array
    sensitivity: Array

    def area(self, score: str, base: str, curve: str) -> Array:
        """(N,): the areas under one kind of curve."""
        found: Array = self.areas[:, REPLACEMENTS.index(base), SCORES.index(score), CURVES.index(curve)]
        return found

    def values(self, criterion: str) -> Array:
        """(N,): by one of ``CRITERIA`` or of what stands beside them. Areas are those of the probability."""
        if criterion in BESIDE or criterion == "infidelity":
            found: Array = getattr(self, criterion)
            return found
        curve, base = criterion.split(", ")
        return self.area("probability", base, curve)

    def beats(self, other: "MeasuredExplanation", criterion: str) -> bool:
        """Whether it is better by a criterion, beyond the 95 % interval of the difference."""
        difference = self.values(criterion) - other.values(criterion)
        gain = Estimate.of(difference if CRITERIA[criterion] else -difference)
        return gain.mean > gain.interval

    def beats_everywhere(self, other: "MeasuredExplanation") -> bool:
        """Whether it is better by every criterion."""
        return all(self.beats(other, criterion) for criterion in CRITERIA)


def ranks(measured: Sequence[MeasuredExplanation]) -> dict[str, list[int]]:
    """For each criterion and what stands beside them, the rank of every explanation by its mean, from 1."""
    found = {}
    for criterion, more in (CRITERIA | BESIDE).items():
        means = np.array([one.values(criterion).mean() for one in measured])
        order = np.argsort(-means if more else means, kind="stable")
        found[criterion] = (order.argsort() + 1).tolist()
    return found


def best(measured: Sequence[MeasuredExplanation]) -> MeasuredExplanation:
    """The one of ours with the least sum of ranks over the criteria, the first of equal ones."""
    by_criterion = ranks(measured)
    sums = [sum(by_criterion[criterion][number] for criterion in CRITERIA) for number in range(len(measured))]
    return measured[min((s, number) for number, s in enumerate(sums) if measured[number].kind == OURS)[1]]


def layers_of(architecture: Architecture) -> dict[str, str]:
    """The layers from the top: what a person calls each, and what its weights are called."""
    heads = {name: name for name, *_ in architecture.head[::-1]}
    return heads | {f"stage {number}": f"conv{number}" for number in range(len(architecture.stages), 0, -1)}


def randomised(network: Network, count: int, seed: int) -> Network:
    """The network with its last layers as PyTorch starts them: uniform, up to ±1/√(inputs of an output)."""
    rng = np.random.default_rng(seed)
    weights = dict(network.weights)
    # From the top: what is drawn for one layer stays as it is when the next is drawn too.
    layers = list(layers_of(network.architecture).values())[:count]
    for name in [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]:
        if name in weights:
            limit = 1 / np.sqrt(np.prod(weights[name.replace("bias", "weight")].shape[1:]))
            weights[name] = rng.uniform(-limit, limit, weights[name].shape).astype(network.dtype)
    return Network(network.architecture, weights, network.classes, network.border)


def correlations(
    explanation: Explanation, network: Network, images: Array, target: IntArray, seeds: Sequence[int]
) -> Array:
    """The rank correlations (seeds, layers, N) with the original, when one layer, two, … and all are drawn anew.

    Parameters
    ----------
    network
        The trained one, in float64.
    images
        (N, …) in [0, 1].
    target
        (N,): the class whose evidence is explained, the same before and after.
    seeds
        Of the weights; the explanation's own is 0.
    """

    def heatmaps(explained: Network) -> Array:
        return explanation.heatmap(Task(explained, images, target, 0))

    original = heatmaps(network)

    def drawn(seed: int, count: int) -> list[float]:
        others = heatmaps(randomised(network, count, seed))
        return [
            spearman(before[where], after[where])
            for where, before, after in zip(ink(images, network) > 0, original, others, strict=True)
        ]

    layers = len(layers_of(network.architecture))
    return np.array([[drawn(seed, count + 1) for count in range(layers)] for seed in seeds])
