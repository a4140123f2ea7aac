"""Modules of PyTorch as they are in memory: what is read of them predicts and is explained as they do themselves."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator
from PIL import Image
from torch import Tensor, nn

import konkyo
from konkyo.models.architecture import Stage
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.from_torch import module as torch_module
from konkyo.trainer.importing.pixels import Asked
from support.folders import DATA, ROOT
from tests.helpers.refuse import refuses
from tests.helpers.sure import sure
from tests.trainer.refusals import refusal

DIGITS = ROOT / "docs" / "digits"


def sequential(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def fresh(module: nn.Module, seed: int = 0) -> nn.Module:
    """With weights and statistics that are none of the usual ones."""
    torch.manual_seed(seed)
    for one in module.modules():
        if isinstance(one, nn.BatchNorm2d | nn.BatchNorm1d):
            for name, low, high in (("running_mean", -1, 1), ("running_var", 0.5, 2), ("weight", -2, 2)):
                if (value := getattr(one, name)) is not None:
                    nn.init.uniform_(value, low, high)
    return module


class Example(nn.Module):
    """PyTorch's own example for MNIST, with a quarter of its widths."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 3, 1), nn.Conv2d(8, 16, 3, 1)
        self.dropout1, self.dropout2 = nn.Dropout(0.25), nn.Dropout(0.5)
        self.fc1, self.fc2 = nn.Linear(2304, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(self.dropout2(x)), dim=1)


