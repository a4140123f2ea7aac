"""Ties within rounding go to the lower number: of classes, regions, pairs, maps, and places in a pool.

Numbers that are equal by mathematics differ in their last bits, and how depends on the batch, the processor and the
threads. So that no answer does, what is within rounding is equal:

- Where one of few is taken, number n is compared as if it were n *steps* less. Comparing stays transitive and a
  difference, so that a search over all hidings compares classes by the same rule (``LocalGames.margins``).
- Where all are ordered, neighbours in the order that are within rounding form a group, which is in the order of the
  numbers. Values that differ by more are ordered by value, however many there are.

Neither divides the values by a grid, which a tie could lie across. The error of a logit is up to 13 units of the last
place of the largest: 3e-14 in float64 and 2e-5 in float32 for logits up to 56 (the shipped networks, alone and in
batches, on three kinds of processors and with more threads).
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Array = NDArray[np.floating[Any]]
_Numbers = NDArray[np.intp]

# The step of logits. The searches of models/grounds compare sums of tables, whose error is about 1e-13, with a limit.
_LOGIT = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-4}
# The step of other values; and what is within rounding, as a part of the values' scale.
_VALUE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}
# Values up to which numpy's argmax is faster than one place after another: in pools of four, along the first axis.
_FEW = 2**13


def predicted(logits: _Array) -> _Numbers:
    """The predicted class for logits (..., C) → (...): the largest logit; ties within rounding go to the lower class.

    It is the class c with the largest ``logit[c] − 1e-9 c`` (in float32 ``1e-4 c``).
    """
    found: _Numbers = (logits - class_steps(logits.shape[-1], logits.dtype)).argmax(-1)
    return found


def class_steps(classes: int, dtype: np.dtype[Any]) -> _Array:
    """(C,): by how much the logit of each class is lowered before it is compared with others."""
    return _steps(classes, _LOGIT[dtype], dtype)


def first(values: _Array, axis: int = -1) -> _Numbers:
    """Where the largest value along an axis is; ties within rounding go to the lower index."""
    steps = _steps(values.shape[axis], _VALUE[values.dtype], values.dtype)
    if values.size <= _FEW:
        behind = values.ndim - 1 - axis % values.ndim
        return np.asarray((values - steps.reshape(-1, *[1] * behind)).argmax(axis))
    places = np.moveaxis(values, axis, 0)
    best, found = places[0], np.zeros(places.shape[1:], np.intp)
    for number, step in enumerate(steps[1:], 1):
        lower = places[number] - step
        np.maximum(found, (lower > best) * number, out=found)
        best = np.maximum(best, lower)
    return found


def order(values: _Array, scale: ArrayLike | None = None) -> _Numbers:
    """(..., n): the indices by value, the largest first; ties within rounding are in the order of the indices.

    Parameters
    ----------
    values
        (..., n); integers are exact.
    scale
        (...): the size of the numbers whose differences the values are; by default that of the largest value, or 1 if
        that is less: what is left where logits cancel is rounding.
    """
    ranks, falling = np.argsort(-values, axis=-1, kind="stable"), np.sort(values, axis=-1)[..., ::-1]
    sizes = np.abs(falling)
    least = sizes.max(-1, initial=1) if scale is None else np.asarray(scale)
    sizes = np.maximum(np.maximum(sizes[..., :-1], sizes[..., 1:]), least[..., None])
    apart = falling[..., :-1] - falling[..., 1:] > _VALUE.get(values.dtype, 0) * sizes
    if apart.all():
        return ranks
    group, count = np.zeros(values.shape, np.intp), values.shape[-1]
    apart.cumsum(-1, out=group[..., 1:])
    found: _Numbers = np.sort(group * count + ranks, axis=-1) % count
    return found


@lru_cache(maxsize=64)
def _steps(count: int, step: float, dtype: np.dtype[Any]) -> _Array:
    steps: _Array = (step * np.arange(count)).astype(dtype)
    steps.flags.writeable = False
    return steps
