"""The networks of all seeds of a training, from the states of its runs."""

from pathlib import Path

import numpy as np
from torch import Tensor

from konkyo.models.files.checkpoint import Checkpoint
from konkyo.models.network import Network
from konkyo.trainer.errors import RunError
from konkyo.trainer.network import TrainableNetwork
from konkyo.trainer.state import architecture_of, restoring


def networks_of_seeds(checkpoint: Checkpoint, runs: Path) -> dict[int, Network]:
    """The network of each seed that the card of a checkpoint lists, in float64.

    Parameters
    ----------
    checkpoint
        The published one of these networks.
    runs
        The folder in which ``trainer train`` kept its runs.

    Raises
    ------
    RunError
        The run of a seed is not there or not finished, or the published network is not among them.
    """
    found: dict[int, Network] = {}
    card = checkpoint.card
    listed = [run.seed for run in card.runs]
    if len(listed) < 2 or card.selection is None:
        raise RunError(
            f"{checkpoint.name} is not of several seeds, so there is nothing to compare; `trainer train --seeds 10` "
            "trains ten"
        )
    for path in sorted((runs / checkpoint.name).glob("*.pt")):
        with restoring(path, "train these seeds again") as state:
            identity = state["identity"]
            # The folder may hold runs of another recipe under the same name.
            if state["finished"] and identity["recipe"] == card.recipe:
                for seed, best in zip(identity["seeds"], state["best"], strict=True):
                    found[seed] = _network(identity["architecture"], best["weights"])
    missing = [str(seed) for seed in listed if seed not in found]
    if missing:
        raise RunError(
            f"{runs / checkpoint.name} holds no finished run of seed {', '.join(missing)}; train {checkpoint.name} "
            "again, or name the folder of its runs with --runs"
        )
    published, shipped = found[card.selection.seed], checkpoint.network.weights
    if any(
        not np.array_equal(weights.astype(np.float32), shipped[name]) for name, weights in published.weights.items()
    ):
        raise RunError(f"{runs / checkpoint.name} holds another training than that of {checkpoint.name}")
    return {seed: found[seed] for seed in listed}


def _network(architecture: dict[str, object], weights: dict[str, Tensor]) -> Network:
    shape = architecture_of(architecture)
    network = TrainableNetwork(shape)
    network.load_state_dict(weights)
    exported = network.export()
    return Network(shape, {name: array.astype(np.float64) for name, array in exported.weights.items()})