class Tutorial(nn.Module):
    """Two convolutions with padding and batch normalisation, in colour, that subtract the mean themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = sequential(
            nn.Conv2d(3, 8, 5, padding=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2, 2)
        )
        self.layer2 = sequential(
            nn.Conv2d(8, 6, 3, padding="same", bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(kernel_size=2)
        )
        self.fc, self.norm = nn.Linear(6 * 8 * 8, 4), nn.BatchNorm1d(4)
        self.mean = nn.Buffer(torch.rand(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer2(self.layer1((x - self.mean) / 0.3))
        made: Tensor = self.norm(self.fc(x.view(x.size(0), -1)))
        return made.softmax(1)


class Methods(nn.Module):
    """Everything as methods and functions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 4, 5), nn.Linear(4 * 144, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = 2 * x - 1
        x = F.dropout(torch.max_pool2d(self.conv(x).relu(), 2), 0.5, self.training)
        made: Tensor = self.fc(x.reshape((x.shape[0], 4 * 144)).contiguous())
        return 1 - made


class Rows(nn.Module):
    """Layers in another order than they are called in; values that are scaled before and behind Flatten."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.conv2, self.conv1 = nn.Linear(5 * 25, 3), nn.Conv2d(4, 5, 3), nn.Conv2d(1, 4, 5)
        self.grey = nn.Buffer(torch.full((1, 1, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(torch.relu(self.conv1(x - self.grey)), 2)
        x = F.max_pool2d(self.conv2(x.view(x.size()[0], 4, 12, 12)) * 3, 2)
        x = torch.relu(torch.flatten(x * 0.5, x.dim() - 3) / 0.25 - 0.1)
        made: Tensor = self.fc(x)
        return made


class LeNet(nn.Module):
    """LeNet-5 as published, but for its sparse connections and its last layer: tanh, mean pools, two hidden layers."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.f5, self.f6, self.out = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(F.avg_pool2d(self.c1(x), 2))
        x = F.avg_pool2d(self.c3(x).tanh(), kernel_size=2)
        made: Tensor = self.out(F.tanh(self.f6(F.tanh(self.f5(torch.flatten(x, 1))))))
        return made


class Functions(nn.Module):
    """Activations, pools and paddings as functions and methods."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, stride=2, bias=False), nn.Conv2d(4, 4, 3, groups=4)
        self.three, self.four = nn.Conv2d(4, 6, 2, padding="same"), nn.Conv2d(6, 5, 3, dilation=2)
        self.norm = nn.BatchNorm2d(5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.one(F.pad(x, (0, 1, 0, 1)))
        x = self.two(F.hardtanh(x * torch.sigmoid(x), 0, 6))
        x = F.leaky_relu(self.three(x), 0.2).clamp(min=0)
        x = F.elu(self.four(x), alpha=0.5)
        made: Tensor = self.norm(x).mean([-1, -2])
        return made


def mobile() -> nn.Module:
    """Depthwise and pointwise convolutions as MobileNet's, in colour."""

    def block(into: int, out: int, stride: int) -> list[nn.Module]:
        return [
            nn.Conv2d(into, into, 3, stride, 1, groups=into, bias=False), nn.BatchNorm2d(into), nn.ReLU6(),
            nn.Conv2d(into, out, 1, bias=False), nn.BatchNorm2d(out), nn.Hardswish(),
        ]  # fmt: skip

    start = [nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU6()]
    return sequential(*start, *block(4, 6, 1), *block(6, 8, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


class Block(nn.Module):
    """ResNet's block: two convolutions with batch normalisation beside the identity, or a 1×1 convolution."""

    def __init__(self, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, padding=1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.beside: nn.Module = nn.Identity()
        if stride > 1:
            self.beside = sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        made += self.beside(x)
        activated: Tensor = self.relu(made)
        return activated


def residual() -> nn.Module:
    start = [nn.Conv2d(3, 4, 3, 2, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU()]
    return sequential(*start, Block(4, 4, 1), Block(4, 6, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5))


class Sums(nn.Module):
    """Sums of every kind: of the image, of a sum, of a layer with itself, of values that were changed in place."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (nn.Conv2d(1, 1, 3, padding=1) for _ in range(3))
        self.four, self.norm, self.relu = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(1), nn.ReLU(inplace=True)
        self.fc = nn.Linear(4 * 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.one(x)
        y = torch.add(self.norm(x), self.two(x))
        y = y + y
        y = self.three(self.relu(y)) + y  # of y behind the activation
        y = torch.sigmoid(y) * y + y.add(x)
        made: Tensor = self.fc(torch.flatten(F.max_pool2d(self.four(y), 4) + F.avg_pool2d(self.four(x), 4), 1))
        return made


MODULES: dict[str, tuple[Callable[[], nn.Module], int, dict[str, Any]]] = {
    "LeNet-5": (LeNet, 28, {"range": (-1, 1)}),
    "functions": (Functions, 24, {"range": (0, 1)}),
    "MobileNet's blocks": (mobile, 32, {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}),
    "residual blocks": (residual, 32, {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}),
    "sums": (Sums, 16, {"range": (-1, 1)}),
    "all convolutions": (
        lambda: sequential(
            nn.Conv2d(1, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1), nn.ReLU(), nn.Conv2d(6, 10, 1),
            nn.AvgPool2d(7), nn.Flatten(),
        ),
        28,
        {"range": (0, 1)},
    ),
    "the blitz": (
        lambda: sequential(
            nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2, 2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
        ),
        32,
        {"range": (-1, 1)},
    ),
    "normalisation before padding": (
        lambda: sequential(
            nn.Conv2d(1, 2, 5), nn.SiLU(), nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3, padding=1), nn.PReLU(),
            nn.AvgPool2d(3, 2), nn.BatchNorm2d(4), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 25, 3),
        ),
        28,
        {"range": (0, 1)},
    ),
    "PyTorch's example": (Example, 28, {"mean": 0.1307, "std": 0.3081}),
    "the tutorial's": (Tutorial, 32, {}),
    "methods": (Methods, 28, {"range": (0, 1)}),
    "rows": (Rows, 28, {"range": (0, 1)}),
    "a list of layers": (
        lambda: sequential(
            nn.Identity(), nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Dropout2d(), nn.BatchNorm2d(4, eps=0.1, affine=False), nn.Conv2d(4, 5, 3), nn.ReLU(),
            sequential(nn.Flatten(), nn.Linear(5 * 9, 6), nn.ReLU(), nn.Linear(6, 3)), nn.Softmax(dim=-1),
        ),
        13,
        {"range": (0, 1)},
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # PyTorch's, of speed
@pytest.mark.parametrize("name", MODULES)
def test_a_network_is_its_module(name: str) -> None:
    make, side, options = MODULES[name]
    module = fresh(make())
    # Statistics that move, weights that are shared, and the mode stay what they were.
    before, mode = copy.deepcopy(module.state_dict()), module.training
    network = konkyo.from_torch(module, side, **options)
    assert module.training is mode
    assert all(torch.equal(one, before[key]) for key, one in module.state_dict().items())

    channels = network.network.architecture.channels
    # On a dark border, as light ink has it: a bright one is warned of.
    images = torch.nn.functional.pad(torch.rand(6, channels, side - 4, side - 4), (2, 2, 2, 2))
    least, most = options.get("range", (0, 1))
    given = options.get("mean", -least / (most - least)), options.get("std", 1 / (most - least))
    mean, std = (torch.tensor(one).reshape(-1, 1, 1) for one in given)
    with torch.no_grad():
        theirs = module.eval()((images - mean) / std)
    is_probability = bool(torch.allclose(theirs.sum(1), torch.ones(6)) and (theirs >= 0).all())
    right = theirs if is_probability else theirs.softmax(1)
    found = konkyo.predict(network, images)
    np.testing.assert_allclose([one.probabilities for one in found], right.numpy(), atol=1e-5)
    # A region hidden by Konkyo is one hidden in what enters the module.
    why = konkyo.occlusion(
        network, images[0, 0] if channels == 1 else images[0], target=1, region=4, score="probability"
    )
    hidden = images[:1].clone()
    hidden[:, :, 4:8, :4] = 0
    with torch.no_grad():
        after = module((hidden - mean) / std)
    drop = right[0, 1] - (after if is_probability else after.softmax(1))[0, 1]
    assert why.drop[1, 0] == pytest.approx(float(drop), abs=1e-5)


def test_one_output_behind_a_sigmoid_is_two_classes() -> None:
    module = sequential(nn.Conv2d(1, 2, 5), nn.Tanh(), nn.Flatten(), nn.Linear(1152, 1), nn.Sigmoid())
    network = konkyo.from_torch(module, range=(0, 1), classes=["cat", "dog"])
    image = F.pad(torch.rand(1, 1, 24, 24), (2, 2, 2, 2))  # on a dark border, as light ink has it
    with torch.no_grad():
        right = float(module(image))
    assert konkyo.predict(network, image[0, 0]).probabilities == pytest.approx([1 - right, right], abs=1e-6)
    assert sure(network.imported).folded == (
        "4 (Sigmoid), of one output, as two classes: the first has the logit 0, the second the output",
    )


def test_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Tutorial()
    network = konkyo.from_torch(module, 32, classes=["cat", "dog", "owl", "fox"], name="mine")
    assert network.network.architecture.stages == (Stage(8, 5, 2), Stage(6, 3, 1, bias=False))
    assert (network.classes, network.name) == (("cat", "dog", "owl", "fox"), "mine")
    assert network.network.dtype == np.float64
    # The mean that the module subtracts is what pads the image.
    np.testing.assert_allclose(network.network.border, module.mean.reshape(3).numpy(), atol=1e-6)
    drawn = konkyo.from_torch(fresh(Methods()), range=(0, 1), preprocessing="mnist")
    with pytest.warns(konkyo.ImageWarning, match="its ink seems to be dark on light paper"):
        konkyo.predict(drawn, np.ones((28, 28)) - np.pad(np.ones((12, 4)), ((8, 8), (12, 12))))
    monkeypatch.setattr(torch_module, "MOST", -1.0)
    with pytest.raises(NetworkFileError, match="in a probability from the module, so it was not understood"):
        konkyo.from_torch(fresh(Methods()), range=(0, 1))


def head(*layers: nn.Module, values: int = 2 * 24 * 24) -> nn.Sequential:
    return sequential(nn.Conv2d(1, 2, 5), *layers, nn.Flatten(), nn.Linear(values, 3))


class Using(nn.Module):
    """What is made of 2×24×24 values, behind a convolution and a ReLU."""

    def __init__(self, how: Callable[[Tensor, Any], Any]) -> None:
        super().__init__()
        self.conv, self.fc, self.how = nn.Conv2d(1, 2, 5), nn.Linear(2 * 24 * 24, 3), how

    def forward(self, x: Tensor) -> Any:
        made = self.how(F.relu(self.conv(x)), self)
        return made if isinstance(made, tuple) else self.fc(torch.flatten(made, 1))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 5)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        made: Tensor = self.conv(x)
        return made + y


def decided(values: Tensor, _: nn.Module) -> Tensor:
    return values if values.sum() > 0 else -values


def unruly(module: nn.Sequential) -> nn.Sequential:
    """It may be followed, and not be called."""

    def fails(*_: object) -> None:
        raise RuntimeError("not today\nbut tomorrow")

    module.register_forward_pre_hook(fails)
    return module


def slopes(module: nn.PReLU) -> nn.PReLU:
    with torch.no_grad():
        module.weight.copy_(torch.tensor([0.1, 0.2]))
    return module


def spoilt(module: nn.Sequential) -> nn.Sequential:
    nn.init.constant_(next(module.parameters()), float("nan"))
    return module


# What is refused at its layer needs nothing behind that. What is said of each: tests/data/refusals.json.
REFUSED: dict[str, Callable[[], Any]] = {
    "no module": lambda: 3,
    "no convolution": lambda: sequential(nn.Flatten(), nn.Linear(784, 3)),
    "a pass that asks for values": lambda: Using(decided),
    "two inputs": TwoInputs,
    "two outputs": lambda: Using(lambda values, _: (values, values)),
    "a module that fails": lambda: unruly(head(nn.ReLU())),
    "2049 filters":
        lambda: sequential(nn.Conv2d(1, 2049, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(2049 * 144, 3)),

    # Convolutions
    "Conv2d with a stride of (5, 5)": lambda: sequential(nn.Conv2d(1, 2, 5, stride=5)),
    "Conv2d with a stride of (1, 2)": lambda: sequential(nn.Conv2d(1, 2, 5, stride=(1, 2))),
    "Conv2d with a dilation of (1, 2)": lambda: sequential(nn.Conv2d(1, 2, 5, dilation=(1, 2))),
    "Conv2d with a padding of 5": lambda: sequential(nn.Conv2d(1, 2, 5, padding=5)),
    "Conv2d with 3 inputs, and gets 2 maps": lambda: sequential(nn.Conv2d(1, 2, 5), nn.Conv2d(3, 2, 5)),
    "Conv2d with kernels of 3×5": lambda: sequential(nn.Conv2d(1, 2, (3, 5))),
    "Conv2d with kernels of 29×29 for maps of 28×28": lambda: sequential(nn.Conv2d(1, 2, 29)),
    "Conv2d with a padding of (1, 2)": lambda: sequential(nn.Conv2d(1, 2, 5, padding=(1, 2))),
    "Conv2d with padding with replicate": lambda: sequential(nn.Conv2d(1, 2, 5, padding=2, padding_mode="replicate")),
    "Conv2d of NaN": lambda: spoilt(head(nn.ReLU())),
    "Conv2d that takes maps, and gets values in a row": lambda: sequential(nn.Flatten(), nn.Conv2d(1, 2, 5)),

    # Pools, activations and normalisation
    "GELU": lambda: head(nn.GELU()),
    "gelu": lambda: Using(lambda values, _: F.gelu(values)),
    "Bilinear": lambda: head(nn.ReLU(), nn.Bilinear(2, 2, 2)),
    "GroupNorm": lambda: head(nn.GroupNorm(1, 2)),
    "Upsample": lambda: head(nn.Upsample(2)),
    "PReLU of two slopes": lambda: head(slopes(nn.PReLU(2))),
    "Hardtanh that keeps values between -2 and 2": lambda: head(nn.Hardtanh(-2, 2)),
    "Hardsigmoid that multiplies nothing": lambda: head(nn.Hardsigmoid()),
    "AdaptiveAvgPool2d that makes 5 of 24": lambda: head(nn.AdaptiveAvgPool2d(5)),
    "AvgPool2d that pools 5×5": lambda: head(nn.AvgPool2d(5)),
    "MaxPool2d that pools 2×2 with a stride of 3": lambda: head(nn.MaxPool2d(2, 3)),
    "MaxPool2d that pools rows and columns differently": lambda: head(nn.MaxPool2d((1, 2))),
    "AvgPool2d that divides by 3": lambda: head(nn.AvgPool2d(2, divisor_override=3)),
    "MaxPool2d that pools with padding or dilation": lambda: head(nn.MaxPool2d(2, padding=1)),
    "MaxPool2d that keeps a part of a square of maps of 25×25":
        lambda: sequential(nn.Conv2d(1, 2, 4), nn.MaxPool2d(2, ceil_mode=True)),
    "MaxPool2d that pools maps of one cell": lambda: sequential(nn.Conv2d(1, 2, 28), nn.MaxPool2d(2)),
    "ZeroPad2d before no convolution": lambda: sequential(
        nn.Conv2d(1, 2, 5), nn.ZeroPad2d(1), nn.Flatten(), nn.Linear(1352, 3)),
    "ZeroPad2d of columns alone": lambda: head(nn.ZeroPad2d((1, 1, 0, 0))),
    "pad of ones": lambda: Using(lambda values, _: F.pad(values, (1, 1, 1, 1), value=1.0)),
    "mean over maps": lambda: Using(lambda values, _: values.mean(1)),
    "squeeze of the batch": lambda: Using(lambda values, _: values.squeeze(0)),
    "cat": lambda: Using(lambda values, _: torch.cat([values, values], 1)),
    "BatchNorm2d for 3 maps": lambda: head(nn.BatchNorm2d(3)),
    "BatchNorm2d with no running mean, and so normalises by the batch":
        lambda: head(nn.BatchNorm2d(2, track_running_stats=False)),
    "BatchNorm1d that differs from cell to cell of a map": lambda: fresh(
        sequential(nn.Conv2d(1, 2, 5), nn.Flatten(), nn.BatchNorm1d(1152), nn.ReLU(), nn.Linear(1152, 3))),

    # Affine layers and what follows them
    "no affine layer": lambda: sequential(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.Flatten()),
    "Linear that takes 11 values, and gets 1152 of an image of this side": lambda: head(values=11),
    "Linear that takes 72 values, and gets 288 of an image of this side": lambda: head(nn.MaxPool2d(2), values=72),
    "Linear that takes 24 values, and gets 2×24×24 of an image of this side":
        lambda: sequential(nn.Conv2d(1, 2, 5), nn.Linear(24, 3)),
    "Linear that stands behind 3 (Softmax)": lambda: sequential(*head(), nn.Softmax(1), nn.Linear(3, 3)),
    "Softmax of maps": lambda: head(nn.Softmax(1)),
    "Softmax of images": lambda: sequential(*head(), nn.Softmax(0)),

    # Functions and methods
    "add that takes an array of (5,) for values of (2, 24, 24)":
        lambda: Using(lambda values, _: values + torch.ones(5)),
    "mul that takes an array of (2, 2, 1, 1) for values of (2, 24, 24)":
        lambda: Using(lambda values, _: values * torch.ones(2, 2, 1, 1)),
    "add of maps of another size": lambda: Using(lambda values, _: values + F.max_pool2d(values, 2)),
    "add of one number for each map": lambda: Using(lambda values, _: values + values.mean((2, 3), keepdim=True)),
    "add of two affine layers":
        lambda: Using(lambda values, it: it.fc(torch.flatten(values, 1)) + it.fc(torch.flatten(values.relu(), 1))),
    "mul that takes 2 arrays that depend on the image": lambda: Using(lambda values, _: values * values.relu()),
    "add with arguments beside two values": lambda: Using(lambda values, _: torch.add(values, 1, alpha=2)),
    "truediv that makes NaN or infinity": lambda: Using(lambda values, _: values / 0),
    "truediv that divides by the values of the image": lambda: Using(lambda values, _: 1 / values),
    "flatten that flattens axes 0 to -1": lambda: Using(lambda values, _: torch.flatten(values)),
    "reshape that makes an array of (-1, 24, 2, 24)": lambda: Using(lambda values, _: values.reshape(-1, 24, 2, 24)),
    "reshape that makes an array of (1, 1152)": lambda: Using(lambda values, _: values.reshape(1, 1152)),
    "getitem that takes a part of the values": lambda: Using(lambda values, _: values[:, :1]),
    "dropout that drops values of the trained network, too": lambda: Using(lambda values, _: F.dropout(values)),
    "exp": lambda: Using(lambda values, _: torch.exp(values)),
    "exp as a method": lambda: Using(lambda values, _: values.exp()),
    "relu_1 that calls relu of what is no image": lambda: Using(lambda values, it: values * it.conv.bias.relu()),
}  # fmt: skip


def refusals(_: Path) -> dict[str, str]:
    return {case: refusal(partial(konkyo.from_torch, make(), range=(0, 1))) for case, make in REFUSED.items()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": ["a", "b"]}, "the names of its classes must be 3, not 2"),
        ({"classes": ["a", "b", "a"]}, "the names of its classes each must stand once, and 'a' stands 2 times"),
        (
            {"range": None, "mean": [0.1, 0.2, 0.3], "std": 0.5},
            "the mean has 3 numbers, and the image 1 channels; 1 fits too",
        ),
        (
            {"range": None, "mean": 0, "std": 0},
            "mean and std are those of pixels in 0…1, so a mean from 0 to 1 and a std above 0 and up to 1 fit",
        ),
        ({"range": (0, 1), "std": 0.5}, "range and mean or std say the same twice; one of them fits"),
        ({"range": None}, Asked.PYTHON.missing),
        (
            {"side": 4},
            "0 (Conv2d): has kernels of 5×5 for maps of 4×4; smaller fit. With side=28 its layers fit together",
        ),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], message: str) -> None:
    with refuses(NetworkFileError, message):
        konkyo.from_torch(head(nn.ReLU()), **{"range": (0, 1)} | options)


def test_what_a_module_does_itself_is_not_done_twice() -> None:
    """A range is that of the pixels before the module's own arithmetic."""
    module, image = Tutorial(), np.random.default_rng(0).random((3, 32, 32))
    asked, found = konkyo.from_torch(module, 32, range=(0, 1)), konkyo.from_torch(module, 32)
    np.testing.assert_array_equal(asked.network.logits(image), found.network.logits(image))
    with pytest.raises(NetworkFileError, match="asked for with mean and std would be done twice or in another range"):
        konkyo.from_torch(module, 32, mean=0.5, std=0.25)
    plain = fresh(head(nn.ReLU()))
    brighter, unit = (konkyo.from_torch(plain, range=(0, most)).network for most in (255, 1))
    grey = np.random.default_rng(0).random((28, 28))
    np.testing.assert_allclose(brighter.logits(grey / 255), unit.logits(grey), rtol=1e-4)


def test_a_network_says_in_which_range_pixels_enter_it(tmp_path: Path) -> None:
    line = "Model({!r}: grey images of 28×28, stages 2k5n, 3 classes, 3,511 parameters, pixels enter as {})"
    plain = fresh(head(nn.ReLU()))
    for options, written in (
        ({"range": (-1, 1)}, "-1…1"),
        ({"range": (0, 255)}, "0…255"),
        ({"mean": 0.1307, "std": 0.3081}, "-0.4242…2.821"),
    ):
        network = konkyo.from_torch(plain, **options)
        assert repr(network) == line.format("Sequential", written)
        assert repr(konkyo.load(network.save(tmp_path / "mine", overwrite=True))) == line.format("mine", written)
    colour = konkyo.from_torch(
        sequential(nn.Conv2d(3, 1, 5), nn.ReLU(), nn.Flatten(), nn.Linear(576, 3)), mean=(0, 0.5, 0), std=0.5
    )
    assert repr(colour).endswith("pixels enter as 0…2, -1…1)")


def test_a_module_is_kept_as_a_checkpoint(tmp_path: Path) -> None:
    """What is loaded again answers as the module's network did."""
    network = konkyo.from_torch(Tutorial(), 32, classes=["cat", "dog", "owl", "fox"])
    path = network.save(tmp_path / "own" / "mine")
    assert path == tmp_path / "own" / "mine.safetensors"
    again, image = konkyo.load(path), np.pad(np.random.default_rng(0).random((3, 28, 28)), ((0, 0), (2, 2), (2, 2)))
    np.testing.assert_array_equal(konkyo.predict(again, image).logits, konkyo.predict(network, image).logits)
    assert (again.name, again.classes, again.expected) == ("mine", network.classes, network.expected)
    there = f"{path} is there already; another name or folder fits, or overwrite, which replaces the network"
    with refuses(NetworkFileError, there):
        network.save(path)
    assert network.save(path, overwrite=True) == path
    with refuses(NetworkFileError, "mine is not of from_torch or ONNX; its file and its card can be copied"):
        again.save(tmp_path / "other")
    with refuses(NetworkFileError, "the name 'My Net' must be lower-case letters, digits and hyphens"):
        network.save(tmp_path / "My Net")


def test_an_onnx_file_is_loaded_as_it_is(tmp_path: Path) -> None:
    file = DATA / "networks" / "tutorial.onnx"
    network = konkyo.load(file, range=(0, 1), preprocessing="mnist")
    saved = konkyo.load(network.save(tmp_path / "tutorial"))
    assert saved.card is not None and saved.card.imported == network.imported  # noqa: PT018
    why = konkyo.occlusion(saved, DIGITS / "7.png", region=7)
    assert why.label == "7"
    pixels = np.tile(np.asarray(Image.open(DIGITS / "7.png"), np.float32) / 255, (2, 1, 1, 1))
    pixels[1, :, 7:14, 7:14] = 0
    evaluator = ReferenceEvaluator(onnx.load(file))
    whole, hidden = (cast(Any, evaluator.run(None, {evaluator.input_names[0]: one[None]}))[0][0, 7] for one in pixels)
    assert why.drop[1, 1] == pytest.approx(whole - hidden, abs=1e-4)
    with refuses(NetworkFileError, f"tutorial.onnx: {Asked.PYTHON.missing}"):
        konkyo.load(file)


def test_a_compiled_module_is_its_module() -> None:
    plain = fresh(head(nn.ReLU()))
    image = np.random.default_rng(0).random((28, 28))
    compiled: Any = torch.compile(plain, backend="eager")
    right, found = (konkyo.from_torch(one, range=(0, 1)).network.logits(image) for one in (plain, compiled))
    np.testing.assert_array_equal(found, right)
