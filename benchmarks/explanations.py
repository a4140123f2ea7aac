"""The forward pass, the ledger, and what drawing costs beside computing."""

from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from numpy.typing import NDArray

from benchmarks.timing import show
from models.contributions import contributions
from models.faithfulness import receipt
from models.network import Network
from models.occlusion import occlude
from models.pairs import pair_drops
from models.regions import Regions
from models.sufficient import sufficient_region
from service import overlays
from service.overlays.canvas import png
from trainer.network import TrainableNetwork


def measure(name: str, network: Network, twin: TrainableNetwork, images: NDArray[Any]) -> None:
    """One picture through everything that the service answers."""
    image, tensor = images[0], torch.from_numpy(images[:1])[:, None]
    precise, double = network.astype(np.float64), image.astype(np.float64)

    def passed() -> None:
        with torch.no_grad():
            twin(tensor)

    show(f"{name}, forward pass", {"numpy": lambda: network.logits(image), "torch": passed}, rounds=15)

    captum = LayerGradientXActivation(twin, twin.conv1)
    show(
        f"{name}, contributions to all ten classes",
        {
            "the ledger, every pair and map": lambda: contributions(precise, double),
            "captum, gradient × activation of conv1": lambda: [captum.attribute(tensor, target=c) for c in range(10)],
        },
        rounds=15,
    )
    many = images[:64].astype(np.float64)
    show(f"{name}, the ledgers of 64 pictures", {"one call": lambda: contributions(precise, many)}, 5, len(many))

    result = occlude(precise, double)
    show(
        f"{name}, explanations",
        {
            "occlusion": lambda: occlude(precise, double),
            "sufficient region": lambda: sufficient_region(precise, double),
            "pairs": lambda: pair_drops(precise, double, int(result.target), Regions(), 0.0),
            "receipt of faithfulness": lambda: receipt(precise, double, result),
        },
        rounds=9,
    )

    ledger = contributions(precise, double)
    digit = int(result.predicted)
    account = ledger.account(digit)
    show(
        f"{name}, drawing, PNG included",
        {
            "occlusion computed": lambda: occlude(precise, double),
            "occlusion drawn": lambda: png(overlays.occlusion(image, result)),
            "ledger drawn": lambda: png(overlays.ledger(image, network, account, predicted=digit, target=digit)),
        },
        rounds=15,
    )
