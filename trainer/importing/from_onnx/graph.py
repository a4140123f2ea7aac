"""From an ONNX graph to the chain of its layers.

The image goes through the nodes as an array of numbers: where a value stands, among the values that the layer before
made. Nodes that only move values (Transpose, Reshape, Flatten, …) do so with the numbers, so that no rule about axes is
needed: a convolution must find the numbers in order, an affine layer takes its columns in theirs.
"""

from collections import Counter
from dataclasses import dataclass
from math import prod

import numpy as np
import onnx

from konkyo.models.architecture import CHANNELS, SIDES
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.chain import Activation, Chain
from konkyo.trainer.importing.from_onnx import constants
from konkyo.trainer.importing.from_onnx.constants import Attributes, Constant
from konkyo.trainer.importing.from_onnx.nodes import (
    FITTING,
    FLOATS,
    INSTEAD,
    MOST_BATCH,
    ROOM,
    STEPS,
    Flow,
    State,
    Step,
    together,
)
from konkyo.trainer.importing.from_onnx.onnx_file import OnnxFile, lengths, shown, title


@dataclass(frozen=True)
class Graph:
    """What was read of an ONNX file.

    Attributes
    ----------
    chain
        The layers.
    bytes_in
        Whether its input takes bytes.
    first
        In (N, channels, side, side), the shape that the input takes: a transposition and lengths.
    ends
        What the output is: ``logits``, ``softmax``, ``log_softmax``, or ``sigmoid`` of one output.
    model
        The needed nodes as a model, for ONNX's evaluator.
    work, kept
        What the evaluator does and keeps for one batch, as in ``State``.
    """

    chain: Chain
    bytes_in: bool
    first: tuple[tuple[int, ...], tuple[int, ...]]
    ends: str
    model: onnx.ModelProto
    work: int
    kept: int


def read(file: OnnxFile, side: int | None = None) -> Graph:
    """The chain of layers of a graph; ``side`` is that of its images where the file leaves it open.

    Raises
    ------
    NetworkFileError
        A node, an input or an output that fits no list of stages. The message names it, and what would fit.
    """
    return _Reading(file, side).run()


