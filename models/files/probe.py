"""The probe of a checkpoint: a test image with the logits that the network had for it when it was published.

Equal logits at loading show that the weights are the published ones and that this machine computes correctly.
"""

import base64
import binascii
import zlib
from math import prod

import numpy as np
from numpy.typing import NDArray

from konkyo.models import ties
from konkyo.models.files.card import ProbeCard
from konkyo.models.network import Network

# Logits may differ by this much, since processors round differently.
TOLERANCE = 1e-3


def make(network: Network, image: NDArray[np.uint8]) -> ProbeCard:
    """Make the probe of a network from an image of its shape, 0…255."""
    logits = _answer(network, image)
    packed = base64.b64encode(zlib.compress(image.tobytes(), 9)).decode()
    return ProbeCard(image=packed, predicted=int(ties.predicted(logits)), logits=tuple(logits.tolist()))


def failure(network: Network, probe: ProbeCard) -> str | None:
    """Predict the probe and say what differs from the stored answer; None if nothing does."""
    shape = network.architecture.image_shape
    size = prod(shape)
    try:
        # Never more than one byte too many: a few bytes can be the packed form of gigabytes.
        unpacked = zlib.decompressobj().decompress(base64.b64decode(probe.image, validate=True), size + 1)
        image = np.frombuffer(unpacked, np.uint8).reshape(shape)
    except (binascii.Error, zlib.error, ValueError) as error:
        return f"holds no image of {'×'.join(map(str, shape))} bytes ({error})"
    logits, expected = _answer(network, image), np.array(probe.logits)
    if logits.shape != expected.shape or not np.allclose(logits, expected, rtol=0, atol=TOLERANCE):
        now = ties.predicted(logits)
        return f"is predicted as {now} with other logits than when it was published, as {probe.predicted}"
    return None


def _answer(network: Network, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    return network.logits(image / np.float32(255)).astype(np.float64)
