"""The network in PyTorch, to be trained. ``konkyo.models.network`` is what is served; a test holds the two equal."""

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from konkyo.models.architecture import POOL, Architecture, Stage
from konkyo.models.network import Network


class TrainableNetwork(nn.Module):
    """A network of stages and a head; its parameters carry the names and shapes of the checkpoint.

    Weights start at random (PyTorch's own scheme), from torch's global generator.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        for number, (stage, maps) in enumerate(zip(architecture.stages, architecture.layer_maps, strict=False), 1):
            inputs = 1 if stage.paired else maps
            convolution = nn.Conv2d(inputs, stage.filters, stage.kernel, padding=stage.padding, bias=stage.bias)
            self.add_module(f"conv{number}", convolution)
        for name, outputs, features in architecture.head:
            self.add_module(name, nn.Linear(features, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, side, side) in [0, 1] → logits (N, C)."""
        maps = images
        for number, stage in enumerate(self.architecture.stages, 1):
            maps = pooled(stage, self._convolved(number, stage, maps))
        values = maps.flatten(1)
        *hidden, (last, *_) = self.architecture.head
        for name, *_ in hidden:
            values = F.relu(self.get_submodule(name)(values))
        logits: Tensor = self.get_submodule(last)(values)
        return logits

    def _convolved(self, number: int, stage: Stage, maps: Tensor) -> Tensor:
        weight = self.get_parameter(f"conv{number}.weight")
        bias = self.get_parameter(f"conv{number}.bias") if stage.bias else None
        if not stage.paired:
            return F.conv2d(maps, weight, bias, padding=stage.padding)
        # Each map is a group of its own, and every group gets the same kernels: faster than one image a map.
        groups = maps.shape[1]
        repeated = None if bias is None else bias.repeat(groups)
        return F.conv2d(maps, weight.repeat(groups, 1, 1, 1), repeated, padding=stage.padding, groups=groups)

    def export(self) -> Network:
        """The network as arrays, float32, with an affine layer that sums to zero over the classes.

        That changes no probability, but what is said of a single class: a function of the image that is added to all
        logits is no part of the prediction.
        """
        weights = {name: tensor.detach().numpy().astype(np.float32) for name, tensor in self.state_dict().items()}
        for name in ("affine.weight", "affine.bias"):
            weights[name] = centred(weights[name])
        return Network(self.architecture, weights)


def pooled(stage: Stage, convolved: Tensor) -> Tensor:
    """A stage's output for its convolution. ReLU and maximum commute; after the pool it has less to do."""
    return F.relu(F.max_pool2d(convolved, POOL) if stage.pool else convolved)


def centred(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights (C, …) less their mean over the classes, so that they sum to zero as nearly as float32 can say it."""
    exact = weights.astype(np.float64)
    rounded: NDArray[np.float32] = (exact - exact.mean(0)).astype(np.float32)
    # What is left by rounding goes to the smallest weight, which float32 says most finely.
    smallest = np.abs(rounded).argmin(0)[None]
    rest = rounded.sum(0, dtype=np.float64)
    finest = np.take_along_axis(rounded, smallest, 0) - rest
    np.put_along_axis(rounded, smallest, finest.astype(np.float32), 0)
    return rounded
