"""Questions about many images whose answers are tensors, as the inference protocols and ``konkyo explain`` ask them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np

from konkyo.models.architecture import Architecture
from konkyo.models.hiding.cost import passes_refusal, refusal, singles_refusal, usual_side, usual_single_side
from konkyo.models.hiding.regions import Regions
from konkyo.models.network import Array, Network
from konkyo.models.question import FiltersQuestion, OcclusionQuestion, PredictQuestion, Question, ShapleyQuestion


class TensorName(StrEnum):
    """The tensors that can be made of many images."""

    LOGITS = "logits"
    PROBABILITIES = "probabilities"
    CONTRIBUTIONS = "contributions"
    OCCLUSION = "occlusion"
    SHAPLEY = "shapley"
    INTERACTIONS = "interactions"


@dataclass(frozen=True)
class Tensor:
    """A tensor that can be made of many images.

    Attributes
    ----------
    question
        What is asked of a network, for a class or the predicted one.
    value
        The part of one image.
    shape
        Of this part.
    explains
        Whether it explains a class.
    missing
        Why a network cannot give it; None if it can.
    usual
        Whether it is given without being named: one with very many numbers is not.
    """

    question: Callable[[Network, str | int | None], Question[Any]]
    value: Callable[[Any], Array]
    shape: Callable[[Architecture], tuple[int, ...]]
    explains: bool = True
    missing: Callable[[Architecture], str | None] = lambda _: None
    usual: bool = True


def _single(architecture: Architecture) -> Regions:
    return Regions(usual_single_side(architecture), side=architecture.side)


def _combined(architecture: Architecture) -> Regions:
    return Regions(usual_side(architecture), side=architecture.side)


# Where no regions are named, they are those that the questions take by default.
TENSORS: Mapping[TensorName, Tensor] = {
    TensorName.LOGITS: Tensor(
        lambda network, _: PredictQuestion(network=network),
        lambda result: result.logits,
        lambda architecture: (architecture.classes,),
        explains=False,
    ),
    TensorName.PROBABILITIES: Tensor(
        lambda network, _: PredictQuestion(network=network),
        lambda result: result.probabilities,
        lambda architecture: (architecture.classes,),
        explains=False,
    ),
    TensorName.CONTRIBUTIONS: Tensor(
        lambda network, target: FiltersQuestion(network=network, target=target),
        lambda result: result.account.contributions,
        lambda architecture: architecture.pairs,
        missing=passes_refusal,
    ),
    TensorName.OCCLUSION: Tensor(
        lambda network, target: OcclusionQuestion(network=network, target=target),
        lambda result: result.occlusion.drop,
        lambda architecture: _single(architecture).grid,
        missing=lambda architecture: singles_refusal(architecture, _single(architecture)),
    ),
    TensorName.SHAPLEY: Tensor(
        lambda network, target: ShapleyQuestion(network=network, target=target),
        lambda result: result.values,
        lambda architecture: _combined(architecture).grid,
        missing=lambda architecture: refusal(architecture, _combined(architecture)),
    ),
    TensorName.INTERACTIONS: Tensor(
        lambda network, target: ShapleyQuestion(network=network, target=target, interactions=True),
        lambda result: result.interactions.values,
        lambda architecture: (_combined(architecture).count,) * 2,
        missing=lambda architecture: refusal(architecture, _combined(architecture)),
        usual=False,
    ),
}


def available(architecture: Architecture) -> list[TensorName]:
    """The tensors that a network gives."""
    return [name for name, tensor in TENSORS.items() if tensor.missing(architecture) is None]


def usual(architecture: Architecture) -> list[TensorName]:
    """Of these, those that are given where none is named."""
    return [name for name in available(architecture) if TENSORS[name].usual]


def numbers(architecture: Architecture, names: Iterable[TensorName], count: int) -> int:
    """How many numbers these tensors of so many images have."""
    return count * sum(prod(TENSORS[name].shape(architecture)) for name in names)


class Tensors:
    """Tensors of many images, made a piece at a time.

    Parameters
    ----------
    network
        Its precision is that of the tensors.
    names
        Which.
    count
        Of the images.
    target
        The class that is explained; by default the predicted one of each image.

    Attributes
    ----------
    found
        By name (count, ...).
    """

    def __init__(
        self, network: Network, names: Iterable[TensorName], count: int, target: str | int | None = None
    ) -> None:
        shapes = {name: TENSORS[name].shape(network.architecture) for name in names}
        self.found = {name: np.empty((count, *shape)) for name, shape in shapes.items()}
        # Two tensors may be of one question. Of two of a kind the later one, in the order of the names, gives both.
        questions: dict[type[Question[Any]], Question[Any]] = {}
        of: dict[type[Question[Any]], list[TensorName]] = {}
        for name in sorted(shapes, key=list(TENSORS).index):
            question = TENSORS[name].question(network, target)
            questions[type(question)] = question
            of.setdefault(type(question), []).append(name)
        self._questions = [(question, of[kind]) for kind, question in questions.items()]

    @property
    def size(self) -> int:
        """Bytes that are held for one image at most, beside the tensors."""
        return max(question.cost.size for question, _ in self._questions)

    def fill(self, start: int, images: Array) -> None:
        """Make the parts of some images, from number ``start`` on."""
        for question, names in self._questions:
            results = question.answers(images)
            for name in names:
                values = [TENSORS[name].value(result) for result in results]
                self.found[name][start : start + len(images)] = np.stack(values)
