"""Chooses how to predict hidden images, incrementally or with forward passes, and caches the incremental occluders."""

from collections import OrderedDict
from threading import Lock
from typing import Protocol

import numpy as np

from konkyo.models.architecture import IMAGE_SIDE
from konkyo.models.incremental import Occluder, multiply_adds
from konkyo.models.network import Array, Network
from konkyo.models.regions import Regions

# The time of one multiply-add of a forward pass over that of one in an incremental occluder, whose matrix products are
# larger. Measured with both wirings and all sides of regions.
EFFICIENCY = 3.0
MAX_BYTES = 16 * 2**20


class Occlusions(Protocol):
    """Predicts images with each region hidden in turn."""

    def logits(self, images: Array, fill: float | Array) -> tuple[Array, Array, Array]:
        """As ``konkyo.models.incremental.Occluder.logits``."""


class ForwardPasses:
    """Predicts hidden images with batched forward passes. For large regions this is faster than ``Occluder``.

    Parameters
    ----------
    network
        Its precision is that of the logits.
    regions
        What is hidden.
    """

    def __init__(self, network: Network, regions: Regions) -> None:
        self._network = network
        self._masks = regions.masks.reshape(-1, IMAGE_SIDE, IMAGE_SIDE)

    def logits(self, images: Array, fill: float | Array) -> tuple[Array, Array, Array]:
        """As ``konkyo.models.incremental.Occluder.logits``."""
        whole = self._network.logits(images)
        hidden = np.repeat(whole[:, None], len(self._masks), axis=1)
        fills = np.broadcast_to(np.asarray(fill, self._network.dtype), images.shape)
        pairs = zip(images, fills, strict=True)
        changed = np.array([(self._masks & (image != other)).any((-2, -1)) for image, other in pairs])
        for number, which in enumerate(changed):
            hidden[number, which] = self._network.logits(np.where(self._masks[which], fills[number], images[number]))
        return whole, hidden, changed


class Occluders:
    """A cache of the most recently used occluders.

    Parameters
    ----------
    max_bytes
        Maximum size of all cached occluders in bytes. A larger occluder is not cached.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: OrderedDict[tuple[Network, int, int], Occluder] = OrderedDict()
        self._lock = Lock()

    def get(self, network: Network, regions: Regions) -> Occlusions:
        """The faster of the two for this network and this grid of regions."""
        if multiply_adds(network.architecture, regions) > EFFICIENCY * network.architecture.multiply_adds:
            return ForwardPasses(network, regions)
        key = network, regions.region, regions.step
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = Occluder(network, regions)
        if made.nbytes <= self._max_bytes:
            with self._lock:
                self._kept[key] = made
                while sum(one.nbytes for one in self._kept.values()) > self._max_bytes:
                    self._kept.popitem(last=False)
        return made


_OCCLUDERS = Occluders(MAX_BYTES)
occluder = _OCCLUDERS.get
