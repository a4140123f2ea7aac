"""Networks that were trained elsewhere: their weights read and checked, and a card that says what was measured here."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.errors import ArchitectureError
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.model_card import Origin, save

Weights = Mapping[str, NDArray[Any]]
NAMES = "conv1.weight", "conv1.bias", "conv2.weight", "affine.weight", "affine.bias"
OPTIONAL = "conv2.bias"


def read_weights(path: Path) -> Weights:
    """The arrays of a state dict, from safetensors or from PyTorch's own format, which is read without running code.

    Raises
    ------
    RunError
        The file cannot be read, or is no state dict.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        import torch

        loaded = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(loaded, dict) or not all(torch.is_tensor(value) for value in loaded.values()):
            raise RunError(f"{path} holds no state dict; save it with torch.save(network.state_dict(), …)")
        return {name: value.detach().float().numpy() for name, value in loaded.items()}
    except RunError:
        raise
    except Exception as error:  # torch raises whatever its unpickler met
        # The first line: PyTorch's messages go on with advice to read the file in a way that runs its code.
        reason = str(error).partition("\n")[0]
        raise RunError(f"{path} cannot be read as safetensors or as a state dict of PyTorch ({reason})") from error


def network_of(weights: Weights, wiring: Wiring, classes: tuple[str, ...]) -> Network:
    """The network with these weights; counts of filters and sides of kernels follow from their shapes.

    Raises
    ------
    RunError
        A tensor is missing, unknown, not finite or of a shape that fits no such network. The message says which shapes
        would.
    """
    for name in NAMES:
        if name not in weights:
            raise RunError(f"{name} is missing; the file must hold {', '.join(NAMES)}, and may hold {OPTIONAL}")
    for name, array in weights.items():
        if name not in (*NAMES, OPTIONAL):
            raise RunError(f"{name} is unknown; the file must hold {', '.join(NAMES)}, and may hold {OPTIONAL}")
        if not np.isfinite(array).all():
            raise RunError(f"{name} holds NaN or infinity")
    conv1, conv2 = weights["conv1.weight"], weights["conv2.weight"]
    for name, array in (("conv1.weight", conv1), ("conv2.weight", conv2)):
        if array.ndim != 4 or array.shape[2] != array.shape[3]:
            raise RunError(f"{name} has shape {array.shape}; (filters, inputs, side, side) is right")
    try:
        shape = two_stages(
            wiring, len(conv1), len(conv2), conv1.shape[2], conv2.shape[2], OPTIONAL in weights, len(classes)
        )
    except ArchitectureError as error:
        raise RunError(f"the shapes make no network: {error}") from error
    for name, wanted in shape.tensor_shapes.items():
        if weights[name].shape != wanted:
            raise RunError(
                f"{name} has shape {weights[name].shape}; with {wiring} wiring and {len(classes)} classes it must be "
                f"{wanted}"
            )
    return Network(shape, {name: array.astype(np.float32) for name, array in weights.items()}, classes)


def publish_imported(name: str, network: Network, training: Digits, test: Digits, directory: Path) -> Checkpoint:
    """Measure a network on a data set, and write its checkpoint and card."""
    note = "validation is measured on all training images, which the network may have been trained on"
    origin = Origin(
        recipe={},
        training={"augmentations": None, "loss": "not known: the weights were imported", "centred": False},
        selection={"by": "no choice: the weights were imported", "seed": 0, "runs": []},
        validation=evaluate(network, training).accuracy,
        packages={},
    )
    files = {**training.about.files, **test.about.files}
    about = replace(test.about, files=files, notes=(*test.about.notes, note))
    return save(directory, name, network, origin, about, test)
