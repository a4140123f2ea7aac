"""Explanations of some images, as the columns of a Parquet file."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa

from konkyo.models import ties
from konkyo.models.architecture import Architecture
from konkyo.models.errors import BudgetError
from konkyo.models.grounds.proofs import Grounds, Position
from konkyo.models.hiding.cost import refusal, usual_side
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.network import Array, Network
from konkyo.models.question import FiltersQuestion, GroundsQuestion, Question
from konkyo.models.tensors import TENSORS, TensorName, Tensors
from konkyo.trainer.explaining.choices import Explanation

Columns = dict[str, Any]


@runtime_checkable
class Hides(Protocol):
    """A question that hides regions."""

    hiding: Hiding


def explain(network: Network, images: Array, first: int, wanted: Sequence[Explanation]) -> pa.Table:
    """The table of some images of a data set; every explanation is of the predicted class.

    The same images together give the same bits, on whichever machine of a kind.

    Parameters
    ----------
    network
        In float64.
    images
        (N, …), of the network's shape, in [0, 1].
    first
        The number of the first of them in the data set.
    wanted
        What is written beside the prediction.
    """
    made = Tensors(network, [TensorName.LOGITS, TensorName.PROBABILITIES, *_tensor_names(wanted)], len(images))
    made.fill(0, images)
    found = made.found
    predicted = ties.predicted(found[TensorName.LOGITS])
    columns: Columns = {
        "image": pa.array(np.arange(first, first + len(images), dtype=np.int64)),
        "predicted": pa.array(predicted.astype(np.int16)),
        "label": pa.array([network.classes[one] for one in predicted]),
        "probability": pa.array(found[TensorName.PROBABILITIES][np.arange(len(images)), predicted]),
        "logits": _tensors(found[TensorName.LOGITS]),
    }
    if Explanation.CONTRIBUTIONS in wanted:
        columns |= _ledgers(network, images)
    columns |= {name.value: _tensors(found[name]) for name in _tensor_names(wanted)}
    if Explanation.PROOFS in wanted:
        columns |= _proofs(network, images)
    return pa.table(columns)


def hidings(network: Network, wanted: Sequence[Explanation]) -> dict[str, dict[str, Any]]:
    """Of each explanation that hides regions: ``region`` and ``stride`` in pixels, ``grid``, and ``fill``."""
    questions: dict[str, Question[Any]] = {
        name.value: TENSORS[name].question(network, None) for name in _tensor_names(wanted)
    }
    if Explanation.PROOFS in wanted:
        questions[Explanation.PROOFS.value] = GroundsQuestion(network=network)
    found = {name: question.hiding for name, question in questions.items() if isinstance(question, Hides)}
    return {
        name: {"region": one.regions.region, "stride": one.regions.step, "grid": one.regions.grid, "fill": one.fill}
        for name, one in found.items()
    }


def available(architecture: Architecture) -> list[Explanation]:
    """The explanations that a network has."""
    return [one for one in Explanation if missing(architecture, one) is None]


def usual(architecture: Architecture) -> list[Explanation]:
    """Of these, those that are written where none is named."""
    return [one for one in available(architecture) if one is Explanation.PROOFS or TENSORS[TensorName(one.value)].usual]


def missing(architecture: Architecture, wanted: Explanation) -> str | None:
    """Why a network has no such explanation; None if it has."""
    if wanted is Explanation.PROOFS:
        return refusal(architecture, Regions(usual_side(architecture, proofs=True), side=architecture.side))
    return TENSORS[TensorName(wanted.value)].missing(architecture)


def _tensor_names(wanted: Sequence[Explanation]) -> list[TensorName]:
    """Explanations that are tensors are called as these. Contributions come with their biases, as ledgers."""
    return [TensorName(one.value) for one in wanted if one not in (Explanation.PROOFS, Explanation.CONTRIBUTIONS)]


def _tensors(values: Array) -> pa.Array:
    """(N, …) as a column of lists of one length, in which lists stand for each further axis."""
    column = pa.array(np.ascontiguousarray(values, np.float64).reshape(-1))
    for size in reversed(values.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, size)
    return column


def _ledgers(network: Network, images: Array) -> Columns:
    """What adds up to the logit of the predicted class: contributions, and the biases beside them."""
    accounts = [one.account for one in FiltersQuestion(network=network).answers(images)]
    return {
        "contributions": _tensors(np.stack([one.contributions for one in accounts])),
        "filter_bias": _tensors(np.stack([one.filter_bias for one in accounts])),
        "class_bias": pa.array([float(one.class_bias) for one in accounts]),
    }


def _proofs(network: Network, images: Array) -> Columns:
    question = GroundsQuestion(network=network)
    found = [_grounds(question, image) for image in images]
    regions = pa.list_(pa.int16())
    proven = [one if isinstance(one, Grounds) else None for one in found]
    changed = [one and one.contrast and _numbers(one, one.contrast.regions) for one in proven]
    becomes = [one and one.contrast and one.contrast.predicted for one in proven]
    return {
        "sufficient": pa.array([one and _numbers(one, one.sufficient.regions) for one in proven], regions),
        "margin": pa.array([one and one.sufficient.margin for one in proven], pa.float64()),
        "combinations": pa.array([one and one.sufficient.combinations for one in proven], pa.int64()),
        # What is proven of the set, or why nothing is.
        "status": pa.array([one.sufficient.status.value if isinstance(one, Grounds) else one for one in found]),
        "contrast": pa.array(changed, regions),
        "contrast_predicted": pa.array(becomes, pa.int16()),
    }


def _grounds(question: GroundsQuestion, image: Array) -> Grounds | str:
    """One image without grounds is no reason to lose those of all others."""
    try:
        return question.answer(image)
    except BudgetError:
        return "too-much-work"


def _numbers(found: Grounds, places: Sequence[Position]) -> list[int]:
    """Regions row by row, from 0 on."""
    columns = found.hiding.regions.grid[1]
    return [row * columns + column for row, column in places]
