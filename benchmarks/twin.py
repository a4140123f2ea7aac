"""A network in PyTorch by itself: what ours is compared with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.network import Network


class Twin(nn.Module):
    """A network of stages and a head, as one writes it in PyTorch; parameters are called as in the checkpoint.

    Weights start at random, from torch's global generator, as ``at_random`` draws them.
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
            convolved = self._convolved(number, stage, maps)
            maps = F.relu(F.max_pool2d(convolved, stage.pool.side) if stage.pool else convolved)
        values = maps.flatten(1)
        *hidden, (last, *_) = self.architecture.head
        for name, *_ in hidden:
            values = F.relu(self.get_submodule(name)(values))
        logits: Tensor = self.get_submodule(last)(values)
        return logits

    def _convolved(self, number: int, stage: Stage, maps: Tensor) -> Tensor:
        if not stage.paired:
            convolved: Tensor = self.get_submodule(f"conv{number}")(maps)
            return convolved
        weight = self.get_parameter(f"conv{number}.weight")
        bias = self.get_parameter(f"conv{number}.bias") if stage.bias else None
        # Each map is a group of its own, and every group gets the same kernels: faster than one image a map.
        groups = maps.shape[1]
        repeated = None if bias is None else bias.repeat(groups)
        return F.conv2d(maps, weight.repeat(groups, 1, 1, 1), repeated, padding=stage.padding, groups=groups)


def twin(network: Network) -> Twin:
    """The same network in PyTorch, in the same precision."""
    weights = {name: torch.from_numpy(array.copy()) for name, array in network.weights.items()}
    same = Twin(network.architecture).to(next(iter(weights.values())).dtype)
    same.load_state_dict(weights)
    return same.eval()