class _Reading:
    """The state of one reading."""

    def __init__(self, file: OnnxFile, side: int | None) -> None:
        self.file = file
        self.state = State()
        self.used: dict[str, Constant] = {}
        self.taken = {name for node in file.nodes for name in node.input}
        self.values: dict[str, Flow | Constant] = {}
        self.input_type = file.input.type.tensor_type.elem_type
        if self.input_type not in {*FLOATS, onnx.TensorProto.UINT8}:
            raise NetworkFileError(f"input {shown(file.input.name)} takes no floats; an image of floats fits")
        flow, self.first = _image(file.input, side)
        self.side, self.channels = flow.shape[1], flow.shape[0]
        self.values[file.input.name] = flow

    def run(self) -> Graph:
        uses = Counter(name for node in self.file.nodes for name in node.input)
        for node in self.file.nodes:
            self._node(node)
            for name in node.input:
                uses[name] -= 1
                if not uses[name] and name != self.file.output.name:
                    self.values.pop(name, None)
        out = self.values.get(self.file.output.name)
        if not isinstance(out, Flow):
            raise NetworkFileError(f"output {shown(self.file.output.name)} does not depend on the image")
        in_a_row = out.numbers.shape == (out.batch, out.size)
        in_a_row = in_a_row and bool((out.numbers.reshape(-1) == np.arange(out.numbers.size)).all())
        if not in_a_row or (len(out.shape) == 3 and out.shape[1] > 1):
            raise NetworkFileError(
                f"output {shown(self.file.output.name)} has shape {out.numbers.shape}; a number for each class fits"
            )
        ends = "sigmoid" if out.size == 1 and isinstance(out.place.layer, Activation) else out.ends
        chain = Chain(out.place.layers, self.side, self.channels)
        model, bytes_in = self.file.alone(self.used), self.input_type == onnx.TensorProto.UINT8
        return Graph(chain, bytes_in, self.first, ends, model, self.state.work, self.state.kept)

    def _node(self, node: onnx.NodeProto) -> None:
        name = title(node)
        if node.domain not in ("", "ai.onnx"):
            raise NetworkFileError(f"{name}: is no operation of ONNX itself; {FITTING}")
        inputs = [self._value(name, one) if one else None for one in node.input]
        attributes = self.file.attributes(node)
        flows = [one for one in inputs if isinstance(one, Flow)]
        try:
            made = self._made(node, name, inputs, flows, attributes)
        except constants.TooLarge as error:
            raise NetworkFileError(f"{name}: would make {error}") from error
        except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
            raise NetworkFileError(f"{name}: its inputs and attributes do not fit each other") from error
        self.state.room -= made.numbers.nbytes if isinstance(made, Flow) else made.nbytes
        self.state.kept += made.numbers.size if isinstance(made, Flow) else made.size
        if self.state.room < 0:
            raise NetworkFileError(f"{name}: the graph moves more than {ROOM:,} bytes; fewer or smaller layers fit")
        for other in node.output[1:]:
            if other and (other == self.file.output.name or other in self.taken):
                raise NetworkFileError(f"{name}: more than its first output is used; one fits")
        self.values[node.output[0]] = made

    def _made(
        self,
        node: onnx.NodeProto,
        name: str,
        inputs: list[Flow | Constant | None],
        flows: list[Flow],
        attributes: Attributes,
    ) -> Flow | Constant:
        operation = node.op_type
        if operation == "Shape" and inputs and inputs[0] is not None:
            shaped = inputs[0].numbers if isinstance(inputs[0], Flow) else inputs[0]
            return np.array(shaped.shape[attributes.get("start", 0) : attributes.get("end")], np.int64)
        if not flows:
            if not constants.known(operation):
                raise NetworkFileError(f"{name}: {INSTEAD.get(operation, f'is not known; {FITTING}')}")
            return constants.compute(operation, [one for one in inputs if not isinstance(one, Flow)], attributes)
        if operation not in STEPS:
            raise NetworkFileError(f"{name}: {INSTEAD.get(operation, f'is not known; {FITTING}')}")
        if any(flow.ends != "logits" for flow in flows) and operation not in ("Cast", "Identity"):
            raise NetworkFileError(f"{name}: stands behind softmax; a graph that ends with softmax or before it fits")
        if len(flows) > 1:
            return together(operation, name, flows)
        return STEPS[operation](Step(self.state, name, flows[0], inputs, attributes))

    def _value(self, node: str, name: str) -> Flow | Constant:
        if name not in self.values:
            if name not in self.file.tensors:
                raise NetworkFileError(f"{node}: takes {shown(name)}, which nothing before it gives")
            self.values[name] = self.used[name] = found = self.file.values(self.file.tensors[name])
            self.state.room -= found.nbytes
        return self.values[name]


def _image(value: onnx.ValueInfoProto, side: int | None) -> tuple[Flow, tuple[tuple[int, ...], tuple[int, ...]]]:
    """The image as it enters, and how (N, channels, side, side) becomes what the input takes."""
    said = f"input {shown(value.name)}"
    known = list(lengths(value))
    fit = f"(images, channels, side, side) fits, with {' or '.join(map(str, CHANNELS))} channels, also with them last"
    if len(known) not in (3, 4):
        raise NetworkFileError(f"{said} has {len(known)} axes; {fit}")
    last = len(known) == 4 and known[1] not in CHANNELS and known[3] in CHANNELS
    channels = 1 if len(known) == 3 else known[3 if last else 1]
    rows, columns = known[1:3] if last else known[-2:]
    rows, columns = rows or side, columns or side
    if rows is None or columns is None:
        raise NetworkFileError(f"{said} takes images of any size; --side says of which, such as --side 28")
    if channels not in CHANNELS:
        raise NetworkFileError(f"{said} takes {channels or 'any number of'} channels; {fit}")
    if rows != columns or rows not in SIDES:
        raise NetworkFileError(f"{said} takes images of {rows}×{columns}; squares of {SIDES[0]} to {SIDES[-1]} fit")
    batch, shape = known[0] or 1, (channels, rows, rows)
    if batch * prod(shape) > MOST_BATCH:
        raise NetworkFileError(f"{said} takes {batch:,} images at once; 1, or any number, fits")
    order = (0, 2, 3, 1) if last else (0, 1, 2, 3)
    numbers = np.arange(batch * prod(shape), dtype=np.int32).reshape(batch, *shape).transpose(order)
    if len(known) == 3:
        numbers = numbers[:, 0]
    return Flow(numbers, shape), (order, numbers.shape)
