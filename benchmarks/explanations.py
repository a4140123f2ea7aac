"""The forward pass, the ledger, and what each picture costs beside what it shows."""

from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from numpy.typing import NDArray

from benchmarks.timing import show
from models.contributions import contributions
from models.faithfulness import receipt
from models.grounds import find_grounds
from models.network import Network, softmax
from models.occlusion import occlude
from models.pair_drops import pair_drops, pair_heatmaps
from models.regions import Regions
from models.sufficient import sufficient_region
from service import overlays
from service.drawing.canvas import png
from trainer.network import TrainableNetwork

# Explanations whose cost depends on the digit are measured over this many of them.
DIGITS = 40


def measure(name: str, network: Network, twin: TrainableNetwork, images: NDArray[Any]) -> None:
    """Everything that the service answers, in the precision that it computes in."""
    image, tensor = images[0], torch.from_numpy(images[:1])[:, None]
    precise, doubles = network.astype(np.float64), images.astype(np.float64)

    def passed() -> None:
        with torch.no_grad():
            twin(tensor)

    show(f"{name}, forward pass", {"numpy": lambda: network.logits(image), "torch": passed}, rounds=15)
    captum = LayerGradientXActivation(twin, twin.conv1)
    show(
        f"{name}, contributions to all ten classes",
        {
            "the ledger, every pair and map": lambda: contributions(precise, doubles[0]),
            "captum, gradient × activation of conv1": lambda: [captum.attribute(tensor, target=c) for c in range(10)],
        },
        rounds=15,
    )
    show(f"{name}, the ledgers of 64 pictures", {"one call": lambda: contributions(precise, doubles[:64])}, 5, 64)
    show(
        f"{name}, explanations, over {DIGITS} digits",
        {
            "occlusion": lambda: [occlude(precise, one) for one in doubles[:DIGITS]],
            "sufficient region": lambda: [sufficient_region(precise, one) for one in doubles[:DIGITS]],
            "pairs": lambda: [pair_drops(precise, one, 0, Regions(), 0.0) for one in doubles[:DIGITS]],
            "grounds": lambda: [find_grounds(precise, one) for one in doubles[:DIGITS]],
            "receipt of faithfulness": lambda: [
                receipt(precise, one, Regions(), occlude(precise, one).order, 0) for one in doubles[:DIGITS]
            ],
        },
        rounds=3,
        pictures=DIGITS,
    )
    _drawings(name, precise, doubles[0])


def _drawings(name: str, network: Network, image: NDArray[Any]) -> None:
    """Each picture, its PNG included, against what it shows."""
    result, ledger, trace = occlude(network, image), contributions(network, image), network.trace(image)
    digit = int(result.predicted)
    account, enough = ledger.account(digit), sufficient_region(network, image)
    heat = pair_heatmaps(pair_drops(network, image, digit, Regions(), 0.0), Regions())
    totals = ledger.contributions[digit]
    probabilities = softmax(trace.logits)
    read: dict[str, Any] = {"predicted": digit, "target": digit}
    pairs: dict[str, Any] = {"totals": totals, "region": 2, "stride": 2, **read}
    left: dict[str, Any] = {"digit": digit, "regions": enough.count, "grid_regions": 196}
    for title, compute, draw in (
        ("prediction", lambda: network.logits(image), lambda: overlays.prediction(image, probabilities, digit)),
        ("ledger", lambda: contributions(network, image), lambda: overlays.ledger(image, network, account, **read)),
        ("occlusion", lambda: occlude(network, image), lambda: overlays.occlusion(image, result)),
        (
            "sufficient region",
            lambda: sufficient_region(network, image),
            lambda: overlays.sufficient(image, enough.kept, probability=enough.probability, **left),
        ),
        (
            "pairs",
            lambda: pair_drops(network, image, digit, Regions(), 0.0),
            lambda: overlays.pairs(image, heat, network, **pairs),
        ),
        (
            "process",
            lambda: contributions(network, image),
            lambda: overlays.process(image, network, trace, ledger),
        ),
    ):
        show(f"{name}, {title}", {"computed": compute, "drawn": lambda draw=draw: png(draw())}, rounds=9)  # type: ignore[misc]
