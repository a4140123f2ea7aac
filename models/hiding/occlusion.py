"""Occlusion: hide one region of the image and predict it again (section 4)."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konkyo.models import steps, ties
from konkyo.models.hiding.cost import USUAL, Budget, check_singles, singles
from konkyo.models.hiding.counting import BoolArray, Family
from konkyo.models.hiding.games import pair_weights
from konkyo.models.hiding.plan import Plan, kept_plan
from konkyo.models.hiding.regions import Hiding, OfRegions, Regions, check_regions, filled
from konkyo.models.network import STRIP, Array, IntArray, Network, softmax
from konkyo.models.result import ClassResult, check_class, check_pairs, check_question
from konkyo.models.rounding import decimals_of_sum, number

RANDOM_ORDERS = 20
# Maximum number of steps of a curve. With more regions, one step hides several.
POINTS = 100
SEED = 0


@dataclass(frozen=True)
class Faithfulness:
    """Areas under the deletion and insertion curves of the target's probability, 0…1.

    Attributes
    ----------
    deletion
        Regions are hidden in the explanation's order. Lower is more faithful.
    insertion
        Regions are shown in that order on an empty image. Higher is more faithful.
    random_deletion, random_insertion
        The means over random orders.
    """

    deletion: float
    insertion: float
    random_deletion: float
    random_insertion: float


def faithfulness(
    network: Network,
    image: Array,
    hiding: Hiding,
    order: IntArray,
    target: int,
    budget: Budget | None = USUAL,
) -> Faithfulness:
    """Compare an explanation with 20 random orders, drawn with a fixed seed.

    Regions that already have the fill value are left out, since hiding them changes nothing. The abscissa of the curves
    is the share of the other regions. The areas are computed with the trapezoidal rule (Petsiuk et al. 2018, with
    regions in place of pixels).

    Parameters
    ----------
    image
        (28, 28), of the network's shape: the explained image.
    hiding
        The regions and the fill value.
    order
        (n,): numbers of the regions, row by row; the most important first.
    target
        The explained class.
    """
    # Two curves for each order.
    check_singles(network.architecture, hiding.regions, orders=2 * (RANDOM_ORDERS + 1), budget=budget)
    images, _ = network.flatten(image)
    fills, changed = filled(images, hiding.fill), hiding.changed(images[0])
    which = np.flatnonzero(changed)
    if not len(which):
        score = float(softmax(network.logits(image))[target])
        return Faithfulness(score, score, score, score)
    rng = np.random.default_rng(SEED)
    orders = [order[changed[order]], *(rng.permutation(which) for _ in range(RANDOM_ORDERS))]
    # To show regions of the empty image is to hide regions of it under the image.
    areas = np.array(
        [
            [_area(network, images, fills, hiding.regions, some, target) for some in orders],
            [_area(network, fills, images, hiding.regions, some, target) for some in orders],
        ]
    )
    (deletion, *random_deletion), (insertion, *random_insertion) = areas.tolist()
    return Faithfulness(deletion, insertion, float(np.mean(random_deletion)), float(np.mean(random_insertion)))


def _area(network: Network, images: Array, fills: Array, regions: Regions, order: IntArray, target: int) -> float:
    """The area under the curve of the target's probability as regions (n,) are hidden in this order."""
    count = len(order)
    points = np.unique(np.linspace(0, count, min(count, POINTS) + 1).round().astype(int))
    logits = nested_logits(network, images, fills, regions, order, points)[0]
    return float(np.trapezoid(softmax(logits)[:, target], points)) / count


def nested_logits(
    network: Network, images: Array, fills: Array, regions: Regions, order: IntArray, counts: IntArray
) -> Array:
    """(N, n, C): the logits of images (N, channels, side, side) with the first ``counts`` (n,) regions of an order
    hidden.

    ``fills`` are the pixels that replace hidden ones.
    """
    plan = Plan(network.architecture, regions, Family.NESTED, order=order)
    [made] = plan.run(network, images, fills)
    return _logits(network, made.values, plan.at[counts])


