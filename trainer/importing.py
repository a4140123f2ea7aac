"""Networks that were trained elsewhere: their weights read and checked, and a card that says what was measured here."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from konkyo.models.architecture import Architecture, Stage, written_stages
from konkyo.models.errors import ArchitectureError
from konkyo.models.files.card import SelectionCard, TrainingCard
from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Network
from konkyo.trainer.data import Digits
from konkyo.trainer.errors import RunError
from konkyo.trainer.evaluation import evaluate
from konkyo.trainer.model_card import Origin, save

Weights = Mapping[str, NDArray[Any]]


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


def architecture_of(
    weights: Weights, stages: tuple[Stage, ...], side: int, channels: int, classes: int
) -> Architecture:
    """The network of these stages that such weights are of; the widths of hidden affine layers follow from them.

    Raises
    ------
    RunError
        There is no such network.
    """
    hidden: list[int] = []
    while (width := weights.get(f"hidden{len(hidden) + 1}.bias")) is not None:
        hidden.append(width.size)
    try:
        return Architecture(stages, side, channels, tuple(hidden), classes)
    except ArchitectureError as error:
        raise RunError(f"the stages make no network: {error}") from error


def network_of(weights: Weights, architecture: Architecture, classes: tuple[str, ...]) -> Network:
    """The network with these weights.

    Raises
    ------
    RunError
        A tensor is missing, unknown, not finite or of another shape. The message says which would be right.
    """
    wanted = architecture.tensor_shapes
    for name in (*wanted, *weights):
        if name not in weights or name not in wanted:
            raise RunError(
                f"{name} is {'unknown' if name in weights else 'missing'}; the file must hold {', '.join(wanted)}, and "
                f"holds {', '.join(weights) or 'nothing'}"
            )
        if weights[name].shape != wanted[name]:
            raise RunError(
                f"{name} has shape {weights[name].shape}; with stages {written_stages(architecture.stages)}, "
                f"{architecture.classes} classes and images of {architecture.side} × {architecture.side} it must be "
                f"{wanted[name]}"
            )
        if not np.isfinite(weights[name]).all():
            raise RunError(f"{name} holds NaN or infinity")
    return Network(architecture, {name: array.astype(np.float32) for name, array in weights.items()}, classes)


def publish_imported(name: str, network: Network, training: Digits, test: Digits, directory: Path) -> Checkpoint:
    """Measure a network on a data set, and write its checkpoint and card."""
    note = "validation is measured on all training images, which the network may have been trained on"
    origin = Origin(
        recipe={},
        training=TrainingCard(augmentations=None, loss="not known: the weights were imported", centred=False),
        selection=SelectionCard(by="no choice: the weights were imported", seed=0, runs=()),
        validation=evaluate(network, training).accuracy,
        packages={},
    )
    files = {**training.about.files, **test.about.files}
    about = replace(test.about, files=files, notes=(*test.about.notes, note))
    return save(directory, name, network, origin, about, test)
