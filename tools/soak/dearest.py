"""``python -m tools.soak.dearest``: which question costs most, searched over images, networks and options.

It prints processor milliseconds of the explanations alone. The queue's deadline and the container's memory must hold
for the first line.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from konkyo.models.errors import KonkyoError
from konkyo.models.files.checkpoint import load_all
from konkyo.models.network import Array
from konkyo.models.question import GroundsQuestion, OcclusionQuestion, ProcessQuestion, Question, ShapleyQuestion
from konkyo.trainer.data import read
from support.folders import DATA

SHOWN = 15


@dataclass(frozen=True)
class Cost:
    """What one question took, and how it ended if not with an answer."""

    milliseconds: float
    model: str
    image: str
    operation: str
    options: str
    ended: str


def images() -> dict[str, Array]:
    """Digits, and what no digit is: noise costs the proofs most, since every region matters."""
    digits = read(DATA, "t10k")[:100].scaled(np.float64)
    random = np.random.default_rng(0)
    return {
        "digit 61": digits[61],
        "inverted": 1 - digits[4],
        "noise": random.random((28, 28)),
        "specks": (random.random((28, 28)) < 0.2).astype(np.float64),
        "near the fill": 0.5 + 0.02 * random.uniform(-1, 1, (28, 28)),
    }


def questions() -> Iterator[tuple[str, dict[str, Any], Callable[..., Question[Any]]]]:
    """The operations with the options that cost most."""
    for region in (1, 2, 4, 6, 8, 10, 14):
        options = {"region": region, "stride": 1, "fill": 0.5, "pairs": True, "faithfulness": True}
        yield "occlusion", options, OcclusionQuestion
    for region in (4, 6, 9):
        for fill in (0.0, 0.5):
            yield "grounds", {"region": region, "fill": fill}, GroundsQuestion
    yield "shapley", {"fill": 0.5, "pairs": True, "faithfulness": True}, ShapleyQuestion
    yield "process", {}, ProcessQuestion


def costs() -> Iterator[Cost]:
    """Every question about every image, of every network."""
    for model, checkpoint in load_all().items():
        for name, image in images().items():
            for operation, options, asks in questions():
                started, ended = time.process_time(), ""
                try:
                    asks(checkpoint.precise, **options).answer(image)
                except KonkyoError as error:
                    ended = type(error).__name__
                spent = 1e3 * (time.process_time() - started)
                yield Cost(spent, model, name, operation, str(options), ended)


def main() -> None:
    """Print the dearest ones."""
    for cost in sorted(costs(), key=lambda one: -one.milliseconds)[:SHOWN]:
        print(f"{cost.milliseconds:7.0f} ms  {cost.model}  {cost.image}  {cost.operation} {cost.options} {cost.ended}")


if __name__ == "__main__":
    main()
