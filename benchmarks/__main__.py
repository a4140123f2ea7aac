"""``make bench``: the explanations against other ways to compute them. One core, medians, one run."""

from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks import explanations, occlusion
from models.checkpoint import load_all
from models.network import Network
from trainer.data import read
from trainer.network import TrainableNetwork

DATA = Path(__file__).parent.parent / "tests" / "data"


def main() -> None:
    torch.set_num_threads(1)
    images = read(DATA, "t10k").scaled(np.float32)
    with threadpool_limits(1):
        for name, checkpoint in load_all().items():
            twin = _twin(checkpoint.network)
            explanations.measure(name, checkpoint.network, twin, images)
            occlusion.measure(name, checkpoint.network, twin, images)


def _twin(network: Network) -> TrainableNetwork:
    """The same network in torch."""
    twin = TrainableNetwork(network.architecture)
    twin.load_state_dict({name: torch.tensor(array) for name, array in network.weights.items()})
    return twin.eval()


if __name__ == "__main__":
    main()
