"""What ONNX nodes make of constants: the few operations by which exporters say shapes and small vectors.

Tools made for this (onnxslim, onnxscript's optimizer) were tried: both took 2 GB for a graph of three nodes whose
ConstantOfShape announces 4. Here the room of a result is known before it is made.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Constant = NDArray[Any]
Attributes = Mapping[str, Any]

# Values of one result.
MOST_VALUES = 2**24


class TooLarge(ValueError):  # noqa: N818
    """A result of more than ``MOST_VALUES`` values."""


def compute(operation: str, inputs: Sequence[Constant | None], attributes: Attributes) -> Constant:
    """The result of a node whose inputs are constants; an input that is left out is None.

    Raises
    ------
    KeyError
        There is no such operation here.
    ValueError, TypeError, IndexError, OverflowError
        The inputs do not fit it, or the result would be too large.
    """
    with np.errstate(all="ignore"):
        return np.asarray(_OPERATIONS[operation](inputs, attributes))


def known(operation: str) -> bool:
    """Whether constants can go through such a node."""
    return operation in _OPERATIONS


def axes(inputs: Sequence[Constant | None], attributes: Attributes, place: int = 1) -> tuple[int, ...] | None:
    """The axes of a node: an attribute in older versions of ONNX, an input in newer ones."""
    given = attributes.get("axes")
    if given is None and len(inputs) > place and inputs[place] is not None:
        given = np.asarray(inputs[place]).reshape(-1).tolist()
    return None if given is None else tuple(int(one) for one in given)


def unsqueezed(array: Constant, where: Sequence[int]) -> Constant:
    """An array with axes of length 1 at these places of the result."""
    if array.ndim + len(where) > 8:
        raise TooLarge("more than eight axes")
    return np.expand_dims(array, tuple(where))


def reshaped(array: Constant, shape: Sequence[int], allow_zero: bool) -> Constant:
    """An array in another shape, in which 0 keeps a length unless it is allowed."""
    if not allow_zero:
        shape = [array.shape[place] if length == 0 else length for place, length in enumerate(shape)]
    return array.reshape([int(length) for length in shape])


def _elementwise(function: Callable[..., Any]) -> Callable[[Sequence[Constant | None], Attributes], Constant]:
    def applied(inputs: Sequence[Constant | None], _: Attributes) -> Constant:
        arrays = [np.asarray(one) for one in inputs if one is not None]
        _bounded(np.broadcast_shapes(*(one.shape for one in arrays)))
        made = function(*arrays)
        return np.asarray(made).astype(arrays[0].dtype, copy=False)

    return applied


def _bounded(shape: Sequence[int]) -> None:
    if any(length < 0 for length in shape):
        raise ValueError("a length below 0")
    if prod(shape) > MOST_VALUES:
        raise TooLarge(f"a result of more than {MOST_VALUES:,} values")


def _divide(left: Constant, right: Constant) -> Constant:
    return np.trunc(left / right) if left.dtype.kind in "iu" else left / right


def _cast(inputs: Sequence[Constant | None], attributes: Attributes) -> Constant:
    kinds = {1: np.float32, 11: np.float64, 10: np.float16, 6: np.int32, 7: np.int64, 9: np.bool_}
    return np.asarray(inputs[0]).astype(kinds[attributes["to"]])


def _gather(inputs: Sequence[Constant | None], attributes: Attributes) -> Constant:
    array, which = np.asarray(inputs[0]), np.asarray(inputs[1])
    axis = attributes.get("axis", 0)
    _bounded((*array.shape, which.size))
    return np.take(array, which, axis=axis)


def _concat(inputs: Sequence[Constant | None], attributes: Attributes) -> Constant:
    arrays = [np.asarray(one) for one in inputs]
    _bounded([sum(one.size for one in arrays)])
    return np.concatenate(arrays, axis=attributes["axis"])


def _slice(inputs: Sequence[Constant | None], _: Attributes) -> Constant:
    array, starts, ends = (np.asarray(one) for one in inputs[:3])
    where = axes(inputs, {}, 3) or tuple(range(len(starts)))
    steps = np.asarray(inputs[4]) if len(inputs) > 4 and inputs[4] is not None else np.ones(len(starts), np.int64)
    cut = [slice(None)] * array.ndim
    for axis, start, end, step in zip(where, starts.tolist(), ends.tolist(), steps.tolist(), strict=True):
        cut[axis] = slice(start, None if step < 0 and end < -array.shape[axis] else end, step)
    return array[tuple(cut)]


def _filled(inputs: Sequence[Constant | None], attributes: Attributes) -> Constant:
    shape = [int(length) for length in np.asarray(inputs[0])]
    _bounded(shape)
    value = np.asarray(attributes.get("value", np.zeros(1, np.float32)))
    return np.full(shape, value.reshape(-1)[0])


def _constant(_: Sequence[Constant | None], attributes: Attributes) -> Constant:
    kinds = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    [(name, value)] = attributes.items()
    return np.asarray(value) if name == "value" else np.asarray(value, kinds[name])


_OPERATIONS: dict[str, Callable[[Sequence[Constant | None], Attributes], Constant]] = {
    "Add": _elementwise(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Div": _elementwise(_divide),
    "Gather": _gather,
    "Identity": lambda inputs, _: np.asarray(inputs[0]),
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "Pow": _elementwise(np.power),
    "Reciprocal": _elementwise(np.reciprocal),
    "Reshape": lambda inputs, attributes: reshaped(
        np.asarray(inputs[0]), np.asarray(inputs[1]).tolist(), bool(attributes.get("allowzero", 0))
    ),
    "Slice": _slice,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": lambda inputs, attributes: np.squeeze(np.asarray(inputs[0]), axes(inputs, attributes)),
    "Sub": _elementwise(np.subtract),
    "Transpose": lambda inputs, attributes: np.transpose(np.asarray(inputs[0]), attributes.get("perm")),
    "Unsqueeze": lambda inputs, attributes: unsqueezed(np.asarray(inputs[0]), axes(inputs, attributes) or ()),
}
