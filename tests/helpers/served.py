"""A service with networks of other shapes than the shipped ones, and pictures that they take."""

from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image

from konkyo.models.architecture import Architecture, Stage, Wiring, two_stages
from konkyo.models.files.checkpoint import save
from konkyo.service.app import create_app
from konkyo.service.settings import Settings
from support.pictures import encode
from tests.helpers.any_network import random_weights
from tests.helpers.documents import document
from tests.helpers.oracles import F64

ARCHITECTURES = {
    "colour": Architecture((Stage(4, 5), Stage(3, 3, wiring=Wiring.PAIRED)), 32, 3, classes=4),
    "deep": Architecture((Stage(4, 3, 1), Stage(3, 3, pool=None), Stage(5, 3)), 28),
    "hidden": Architecture((Stage(3, 5), Stage(4, 3)), 28, hidden=(12,)),
    "kernels": two_stages(Wiring.SUMMED, 3, 3, kernels=(7, 4)),
    "single": Architecture((Stage(6, 5),), 28),
    "single-colour": Architecture((Stage(5, 3),), 9, 3, classes=3),
    "tiny": Architecture((Stage(2, 3, wiring=Wiring.PAIRED), Stage(3, 2)), 8, classes=2),
    "wide": Architecture((Stage(18, 3), Stage(20, 3)), 28),
}
# What goes beyond a limit: every combination of hidden regions, and the contributions of many images.
EXTREMES = {
    "huge": Architecture((Stage(64, 3, 1, pool=None),) * 6, 64, 3, classes=2),
    "pairs": Architecture((Stage(40, 1, pool=None), Stage(40, 3)), 8, classes=2),
}


def publish(folder: Path, architectures: dict[str, Architecture]) -> None:
    """Checkpoints of networks of random weights."""
    for number, (name, architecture) in enumerate(architectures.items()):
        network = random_weights(architecture, number).astype(np.float32)
        save(folder, network, document(network, name))


def serve(folder: Path, architectures: dict[str, Architecture], default: str) -> TestClient:
    """The service with networks of random weights."""
    publish(folder, architectures)
    return TestClient(create_app(Settings(models=folder, default_model=default)))


def samples(architecture: Architecture, seed: int = 7) -> NDArray[np.uint8]:
    """(side, side) or (3, side, side): random strokes on black."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 256, architecture.image_shape).astype(np.uint8)
    return drawn * (rng.random(architecture.image_shape) < 0.6).astype(np.uint8)


def upload(architecture: Architecture, seed: int = 7) -> tuple[F64, dict[str, bytes]]:
    """The image that the network gets, and the file that is uploaded."""
    image = samples(architecture, seed)
    picture = image if image.ndim == 2 else np.moveaxis(image, 0, -1)
    return image / 255, {"file": encode(Image.fromarray(np.ascontiguousarray(picture)))}
