"""The exact ledger: what each filter pair adds to each class (sections 3.1 and 3.2; docs/mathematics.md, 2)."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from konkyo.models import steps, ties
from konkyo.models.activations import activation
from konkyo.models.architecture import Factor, Stage
from konkyo.models.classes import numbered
from konkyo.models.errors import ParameterError
from konkyo.models.filters.usage import Typicality, Usage
from konkyo.models.network import Array, IntArray, Network, Trace, pooled, winners
from konkyo.models.result import ClassResult, check_class, check_question
from konkyo.models.rounding import Sum, decimals_of_sum, number, rounded_sum

# Number of responses in one batch, which stays in the cache.
RESPONSES_AT_ONCE = 2**17
# Maps of a layer, or pairs, that an answer lists at most.
MOST_TOP = 256


@dataclass(frozen=True)
class RankedPair:
    """One filter pair in a ranking.

    Attributes
    ----------
    map
        Number of the map that enters the last stage, from 0; for one stage, of the image's channel.
    filter
        Number of the filter of the last stage, from 0.
    contribution
        The pair's contribution to the logit.
    share
        ``contribution`` divided by the sum of all pairs' absolute contributions, −1…1. 0 if all contributions are 0.
    """

    map: int
    filter: int
    contribution: float
    share: float


@dataclass(frozen=True)
class Others:
    """The pairs that a short ranking leaves out.

    Attributes
    ----------
    pairs
        How many they are.
    contribution
        The sum of their contributions.
    """

    pairs: int
    contribution: float


@dataclass(frozen=True)
class Account:
    """The ledger of one class, or the difference of two: ``logit = Σ contributions + Σ filter_bias + class_bias``.

    Attributes
    ----------
    maps
        (A, B, s, s): the map of each pair.
    contributions
        (A, B): the sum of each map; the paper's nine numbers (Fig. 3).
    filter_bias
        (B,): the contribution of the last stage's biases, which several pairs share, with summed wiring, and of f(0);
        zeros with paired wiring and ReLU.
    class_bias
        The class's bias in the affine layer.
    logit
        The logit of the forward pass.
    """

    maps: Array
    contributions: Array
    filter_bias: Array
    class_bias: float
    logit: float

    @property
    def residual(self) -> float:
        """``logit − (Σ contributions + Σ filter_bias + class_bias)``: the rounding error."""
        return float(self.logit - (self.contributions.sum() + self.filter_bias.sum() + self.class_bias))

    def rounded(self) -> Sum:
        """The sum as it is shown: all pairs together, the biases of the filters, and that of the class."""
        decimals = decimals_of_sum(float(np.abs(self.contributions).max()), self.logit)
        rest = [float(self.filter_bias.sum()), self.class_bias]
        return rounded_sum(self.contributions, rest, self.logit, decimals)

    def ranking(self, top: int | None = None) -> list[RankedPair]:
        """The pairs by contribution, the greatest first. Ties within rounding go to the lower numbers.

        Parameters
        ----------
        top
            Leave out all but this many, which contribute most in absolute value.
        """
        values = self.contributions.ravel()
        total = float(np.abs(values).sum())
        pairs, filters = ranked(values, top), self.contributions.shape[1]
        return [
            RankedPair(pair // filters, pair % filters, value, value / total if total else 0.0)
            for pair, value in zip(pairs.tolist(), values[pairs].tolist(), strict=True)
        ]

    def others(self, top: int) -> Others:
        """What ``ranking(top)`` leaves out."""
        left = np.delete(self.contributions.ravel(), greatest(self.contributions, top))
        return Others(left.size, float(left.sum()))


@dataclass(frozen=True)
class Ledger:
    """The accounts of all classes. ``...`` is the shape of the batch, empty for one image.

    W are the weights of the head; with hidden layers, what the head amounts to for each image, with gates fixed.

    Attributes
    ----------
    passed
        (..., A, B, s, s): what reaches the head by pair, ``g_j(s) · u_ji(s*)``.
    weights
        (C, 1 or A, B, s, s), with hidden layers (..., C, 1 or A, B, s, s): W. ``s`` is the side of a pair's map
        (``Architecture.cells``).
    contributions
        (..., C, A, B): the sum of each pair's map.
    filter_bias
        (..., C, B): ``Σ_s W[c, j, s] · (g_j(s) · b_j + f(0))`` with summed wiring; with paired wiring the bias is part
        of its pair's map.
    class_bias
        (C,), with hidden layers (..., C): the biases of the head.
    logits
        (..., C): the logits of the forward pass.
    """

    passed: Array
    weights: Array
    contributions: Array
    filter_bias: Array
    class_bias: Array
    logits: Array

    @property
    def maps(self) -> Array:
        """(..., C, A, B, s, s): the map of each pair, ``W[c, j, s] · g_j(s) · u_ji(s*)``."""
        maps: Array = self.weights * self.passed[..., None, :, :, :, :]
        return maps

    @property
    def residual(self) -> Array:
        """(..., C): ``logits − (Σ contributions + Σ filter_bias + class_bias)``, the rounding error."""
        explained = self.contributions.sum((-2, -1)) + self.filter_bias.sum(-1) + self.class_bias
        difference: Array = self.logits - explained
        return difference

    def of(self, number: int) -> "Ledger":
        """The ledger of one image of a batch (N,)."""
        return Ledger(
            self.passed[number],
            self.weights if self.weights.ndim == self.passed.ndim else self.weights[number],
            self.contributions[number],
            self.filter_bias[number],
            self.class_bias if self.class_bias.ndim == 1 else self.class_bias[number],
            self.logits[number],
        )

    def account(self, target: int, versus: int | None = None) -> Account:
        """The account of ``target``, for the ledger of one image.

        With ``versus``, every number is the difference target − versus.

        Raises
        ------
        ParameterError
            A class that is none of the network's, or a class against itself.
        """
        check_question(target, versus, numbered(len(self.class_bias)))

        def entry(values: Array) -> Array:
            return np.asarray(values[target] if versus is None else values[target] - values[versus])

        return Account(
            entry(self.weights) * self.passed,
            entry(self.contributions),
            entry(self.filter_bias),
            float(entry(self.class_bias)),
            float(entry(self.logits)),
        )


def contributions(network: Network, images: Array) -> Ledger:
    """Split every logit into the contributions of the filter pairs, exactly.

    An activation is f(z) = f(0) + φ(z)·z. Let s* be the winners of the pools for this image and g their factors φ; with
    ReLU g is a gate, 1 where the winner is positive, else 0. Each logit is the sum over pairs (i, j) and cells s of
    ``W[c, j, s] · g_j(s) · u_ji(s*)``, plus biases and f(0). In a mean pool every place counts, with φ/n.

    Parameters
    ----------
    network
        The ledger has its precision: the residual is about 1e-5 in float32 and 1e-14 in float64.
    images
        Of the network's shape, (..., 28, 28) for the paper's, in [0, 1].

    Raises
    ------
    ImageError
        Of another shape, or not finite.
    """
    return traced_contributions(network, images)[1]


def traced_contributions(network: Network, images: Array) -> tuple[Trace, Ledger]:
    """As ``contributions``, with the forward pass that it is made from."""
    flat, batch = network.flatten(images)
    trace, shape = network.run(flat), network.architecture
    (groups, inputs, filters), side = shape.groups(len(shape.stages) - 1), shape.fine.sides[-1]
    passed, rest = _passed(network, flat, trace)
    weight, class_bias = network.linear_head(trace.hidden)
    weight = weight.reshape(len(weight), shape.classes, groups, filters, shape.cells)
    # For each map that reaches the head a product (C, cells) × (cells, its pairs); M is 1 or N.
    by_map = weight.transpose(0, 2, 3, 1, 4)  # (M, G, F, C, cells)
    by_pair = passed.reshape(len(flat), groups, inputs, filters, shape.cells).transpose(0, 1, 3, 4, 2)
    products = by_map @ by_pair  # (N, G, F, C, I)
    contributions = np.ascontiguousarray(products.transpose(0, 3, 1, 4, 2)).reshape(
        len(flat), shape.classes, *shape.pairs
    )
    filter_bias = np.zeros((len(flat), shape.classes, shape.stages[-1].filters), network.dtype)
    if rest is not None:
        each = (by_map @ rest.reshape(*rest.shape[:1], groups, filters, shape.cells, 1))[..., 0]  # (N, G, F, C)
        each = each.reshape(len(flat), shape.maps // shape.stages[-1].filters, shape.stages[-1].filters, shape.classes)
        filter_bias = each.sum(1).swapaxes(1, 2)
    weight = weight.reshape(*weight.shape[:-1], side, side)

    def batched(values: Array) -> Array:
        return values.reshape(*batch, *values.shape[1:])

    ledger = Ledger(
        passed=batched(passed.reshape(*passed.shape[:-1], side, side)),
        weights=batched(_for_pairs(weight, inputs)) if shape.hidden else _for_pairs(weight, inputs)[0],
        contributions=batched(contributions),
        filter_bias=batched(filter_bias),
        class_bias=batched(class_bias) if shape.hidden else class_bias[0],
        logits=batched(trace.logits),
    )
    return trace.batched(batch), ledger


class MapDetail(StrEnum):
    """The parts of the ledger that an answer contains beside the contributions to the target."""

    NONE = "none"
    TOTALS = "totals"
    FULL = "full"


@dataclass(frozen=True, kw_only=True, repr=False)
class FilterExplanation(ClassResult):
    """The contributions of the filter pairs to one class, for one image.

    Attributes
    ----------
    account
        The account of the target, or the difference of two accounts.
    totals
        (C, A, B): the contributions to every class.
    typicality
        How typical this use of the filters is for the target; None if there is no study of the network.
    detail, top
        What was asked for: the parts of the ledger that JSON has, and how many pairs it lists, None for all.
    """

    account: Account
    totals: Array
    typicality: Typicality | None
    detail: MapDetail = MapDetail.NONE
    top: int | None = None

    @property
    def logit(self) -> float:
        """The logit of the target; with ``versus``, the difference of the two logits."""
        return self.account.logit

    @property
    def contributions(self) -> Array:
        """(A, B): what each pair, map × filter, adds to the logit."""
        return self.account.contributions

    @property
    def filter_bias(self) -> Array:
        """(B,): what the biases that several pairs share add; zeros with paired wiring."""
        return self.account.filter_bias

    @property
    def class_bias(self) -> float:
        """What the bias of the class adds."""
        return self.account.class_bias

    @property
    def residual(self) -> float:
        """The rounding error of ``logit = Σ contributions + Σ filter_bias + class_bias``."""
        return self.account.residual

    @property
    def maps(self) -> Array:
        """(A, B, s, s): the map of each pair, whose sum is its contribution."""
        return self.account.maps

    @property
    def factor(self) -> Factor:
        """What the activations' outputs are split by."""
        return self.network.architecture.factor

    @property
    def ranking(self) -> list[RankedPair]:
        """The pairs by contribution, the greatest first."""
        return self.account.ranking()

    def _line(self) -> str:
        return pair_words(self.asked, self.account)

    def _fields(self) -> dict[str, Any]:
        account, top = self.account, self.top
        fields: dict[str, Any] = {
            "logit": account.logit,
            "class_bias": account.class_bias,
            "filter_bias": account.filter_bias.tolist(),
        }
        if top is None:
            fields["contributions"] = account.contributions.tolist()
        fields["ranking"] = [{**vars(pair)} for pair in account.ranking(top)]
        if top is not None:
            fields["others"] = {**vars(account.others(top))}
        fields |= {
            "residual": account.residual,
            "factor": self.factor.value,
            "typicality": self.typicality and {**vars(self.typicality)},
        }
        if self.detail is not MapDetail.NONE:
            fields["totals"] = self.totals.tolist()
        if self.detail is MapDetail.FULL:
            fields["maps"] = account.maps.tolist()
        return fields

    @classmethod
    def of(
        cls,
        network: Network,
        image: Array,
        ledger: Ledger,
        target: int,
        versus: int | None,
        usage: Usage | None,
        detail: MapDetail = MapDetail.NONE,
        top: int | None = None,
    ) -> "FilterExplanation":
        """The explanation of an image with this ledger; the others as in ``FiltersQuestion``."""
        typicality = usage.typicality(ledger.contributions, target) if usage else None
        return cls(
            network=network,
            image=image,
            logits=ledger.logits,
            target=target,
            versus=versus,
            account=ledger.account(target, versus),
            totals=ledger.contributions,
            typicality=None if typicality is None else typicality[0],
            detail=detail,
            top=top,
        )


