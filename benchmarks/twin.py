"""A network in PyTorch by itself: what ours is compared with."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from konkyo.models.activations import activation
from konkyo.models.architecture import Architecture, Stage
from konkyo.models.network import Network


class Twin(nn.Module):
    """A network of stages and a head, as one writes it in PyTorch; parameters are called as in the checkpoint.

    Weights start at random, from torch's global generator, as ``at_random`` draws them.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        for number, stage in enumerate(architecture.stages, 1):
            if not stage.kernel:
                continue
            (maps, side), plain = architecture.below(number - 1), stage.bias and not stage.bias_map
            inputs, groups = (1, 1) if stage.paired else (maps, stage.groups)
            convolution = nn.Conv2d(
                inputs, stage.filters, stage.kernel, stage.stride, _within(stage), groups=groups, bias=plain
            )
            if stage.bias_map and stage.bias:
                outputs = stage.sides(side)[0]
                convolution.register_parameter("bias", nn.Parameter(torch.rand(stage.filters, outputs, outputs)))
            self.add_module(f"conv{number}", convolution)
        for name, outputs, features in architecture.head:
            self.add_module(name, nn.Linear(features, outputs))

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, side, side) in [0, 1] → logits (N, C)."""
        layers = [images]
        for number, stage in enumerate(self.architecture.stages):
            maps = torch.stack([layers[source] for source in self.architecture.sources(number)]).sum(0)
            maps = _activation(stage.activation)(self._convolved(number + 1, stage, maps))
            if stage.pool:
                maps = (F.avg_pool2d if stage.mean else F.max_pool2d)(maps, stage.pool.side, stage.pool.stride)
            layers.append(_activation(stage.after)(maps))
        values = layers[-1].flatten(1)
        *hidden, (last, *_) = self.architecture.head
        for name, *_ in hidden:
            values = _activation(self.architecture.activation)(self.get_submodule(name)(values))
        logits: Tensor = self.get_submodule(last)(values)
        return logits

    def _convolved(self, number: int, stage: Stage, maps: Tensor) -> Tensor:
        padded = (
            maps if _within(stage) == stage.padding == stage.behind else F.pad(maps, [stage.padding, stage.behind] * 2)
        )
        if not stage.kernel:
            return padded[..., :: stage.stride, :: stage.stride]
        if not stage.paired and not stage.bias_map:
            convolved: Tensor = self.get_submodule(f"conv{number}")(padded)
            return convolved
        weight: Tensor = self.get_parameter(f"conv{number}.weight")
        bias: Tensor | None = self.get_parameter(f"conv{number}.bias") if stage.bias else None
        groups = stage.groups
        if stage.paired:
            # Each map is a group of its own, and every group gets the same kernels: faster than one image a map.
            groups = maps.shape[1]
            weight = weight.repeat(groups, 1, 1, 1)
            bias = None if bias is None else bias.repeat(groups, *[1] * (bias.ndim - 1))
        plain = None if stage.bias_map else bias
        made = F.conv2d(padded, weight, plain, stage.stride, _within(stage), groups=groups)
        return made if bias is None or plain is not None else made + bias


def _within(stage: Stage) -> int:
    """What a convolution pads by itself: the same on all sides."""
    return stage.padding if stage.kernel and stage.behind == stage.padding else 0


def _activation(name: str) -> nn.Module:
    of = activation(name)
    module: nn.Module = getattr(nn, of.torch)(*([] if of.parameter is None else [of.parameter]))
    return module


def twin(network: Network) -> Twin:
    """The same network in PyTorch, in the same precision."""
    weights = {name: torch.from_numpy(array.copy()) for name, array in network.weights.items()}
    same = Twin(network.architecture).to(next(iter(weights.values())).dtype)
    same.load_state_dict(weights)
    return same.eval()
