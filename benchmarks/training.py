"""Training steps against the plain loop of PyTorch's MNIST example, the paper's recipe, the same two cores."""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.timing import show
from benchmarks.twin import Twin
from konkyo.models.architecture import Architecture
from konkyo.trainer.data import Digits
from konkyo.trainer.training.network import GROUP
from konkyo.trainer.training.recipe import PAPER
from konkyo.trainer.training.run import REPORT_EVERY, Run, Wanted

CORES = 2
# The validation of a run would be timed with it.
RECIPE = replace(PAPER, held_out=100, evaluate_every=PAPER.steps)


class Images(Dataset[tuple[Tensor, int]]):
    """MNIST as torchvision hands it out: each image a PIL image, made a tensor and normalised when asked for."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits

    def __len__(self) -> int:
        return len(self._digits)

    def __getitem__(self, which: int) -> tuple[Tensor, int]:
        image = Image.fromarray(self._digits.images[which])
        tensor = torch.from_numpy(np.array(image)).view(28, 28, 1).permute(2, 0, 1).contiguous()
        return (tensor.to(torch.get_default_dtype()).div(255) - 0.1307) / 0.3081, int(self._digits.labels[which])


def measure(architecture: Architecture, digits: Digits) -> None:
    """Steps of 100 images on two cores: the plain loop may use both; ours uses one for each process of a training."""
    threads = torch.get_num_threads()
    first, last = architecture.stages
    title = f"{last.wiring}, {first.filters}×{last.filters} filters: a training step"
    with TemporaryDirectory() as folder, ExitStack() as stack:
        state = Path(folder) / "run.pt"
        plain = _plain(architecture, digits)

        def processes(seeds: int) -> Callable[[], object]:
            """Two, as ``trainer train`` has them for two groups of seeds."""
            pools = [
                stack.enter_context(
                    ProcessPoolExecutor(1, get_context("spawn"), _begin, (architecture, digits, range(seeds), state))
                )
                for _ in range(CORES)
            ]
            return lambda: [step.result() for step in [pool.submit(_steps) for pool in pools]]

        def example() -> object:
            torch.set_num_threads(CORES)
            return next(plain)

        ways = {
            f"{CORES} × {GROUP} seeds at once, for each": processes(GROUP),
            f"{CORES} seeds, each in a process": processes(1),
            "PyTorch's DataLoader loop, one seed": example,
        }
        seeds = (CORES * GROUP, CORES, 1)
        together = {way: count * REPORT_EVERY for way, count in zip(ways, seeds, strict=True)}
        show(title, ways, rounds=5, images=REPORT_EVERY, unit="step", per=together)
    torch.set_num_threads(threads)


# Of a process of its own.
_run: Iterator[object]


def _begin(architecture: Architecture, digits: Digits, seeds: range, state: Path) -> None:
    global _run
    _run = Run(Wanted("bench", architecture, RECIPE, seeds, state), digits).train()


def _steps() -> None:
    """As many as a run does between two reports."""
    next(_run)


def _plain(architecture: Architecture, digits: Digits) -> Iterator[None]:
    """The example's loop; pauses after as many steps as a run does."""
    network = Twin(architecture)
    optimizer = torch.optim.Adam(network.parameters(), lr=RECIPE.learning_rate)
    step = 0
    while True:
        for images, labels in DataLoader(Images(digits), batch_size=RECIPE.batch, shuffle=True):
            optimizer.zero_grad()
            F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step += 1
            if step % REPORT_EVERY == 0:
                yield
