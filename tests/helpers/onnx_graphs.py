"""ONNX graphs, written node by node: lists of layers as exporters write them, and any part replaced by another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from konkyo.models.network import Network
from konkyo.trainer.importing.network_file import Imported, ImportOptions, read
from konkyo.trainer.importing.pixels import of_range

Array = NDArray[Any]
UNIT = of_range(0, 1, "asked for")
ASKED = ImportOptions(pixels=UNIT)


@dataclass
class Builder:
    """A graph in the making: each call adds a node behind the last one.

    Attributes
    ----------
    shape
        Of the input.
    rng
        Draws weights.
    """

    shape: Sequence[int | str] = ("batch", 1, 28, 28)
    kind: int = TensorProto.FLOAT
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)
    last: str = "image"

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(1)

    def weights(self, array: Array) -> str:
        """A tensor; its name."""
        name = f"tensor{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def floats(self, *shape: int) -> str:
        """A tensor of small random numbers."""
        return self.weights((self.rng.normal(0, 0.3, shape)).astype(np.float32))

    def add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> "Builder":
        """A node that takes the last result, then the inputs."""
        return self.free(kind, self.last, *inputs, name=name, **attributes)

    def free(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> "Builder":
        """A node that takes these inputs alone."""
        named = name or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [named], name=named, **attributes))
        self.last = named
        return self

    def numbers(self, kind: str, *values: object, **attributes: Any) -> "Builder":
        """A node that takes the last result, then these numbers, each a tensor."""
        return self.add(kind, *(self.weights(np.array(one, np.float32)) for one in values), **attributes)

    def random(self, kind: str, *shapes: tuple[int, ...], **attributes: Any) -> "Builder":
        """A node that takes the last result, then random numbers of these shapes."""
        return self.add(kind, *(self.floats(*shape) for shape in shapes), **attributes)

    def behind(self, kind: str, *shape: int) -> "Builder":
        """A node that takes random numbers of this shape first, and the last result behind them."""
        return self.free(kind, self.floats(*shape), self.last)

    def computed(self, kind: str, *values: object, **attributes: Any) -> "Builder":
        """A node that takes numbers alone, and one that adds its result to the last one."""
        last = self.last
        made = self.free(kind, *(self.weights(np.array(one)) for one in values), **attributes).last
        self.last = last
        return self.add("Add", made)

    def conv(self, filters: int, inputs: int, kernel: int, **attributes: Any) -> "Builder":
        """A convolution with random weights and bias."""
        return self.random("Conv", (filters, inputs, kernel, kernel), (filters,), **attributes)

    def stage(self, filters: int, inputs: int, kernel: int, **attributes: Any) -> "Builder":
        """Convolution, ReLU, max-pool."""
        return self.conv(filters, inputs, kernel, **attributes).add("Relu").pool()

    def pool(self) -> "Builder":
        return self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def gemm(self, outputs: int, inputs: int) -> "Builder":
        return self.random("Gemm", (outputs, inputs), (outputs,), transB=1)

    def head(self, inputs: int, classes: int = 10) -> "Builder":
        """Flatten, and the affine layer of the classes."""
        return self.add("Flatten").gemm(classes, inputs)

    def model(self, outputs: Sequence[str] = (), inputs: Sequence[str] = (), opset: int = 20) -> onnx.ModelProto:
        """The whole; the last result is its output unless others are named, and ``inputs`` are further ones."""
        graph = helper.make_graph(
            self.nodes,
            "graph",
            [
                helper.make_tensor_value_info("image", self.kind, self.shape),
                *(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10]) for name in inputs),
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs or (self.last,)],
            self.tensors,
        )
        versions = [helper.make_opsetid("", opset)]
        return helper.make_model(graph, opset_imports=versions, ir_version=9, producer_name="tests")


def small() -> Builder:
    """Two filters of 5×5 on 28×28, ReLU and pool: 2×12×12 before the head."""
    return Builder().stage(2, 1, 5)


def whole() -> onnx.ModelProto:
    """The small network with its head."""
    return small().head(288).model()


def imported(made: Builder | onnx.ModelProto, folder: Path, asked: ImportOptions = ASKED) -> Imported:
    """What is read of a graph as a file of this folder."""
    path = folder / "net.onnx"
    path.write_bytes((made.model() if isinstance(made, Builder) else made).SerializeToString())
    return read(path, asked)


def activated(builder: Builder, kind: str) -> Builder:
    """An activation, as exporters write it."""
    name, _, parameter = kind.partition("=")
    if name == "none":
        return builder
    if name == "leaky":
        return builder.add("LeakyRelu", alpha=float(parameter))
    if name in ("relu6", "hardtanh"):
        return builder.numbers("Clip", *{"relu6": (0, 6), "hardtanh": (-1, 1)}[name])
    if name == "silu":
        values = builder.last
        return builder.add("Sigmoid").add("Mul", values)
    return builder.add({"elu": "Elu", "hardswish": "HardSwish"}.get(name, name.capitalize()))


def exported(network: Network, decorate: Callable[[Builder, int], None] = lambda *_: None) -> onnx.ModelProto:
    """A network of summed stages as ONNX; ``decorate`` may add nodes that change nothing before each layer.

    It gets the number of the layer, counted from 0, and negative ones for affine layers, which are counted from −1.
    """
    shape = network.architecture
    builder = Builder(("batch", shape.channels, shape.side, shape.side))

    def tensor(name: str) -> str:
        return builder.weights(network.weights[name].astype(np.float32))

    made = [builder.last]
    for number, stage in enumerate(shape.stages):
        builder.last, *others = (made[source] for source in shape.sources(number))
        for other in others:
            builder.add("Add", other)
        decorate(builder, number)
        if stage.kernel:
            names = [f"conv{number + 1}.{part}" for part in ("weight", "bias")][: 1 + stage.bias]
            pads = [stage.padding] * 2 + [stage.behind] * 2
            first = names[: 1 if stage.bias_map else 2]
            builder.add("Conv", *map(tensor, first), pads=pads, strides=[stage.stride] * 2, group=stage.groups)
            if stage.bias_map:
                builder.add("Add", tensor(names[1]))
        activated(builder, stage.activation)
        if stage.pool:
            kind = "AveragePool" if stage.mean else "MaxPool"
            builder.add(kind, kernel_shape=[stage.pool.side] * 2, strides=[stage.pool.stride] * 2)
        made.append(activated(builder, stage.after).last)
    builder.add("Flatten")
    for number, (name, *_) in enumerate(shape.head, 1):
        decorate(builder, -number)
        builder.add("Gemm", tensor(f"{name}.weight"), tensor(f"{name}.bias"), transB=1)
        if name != "affine":
            activated(builder, shape.activation)
    return builder.model()
