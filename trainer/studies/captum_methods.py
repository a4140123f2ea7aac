"""Captum's explanations by gradients; needs PyTorch and Captum (``konkyo[dev]``).

Each explains the logit of the predicted class; where one wants a reference image, that is the empty one, since it
is what curves delete to. Absolute values are taken where Captum takes them by default (saliency), ReLU where the method
has it (Grad-CAM).
"""

import warnings
from collections.abc import Callable

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

from konkyo.models.architecture import IMAGE_SIDE, POOL, Wiring
from konkyo.models.network import Array, Network
from konkyo.trainer.studies.explanations import BASELINE, Explanation, Task

# Points on the path from the empty image to the whole one, and noisy images: Captum's default for the first.
STEPS = 50
SAMPLES = 50


class Layers(nn.Module):
    """The network of section 2.1 in float64, a module for every layer: DeepLIFT has to hook each."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        shape = network.architecture
        groups = shape.conv1_filters if shape.wiring is Wiring.PAIRED else 1
        self.conv1 = nn.Conv2d(1, shape.conv1_filters, shape.conv1_kernel)
        self.conv2 = nn.Conv2d(
            shape.conv1_filters, shape.maps, shape.conv2_kernel, groups=groups, bias=shape.conv2_bias
        )
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.pool1, self.pool2 = nn.MaxPool2d(POOL), nn.MaxPool2d(POOL)
        self.affine = nn.Linear(shape.maps * shape.pool2_side**2, len(network.weights["affine.bias"]))
        state = {name: torch.from_numpy(array.astype(np.float64)) for name, array in network.weights.items()}
        # With paired wiring every group has the same kernels and bias.
        for name in state.keys() & {"conv2.weight", "conv2.bias"}:
            state[name] = state[name].repeat(groups, *[1] * (state[name].ndim - 1))
        self.double()
        self.load_state_dict(state)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, 28, 28) → (N, C)."""
        pool1 = self.pool1(self.relu1(self.conv1(images)))
        pool2 = self.pool2(self.relu2(self.conv2(pool1)))
        logits: Tensor = self.affine(pool2.flatten(1))
        return logits


Method = Callable[[Layers, Tensor, Tensor], Tensor]


def saliency(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Simonyan et al. 2014: the gradient's absolute value."""
    found: Tensor = Saliency(network).attribute(images, target=target)
    return found


def input_x_gradient(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Shrikumar et al. 2016."""
    found: Tensor = InputXGradient(network).attribute(images, target=target)
    return found


def integrated_gradients(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Sundararajan et al. 2017."""
    found: Tensor = IntegratedGradients(network).attribute(images, target=target, n_steps=STEPS)
    return found


def deep_lift(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Shrikumar et al. 2017, the rescale rule."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
        found: Tensor = DeepLift(network).attribute(images, target=target)
    return found


def grad_cam(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Selvaraju et al. 2017, of conv2, enlarged bilinearly to where its cells look.

    conv2's convolutions are valid, so its cells look at the middle of the image: stretched to the whole of it, as is
    usual with padded ones, every value would stand too far out.
    """
    cells = LayerGradCam(network, network.conv2).attribute(images, target=target, relu_attributions=True)
    large = nn.functional.interpolate(cells, scale_factor=POOL, mode="bilinear", align_corners=False)
    margin = (IMAGE_SIDE - large.shape[-1]) // 2
    found: Tensor = nn.functional.pad(large, [margin] * 4, mode="replicate")
    return found


def gradient_shap(network: Layers, images: Tensor, target: Tensor) -> Tensor:
    """Lundberg & Lee 2017 as in Captum, without noise: gradients at random points of the path from the empty image."""
    empty = torch.zeros_like(images[:1])
    found: Tensor = GradientShap(network).attribute(
        images, baselines=empty, target=target, n_samples=SAMPLES, stdevs=0.0
    )
    return found


METHODS: dict[str, Method] = {
    "saliency": saliency,
    "input × gradient": input_x_gradient,
    "integrated gradients": integrated_gradients,
    "DeepLIFT": deep_lift,
    "Grad-CAM": grad_cam,
    "gradient SHAP": gradient_shap,
}


def _heatmap(task: Task, method: Method) -> Array:
    # Gradient SHAP draws its points on the path with NumPy.
    torch.manual_seed(task.seed)
    np.random.seed(task.seed)
    images = torch.from_numpy(task.images)[:, None].requires_grad_()
    attributed = method(Layers(task.network), images, torch.from_numpy(task.target))
    heatmap: Array = attributed.detach().numpy()[:, 0]
    return heatmap


def _explanation(name: str, method: Method) -> Explanation:
    return Explanation(name, BASELINE, lambda task: _heatmap(task, method))


CAPTUM_METHODS = [_explanation(name, method) for name, method in METHODS.items()]
