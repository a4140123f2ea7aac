"""Occlusion against one batched torch pass over the hidden images, and against Captum."""

from typing import Any

import numpy as np
import torch
from captum.attr import Occlusion
from numpy.typing import NDArray

from benchmarks.timing import show
from benchmarks.twin import Twin
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Network


def measure(name: str, network: Network, twin: Twin, images: NDArray[Any]) -> None:
    """Regions of 2, 4 and 8 on one image, and the paper's regions on 64."""
    for regions in (Regions(), Regions(2, 1), Regions(4, 1), Regions(8, 1)):
        rows, columns = regions.grid
        title = f"{name}, one image, {rows * columns} regions of {regions.region}×{regions.region}"
        compare(title, network, twin, images[:1], regions, rounds=15)
    compare(f"{name}, 64 images, 196 regions of 2×2", network, twin, images[:64], Regions(), rounds=5)


def compare(title: str, network: Network, twin: Twin, images: NDArray[Any], regions: Regions, rounds: int) -> None:
    """Of (N, 28, 28) in float32; Captum finds the same drops."""
    precise, doubles = network.astype(np.float64), images.astype(np.float64)
    tensors = torch.from_numpy(images)[:, None]
    masks = torch.from_numpy(regions.masks.reshape(-1, 1, 28, 28))
    targets = twin(tensors).argmax(1)
    captum = Occlusion(twin)

    def batched() -> None:
        with torch.no_grad():
            for tensor in tensors:
                twin(torch.where(masks, 0.0, tensor))

    def attribute() -> NDArray[Any]:
        side, step = regions.region, regions.step
        found: NDArray[Any] = captum.attribute(
            tensors,
            sliding_window_shapes=(1, side, side),
            strides=(1, step, step),
            target=targets,
            perturbations_per_eval=196,
        ).numpy()
        return found

    np.testing.assert_allclose(
        attribute()[:, 0], occlude(network, images, hiding=Hiding(regions)).heatmap(), rtol=0, atol=1e-4
    )
    show(
        title,
        {
            "konkyo, float32": lambda: occlude(network, images, hiding=Hiding(regions)),
            "konkyo, float64, as the service computes": lambda: occlude(precise, doubles, hiding=Hiding(regions)),
            "one torch pass over all hidden images": batched,
            "captum, 196 per evaluation": attribute,
        },
        rounds,
        len(images),
    )
