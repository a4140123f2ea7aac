"""The outer form of an ONNX file, read before protobuf makes objects of it: a few bytes can announce very many.

A message is a run of fields: a number and a kind in a varint, then a varint, 4 or 8 bytes, or a length and so many
bytes (https://protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator

from konkyo.trainer.errors import NetworkFileError

# A network of six stages has fewer than 200 nodes, even where each layer is wrapped in casts and transposes.
MOST_NODES = 2000
MOST_TENSORS = 2000
# Bytes that are not the values of tensors. PyTorch writes its call stacks into them.
MOST_FORM = 2 * 2**20

_MODEL_GRAPH, _GRAPH_NODE, _GRAPH_TENSOR = 7, 1, 5
# The fields of a tensor that hold the values of weights, which take no more room in memory: float_data, raw_data,
# double_data.
_VALUES = 4, 9, 10


def check(data: bytes) -> None:
    """Raise NetworkFileError unless the bytes have the form of an ONNX model with bounded nodes, tensors and texts."""
    view = memoryview(data)
    nodes = tensors = values = 0
    try:
        for graph in _parts(view, _MODEL_GRAPH):
            for number, part in _fields(graph):
                nodes += number == _GRAPH_NODE
                if number == _GRAPH_TENSOR:
                    tensors += 1
                    values += sum(len(one) for field, one in _fields(part) if field in _VALUES)
                if nodes > MOST_NODES or tensors > MOST_TENSORS:
                    raise NetworkFileError(
                        f"it holds more than {MOST_NODES:,} nodes or tensors; a network that fits has fewer"
                    )
    except (IndexError, ValueError) as error:
        raise NetworkFileError(
            "it is not ONNX; torch.onnx.export, or model.export(…, format='onnx') of Keras, writes it"
        ) from error
    if len(data) - values > MOST_FORM:
        raise NetworkFileError(
            f"it holds {len(data) - values:,} bytes beside the values of its tensors; at most {MOST_FORM:,} are read"
        )


def _parts(view: memoryview, number: int) -> Iterator[memoryview]:
    return (part for found, part in _fields(view) if found == number)


def _fields(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The number and the bytes of each field with a length; others are passed over."""
    at, end = 0, len(view)
    while at < end:
        tag, at = _varint(view, at)
        kind = tag & 7
        if kind == 2:
            length, at = _varint(view, at)
            if length > end - at:
                raise ValueError("a field longer than what holds it")
            yield tag >> 3, view[at : at + length]
            at += length
        elif kind == 0:
            _, at = _varint(view, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("a kind of field that is not used")
    if at != end:
        raise ValueError("a field that is cut")


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