def class_maps(network: Network, images: Array, target: ArrayLike) -> Array:
    """The ledger's maps of one class of each picture, for many, without the ledger of the other classes.

    Parameters
    ----------
    network
        Its precision is that of the maps.
    images
        Of the network's shape, (..., 28, 28) for the paper's, in [0, 1].
    target
        The class, one for all or (...).

    Returns
    -------
    Array
        (..., A, B, s, s), as ``Account.maps``; the sum of each map is the pair's contribution.

    Raises
    ------
    ImageError
        Of another shape, or not finite.
    ParameterError
        A class that is none of the network's.
    """
    flat, batch = network.flatten(images)
    classes = np.broadcast_to(np.asarray(target, np.intp), batch).ravel()
    for value in np.unique(classes):
        check_class("target", int(value), len(network.classes))
    shape, trace = network.architecture, network.run(flat)
    passed, _ = _passed(network, flat, trace)
    weight, _ = network.linear_head(trace.hidden)
    weight = weight[np.arange(len(flat)) if shape.hidden else 0, classes]
    (groups, inputs, filters), side = shape.groups(len(shape.stages) - 1), shape.fine.sides[-1]
    weight = _for_pairs(weight.reshape(len(flat), groups, filters, 1, shape.cells), inputs)
    maps: Array = weight[:, :, :, 0] * passed
    return maps.reshape(*batch, *shape.pairs, side, side)


