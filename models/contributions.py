"""The exact ledger: what each filter pair adds to each class (sections 3.1 and 3.2; docs/mathematics.md, 2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from konkyo.models.checks import check_class, check_question, check_single
from konkyo.models.classes import numbered
from konkyo.models.network import Array, Network, Trace
from konkyo.models.result import ClassResult
from konkyo.models.usage import Typicality, Usage


@dataclass(frozen=True)
class Pair:
    """One filter pair in a ranking.

    Attributes
    ----------
    conv1, conv2
        Filter numbers, from 0.
    contribution
        The pair's contribution to the logit.
    share
        ``contribution`` divided by the sum of all pairs' absolute contributions, −1…1. 0 if all contributions are 0.
    """

    conv1: int
    conv2: int
    contribution: float
    share: float


@dataclass(frozen=True)
class Account:
    """The ledger of one class, or the difference of two: ``logit = Σ contributions + Σ filter_bias + class_bias``.

    Attributes
    ----------
    maps
        (A, B, 5, 5): the map of each pair.
    contributions
        (A, B): the sum of each map; the paper's nine numbers (Fig. 3).
    filter_bias
        (B,): the contribution of conv2's biases, which several pairs share, with summed wiring; zeros with paired.
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

    def ranking(self) -> list[Pair]:
        """The pairs by contribution, the greatest first. Ties go to the lower filter numbers."""
        values = self.contributions.ravel()
        total = float(np.abs(values).sum())
        filters = self.contributions.shape[1]
        order = np.argsort(-values, kind="stable")
        return [
            Pair(
                conv1=int(pair) // filters,
                conv2=int(pair) % filters,
                contribution=float(values[pair]),
                share=float(values[pair]) / total if total else 0.0,
            )
            for pair in order
        ]


@dataclass(frozen=True)
class Ledger:
    """The accounts of all classes. ``...`` is the shape of the batch, empty for one image.

    Attributes
    ----------
    maps
        (..., C, A, B, 5, 5): ``W[c, j, s] · g_j(s) · u_ji(s*)``.
    contributions
        (..., C, A, B): the sum of each map.
    filter_bias
        (..., C, B): ``Σ_s W[c, j, s] · g_j(s) · b2_j`` with summed wiring; zeros with paired wiring, where the bias
        is part of its pair's map.
    class_bias
        (C,): the biases of the affine layer.
    logits
        (..., C): the logits of the forward pass.
    """

    maps: Array
    contributions: Array
    filter_bias: Array
    class_bias: Array
    logits: Array

    @property
    def residual(self) -> Array:
        """(..., C): ``logits − (Σ contributions + Σ filter_bias + class_bias)``, the rounding error."""
        explained = self.contributions.sum((-2, -1)) + self.filter_bias.sum(-1) + self.class_bias
        difference: Array = self.logits - explained
        return difference

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
            entry(self.maps),
            entry(self.contributions),
            entry(self.filter_bias),
            float(entry(self.class_bias)),
            float(entry(self.logits)),
        )


def contributions(network: Network, images: Array) -> Ledger:
    """Split every logit into the contributions of the filter pairs, exactly.

    The network is piecewise linear. Let s* be the winners of the pools for this image and g its gates: 1 where the
    winner is positive, else 0. Each logit is the sum over pairs (i, j) and cells s of ``W[c, j, s] · g_j(s) ·
    u_ji(s*)``, plus biases.

    Parameters
    ----------
    network
        The ledger has its precision: the residual is about 1e-5 in float32 and 1e-14 in float64.
    images
        (..., 28, 28) in [0, 1].

    Raises
    ------
    ImageError
        Not 28×28, or not finite.
    """
    architecture = network.architecture
    trace = network.trace(images)
    side = architecture.pool2_side
    affine = network.weights["affine.weight"].reshape(architecture.classes, *architecture.map_grid, -1)
    passed, gates = _passed(network, trace)
    maps = affine * passed[..., None, :, :, :]
    # One row of the grid holds every map that shares its bias; with paired wiring filter_bias is zero anyway.
    filter_bias = ((affine * gates[..., None, :, :, :]).sum(-1) * network.filter_bias).sum(-2)
    return Ledger(
        maps.reshape(*maps.shape[:-1], side, side),
        maps.sum(-1),
        filter_bias,
        network.weights["affine.bias"],
        trace.logits,
    )


@dataclass(frozen=True, kw_only=True)
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
    """

    account: Account
    totals: Array
    typicality: Typicality | None


def explain_filters(
    network: Network, image: Array, target: int | None = None, versus: int | None = None, usage: Usage | None = None
) -> FilterExplanation:
    """Explain one class of one image by the contributions of the filter pairs.

    Parameters
    ----------
    network
        Its precision is that of the answer.
    image
        (28, 28) in [0, 1].
    target
        The class to explain; by default the predicted class.
    versus
        The class to compare with, if any.
    usage
        The study of this network, if any.

    Raises
    ------
    ImageError
        Not one 28×28 image, or not finite.
    ParameterError
        A class that is none of the network's, or a class against itself.
    """
    check_single(image)
    ledger = contributions(network, image)
    explained = int(ledger.logits.argmax()) if target is None else target
    check_question(explained, versus, network.classes)
    return FilterExplanation(
        network=network,
        image=image,
        logits=ledger.logits,
        target=explained,
        versus=versus,
        account=ledger.account(explained, versus),
        totals=ledger.contributions,
        typicality=usage.typicality(ledger.contributions)[explained] if usage else None,
    )


def class_maps(network: Network, images: Array, target: ArrayLike) -> Array:
    """The ledger's maps of one class of each picture, for many, without the ledger of the other classes.

    Parameters
    ----------
    network
        Its precision is that of the maps.
    images
        (..., 28, 28) in [0, 1].
    target
        The class, one for all or (...).

    Returns
    -------
    Array
        (..., A, B, 5, 5), as ``Account.maps``; the sum of each map is the pair's contribution.

    Raises
    ------
    ImageError
        Not 28×28, or not finite.
    ParameterError
        A class that is none of the network's.
    """
    classes = np.asarray(target, np.intp)
    for value in np.unique(classes):
        check_class("target", int(value), len(network.classes))
    grid, side = network.architecture.map_grid, network.architecture.pool2_side
    passed, _ = _passed(network, network.trace(images))
    maps: Array = network.weights["affine.weight"][classes].reshape(*classes.shape, *grid, -1) * passed
    return maps.reshape(*maps.shape[:-1], side, side)


def _passed(network: Network, trace: Trace) -> tuple[Array, NDArray[np.bool_]]:
    """The inputs of the affine layer by pair, ``g_j(s) · u_ji(s*)``, and the gates g.

    Their shapes are (..., A, B, 25) and (..., A, B, 25). With paired wiring the inputs contain the pair's bias. With
    summed wiring the gates are (..., 1, B, 25), since all pairs of a conv2 filter share them.
    """
    architecture = network.architecture
    batch, cells = trace.logits.shape[:-1], architecture.pool2_side**2
    winners = trace.winners.reshape(*batch, *architecture.map_grid, cells)
    gates = trace.pool2.reshape(*batch, *architecture.map_grid, cells) > 0
    responses = trace.responses.reshape(*trace.responses.shape[:-2], architecture.conv2_side**2)
    winning = np.take_along_axis(responses, np.broadcast_to(winners, (*responses.shape[:-1], cells)), axis=-1)
    passed: Array = gates * (winning + network.pair_bias[..., None])
    return passed, gates
