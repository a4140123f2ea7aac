"""Makes the networks of this folder: trained on MNIST for a minute, and exported as their tutorials say.

    KERAS_BACKEND=torch python make.py FOLDER_OF_MNIST

It needs torch, onnxscript and keras, which the tests do not. Tiny VGG is not made here: see docs/own-network.md.
"""

import gzip
import os
import sys
from pathlib import Path

import numpy as np

os.environ["KERAS_BACKEND"] = "torch"

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

HERE = Path(__file__).parent
IMAGES, BATCH = 60_000, 100


class Tutorial(nn.Module):
    """Two convolutions 5×5 with padding 2 and batch normalisation, as in many tutorials."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2, 2))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, 5, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2, 2))
        self.fc = nn.Linear(7 * 7 * 32, 10)

    def forward(self, images: Tensor) -> Tensor:
        out = self.layer2(self.layer1(images))
        logits: Tensor = self.fc(out.reshape(out.size(0), -1))
        return logits


class LeNet5(nn.Module):
    """LeNet-5 (LeCun et al. 1998): tanh, mean pools, two hidden layers. Here all maps are connected."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.c5, self.f6, self.out = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = F.avg_pool2d(torch.tanh(self.c1(images)), 2)
        maps = F.avg_pool2d(torch.tanh(self.c3(maps)), 2)
        values = torch.tanh(self.c5(torch.flatten(maps, 1)))
        logits: Tensor = self.out(torch.tanh(self.f6(values)))
        return logits


class AllConvolutional(nn.Module):
    """As Springenberg et al. 2015: strides in the place of pools, and the mean of a map for each class."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(12, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 24, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 24, 3),
            nn.ReLU(),
            nn.Conv2d(24, 10, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.layers(images)
        return logits


class Example(nn.Module):
    """PyTorch's MNIST example, with a quarter of its widths: no pool between, a hidden layer, log-softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(2304, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, images: Tensor) -> Tensor:
        maps = F.relu(self.conv1(images))
        maps = F.max_pool2d(F.relu(self.conv2(maps)), 2)
        values = torch.flatten(self.dropout1(maps), 1)
        values = self.dropout2(F.relu(self.fc1(values)))
        return F.log_softmax(self.fc2(values), dim=1)


def main(mnist: Path) -> None:
    torch.manual_seed(0)
    images = torch.tensor(_read(mnist, "train-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28)[:IMAGES])
    labels = torch.tensor(_read(mnist, "train-labels-idx1-ubyte", 8)[:IMAGES].astype(np.int64))
    pixels = images.float() / 255
    for name, classic in (("lenet-5", LeNet5()), ("all-convolutional", AllConvolutional())):
        _train(classic, pixels, labels, epochs=2)
        _export(classic, name)
    tutorials(images, labels)


def tutorials(images: Tensor, labels: Tensor) -> None:
    """Those of PyTorch's and Keras' own pages."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    pixels, start = images.float() / 255, torch.zeros(1, 1, 28, 28)
    tutorial = Tutorial()
    _train(tutorial, pixels, labels)
    save_file(tutorial.state_dict(), HERE / "tutorial.safetensors")
    _export(tutorial, "tutorial")

    example = Example()
    _train(example, (pixels - 0.1307) / 0.3081, labels)
    torch.onnx.export(example, (start,), HERE / "mnist-example.onnx", external_data=False)

    simple = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    simple.compile("adam", "sparse_categorical_crossentropy")
    simple.fit(pixels.permute(0, 2, 3, 1).numpy(), labels.numpy(), BATCH, epochs=1, verbose=0)
    simple.export(HERE / "keras-simple.onnx", format="onnx", verbose=False)

    normalised = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.BatchNormalization(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(10),
        ]
    )
    normalised.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    normalised.fit(images.permute(0, 2, 3, 1).float().numpy(), labels.numpy(), BATCH, epochs=1, verbose=0)
    normalised.export(HERE / "keras-normalised.onnx", format="onnx", verbose=False)


def _train(network: nn.Module, images: Tensor, labels: Tensor, epochs: int = 1) -> None:
    optimiser = torch.optim.Adam(network.parameters(), 2e-3 if epochs > 1 else 1e-3)
    for _ in range(epochs):
        for which in torch.split(torch.randperm(len(images)), BATCH):
            optimiser.zero_grad()
            F.cross_entropy(network(images[which]), labels[which]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    network.eval()


def _export(network: nn.Module, name: str) -> None:
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, 28, 28),),
        HERE / f"{name}.onnx",
        dynamo=False,
        do_constant_folding=False,  # else batch normalisation is folded there
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}},
    )


def _read(folder: Path, name: str, head: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.frombuffer(gzip.decompress((folder / f"{name}.gz").read_bytes()), np.uint8, offset=head)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
