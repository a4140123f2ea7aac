"""What can be asked for of many images, and how it is computed: by the same core as every other answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import class_maps
from konkyo.models.hiding.occlusion import occlude
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
        (N, 28, 28) in [0, 1].
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
    explains
        Whether it explains a class, and so depends on the target.
    """

    shape: Callable[[Architecture], tuple[int, ...]]
    compute: Callable[[Batch], Array]
    explains: bool = True


def compute(network: Network, images: Array, names: Sequence[OutputName], target: int | None) -> list[Array]:
    """The tensors of those names.

    Parameters
    ----------
    network
        Its precision is that of the tensors.
    images
        (N, 28, 28) in [0, 1].
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


def _shapley(batch: Batch) -> Array:
    each = zip(batch.images, batch.targets, strict=True)
    return np.stack([shapley_values(batch.network, image).of(int(target)).values for image, target in each])


def _classes(architecture: Architecture) -> tuple[int, ...]:
    return architecture.tensor_shapes["affine.bias"]


OUTPUTS = {
    OutputName.LOGITS: Output(_classes, lambda batch: batch.logits, explains=False),
    OutputName.PROBABILITIES: Output(_classes, lambda batch: softmax(batch.logits), explains=False),
    OutputName.CONTRIBUTIONS: Output(lambda shape: (shape.conv1_filters, shape.conv2_filters), _contributions),
    OutputName.OCCLUSION: Output(
        lambda _: (14, 14), lambda batch: occlude(batch.network, batch.images, batch.targets).drop
    ),
    OutputName.SHAPLEY: Output(lambda _: (7, 7), _shapley),
}
