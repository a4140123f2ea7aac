"""Checkpoints for tests: a true one, and any part of it replaced by something else."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as serialize

from konkyo.models.architecture import Wiring, two_stages
from konkyo.models.errors import CheckpointError
from konkyo.models.files import probe
from konkyo.models.files.card import Document, described
from konkyo.models.files.checkpoint import load
from konkyo.models.network import Network
from tests.helpers.oracles import integer_network

TINY = two_stages(Wiring.SUMMED, 1, 1)
NETWORK = integer_network(TINY, 1, np.float32)


def image_of(network: Network) -> Any:
    """An image for its probe, 0…255."""
    shape = network.architecture.image_shape
    return (np.arange(np.prod(shape)) % 256).astype(np.uint8).reshape(shape)


def document(network: Network = NETWORK, name: str = "tiny") -> Document:
    """What a trainer would say of a network that reads one test image, rightly."""
    classes = len(network.classes)
    return Document.model_validate(
        {
            "format_version": 5,
            "name": name,
            **described(network.architecture, tuple(network.border.tolist()), "light-on-dark"),
            "classes": network.classes,
            "preprocessing": "mnist" if network.architecture.image_shape == (28, 28) else "resize",
            "polarity": "auto",
            "warnings": ("mostly-ink", "several-pieces"),
            "recipe": {"steps": 1, "learning_rate": 0.001},
            "training": {"augmentations": None, "loss": "cross-entropy", "centred": True},
            "selection": {
                "by": "validation",
                "seed": 1,
                "runs": ({"seed": 1, "validation": 0.5, "chosen_by": 0.5, "step": 1, "test": 0.5},),
            },
            "dataset": {"name": "some", "licence": "none", "files": {"t10k": "0f"}, "notes": ()},
            "accuracy": {
                "validation": 0.5,
                "test": 1.0,
                "test_images": classes,
                "per_class": (1.0,) * classes,
                "confusion": tuple(map(tuple, np.eye(classes, dtype=int).tolist())),
            },
            "probe": probe.make(network.astype(np.float32), image_of(network)),
            "temperature": 2.5,
            "calibration": {
                "fitted": "fitted on some images",
                "bins": 15,
                "before": {"nll": 0.5, "ece": 0.25},
                "after": {"nll": 0.25, "ece": 0.125},
                "made_by": "konkyo train",
                "made_of": None,
            },
            "imported": None,
            "made_with": {"numpy": "2"},
        },
        strict=False,
    )


def spelled() -> dict[str, Any]:
    """The tiny document as JSON has it."""
    return document().model_dump(mode="json")


def tensors() -> dict[str, Any]:
    """Weights as they are stored, float32."""
    return dict(NETWORK.weights)


def write(
    directory: Path,
    weights: dict[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
    card: Any = None,
    says: Any = None,
) -> Path:
    """``tiny.safetensors`` and a card that fits it, but for what is given: ``says`` replaces the whole document."""
    says = spelled() if says is None else says
    data = serialize(tensors() if weights is None else weights, metadata or {"konkyo": json.dumps(says)})
    path = directory / "tiny.safetensors"
    path.write_bytes(data)
    if card is None:
        card = {**says, "sha256": hashlib.sha256(data).hexdigest()} if isinstance(says, dict) else {}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def changed(**fields: Any) -> dict[str, Any]:
    """The tiny document with some fields replaced."""
    return {**spelled(), **fields}


def refused(path: Path) -> CheckpointError:
    """The refusal, which must name the file and the field."""
    with pytest.raises(CheckpointError) as caught:
        load(path)
    assert caught.value.file == path.name
    assert str(caught.value).startswith(f"{path.name}: {caught.value.field}: ")
    return caught.value


def complaint(path: Path) -> tuple[str, str]:
    """(field, message) of the refusal."""
    error = refused(path)
    return error.field, str(error).removeprefix(f"{path.name}: {error.field}: ")
