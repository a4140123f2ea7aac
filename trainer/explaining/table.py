"""Explanations of some images, as the columns of a Parquet file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from konkyo.models.architecture import Architecture
from konkyo.models.contributions import class_maps
from konkyo.models.errors import BudgetError, ImageError
from konkyo.models.grounds.proofs import Grounds, Position, grounds
from konkyo.models.hiding.cost import usual_side, usual_single_side
from konkyo.models.hiding.occlusion import occlude
from konkyo.models.hiding.regions import Hiding, Regions
from konkyo.models.hiding.shapley import shapley_values
from konkyo.models.network import Array, IntArray, Network, softmax
from konkyo.trainer.explaining.choices import Explanation

# Images that are explained at once: enough to fill the matrix products, few enough to bound the memory.
CHUNK = 64

Columns = dict[str, Any]


def explain(network: Network, images: NDArray[np.uint8], first: int, wanted: Sequence[Explanation]) -> pa.Table:
    """The table of some images of a data set; every explanation is of the predicted class.

    The same images together give the same bits, on whichever machine of a kind.

    Parameters
    ----------
    network
        In float64.
    images
        Of the network's shape, 0…255.
    first
        The number of the first of them in the data set.
    wanted
        What is written beside the prediction.
    """
    parts = []
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK] / 255
        logits = network.logits(chunk)
        predicted = logits.argmax(-1)
        columns: Columns = {
            "image": pa.array(np.arange(first + start, first + start + len(chunk), dtype=np.int64)),
            "predicted": pa.array(predicted.astype(np.int16)),
            "probability": pa.array(softmax(logits).max(-1)),
            "logits": _tensors(logits),
        }
        for one in wanted:
            columns |= _COLUMNS[one](network, chunk, predicted)
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)


def shapes(architecture: Architecture) -> Mapping[str, tuple[int, ...]]:
    """The shape of each tensor column's entries; in the file they are lists, row by row."""
    return {
        "logits": architecture.tensor_shapes["affine.bias"],
        "contributions": architecture.pairs,
        "occlusion": _singly(architecture).grid,
        "shapley": Regions(usual_side(architecture), side=architecture.side).grid,
    }


def _singly(architecture: Architecture) -> Regions:
    return Regions(usual_single_side(architecture), side=architecture.side)


def _tensors(values: Array) -> pa.Array:
    """(N, …) as a column of lists of one length."""
    flat = np.ascontiguousarray(values, np.float64).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), int(np.prod(values.shape[1:])))


def _contributions(network: Network, images: Array, predicted: IntArray) -> Columns:
    return {"contributions": _tensors(class_maps(network, images, predicted).sum((-2, -1)))}


def _occlusion(network: Network, images: Array, predicted: IntArray) -> Columns:
    return {"occlusion": _tensors(occlude(network, images, predicted, Hiding(_singly(network.architecture))).drop)}


def _shapley(network: Network, images: Array, predicted: IntArray) -> Columns:
    pairs = zip(images, predicted, strict=True)
    return {"shapley": _tensors(np.stack([shapley_values(network, image).values[target] for image, target in pairs]))}


def _proofs(network: Network, images: Array, _: IntArray) -> Columns:
    found = [_grounds(network, image) for image in images]
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


def _grounds(network: Network, image: Array) -> Grounds | str:
    """One image without grounds is no reason to lose those of all others."""
    try:
        return grounds(network, image)
    except ImageError:
        return "tied"
    except BudgetError:
        return "too-much-work"


def _numbers(found: Grounds, places: Sequence[Position]) -> list[int]:
    """Regions row by row, from 0 on."""
    columns = found.hiding.regions.grid[1]
    return [row * columns + column for row, column in places]


_COLUMNS: dict[Explanation, Callable[[Network, Array, IntArray], Columns]] = {
    Explanation.CONTRIBUTIONS: _contributions,
    Explanation.OCCLUSION: _occlusion,
    Explanation.SHAPLEY: _shapley,
    Explanation.PROOFS: _proofs,
}
