"""The forward pass, the ledger, and what each picture costs beside what it shows."""

from functools import partial
from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradientXActivation
from numpy.typing import NDArray

from benchmarks.timing import show
from benchmarks.twin import Twin
from konkyo.models.filters.contributions import contributions
from konkyo.models.network import Network
from konkyo.models.question import FiltersQuestion, OcclusionQuestion, PredictQuestion, ProcessQuestion
from konkyo.service import drawing

# Explanations whose cost depends on the digit are measured over this many of them.
DIGITS = 40


def measure(name: str, network: Network, twin: Twin, images: NDArray[Any]) -> None:
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
    show(f"{name}, the ledgers of 64 images", {"one call": lambda: contributions(precise, doubles[:64])}, 5, 64)
    some = doubles[:DIGITS]
    show(
        f"{name}, explanations, over {DIGITS} digits",
        {
            "occlusion": partial(OcclusionQuestion(precise).answers, some),
            "with pairs": partial(OcclusionQuestion(precise, pairs=True).answers, some),
            "with faithfulness": partial(OcclusionQuestion(precise, faithfulness=True).answers, some),
        },
        rounds=3,
        images=DIGITS,
    )
    _drawings(name, precise, doubles[0])


def _drawings(name: str, network: Network, image: NDArray[Any]) -> None:
    """Each picture, its PNG included, against what it shows."""
    for title, question, draw in (
        ("prediction", PredictQuestion(network), drawing.prediction),
        ("ledger", FiltersQuestion(network), drawing.ledger),
        ("occlusion", OcclusionQuestion(network), drawing.occlusion),
        ("pairs", OcclusionQuestion(network, pairs=True), drawing.pair_drops),
        ("process", ProcessQuestion(network), drawing.process),
    ):
        compute = partial(question.answer, image)
        result: Any = compute()
        drawn = partial(lambda draw, result: draw(result).encode(), draw, result)
        show(f"{name}, {title}", {"computed": compute, "drawn": drawn}, rounds=9)
