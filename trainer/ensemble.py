"""Several networks of one architecture, trained at once: side by side they are one wide network of separate groups."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from konkyo.trainer.network import TrainableNetwork, pooled

# PyTorch's convolutions are faster where a pixel's channels lie together, and many channels fill its vectors.
LAYOUT = torch.channels_last
# Networks that are trained side by side: what a batch leaves in each is 1 MB, which must be there for the way back.
GROUP = 5


class Ensemble(nn.Module):
    """S networks that see the same images. No weight is shared, so each learns as it would alone, up to rounding.

    Parameters
    ----------
    networks
        Where the weights start; the networks themselves are not changed.
    """

    def __init__(self, networks: list[TrainableNetwork]) -> None:
        super().__init__()
        self.architecture = networks[0].architecture
        self.size = len(networks)
        # A parameter's name may have no dot.
        self.weights = nn.ParameterDict(
            {
                name.replace(".", "_"): torch.stack([network.state_dict()[name] for network in networks])
                for name in networks[0].state_dict()
            }
        )

    def forward(self, images: Tensor, which: slice = slice(None)) -> Tensor:
        """(N, channels, side, side) in [0, 1] → logits (N, S, C), of the networks ``which``."""
        maps = images.to(memory_format=LAYOUT)
        for number, stage in enumerate(self.architecture.stages):
            maps = pooled(stage, self._convolved(number, maps, which))
        *hidden, (last, *_) = self.architecture.head
        values = maps.reshape(len(images), len(self.weights["affine_bias"][which]), -1)
        for name, *_ in hidden:
            values = F.relu(self._affine(name, values, which))
        return self._affine(last, values, which)

    def _convolved(self, number: int, maps: Tensor, which: slice) -> Tensor:
        """A stage's convolution: (N, S·n, s, s), of the image that all networks see (N, n, s, s) → (N, S·m, o, o)."""
        stage, inputs = self.architecture.stages[number], self.architecture.layer_maps[number]
        kernels = self.weights[f"conv{number + 1}_weight"][which]
        bias = self.weights[f"conv{number + 1}_bias"][which] if stage.bias else None
        groups = len(kernels)
        if stage.paired and inputs > 1:
            # A group is a map, and all maps of a network get the same kernels.
            if number == 0:
                maps = maps.repeat(1, groups, 1, 1)
            kernels = kernels.repeat_interleave(inputs, 0)
            bias = None if bias is None else bias.repeat_interleave(inputs, 0)
            groups *= inputs
        elif number == 0:
            groups = 1
        kernels = kernels.flatten(0, 1).to(memory_format=LAYOUT)
        flat = None if bias is None else bias.flatten()
        return F.conv2d(maps, kernels, flat, padding=stage.padding, groups=groups)

    def _affine(self, name: str, values: Tensor, which: slice) -> Tensor:
        weights, bias = (self.weights[f"{name}_{kind}"][which] for kind in ("weight", "bias"))
        made: Tensor = torch.einsum("nsf,swf->nsw", values, weights) + bias
        return made

    @property
    def groups(self) -> list[slice]:
        """The networks, a few at a time: as many as a processor's cache holds."""
        return [slice(first, first + GROUP) for first in range(0, self.size, GROUP)]

    def network(self, which: int) -> TrainableNetwork:
        """One of the networks, with its weights as they are now."""
        network = TrainableNetwork(self.architecture)
        network.load_state_dict(
            {name.replace("_", "."): weights.detach()[which] for name, weights in self.weights.items()}
        )
        return network


@torch.no_grad()
def accuracies(ensemble: Ensemble, images: Tensor, labels: Tensor, chunk: int = 1000) -> list[float]:
    """Share of images (N, channels, side, side) that each network predicts as their label (N,)."""
    correct = torch.zeros(ensemble.size, dtype=torch.int64)
    for start in range(0, len(labels), chunk):
        some = slice(start, start + chunk)
        predicted = torch.cat([ensemble(images[some], which).argmax(2) for which in ensemble.groups], 1)
        correct += (predicted == labels[some, None]).sum(0)
    return [count / len(labels) for count in correct.tolist()]
