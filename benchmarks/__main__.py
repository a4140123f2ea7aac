"""``make bench``: the explanations against other ways to compute them. One core, medians, one run."""

from pathlib import Path

import numpy as np
import torch
from captum.attr import Occlusion
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_limits

from benchmarks.timing import medians
from models.checkpoint import DIRECTORY, load
from models.contributions import contributions
from models.network import Network
from models.occlusion import occlude
from models.regions import Regions
from trainer.data import read
from trainer.network import TrainableNetwork

DATA = Path(__file__).parent.parent / "tests" / "data"
console = Console()


def main() -> None:
    torch.set_num_threads(1)
    network = load(DIRECTORY / "paired-3x3.safetensors").network
    image = read(DATA, "t10k").scaled(np.float32)[0]
    twin = _twin(network)
    with threadpool_limits(1):
        forward(network, twin, image)
        occlusion(network, twin, image)


def forward(network: Network, twin: TrainableNetwork, image: np.ndarray) -> None:
    """One picture through the network, and its ledger."""
    tensor = torch.from_numpy(image)[None, None]
    with torch.no_grad():
        show(
            "one picture, forward",
            {
                "numpy": lambda: network.logits(image),
                "torch": lambda: twin(tensor),
                "numpy, the whole ledger": lambda: contributions(network, image),
            },
            rounds=500,
        )


def occlusion(network: Network, twin: TrainableNetwork, image: np.ndarray) -> None:
    """All 196 regions of 2×2 of one picture."""
    tensor = torch.from_numpy(image)[None, None]
    captum = Occlusion(twin)
    target = int(network.logits(image).argmax())
    masks = torch.from_numpy(Regions().masks.reshape(-1, 1, 28, 28))

    def batched() -> None:
        with torch.no_grad():
            twin(torch.where(masks, 0.0, tensor))

    def attribute(evaluations: int) -> None:
        captum.attribute(
            tensor,
            sliding_window_shapes=(1, 2, 2),
            strides=(1, 2, 2),
            target=target,
            perturbations_per_eval=evaluations,
        )

    show(
        "occlusion of one picture, 196 regions of 2×2",
        {
            "konkyo": lambda: occlude(network, image),
            "one batched torch pass": batched,
            "captum, 196 per evaluation": lambda: attribute(196),
            "captum, default": lambda: attribute(1),
        },
        rounds=9,
    )


def show(title: str, ways: dict, rounds: int) -> None:
    """A table of medians, and how many times as long as the first way each takes."""
    table = Table("", "ms", "times the first", title=title, title_justify="left")
    seconds = medians(ways, rounds)
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        table.add_row(name, f"{value * 1e3:.3f}", f"{value / first:.1f}")
    console.print(table)


def _twin(network: Network) -> TrainableNetwork:
    twin = TrainableNetwork(network.architecture)
    twin.load_state_dict({name: torch.tensor(array) for name, array in network.weights.items()})
    return twin.eval()


if __name__ == "__main__":
    main()
