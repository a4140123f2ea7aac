"""Several networks of one architecture, trained at once: side by side they are one wide network of separate groups."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from konkyo.models.architecture import POOL, Wiring
from konkyo.trainer.network import TrainableNetwork

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
        """(N, 1, 28, 28) in [0, 1] → logits (N, S, C), of the networks ``which``."""
        weights = {name: tensor[which] for name, tensor in self.weights.items()}
        conv1 = F.conv2d(
            images.to(memory_format=LAYOUT),
            weights["conv1_weight"].flatten(0, 1).to(memory_format=LAYOUT),
            weights["conv1_bias"].flatten(),
        )
        pool1 = F.relu(F.max_pool2d(conv1, POOL))
        pool2 = F.relu(F.max_pool2d(self._second_maps(pool1, weights), POOL))
        features = pool2.reshape(len(images), len(weights["affine_bias"]), -1)
        logits: Tensor = torch.einsum("nsf,scf->nsc", features, weights["affine_weight"]) + weights["affine_bias"]
        return logits

    def _second_maps(self, pool1: Tensor, weights: dict[str, Tensor]) -> Tensor:
        """conv2: (N, S·A, 12, 12) → (N, S·maps, 10, 10), before ReLU."""
        # summed: a group is a network. paired: a group is a map, and all maps of a network get the same kernels.
        copies = 1 if self.architecture.wiring is Wiring.SUMMED else self.architecture.conv1_filters
        kernels = weights["conv2_weight"].repeat_interleave(copies, 0).flatten(0, 1).to(memory_format=LAYOUT)
        bias = None
        if self.architecture.conv2_bias:
            bias = weights["conv2_bias"].repeat_interleave(copies, 0).flatten()
        return F.conv2d(pool1, kernels, bias, groups=len(weights["affine_bias"]) * copies)

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
    """Share of images (N, 1, 28, 28) that each network predicts as their label (N,)."""
    correct = torch.zeros(ensemble.size, dtype=torch.int64)
    for start in range(0, len(labels), chunk):
        some = slice(start, start + chunk)
        predicted = torch.cat([ensemble(images[some], which).argmax(2) for which in ensemble.groups], 1)
        correct += (predicted == labels[some, None]).sum(0)
    return [count / len(labels) for count in correct.tolist()]