def _logits(network: Network, values: Array, at: IntArray) -> Array:
    """(N, hidings, C) for rows (maps, J, N) of the last layer, of which each hiding has some (hidings, cells)."""
    (maps, _, images), (hidings, cells) = values.shape, at.shape
    first = np.zeros((hidings * images, network.cell_weights.shape[2]), network.dtype)
    block = max(1, STRIP // (maps * images * hidings))
    for start in range(0, cells, block):
        some = slice(start, start + block)
        features = values.take(at[:, some].T, axis=1)
        first += network.first(some, features.reshape(maps, -1, hidings * images))
        steps.done(features.size * first.shape[1])
    return network.after_first(first).reshape(hidings, images, -1).swapaxes(0, 1)


# Multiply-adds of the forward passes of all images that are hidden at once. More images would leave the cache.
WORK_AT_ONCE = 3 * 2**19


class Score(StrEnum):
    """The score that is compared before and after hiding: the target's logit or its probability."""

    LOGIT = "logit"
    PROBABILITY = "probability"

    def of(self, logits: Array) -> Array:
        """The scores (..., C) for logits (..., C)."""
        return softmax(logits) if self is Score.PROBABILITY else logits

    def scale(self, logits: Array) -> Array:
        """(...): the size of the rounding errors of the scores, by that of logits of 1, for logits (..., C)."""
        # Of a probability, its derivative by the logit; and one of nearly 1 has an error of its own.
        probabilities = softmax(logits)
        size: Array = np.abs(logits) if self is Score.LOGIT else np.maximum(probabilities * (1 - probabilities), 2e-3)
        largest: Array = size.max(-1)
        return largest


@dataclass(frozen=True)
class Occlusion:
    """The effect of hiding each region. ``...`` is the shape of the batch, empty for one image.

    Attributes
    ----------
    hiding
        The regions and the fill value.
    score
        The score that ``whole`` and ``drop`` measure.
    target, predicted
        (...): the explained class, and the predicted class of the whole image.
    logits
        (..., C): the logits of the whole image.
    whole
        (...): the target's score for the whole image; with a class to compare with, the difference of the two scores.
    drop
        (..., R, R): ``whole`` minus the same score with the region hidden. A positive drop supports the target.
        Overlapping regions are not averaged.
    prediction
        (..., R, R): the predicted class with the region hidden.
    """

    hiding: Hiding
    score: Score
    target: IntArray
    predicted: IntArray
    logits: Array
    whole: Array
    drop: Array
    prediction: IntArray

    @property
    def critical(self) -> NDArray[np.bool_]:
        """(..., R, R): whether hiding the region changes the prediction; the paper's important regions."""
        changed: NDArray[np.bool_] = self.prediction != self.predicted[..., None, None]
        return changed

    @property
    def order(self) -> IntArray:
        """(..., R²): the numbers of the regions, row by row, sorted by drop, the greatest first; ties by number."""
        flat = self.drop.reshape(*self.drop.shape[:-2], self.hiding.regions.count)
        return ties.order(flat, self.score.scale(self.logits))

    def of(self, number: int) -> "Occlusion":
        """The effect on one image of a batch (N,)."""
        parts = (self.target, self.predicted, self.logits, self.whole, self.drop, self.prediction)
        return Occlusion(self.hiding, self.score, *(np.asarray(part[number]) for part in parts))

    def heatmap(self) -> Array:
        """(..., side, side): for each pixel the mean drop of the regions that hide it (Captum's rule)."""
        return self.hiding.regions.spread(self.drop)


def occlude(
    network: Network,
    images: Array,
    target: ArrayLike | None = None,
    hiding: Hiding = Hiding(),
    score: Score = Score.LOGIT,
    versus: int | None = None,
    budget: Budget | None = USUAL,
) -> Occlusion:
    """Hide each region in turn and predict the image again.

    The result equals that of a forward pass of every hidden image, up to rounding, but only what a region changes is
    computed again. The drop of a region that already has the fill value is exactly 0.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    images
        Of the network's shape, (..., 28, 28) for the paper's, in [0, 1].
    target
        The class to explain, one for all images or (...); by default the predicted class of each image.
    hiding
        The regions and the fill value.
    score
        The score to compare.
    versus
        The class to compare with: the score becomes the difference target − versus.
    budget
        What may be spent for an image; None for no limit.

    Raises
    ------
    ImageError
        Of another shape, or not finite.
    ParameterError
        A class that is none of the network's, or a class against itself.
    """
    flat, batch = network.flatten(images)
    for value in [] if target is None else np.unique(target):
        check_class("target", int(value), len(network.classes))

    whole, hidden = hidden_logits(network, flat, filled(flat, hiding.fill), hiding.regions, budget)
    unhidden = ties.predicted(whole)
    explained = unhidden if target is None else np.broadcast_to(np.asarray(target, np.intp), batch).ravel()
    for value in {*explained.tolist()}:
        check_question(value, versus, network.classes)
    each = np.arange(len(flat))
    before, after = score.of(whole), score.of(hidden)
    score_before, score_after = before[each, explained], after[each, :, explained]
    if versus is not None:
        score_before, score_after = score_before - before[:, versus], score_after - after[:, :, versus]

    def batched(array: Any) -> Any:
        return array.reshape((*batch, *array.shape[1:]))

    def on_grid(array: Any) -> Any:
        return array.reshape((*batch, *hiding.regions.grid))

    return Occlusion(
        hiding=hiding,
        score=score,
        target=batched(explained),
        predicted=batched(unhidden),
        logits=batched(whole),
        whole=batched(score_before),
        drop=on_grid(score_before[:, None] - score_after),
        prediction=on_grid(ties.predicted(hidden)),
    )


def hidden_logits(
    network: Network, images: Array, fills: Array, regions: Regions, budget: Budget | None = USUAL
) -> tuple[Array, Array]:
    """The logits of whole images, and of each image with each region hidden by itself.

    Parameters
    ----------
    images, fills
        (N, channels, side, side): the images, and the pixels that replace hidden ones.

    Returns
    -------
    whole
        (N, C).
    hidden
        (N, R², C), regions row by row. Exactly ``whole`` for a region that hiding does not change.

    Raises
    ------
    ParameterError
        Regions that take too much room.
    """
    check_regions(regions, network)
    check_singles(network.architecture, regions, budget=budget)
    changed = regions.changed((images != fills).any(1))
    whole = np.empty((len(images), len(network.classes)), network.dtype)
    hidden = np.empty((len(images), regions.count, len(network.classes)), network.dtype)
    plan = kept_plan(network.architecture, regions, Family.SINGLE)
    at_once = USUAL.size // singles(network.architecture, regions).size
    size = max(1, min(64, at_once, WORK_AT_ONCE // network.architecture.multiply_adds))
    for start in range(0, len(images), size):
        some = slice(start, start + size)
        # A region that no image of the batch has is left out. One that only others have leaves an image as it is.
        of_any: BoolArray = np.logical_or.reduce(changed[some])
        order = np.flatnonzero(of_any)
        [made] = plan.run(network, images[some], fills[some], of_any)
        logits = _logits(network, made.values, plan.at[np.concatenate([[0], 1 + order])])
        whole[some], hidden[some] = logits[:, 0], logits[:, :1]
        hidden[some, order] = np.where(changed[some, order, None], logits[:, 1:], logits[:, :1])
    return whole, hidden


def pair_drops(
    network: Network,
    image: Array,
    hiding: Hiding,
    target: int,
    versus: int | None = None,
    budget: Budget | None = USUAL,
) -> tuple[Array, Array]:
    """The drop of each pair's contribution when a region is hidden.

    For region r it is ``contribution[i, j](whole) − contribution[i, j](r hidden)``. The drops of all pairs and of the
    filter biases add up to the drop of the logit.

    Parameters
    ----------
    image
        Of the network's shape, (28, 28) for the paper's, in [0, 1].
    hiding
        The regions and the fill value.
    target
        The explained class.
    versus
        The class to compare with: contributions are the difference target − versus.

    Returns
    -------
    whole
        (A, B): the contributions in the whole image.
    drops
        (R, R, A, B): the drops.

    Raises
    ------
    ImageError
        Of another shape, or not finite.
    ParameterError
        A class that is none of the network's, a class against itself, or a network with hidden affine layers.
    """
    check_pairs(network)
    check_regions(hiding.regions, network)
    check_singles(network.architecture, hiding.regions, pairs=True, budget=budget)
    images, _ = network.flatten(image)
    fills, pairs, regions = filled(images, hiding.fill), network.architecture.pairs, hiding.regions
    weights = pair_weights(network, target, versus)[: pairs[0] * pairs[1]]
    changed = regions.changed((images != fills).any(1))[0]
    order = np.flatnonzero(changed)
    plan = kept_plan(network.architecture, regions, Family.SINGLE, pairs=True)
    [made] = plan.run(network, images, fills, changed)
    values = made.values[: len(weights), :, 0]
    contributions = np.zeros((len(weights), len(order) + 1), network.dtype)
    for cell, at in enumerate(plan.at[[0, *(1 + order)]].T):
        contributions += weights[:, cell, None] * values[:, at]
    drops = np.zeros((regions.count, *pairs), network.dtype)
    drops[order] = (contributions[:, :1] - contributions[:, 1:]).T.reshape(-1, *pairs)
    return contributions[:, 0].reshape(pairs), drops.reshape(*regions.grid, *pairs)


def pair_heatmaps(values: Array, regions: Regions) -> Array:
    """For each pixel the mean value of the regions that cover it: (R, R, A, B) → (side, side, A, B)."""
    return np.moveaxis(regions.spread(np.moveaxis(values, (0, 1), (-2, -1))), (-2, -1), (0, 1))


@dataclass(frozen=True, kw_only=True, repr=False)
class OcclusionExplanation(OfRegions, ClassResult):
    """The effect of hiding each region of one image.

    Attributes
    ----------
    occlusion
        The drops and predictions, without a batch axis.
    pairs
        (R, R, A, B): drop of each filter pair's contribution when the region is hidden; None unless requested.
    contributions
        (A, B): each pair's contribution in the whole image; None unless pairs are requested.
    faithfulness
        Faithfulness of the order of the drops; None unless requested.
    """

    occlusion: Occlusion
    pairs: Array | None
    contributions: Array | None
    faithfulness: Faithfulness | None

    @property
    def whole(self) -> float:
        """The score of the whole image; with ``versus``, the difference of the two scores."""
        return float(self.occlusion.whole)

    @property
    def drop(self) -> Array:
        """(R, R): ``whole`` minus the score with the region hidden. A positive drop supports the target."""
        return self.occlusion.drop

    @property
    def prediction(self) -> IntArray:
        """(R, R): the predicted class with the region hidden."""
        return self.occlusion.prediction

    @property
    def critical(self) -> NDArray[np.bool_]:
        """(R, R): whether hiding the region changes the prediction."""
        return self.occlusion.critical

    @property
    def hiding(self) -> Hiding:
        """The regions and the fill value."""
        return self.occlusion.hiding

    @property
    def score(self) -> Score:
        """What is compared before and after hiding."""
        return self.occlusion.score

    def heatmap(self) -> Array:
        """(side, side): for each pixel the mean drop of the regions that hide it."""
        return self.occlusion.heatmap()

    def _line(self) -> str:
        row, column = divmod(int(self.occlusion.order[0]), self.grid[1])
        decimals = decimals_of_sum(float(np.abs(self.drop).max()), self.whole)
        lost, whole = (number(value, decimals) for value in (float(self.drop[row, column]), self.whole))
        return (
            f": {np.count_nonzero(self.critical)} of {self.drop.size} regions change it when hidden; row {row}, column "
            f"{column} speaks most for {self.asked}, a drop of {lost} of {whole}"
        )

    def _fields(self) -> dict[str, Any]:
        found = self.occlusion
        fields: dict[str, Any] = {
            "score": found.score.value,
            "whole": float(found.whole),
            **found.hiding.to_dict(),
            "stride": found.hiding.regions.step,
            "drop": found.drop.tolist(),
            "prediction": found.prediction.tolist(),
            "critical": [self._critical(row, column) for row, column in np.argwhere(found.critical).tolist()],
        }
        if self.pairs is not None:
            fields["pairs"] = self.pairs.tolist()
        if self.faithfulness is not None:
            fields["faithfulness"] = asdict(self.faithfulness)
        return fields

    def _critical(self, row: int, column: int) -> dict[str, Any]:
        predicted = int(self.occlusion.prediction[row, column])
        box = list(self.occlusion.hiding.regions.box(row, column))
        return {"row": row, "column": column, "box": box, "predicted": predicted, "label": self.name(predicted)}

    @classmethod
    def of(
        cls,
        network: Network,
        image: Array,
        occlusion: Occlusion,
        versus: int | None,
        pairs: tuple[Array, Array] | None = None,
        faithfulness: Faithfulness | None = None,
    ) -> "OcclusionExplanation":
        """The explanation of an image with these drops; ``pairs`` as ``pair_drops`` gives them."""
        return cls(
            network=network,
            image=image,
            logits=occlusion.logits,
            target=int(occlusion.target),
            versus=versus,
            occlusion=occlusion,
            pairs=pairs and pairs[1],
            contributions=pairs and pairs[0],
            faithfulness=faithfulness,
        )
