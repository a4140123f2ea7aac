"""The network once more, out of PyTorch's own layers, as Captum wants it. Independent of the trainer's."""

import numpy as np
import torch
from torch import Tensor, nn

from konkyo.models.architecture import Wiring
from konkyo.models.network import Network

torch.set_num_threads(1)


class LayeredNetwork(nn.Module):
    """float64. With paired wiring conv2 sees one map at a time, as if each were an image of its own."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        shape, w = network.architecture, network.weights
        self.paired = shape.stages[-1].wiring is Wiring.PAIRED
        self.conv1 = nn.Conv2d(1, shape.stages[0].filters, shape.stages[0].kernel)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        inputs = 1 if self.paired else shape.stages[0].filters
        self.conv2 = nn.Conv2d(inputs, shape.stages[1].filters, shape.stages[1].kernel, bias=shape.stages[1].bias)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.affine = nn.Linear(w["affine.weight"].shape[1], shape.classes)
        self.double()
        self.load_state_dict({name: torch.from_numpy(array.astype(np.float64)) for name, array in w.items()})

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) → (N, C)."""
        pooled = self.pool1(self.relu1(self.conv1(images)))
        if self.paired:
            pooled = pooled.reshape(-1, 1, *pooled.shape[2:])
        pooled = self.pool2(self.relu2(self.conv2(pooled)))
        logits: Tensor = self.affine(pooled.reshape(len(images), -1))
        return logits
