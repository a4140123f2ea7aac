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
from captum.attr import KernelShap, ShapleyValueSampling
from numpy.typing import NDArray
from rich.table import Table

from benchmarks.timing import console, show
from benchmarks.twin import Twin, twin
from konkyo.models.errors import BudgetError
from konkyo.models.grounds.contrasts import Contrasts
from konkyo.models.grounds.proofs import OTHER, grounds
from konkyo.models.hiding.cost import usual_side
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import pair_values, shapley_values
from konkyo.models.network import Array, Network

# The first so many images; of them the worst grounds.
IMAGES, WORST = 200, 1000
# Orders that Captum's sampling is first asked with, the error that many are to reach, images evaluated together.
ORDERS, ENOUGH, BATCH = 25, 0.02, 196
ROUNDS = 3
SLOWEST = 20
# Enumeration takes 2 to the power of so many forward passes.
FEW_PLAYERS = 10
SEED = 0


def measure(name: str, network: Network, images: Array) -> None:
    """Everything in float64, as the service computes.

    Parameters
    ----------
    name
        The checkpoint's.
    network
        In float64.
    images
        (N, 28, 28) in [0, 1]: the test images.
    """
    _spread(name, network, images[:IMAGES])
    _enumeration(name, network, images)
    side = usual_side(network.architecture)
    sampling(f"{name}, one image, one class", network, twin(network), images[0], side)
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


def _enumeration(name: str, network: Network, images: Array) -> None:
    """The definition by a batched forward pass of every hiding, on the first image with few players."""
    hiding = Hiding(Regions(usual_side(network.architecture)))
    image = next(image for image in images if hiding.changed(image).sum() <= FEW_PLAYERS)
    players = np.flatnonzero(hiding.changed(image))
    enumerate_all = partial(
        _enumerated, twin(network), image, hiding.regions.masks.reshape(-1, *image.shape[-2:])[players]
    )
    ours = shapley_values(network, image).values.reshape(-1, 49).T[players]
    np.testing.assert_allclose(enumerate_all(), ours, rtol=0, atol=1e-9)
    ways: dict[str, Callable[[], object]] = {
        "exact": partial(shapley_values, network, image),
        "every hiding, batched": enumerate_all,
    }
    show(f"{name}, an image with {len(players)} regions of ink, equal to 1e-9", ways, ROUNDS, clock=time.process_time)


def _enumerated(same: Twin, image: Array, masks: NDArray[np.bool_]) -> Array:
    """(n, 10): the Shapley values from the definition, with the logits of all 2ⁿ hidings."""
    n = len(masks)
    visible = (np.arange(2**n) >> np.arange(n)[:, None]) & 1 == 1
    hidden = (~visible).T.astype(np.float64) @ masks.reshape(n, -1)
    hidings = torch.from_numpy(np.where(hidden.reshape(-1, *image.shape) > 0, 0.0, image))[:, None]
    with torch.no_grad():
        logits = same(hidings).numpy()
    size = visible.sum(0)
    weights = np.array([factorial(s) * factorial(n - 1 - s) / factorial(n) for s in range(n)])
    values = np.zeros((n, logits.shape[1]))
    for player in range(n):
        without = np.flatnonzero(~visible[player])
        values[player] = weights[size[without]] @ (logits[without | 1 << player] - logits[without])
    return values


def sampling(
    title: str, network: Network, same: Twin, image: Array, region: int, orders: int = ORDERS, enough: float = ENOUGH
) -> None:
    """Captum's sampling with few orders and with as many as a small error needs, and KernelShap with as many.

    Parameters
    ----------
    title
        Of the table.
    network, same
        In float64, and what Captum asks.
    image
        (channels, side, side) or (side, side) in [0, 1].
    region
        Pixels of a side.
    orders
        What the sampling is first asked with.
    enough
        The mean error, of the mean value, that many orders are to reach.
    """
    exact = shapley_values(network, image, region)
    true, target = exact.of(exact.predicted).values, exact.predicted
    players = Hiding(Regions(region, side=network.architecture.side)).changed(image).reshape(true.shape)
    numbers = np.kron(np.arange(true.size).reshape(true.shape), np.ones((region, region), np.intp))
    features = torch.from_numpy(numbers)[None, None]
    tensor = torch.from_numpy(image.reshape(1, -1, *image.shape[-2:])).to(next(same.parameters()).dtype)

    def asked(method: type[KernelShap | ShapleyValueSampling], count: int, seed: int = SEED) -> Array:
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        found = method(same).attribute(
            tensor, target=target, feature_mask=features, n_samples=count, perturbations_per_eval=BATCH
        )
        values: Array = found[0, 0, ::region, ::region].numpy()
        return values

    def error(found: Array) -> float:
        return float(np.abs(found - true)[players].mean() / np.abs(true)[players].mean())

    # The error falls with the root of the orders; its estimate is the mean over some draws.
    mean = np.mean([error(asked(ShapleyValueSampling, orders, seed)) for seed in range(1, 9)])
    many = int(np.ceil(orders * (mean / enough) ** 2))
    # An order takes an evaluation for each region; both are drawn without being told which regions hold no ink.
    tries = [(ShapleyValueSampling, orders, true.size), (ShapleyValueSampling, many, true.size)]
    if find_spec("sklearn") is not None:
        tries.append((KernelShap, orders * true.size, 1))
    ways: dict[str, Callable[[], object]] = {"exact, all classes": partial(shapley_values, network, image, region)}
    for method, count, each in tries:
        name = f"captum {method.__name__}, {count * each:,} evaluations, error {error(asked(method, count)):.1%}"
        ways[name] = partial(asked, method, count)
    show(title, ways, rounds=1, clock=time.process_time)


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