def greatest(values: Array, most: int | None) -> IntArray:
    """The flat indices, in ascending order, of the ``most`` values that are greatest in absolute value.

    Ties within rounding go to the lower indices. All indices if there are no more, or ``most`` is None.
    """
    if most is None or most >= values.size:
        return np.arange(values.size)
    return np.sort(ties.order(np.abs(values).ravel())[:most])


def ranked(values: Array, most: int | None) -> IntArray:
    """The flat indices of ``greatest``, the largest value first."""
    order, listed = ties.order(values.ravel()), np.zeros(values.size, np.bool_)
    listed[greatest(values, most)] = True
    return order[listed[order]]


def _for_pairs(weight: Array, inputs: int) -> Array:
    """(..., G, F, s, s) as (..., 1 or A, F, s, s): the weights of the map that each pair belongs to."""
    return weight.repeat(inputs, axis=-4) if inputs > 1 and weight.shape[-4] > 1 else weight


def _passed(network: Network, flat: Array, trace: Trace) -> tuple[Array, Array | None]:
    """What reaches the head by pair, ``g_j(s) · u_ji(s*)``, and what no pair has.

    Their shapes are (N, A, F, cells) and (N, maps, cells). A bias that only one pair has is a part of it. The second is
    None if there is nothing.
    """
    shape, last = network.architecture.fine, len(network.architecture.stages) - 1
    stage, (groups, inputs, filters) = shape.stages[-1], shape.groups(last)
    sources = [trace.layers[source - 1] if source else flat for source in shape.sources(last)]
    below = sources[0] if len(sources) == 1 else np.sum(sources, axis=0)
    whole = trace.convolutions[-1].reshape(len(flat), groups, filters, trace.convolutions[-1].shape[-1] ** 2)
    before, after = activation(stage.activation), activation(stage.after)
    every = stage.mean and stage.pool is not None
    chosen = None if stage.pool is None or every else winners(stage, trace.convolutions[-1])
    places = None if chosen is None else chosen.reshape(len(flat), groups, filters, shape.cells)
    if places is None:
        kept = whole
    else:
        first_cell = np.arange(whole.size // whole.shape[3]).reshape(*whole.shape[:3], 1) * whole.shape[3]
        kept = whole.ravel().take(first_cell + places)
    factors = before.factor(kept)
    outer: Array | float = 1.0
    if after.name != "none":
        value = _mean(stage, before(kept), whole.shape) if every else before(kept)
        outer = after.factor(value)
        factors = factors if every else factors * outer
    kernels = network.kernels(last).reshape(-1, filters, inputs, max(stage.kernel, 1) ** 2)
    passed = np.empty((len(flat), groups, inputs, filters, whole.shape[3]), network.dtype)
    outputs = stage.sides(shape.below(last)[1])[0]
    if places is not None:
        passed = np.empty((len(flat), groups, inputs, filters, shape.cells), network.dtype)
    for image in range(len(flat)):
        responses = np.empty((groups, inputs, filters, whole.shape[3]), network.dtype)
        for rows, windows in network.windows(last, below[image, None]):
            seen = windows.reshape(groups, inputs, kernels.shape[3], -1)
            cells = slice(rows.start * outputs, rows.stop * outputs)
            step = max(1, RESPONSES_AT_ONCE // (filters * seen.shape[3] * inputs))
            for first in range(0, groups, step):
                some = slice(first, first + step)
                by_input = kernels[some if len(kernels) > 1 else slice(None)].swapaxes(1, 2)
                responses[some, :, :, cells] = by_input @ seen[some]
                steps.done(responses[some, :, :, cells].size * kernels.shape[3])
        if places is None:
            passed[image] = responses
        else:
            # u at the winners, which all inputs of a map share.
            first_cell = np.arange(groups * inputs * filters).reshape(groups, inputs, filters, 1) * whole.shape[3]
            responses.ravel().take(first_cell + places[image][:, None], out=passed[image])
    bias = network.bias(last)
    own = (bias.reshape(-1, filters, whole.shape[3]) if stage.bias_map else bias.reshape(-1, filters, 1))[None]
    if places is not None and stage.bias_map:
        own = np.take_along_axis(np.broadcast_to(own, whole.shape), places, 3)
    if inputs == 1:
        passed += own[:, :, None]
    passed *= factors[:, :, None]
    rest = None if inputs == 1 else factors * own
    if every:
        passed = _mean(stage, passed, whole.shape) * (outer if isinstance(outer, float) else outer[:, :, None])
        rest = None if rest is None else _mean(stage, np.broadcast_to(rest, whole.shape), whole.shape) * outer
    if before.rest or after.rest:
        rest = (0 if rest is None else rest) + np.asarray(outer * before.rest + after.rest, network.dtype)
    shaped = passed.reshape(len(flat), groups * inputs, filters, shape.cells)
    if rest is None:
        return shaped, None
    return shaped, np.broadcast_to(rest, (*whole.shape[:3], shape.cells)).reshape(len(flat), shape.maps, shape.cells)


def _mean(stage: Stage, values: Array, shape: tuple[int, ...]) -> Array:
    """The mean over each place's pool of (..., o²) → (..., s²)."""
    side = int(shape[-1] ** 0.5)
    plain = replace(stage, activation="none", after="none")
    made = pooled(plain, values.reshape(*values.shape[:-1], side, side))
    return made.reshape(*values.shape[:-1], made.shape[-1] ** 2)


def pair_words(asked: str, account: Account) -> str:
    """What a line says of the pairs."""
    first, shown = account.ranking()[0], account.rounded()
    added = number(shown.parts[first.map, first.filter], shown.decimals, sign=True)
    return (
        f": of {account.contributions.size} pairs, map {first.map} × filter {first.filter} adds most to the logit of "
        f"{asked}, {added} of {number(shown.total, shown.decimals)}"
    )


def check_top(top: int | None) -> None:
    """Raise ParameterError unless so many maps or pairs can be listed."""
    if top is not None and not 1 <= top <= MOST_TOP:
        raise ParameterError("top", f"must be from 1 to {MOST_TOP}, not {top}")
