"""An ONNX file: its graph, and the values of its tensors, whose size is checked before they are read."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from konkyo.models.files import reading
from konkyo.models.files.checkpoint import MOST_BYTES
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.from_onnx import protobuf
from konkyo.trainer.importing.from_onnx.constants import Constant

# The oldest version of ONNX whose operations mean here what they say: from 2018.
OLDEST = 9
_TYPES = onnx.TensorProto
_BYTES: dict[int, int] = {
    _TYPES.FLOAT: 4,
    _TYPES.DOUBLE: 8,
    _TYPES.FLOAT16: 2,
    _TYPES.INT64: 8,
    _TYPES.INT32: 4,
    _TYPES.BOOL: 1,
}
# Whole numbers are shapes and axes.
_MOST_WHOLE = 4096


def shown(name: str | bytes) -> str:
    """A name from a file, fit for one line of a message. protobuf gives bytes where it is no UTF-8."""
    name = name.decode(errors="replace") if isinstance(name, bytes) else name
    clean = "".join(one if one.isprintable() else "?" for one in name[:60])
    return f"{clean}…" if len(name) > 60 else clean


def title(node: onnx.NodeProto) -> str:
    """What messages call a node."""
    kind = shown(f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type)
    name = node.name or (node.output[0] if node.output else "")
    return f"node {shown(name)} ({kind})" if name else f"a node ({kind})"


@dataclass(frozen=True)
class OnnxFile:
    """A graph of which one output is asked for.

    Attributes
    ----------
    model
        The message, without the values of external data.
    folder
        Where external data may lie.
    """

    model: onnx.ModelProto
    folder: Path

    @property
    def made_by(self) -> str:
        """The program that wrote it."""
        return shown(f"{self.model.producer_name} {self.model.producer_version}".strip()) or "not stated"

    @cached_property
    def input(self) -> onnx.ValueInfoProto:
        """The only input that is no weight."""
        weights = {one.name for one in self.model.graph.initializer}
        inputs = [one for one in self.model.graph.input if one.name not in weights]
        if len(inputs) != 1:
            raise NetworkFileError(
                f"the graph has {_counted(len(inputs), 'input', [one.name for one in inputs])}; one, the image, fits"
            )
        found: onnx.ValueInfoProto = inputs[0]
        return found

    @cached_property
    def output(self) -> onnx.ValueInfoProto:
        """The only output."""
        outputs = list(self.model.graph.output)
        if len(outputs) != 1:
            names = [one.name for one in outputs]
            raise NetworkFileError(
                f"the graph has {_counted(len(outputs), 'output', names)}; one, with a number for each class, fits"
            )
        found: onnx.ValueInfoProto = outputs[0]
        return found

    @cached_property
    def nodes(self) -> list[onnx.NodeProto]:
        """The nodes that the output needs, each behind those that it takes from."""
        made: dict[str, int] = {}
        nodes = list(self.model.graph.node)
        for number, node in enumerate(nodes):
            for name in node.output:
                if name and made.setdefault(name, number) != number:
                    raise NetworkFileError(f"{title(node)} gives {shown(name)}, which another node gives too")
        wanted, open_ = set(), [self.output.name]
        while open_:
            number = made.get(open_.pop(), -1)
            if number >= 0 and number not in wanted:
                wanted.add(number)
                open_ += nodes[number].input
        return [nodes[number] for number in sorted(wanted)]

    @cached_property
    def tensors(self) -> dict[str, onnx.TensorProto]:
        """The weights by name."""
        return {one.name: one for one in self.model.graph.initializer}

    def values(self, tensor: onnx.TensorProto) -> Constant:
        """The values of a tensor, from the file or from the one beside it that it names.

        Raises
        ------
        NetworkFileError
            Other numbers than floats and the whole numbers of shapes; more of them than are read; as many bytes as
            were not announced; external data that does not lie in the file's own folder.
        """
        name = f"tensor {shown(tensor.name)}" if tensor.name else "a tensor"
        if tensor.data_type not in _BYTES:
            kinds = dict(zip(_TYPES.DataType.values(), _TYPES.DataType.keys(), strict=True))
            kind = kinds.get(tensor.data_type, f"type {tensor.data_type}").lower()
            raise NetworkFileError(f"{name} holds values of {kind}; float, double and float16 fit")
        dims = tuple(tensor.dims)
        count, size = prod(dims), _BYTES[tensor.data_type]
        whole = tensor.data_type in (_TYPES.INT64, _TYPES.INT32, _TYPES.BOOL)
        if min(dims, default=1) < 0 or len(dims) > 8 or count > (_MOST_WHOLE if whole else MOST_BYTES // size):
            raise NetworkFileError(f"{name} announces {'×'.join(map(str, dims[:8]))} values; that is more than is read")
        if tensor.data_location == _TYPES.EXTERNAL:
            raw = self._external(name, tensor, count * size)
            made = np.frombuffer(raw, {4: "<f4", 8: "<f8", 2: "<f2"}[size] if not whole else f"<i{size}").reshape(dims)
            return made.astype(made.dtype.newbyteorder("="))
        if tensor.HasField("raw_data") and len(tensor.raw_data) != count * size:
            raise NetworkFileError(f"{name} announces {count * size:,} bytes and holds {len(tensor.raw_data):,}")
        try:
            return numpy_helper.to_array(tensor)
        except (ValueError, TypeError, OverflowError) as error:
            raise NetworkFileError(f"{name} holds another number of values than it announces, {count:,}") from error

    def _external(self, name: str, tensor: onnx.TensorProto, size: int) -> bytes:
        """The bytes of a tensor that another file holds."""
        said = {one.key: one.value for one in tensor.external_data}
        location, folder = said.get("location", ""), self.folder
        path = folder / location
        if not location or not location.isprintable() or not path.resolve().is_relative_to(folder.resolve()):
            raise NetworkFileError(f"{name} lies in a file outside the folder of the network; beside it fits")
        try:
            offset = int(said.get("offset", 0))
            if int(said.get("length", size)) != size or offset < 0:
                raise NetworkFileError(f"{name} announces {size:,} bytes and says otherwise of the file that holds it")
            found = reading.part(path, offset, size)
        except ValueError as error:
            raise NetworkFileError(f"{name} says no number for where it lies in {shown(location)}") from error
        except OSError as error:
            raise NetworkFileError(
                f"{name} lies in {shown(location)}, which cannot be read ({error.strerror or error}); it "
                "belongs beside the .onnx file"
            ) from error
        if len(found) != size:
            raise NetworkFileError(f"{name} announces {size:,} bytes, and {shown(location)} holds {len(found):,} there")
        return found

    def attributes(self, node: onnx.NodeProto) -> dict[str, Any]:
        """The attributes of a node, as Python and numpy have them."""
        found: dict[str, Any] = {}
        for one in node.attribute:
            if one.type == onnx.AttributeProto.TENSOR:
                found[one.name] = self.values(one.t)
            elif one.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
                raise NetworkFileError(f"{title(node)} holds graphs; a list of layers, one behind the other, fits")
            else:
                value = onnx.helper.get_attribute_value(one)
                found[one.name] = value.decode(errors="replace") if isinstance(value, bytes) else value
        return found

    def alone(self, used: dict[str, Constant]) -> onnx.ModelProto:
        """A model of the needed nodes and these tensors only, as ONNX's evaluator takes it."""
        graph = onnx.helper.make_graph(
            [_still(node) for node in self.nodes],
            "needed",
            [self.input],
            [self.output],
            [numpy_helper.from_array(value, name) for name, value in used.items()],
        )
        return onnx.helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)


