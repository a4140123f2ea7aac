"""What exporters compute of constants, against ONNX's evaluator."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from konkyo.trainer.importing.from_onnx import constants

WHOLE, LOW = np.array([7, -7, 9, 4]), np.array([2, 2, -4, 3])
REAL = np.array([[0.5, 2, -3], [4, 0.25, 8]], np.float32)
HIGH = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def attribute(value: Any) -> Any:
    """Arrays as ONNX has them in attributes."""
    return numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value


# Operation, inputs, attributes; None is an input that is left out.
COMPUTED: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
    "sum": ("Add", [REAL, REAL[0]], {}),
    "difference": ("Sub", [WHOLE, LOW], {}),
    "product": ("Mul", [REAL, np.float32(3)], {}),
    "quotient": ("Div", [REAL, REAL[1]], {}),
    "quotient of whole numbers": ("Div", [WHOLE, LOW], {}),
    "negative": ("Neg", [WHOLE], {}),
    "power": ("Pow", [REAL, np.float32(2)], {}),
    "power of whole numbers": ("Pow", [WHOLE, np.array([2, 0, 1, 3])], {}),
    "reciprocal": ("Reciprocal", [REAL], {}),
    "root": ("Sqrt", [REAL**2], {}),
    "the same": ("Identity", [REAL], {}),
    "cast to whole numbers": ("Cast", [REAL], {"to": TensorProto.INT64}),
    "cast to half": ("Cast", [WHOLE], {"to": TensorProto.FLOAT16}),
    "cast to true and false": ("Cast", [np.array([0, 1, -2])], {"to": TensorProto.BOOL}),
    "joined": ("Concat", [REAL, REAL[:1]], {"axis": 0}),
    "gathered": ("Gather", [HIGH, np.array([[2, 0], [1, -1]])], {"axis": 1}),
    "gathered from the first axis": ("Gather", [WHOLE, np.array(2)], {}),
    "filled": ("ConstantOfShape", [np.array([2, 3])], {"value": np.array([4], np.int64)}),
    "filled with zeros": ("ConstantOfShape", [np.array([3])], {}),
    "a constant": ("Constant", [], {"value": REAL}),
    "a float": ("Constant", [], {"value_float": 0.5}),
    "floats": ("Constant", [], {"value_floats": [0.5, 2.0]}),
    "a whole number": ("Constant", [], {"value_int": 3}),
    "whole numbers": ("Constant", [], {"value_ints": [3, -1]}),
    "another shape": ("Reshape", [HIGH, np.array([0, -1])], {}),
    "another shape without values": ("Reshape", [np.zeros((0, 3)), np.array([3, 0])], {"allowzero": 1}),
    "turned": ("Transpose", [HIGH], {"perm": [2, 0, 1]}),
    "turned round": ("Transpose", [HIGH], {}),
    "squeezed": ("Squeeze", [HIGH[None, :, :1], np.array([0, 2])], {}),
    "squeezed of all": ("Squeeze", [HIGH[None, :, :1]], {}),
    "squeezed as before version 13 of ONNX": ("Squeeze", [HIGH[None, :, :1]], {"axes": [0]}),
    "unsqueezed as before version 13 of ONNX": ("Unsqueeze", [HIGH], {"axes": [0]}),
    "unsqueezed": ("Unsqueeze", [REAL, np.array([0, -1])], {}),
    "a part": ("Slice", [HIGH, np.array([1]), np.array([3]), np.array([2])], {}),
    "a part of the first axes": ("Slice", [HIGH, np.array([0, 1]), np.array([1, 2**40])], {}),
    "every second, backwards": (
        "Slice", [HIGH, np.array([-1]), np.array([-(2**40)]), np.array([2]), np.array([-2])], {},
    ),
    "backwards to a place": ("Slice", [WHOLE, np.array([3]), np.array([1]), np.array([0]), np.array([-1])], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_a_result_is_the_evaluators(name: str) -> None:
    operation, inputs, attributes = COMPUTED[name]
    names = [f"x{number}" for number in range(len(inputs))]
    node = helper.make_node(operation, names, ["y"], **{key: attribute(one) for key, one in attributes.items()})
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info(one, TensorProto.FLOAT, None) for one in names],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    version = 12 if "axes" in attributes else 20
    evaluator = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)]))
    outputs: Any = evaluator.run(None, dict(zip(names, inputs, strict=True)))
    [right] = outputs
    made = constants.compute(operation, inputs, attributes)
    assert (made.dtype, made.shape) == (right.dtype, right.shape)
    np.testing.assert_array_equal(made, right)


def test_only_these_operations_are_known() -> None:
    assert {one for one, *_ in COMPUTED.values()} == {
        one.name for one in onnx.defs.get_all_schemas() if constants.known(one.name)
    }
