"""Shapley values and grounds: what an image costs, against sampling, enumeration, and the worst images.

All times are those of the processor, on one core.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from math import factorial

import numpy as np
import torch
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.timing import console, show
from konkyo.models.errors import BudgetError
from konkyo.models.grounds.contrasts import Contrasts
from konkyo.models.grounds.proofs import OTHER, grounds
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import pair_values, shapley_values
from konkyo.models.network import Array, Network
from konkyo.trainer.studies.faithfulness.baselines import BASELINES
from konkyo.trainer.studies.shapley import ENOUGH, Question
from konkyo.trainer.training.network import TrainableNetwork

# The first so many images; of them the worst grounds; and the orders that Captum's sampling is first asked with.
IMAGES, WORST, ORDERS = 200, 1000, 25
ROUNDS = 3
SLOWEST = 20
# Enumeration takes 2 to the power of so many forward passes.
FEW_PLAYERS = 10
SEED = 0


def measure(name: str, network: Network, twin: TrainableNetwork, images: Array) -> None:
    """Everything in float64, as the service computes.

    Parameters
    ----------
    name
        The checkpoint's.
    network
        In float64.
    twin
        The same in torch.
    images
        (N, 28, 28) in [0, 1]: the test images.
    """
    _spread(name, network, images[:IMAGES])
    _enumeration(name, network, twin, images)
    _sampling(name, network, images[0])
    _worst(name, network, images[:WORST])
    _noise(name, network)


def _spread(name: str, network: Network, images: Array) -> None:
    """The median and 95 of 100 images, of each image's median over the rounds."""
    predicted = network.logits(images).argmax(-1).tolist()
    pairs = list(zip(images, predicted, strict=True))
    asked: dict[str, list[Callable[[], object]]] = {
        "Shapley values, all classes": [partial(shapley_values, network, image) for image in images],
        "Shapley values of every filter pair, one class": [partial(pair_values, network, *pair) for pair in pairs],
        "grounds: sufficient set and contrast": [partial(grounds, network, image) for image in images],
        "of these, the contrast alone": [partial(_contrast, network, *pair) for pair in pairs],
    }
    table = Table(
        "", "median", "95 of 100 below", title=f"{name}, ms of the processor an image, the first {len(images)}"
    )
    for title, questions in asked.items():
        ms = 1000 * np.median([_seconds(questions) for _ in range(ROUNDS)], axis=0)
        table.add_row(title, f"{np.median(ms):.2f}", f"{np.quantile(ms, 0.95):.2f}")
    console.print(table)


def _enumeration(name: str, network: Network, twin: TrainableNetwork, images: Array) -> None:
    """The definition by a batched forward pass of every hiding, on the first image with few players."""
    hiding = Hiding(Regions(usual_side(network.architecture)))
    image = next(image for image in images if hiding.changed(image).sum() <= FEW_PLAYERS)
    players = np.flatnonzero(hiding.changed(image))
    double = TrainableNetwork(network.architecture).double()
    double.load_state_dict({key: value.double() for key, value in twin.state_dict().items()})
    enumerate_all = partial(_enumerated, double, image, hiding.regions.masks.reshape(-1, *image.shape[-2:])[players])
    ours = shapley_values(network, image).values.reshape(-1, 49).T[players]
    np.testing.assert_allclose(enumerate_all(), ours, rtol=0, atol=1e-9)
    ways: dict[str, Callable[[], object]] = {
        "exact": partial(shapley_values, network, image),
        "every hiding, batched": enumerate_all,
    }
    show(f"{name}, an image with {len(players)} regions of ink, equal to 1e-9", ways, ROUNDS, clock=time.process_time)


