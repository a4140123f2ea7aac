"""Captum's explanations by gradients; needs PyTorch and Captum (``konkyo[dev]``).

Each explains the logit of the predicted class; where one wants a reference image, that is the empty one, since it
is what curves delete to. Absolute values are taken where Captum takes them by default (saliency), ReLU where the method
has it (Grad-CAM).
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from captum.attr import (
    DeepLift,
    GradientShap,
    InputXGradient,
    IntegratedGradients,
    LayerGradCam,
    Saliency,
)
from torch import Tensor, nn

from konkyo.models.architecture import POOL, Architecture
from konkyo.models.network import Array, Network
from konkyo.trainer.studies.faithfulness.explanations import BASELINE, Explanation, Task

# Points on the path from the empty image to the whole one, and noisy images: Captum's default for the first.
STEPS = 50
SAMPLES = 50


class Layers(nn.Module):
    """The network in float64, a module for every layer: DeepLIFT has to hook each."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.architecture = shape = network.architecture
        self.border = torch.from_numpy(network.border.astype(np.float64))[:, None, None]
        self.padding = shape.stages[0].padding
        layers: list[nn.Module] = []
        for number, (stage, maps) in enumerate(zip(shape.stages, shape.layer_maps, strict=False), 1):
            groups = maps if stage.paired else 1
            padding = 0 if number == 1 else stage.padding
            convolution = nn.Conv2d(maps, groups * stage.filters, stage.kernel, 1, padding, 1, groups, stage.bias)
            # With paired wiring every group has the same kernels and bias.
            _set(convolution, network, f"conv{number}", groups)
            layers += [convolution, nn.ReLU(), *([nn.MaxPool2d(POOL)] if stage.pool else [])]
        layers.append(nn.Flatten())
        for name, outputs, inputs in shape.head:
            affine = nn.Linear(inputs, outputs)
            _set(affine, network, name)
            layers += [affine, *([] if name == shape.head[-1][0] else [nn.ReLU()])]
        self.layers = nn.Sequential(*layers).double()

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, side, side) → (N, C)."""
        around = nn.functional.pad(images - self.border, [self.padding] * 4) + self.border
        logits: Tensor = self.layers(around)
        return logits

    @property
    def last(self) -> nn.Module:
        """The convolution of the last stage."""
        return [layer for layer in self.layers if isinstance(layer, nn.Conv2d)][-1]


def _set(layer: nn.Module, network: Network, name: str, copies: int = 1) -> None:
    for kind, parameter in layer.named_parameters():
        weights = torch.from_numpy(network.weights[f"{name}.{kind}"].astype(np.float64))
        parameter.data = weights.repeat(copies, *[1] * (weights.ndim - 1))


# From the network, images that want a gradient, and the class of each.
Method = Callable[[Layers, Tensor, Tensor], Tensor]


def _by(kind: Any, **options: Any) -> Method:
    """One of Captum's classes as it is."""

    def attributed(network: Layers, images: Tensor, target: Tensor) -> Tensor:
        found: Tensor = kind(network).attribute(images, target=target, **options)
        return found

    return attributed


def grad_cam(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Selvaraju et al. 2017, of the last stage, enlarged bilinearly to where its cells look.

    Where convolutions have no padding, cells look at the middle of the image: stretched to the whole of it, as is usual
    with padded ones, every value would stand too far out.
    """
    cells = LayerGradCam(network, network.last).attribute(images, target=target, relu_attributions=True)
    weights = enlarging(network.architecture)
    found: Tensor = weights @ cells @ weights.T
    return found


def enlarging(architecture: Architecture) -> Tensor:
    """(side, cells): what each cell of the last convolution counts for each pixel row; the same for columns."""
    centre, pitch = 0.5, 1
    for stage in architecture.stages[:-1]:
        centre += pitch * ((stage.kernel - 1) / 2 - stage.padding + (stage.step - 1) / 2)
        pitch *= stage.step
    last = architecture.stages[-1]
    cells = last.sides(architecture.sides[-2])[0]
    centres = centre + pitch * ((last.kernel - 1) / 2 - last.padding + np.arange(cells))
    pixels = np.arange(architecture.side) + 0.5
    return torch.from_numpy(np.array([np.interp(pixels, centres, cell) for cell in np.eye(cells)]).T)


def gradient_shap(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Lundberg & Lee 2017 as in Captum, without noise: gradients at random points of the path from the empty image."""
    empty = torch.zeros_like(images[:1])
    return _by(GradientShap, baselines=empty, n_samples=SAMPLES, stdevs=0.0)(network, images, target)


METHODS: dict[str, Method] = {
    # Simonyan et al. 2014: the gradient's absolute value.
    "saliency": _by(Saliency),
    # Shrikumar et al. 2016.
    "input × gradient": _by(InputXGradient),
    # Sundararajan et al. 2017.
    "integrated gradients": _by(IntegratedGradients, n_steps=STEPS),
    # Shrikumar et al. 2017, the rescale rule.
    "DeepLIFT": _by(DeepLift),
    "Grad-CAM": grad_cam,
    "gradient SHAP": gradient_shap,
}


def _heatmap(task: Task, method: Method) -> Array:
    # Gradient SHAP draws its points on the path with NumPy.
    torch.manual_seed(task.seed)
    np.random.seed(task.seed)
    images = torch.from_numpy(channelled(task.images, task.network)).requires_grad_()
    with warnings.catch_warnings():
        # DeepLIFT hooks the layers.
        warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
        attributed = method(Layers(task.network), images, torch.from_numpy(task.target))
    # A pixel has the sum over its channels.
    heatmap: Array = attributed.detach().numpy().sum(1)
    return heatmap


def channelled(images: Array, network: Network) -> Array:
    """Images (N, …) as (N, channels, side, side)."""
    shape = network.architecture
    return images.reshape(len(images), shape.channels, shape.side, shape.side)


CAPTUM_METHODS = [Explanation(name, BASELINE, partial(_heatmap, method=method)) for name, method in METHODS.items()]
