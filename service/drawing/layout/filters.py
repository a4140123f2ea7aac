"""Pictures of filters: the weights of a kernel, and of a filter of a colour image in its colours."""

import numpy as np

from konkyo.models.network import Network
from konkyo.service.drawing.layout.words import say
from konkyo.service.drawing.primitives.canvas import Box, Canvas
from konkyo.service.drawing.primitives.colours import Array, limit_of, photo, signed_grey


def weights_of(network: Network, stage: int) -> Array:
    """(filters, inputs, k, k): the weights of a stage. With paired wiring there is one input."""
    return network.kernels(stage)


def filters_notes(network: Network, first: bool = True) -> tuple[str, ...]:
    """How the weights are drawn; ``first`` says whether those of the first stage are."""
    note = say("weights")
    return (note, say("weights in colour")) if first and in_colour(network, 0) else (note,)


def in_colour(network: Network, stage: int) -> bool:
    """Whether the filters of a stage have a weight for red, green and blue."""
    return stage == 0 and weights_of(network, 0).shape[1] == 3


def draw_filter(canvas: Canvas, box: Box, network: Network, stage: int, number: int, given: int = 0) -> None:
    """Draw the filter that makes a map of a stage, or its kernel for the map ``given``.

    The three kernels for a colour image are drawn as one.
    """
    weights = weights_of(network, stage)
    # With paired wiring a filter makes several maps, and one kernel serves every map below.
    number %= len(weights)
    limit = limit_of(weights)
    if in_colour(network, stage):
        canvas.photo(box, photo(0.5 + weights[number] / (2 * (limit or 1))))
        return
    kernel = weights[number, given % weights.shape[1]]
    canvas.tile(box, signed_grey(np.asarray(kernel), limit))