def _still(node: onnx.NodeProto) -> onnx.NodeProto:
    """Below operator set 14, ONNX's evaluator mixes the batch's mean into that of the file, unless momentum is 1."""
    if node.op_type != "BatchNormalization":
        return node
    made = onnx.NodeProto()
    made.CopyFrom(node)
    kept = [one for one in node.attribute if one.name != "momentum"]
    del made.attribute[:]
    made.attribute.extend([*kept, onnx.helper.make_attribute("momentum", 1.0)])
    return made


def parse(data: bytes, folder: Path) -> OnnxFile:
    """The graph of an ONNX file; ``folder`` may hold its external data.

    Raises
    ------
    NetworkFileError
        Not ONNX, or more nodes and texts than are read.
    """
    protobuf.check(data)
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise NetworkFileError("it cannot be decoded as ONNX; export it again") from error
    if not model.graph.node:
        raise NetworkFileError(
            "it is not ONNX, or holds no node; torch.onnx.export, or model.export(…, format='onnx') of Keras, writes it"
        )
    if model.functions:
        raise NetworkFileError("it defines functions of its own; torch.onnx.export(…, optimize=True) writes none")
    if model.graph.sparse_initializer:
        raise NetworkFileError("it holds sparse weights; dense ones fit")
    outside = sum(prod(one.dims) * _BYTES.get(one.data_type, 0) for one in _external(model))
    if outside > MOST_BYTES:
        raise NetworkFileError(f"its tensors announce {outside:,} bytes in other files; {MOST_BYTES:,} are read in all")
    if not all(isinstance(name, str) for name in _names(model)):
        raise NetworkFileError("it holds names that are no text in UTF-8; export it again")
    versions = {one.domain: one.version for one in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", 0))
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST <= version <= newest:
        raise NetworkFileError(f"it is of ONNX's operator set {version}; {OLDEST} to {newest} fit")
    return OnnxFile(model, folder)


def _external(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """The tensors whose values lie in another file."""
    yield from (one for one in model.graph.initializer if one.data_location == _TYPES.EXTERNAL)
    for node in model.graph.node:
        yield from (one.t for one in node.attribute if one.t.data_location == _TYPES.EXTERNAL)


def _names(model: onnx.ModelProto) -> Iterator[str | bytes]:
    """The names by which nodes and tensors are found."""
    graph = model.graph
    yield from (one.name for one in (*graph.input, *graph.output, *graph.initializer))
    for tensor in graph.initializer:
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (one.name for one in node.attribute)


def _counted(count: int, what: str, names: list[str]) -> str:
    listed = ", ".join(shown(name) for name in names[:5])
    return f"{count} {what}{'s' * (count != 1)}{f' ({listed})' if listed else ''}"


def lengths(value: onnx.ValueInfoProto) -> Iterator[int | None]:
    """The lengths of an input's axes; None where the file leaves one open."""
    return (one.dim_value if one.dim_value > 0 else None for one in value.type.tensor_type.shape.dim)
