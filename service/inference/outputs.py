"""What can be asked for of many images, and how it is computed: by the same core as every other answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import class_maps
from konkyo.models.hiding import cost
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, IntArray, Network, softmax


class OutputName(StrEnum):
    """The tensors that can be asked for."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    CONTRIBUTIONS = "contributions"
    OCCLUSION = "occlusion"
    SHAPLEY = "shapley"


@dataclass(frozen=True)
class Batch:
    """Images of which something is asked.

    Attributes
    ----------
    network
        In float64.
    images
        (N, side, side), or (N, 3, side, side) in colour, in [0, 1].
    logits
        (N, C).
    targets
        (N,): the class that is explained.
    """

    network: Network
    images: Array
    logits: Array
    targets: IntArray


@dataclass(frozen=True)
class Output:
    """One tensor.

    Attributes
    ----------
    shape
        Of one image's part.
    compute
        All images' parts.
    work
        Multiply-adds for one image, at most.
    explains
        Whether it explains a class, and so depends on the target.
    missing
        Why a network cannot give it; None if it can.
    """

    shape: Callable[[Architecture], tuple[int, ...]]
    compute: Callable[[Batch], Array]
    work: Callable[[Architecture], int] = lambda architecture: architecture.multiply_adds
    explains: bool = True
    missing: Callable[[Architecture], str | None] = lambda _: None


def available(architecture: Architecture) -> list[OutputName]:
    """The tensors that a network gives."""
    return [name for name, output in OUTPUTS.items() if output.missing(architecture) is None]


def compute(network: Network, images: Array, names: Sequence[OutputName], target: int | None) -> list[Array]:
    """The tensors of those names.

    Parameters
    ----------
    network
        Its precision is that of the tensors.
    images
        (N, side, side), or (N, 3, side, side) in colour, in [0, 1].
    names
        What is asked for.
    target
        The class that is explained; None is the predicted one of each image.

    Returns
    -------
    list of Array
        As asked; the first axis of each is N.
    """
    logits = network.logits(images)
    targets = logits.argmax(-1) if target is None else np.full(len(images), target)
    batch = Batch(network, images, logits, targets)
    return [OUTPUTS[name].compute(batch) for name in names]


def _contributions(batch: Batch) -> Array:
    contributions: Array = class_maps(batch.network, batch.images, batch.targets).sum((-2, -1))
    return contributions


def _occlusion(batch: Batch) -> Array:
    regions = _single(batch.network.architecture)
    return occlude(batch.network, batch.images, batch.targets, Hiding(regions)).drop


def _shapley(batch: Batch) -> Array:
    region = cost.usual_side(batch.network.architecture)
    each = zip(batch.images, batch.targets, strict=True)
    return np.stack([shapley_values(batch.network, image, region).of(int(target)).values for image, target in each])


def _single(architecture: Architecture) -> Regions:
    """The regions that are hidden one by one."""
    return Regions(cost.usual_single_side(architecture), side=architecture.side)


def _combined(architecture: Architecture) -> Regions:
    """The regions that are hidden in every combination."""
    return Regions(cost.usual_side(architecture), side=architecture.side)


def _classes(architecture: Architecture) -> tuple[int, ...]:
    return (architecture.classes,)


OUTPUTS = {
    OutputName.LOGITS: Output(_classes, lambda batch: batch.logits, explains=False),
    OutputName.PROBABILITIES: Output(_classes, lambda batch: softmax(batch.logits), explains=False),
    OutputName.CONTRIBUTIONS: Output(lambda shape: shape.pairs, _contributions),
    OutputName.OCCLUSION: Output(
        lambda shape: _single(shape).grid,
        _occlusion,
        work=lambda shape: cost.singles(shape, _single(shape)).multiply_adds,
        missing=lambda shape: cost.singles_refusal(shape, _single(shape)),
    ),
    OutputName.SHAPLEY: Output(
        lambda shape: _combined(shape).grid,
        _shapley,
        work=lambda shape: cost.tables(shape, _combined(shape)).multiply_adds,
        missing=lambda shape: cost.refusal(shape, _combined(shape)),
    ),
}