def _enumerated(twin: TrainableNetwork, image: Array, masks: NDArray[np.bool_]) -> Array:
    """(n, 10): the Shapley values from the definition, with the logits of all 2ⁿ hidings."""
    n = len(masks)
    visible = (np.arange(2**n) >> np.arange(n)[:, None]) & 1 == 1
    hidden = (~visible).T.astype(np.float64) @ masks.reshape(n, -1)
    hidings = torch.from_numpy(np.where(hidden.reshape(-1, *image.shape) > 0, 0.0, image))[:, None]
    with torch.no_grad():
        logits = twin(hidings).numpy()
    size = visible.sum(0)
    weights = np.array([factorial(s) * factorial(n - 1 - s) / factorial(n) for s in range(n)])
    values = np.zeros((n, logits.shape[1]))
    for player in range(n):
        without = np.flatnonzero(~visible[player])
        values[player] = weights[size[without]] @ (logits[without | 1 << player] - logits[without])
    return values


def _sampling(name: str, network: Network, image: Array) -> None:
    """Captum's sampling with few orders and with as many as an error of 2 % needs, and KernelShap with as many."""
    region = usual_side(network.architecture)
    true, hiding = shapley_values(network, image), Hiding(Regions(region))
    players = hiding.changed(image).reshape(true.values.shape[1:])
    question = Question(network, image, true.predicted, region, players, SEED)
    wanted = true.of(true.predicted).values[players]
    by_name = {one.name: one.approximate for one in BASELINES}
    features = players.size

    def error(found: Array) -> float:
        return float(np.abs(found[players] - wanted).mean() / np.abs(wanted).mean())

    few = ORDERS * features
    # The error falls with the root of the orders; its estimate is the mean over some draws.
    sample = by_name["ShapleyValueSampling"]
    mean = np.mean([error(sample(replace(question, seed=seed), few)[0]) for seed in range(1, 9)])
    many = features * int(np.ceil(ORDERS * (mean / ENOUGH) ** 2))
    asked = [("ShapleyValueSampling", few), ("ShapleyValueSampling", many)]
    if find_spec("sklearn") is not None:
        asked.append(("KernelShap", few))
    ways: dict[str, Callable[[], object]] = {"exact, all ten classes": partial(shapley_values, network, image)}
    for method, evaluations in asked:
        found, spent = by_name[method](question, evaluations)
        ways[f"captum {method}, {spent:,} evaluations, error {error(found):.1%}"] = partial(
            by_name[method], question, evaluations
        )
    show(f"{name}, one image, one class", ways, rounds=1, clock=time.process_time)


def _worst(name: str, network: Network, images: Array) -> None:
    seconds = _seconds([partial(grounds, network, image) for image in images])
    # The slowest ones are asked again: once, anything may have got in the way.
    slowest = np.argsort(seconds)[-SLOWEST:].tolist()
    again = [partial(grounds, network, images[number]) for number in slowest]
    least = np.min([_seconds(again) for _ in range(ROUNDS)], axis=0)
    number, ms = slowest[int(least.argmax())], 1000 * least.max()
    console.print(f"{name}, grounds, worst of {len(images):,} images: number {number}, {ms:.0f} ms")


def _noise(name: str, network: Network) -> None:
    """An image of noise: every region is a player."""
    image = np.random.default_rng(SEED).random((28, 28))
    seconds = min(_seconds([partial(shapley_values, network, image)])[0] for _ in range(ROUNDS))
    console.print(f"{name}, noise, 49 regions: Shapley values {1000 * seconds:.0f} ms")
    started = time.process_time()
    try:
        found = grounds(network, image)
        said = f"{len(found.sufficient.regions)} regions suffice ({found.sufficient.status})"
    except BudgetError as error:
        said = f"refused: {error}"
    console.print(f"{name}, noise, 49 regions: grounds {1000 * (time.process_time() - started):.0f} ms, {said}")


def _contrast(network: Network, image: Array, predicted: int) -> int | None:
    return Contrasts(class_games(network, image).margins(predicted), replace(OTHER)).fewest()


def _seconds(questions: Sequence[Callable[[], object]]) -> list[float]:
    """Seconds of the processor that each takes, asked once, after the first has been asked to warm up."""
    questions[0]()
    seconds = []
    for ask in questions:
        started = time.process_time()
        ask()
        seconds.append(time.process_time() - started)
    return seconds
