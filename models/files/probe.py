"""The probe of a checkpoint: a test image with the logits that the network had for it when it was published.

Equal logits at loading show that the weights are the published ones and that this machine computes correctly.
"""

import base64
import binascii
import zlib
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.network import Network

# Logits may differ by this much, since processors round differently.
TOLERANCE = 1e-3


class ProbeDocument(TypedDict):
    """The image and the answer. ``image`` is 28×28 bytes, row by row, deflated (zlib) and in base64."""

    image: str
    predicted: int
    logits: list[float]


def make(network: Network, image: NDArray[np.uint8]) -> ProbeDocument:
    """Make the probe of a network from an image (28, 28), 0…255."""
    logits = _answer(network, image)
    packed = base64.b64encode(zlib.compress(image.tobytes(), 9)).decode()
    return {"image": packed, "predicted": int(logits.argmax()), "logits": logits.tolist()}


def failure(network: Network, probe: ProbeDocument) -> str | None:
    """Predict the probe and say what differs from the stored answer; None if nothing does.

    The class is called ``digit`` in cards of versions 1 and 2.
    """
    try:
        unpacked = zlib.decompress(base64.b64decode(probe["image"], validate=True))
        image = np.frombuffer(unpacked, np.uint8).reshape(IMAGE_SIDE, IMAGE_SIDE)
        stored: Any = probe
        predicted = int(stored["digit"] if "digit" in stored else stored["predicted"])
        expected = np.array(probe["logits"], np.float64)
    except (binascii.Error, zlib.error, ValueError, TypeError, KeyError) as error:
        return f"holds no {IMAGE_SIDE}×{IMAGE_SIDE} image with its class and logits ({error!r})"
    logits = _answer(network, image)
    if logits.shape != expected.shape or not np.allclose(logits, expected, rtol=0, atol=TOLERANCE):
        return f"is predicted as {logits.argmax()} with other logits than when it was published, as {predicted}"
    return None


def _answer(network: Network, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return network.logits(image / np.float32(255)).astype(np.float64)
