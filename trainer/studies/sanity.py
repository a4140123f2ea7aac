"""Does an explanation depend on what was learnt? Layer by layer the weights are drawn anew (Adebayo et al. 2018).

From the top: first the affine layer of the classes, then the layer before it as well, and so on, each drawn as before
training. An explanation of the network, for the class that was predicted before, must then have little to do with the
original one. What is compared is their rank correlation over the pixels of ink; background would agree by itself. A
heatmap that is the same everywhere has no order, and counts as a correlation of 0.
"""

from collections.abc import Sequence

import numpy as np

from konkyo.models.architecture import Architecture
from konkyo.models.network import Array, IntArray, Network
from konkyo.trainer.studies.explanations import Explanation, Task, ink
from konkyo.trainer.studies.statistics import spearman


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
