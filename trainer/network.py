"""The network in PyTorch, to be trained. ``konkyo.models.network`` is what is served; a test holds the two equal."""

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from konkyo.models.architecture import POOL, Architecture, Wiring
from konkyo.models.network import Network


class TrainableNetwork(nn.Module):
    """The network of section 2.1; its parameters carry the names and shapes of the checkpoint.

    Weights start at random (PyTorch's own scheme), from torch's global generator.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        a, b, kernels = architecture.conv1_filters, architecture.conv2_filters, architecture.kernels_per_filter
        self.conv1 = nn.Conv2d(1, a, architecture.conv1_kernel)
        self.conv2 = nn.Conv2d(kernels, b, architecture.conv2_kernel, bias=architecture.conv2_bias)
        self.affine = nn.Linear(architecture.maps * architecture.pool2_side**2, architecture.classes)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) in [0, 1] → logits (N, C)."""
        pool1 = F.relu(F.max_pool2d(self.conv1(images), POOL))
        pool2 = F.relu(F.max_pool2d(self.second_maps(pool1), POOL))
        logits: Tensor = self.affine(pool2.flatten(1))
        return logits

    def second_maps(self, pool1: Tensor) -> Tensor:
        """conv2: (N, A, 12, 12) → (N, maps, 10, 10), before ReLU."""
        if self.architecture.wiring is Wiring.SUMMED:
            maps: Tensor = self.conv2(pool1)
            return maps
        # Each map is a group of its own, and every group gets the same kernels: faster than one image a map.
        groups = self.architecture.conv1_filters
        bias = None if self.conv2.bias is None else self.conv2.bias.repeat(groups)
        return F.conv2d(pool1, self.conv2.weight.repeat(groups, 1, 1, 1), bias, groups=groups)

    def export(self) -> Network:
        """The network as arrays, float32, with an affine layer that sums to zero over the classes.

        That changes no probability, but what is said of a single class: a function of the image that is added to all
        logits is no part of the prediction.
        """
        weights = {name: tensor.detach().numpy().astype(np.float32) for name, tensor in self.state_dict().items()}
        for name in ("affine.weight", "affine.bias"):
            weights[name] = centred(weights[name])
        return Network(self.architecture, weights)


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
