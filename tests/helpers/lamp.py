"""A network set by hand, whose answers can be worked out on paper, and a checkpoint of any network."""

from typing import Any

import numpy as np

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.files.card import Card
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Array, Network
from tests.helpers.documents import document

LAMP = 13, 14
WHOLE, HIDDEN = 20.0, 8.0


def lamp_network(dtype: type[np.floating[Any]] = np.float64) -> Network:
    """Reads a 6 (logit 20) where the pixel ``LAMP`` is 0.5, and without it (logit 8) a 2 (always 10); others are 0.

    conv1 there is 2 · 0.5 + 1, or 1 anywhere else; pool1 takes the greatest; conv2 is 3 · pool1 − 1, and its middle
    cell, which sees the lamp's, counts 4.
    """
    architecture = two_stages(Wiring.PAIRED, 1, 1)
    weights = {name: np.zeros(shape, dtype) for name, shape in architecture.tensor_shapes.items()}
    weights["conv1.weight"][0, 0, 2, 2], weights["conv1.bias"][0] = 2, 1
    weights["conv2.weight"][0, 0, 1, 1], weights["conv2.bias"][0] = 3, -1
    weights["affine.weight"][6, 12] = 4
    weights["affine.bias"][2] = 10
    return Network(architecture, weights)


def lit(*more: tuple[int, int]) -> Array:
    """(28, 28): the lamp at 0.5, and other pixels at 1, which must not see the same cell."""
    image = np.zeros((28, 28))
    image[LAMP] = 0.5
    for place in more:
        image[place] = 1
    return image


def checkpoint_of(network: Network, name: str = "tried") -> Checkpoint:
    """A checkpoint that was never saved."""
    return Checkpoint(name, network, Card(**dict(document(network, name)), sha256="0" * 64))
