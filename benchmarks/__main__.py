"""``make bench``: the explanations against other ways to compute them. Medians, one run, one core."""

from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks import combinations, explanations, occlusion, stages
from benchmarks.twin import twin
from konkyo.models.files.checkpoint import load_all
from konkyo.trainer.data import read

DATA = Path(__file__).parent.parent / "tests" / "data"
# One of each shape; the other networks take as long.
NETWORKS = "paired-3x3", "summed-3x3", "lenet-6x16"
# The default network, and LeNet's filter counts.
COMBINED = "paired-3x3", "lenet-6x16"


def main() -> None:
    torch.set_num_threads(1)
    digits = read(DATA, "t10k")
    images, checkpoints = digits.scaled(np.float32), load_all()
    with threadpool_limits(1):
        for name in NETWORKS:
            checkpoint = checkpoints[name]
            same = twin(checkpoint.network)
            explanations.measure(name, checkpoint.network, same, images)
            occlusion.measure(name, checkpoint.network, same, images)
            if name in COMBINED:
                combinations.measure(name, checkpoint.precise, digits.scaled(np.float64))
        stages.measure(digits.images / 255)


if __name__ == "__main__":
    main()
