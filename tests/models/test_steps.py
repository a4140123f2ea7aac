"""How far a computation is: pieces of bounded work, for every operation, and its end where a watcher ends it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from konkyo.models import steps
from konkyo.models.files.checkpoint import load_all
from konkyo.models.network import Network
from konkyo.models.question import (
    FiltersQuestion,
    GroundsQuestion,
    OcclusionQuestion,
    PredictQuestion,
    ProcessQuestion,
    Question,
    ShapleyQuestion,
)

NETWORKS = {name: one.precise for name, one in load_all().items()}
# The largest piece, in multiply-adds: some 10 ms of one processor.
MOST = 2**24
QUESTIONS: dict[str, Callable[[Network], Question[Any]]] = {
    "predict": lambda network: PredictQuestion(network=network),
    "filters": lambda network: FiltersQuestion(network=network),
    "process": lambda network: ProcessQuestion(network=network),
    "occlusion": lambda network: OcclusionQuestion(
        network=network, faithfulness=True, pairs=not network.architecture.hidden
    ),
    "shapley": lambda network: ShapleyQuestion(
        network=network, interactions=True, pairs=not network.architecture.hidden
    ),
    "grounds": lambda network: GroundsQuestion(network=network),
}


class LeftError(Exception):
    """The watcher ends it."""


def picture(network: Network) -> Any:
    """A blurred blot, of which hiding changes every region and the searches end."""
    side = network.architecture.side
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    image = 0.1 + 0.9 * np.exp(-30 * (rows**2 + (columns - 0.1) ** 2))
    return np.broadcast_to(image, network.architecture.image_shape).copy()


@pytest.mark.threat("a turn that nobody can take back")
@pytest.mark.parametrize("operation", QUESTIONS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_operation_is_done_in_pieces_and_ends_where_its_watcher_ends_it(name: str, operation: str) -> None:
    network = NETWORKS[name]
    question, image = QUESTIONS[operation](network), picture(network)
    pieces: list[int] = []
    with steps.watched(pieces.append):
        question.answer(image)
    assert min(pieces) >= 0
    assert max(pieces) <= MOST
    if operation in ("occlusion", "shapley"):
        # Of the searches nobody knows how far they are, and a pass is short; here the pieces are the work announced.
        assert 0.5 < sum(pieces) / question.cost.multiply_adds < 3

    def leave(_: int) -> None:
        raise LeftError

    with steps.watched(leave), pytest.raises(LeftError):
        question.answer(image)
