"""Files that want more than they are worth: each gets one line, and takes no room that was not counted before."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.network_file import read
from support.folders import ROOT
from tests.helpers.onnx_graphs import ASKED, Builder, small, whole
from tests.helpers.refuse import refuses
from tests.trainer.refusals import refusal

# What a process may take in all.
LIMIT = 2 * 2**30


def varint(number: int) -> bytes:
    made = b""
    while number > 127:
        made += bytes([number & 127 | 128])
        number >>= 7
    return made + bytes([number])


def announced(shape: list[int], kind: int = TensorProto.FLOAT, **fields: Any) -> onnx.ModelProto:
    """The small network with a tensor of this shape and no values in the place of its first weights."""
    model = whole()
    weights = model.graph.initializer[0]
    name = weights.name
    weights.Clear()
    weights.MergeFrom(onnx.TensorProto(name=name, dims=shape, data_type=kind, **fields))
    return model


def outside(location: str, **more: str) -> onnx.ModelProto:
    entries = [
        onnx.StringStringEntryProto(key=key, value=value) for key, value in {"location": location, **more}.items()
    ]
    return announced([2, 1, 5, 5], data_location=TensorProto.EXTERNAL, external_data=entries)


def doubled(times: int) -> Builder:
    builder = small()
    last, made = builder.last, builder.weights(np.ones(1024, np.float32))
    for number in range(times):
        made = builder.free("Concat", made, made, name=f"twice{number}", axis=0).last
    builder.last = last
    return builder.add("Add", made)


def deep(depth: int) -> bytes:
    """Graphs in attributes of nodes in graphs …, as protobuf has them."""
    made = b""
    for _ in range(depth):
        attribute = b"\x32" + varint(len(made)) + made  # AttributeProto.g
        node = b"\x2a" + varint(len(attribute)) + attribute  # NodeProto.attribute
        made = b"\x0a" + varint(len(node)) + node  # GraphProto.node
    return b"\x3a" + varint(len(made)) + made


def many(field: bytes, count: int) -> bytes:
    """A graph of so many empty nodes, tensors, …"""
    inner = (field + b"\x00") * count
    return b"\x3a" + varint(len(inner)) + inner


def archive(described: bytes, compression: int = zipfile.ZIP_STORED, extra: bytes = b"") -> bytes:
    """A .pt file with this pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        made.writestr("net/data.pkl", described)
        if extra:
            made.writestr("net/data/0", extra)
    return buffer.getvalue()


def safetensors(kind: str, shape: list[int], length: int) -> bytes:
    """A tensor of this kind and shape, and of so many bytes as its header says: there are eight."""
    header = json.dumps({"a.weight": {"dtype": kind, "shape": shape, "data_offsets": [0, length]}})
    return struct.pack("<Q", len(header)) + header.encode() + bytes(8)


class Pickled:
    """Whoever unpickles it calls exec. (Not print, which Ray replaces in the process that uses it.)"""

    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("print('this ran')",)


OUTSIDE = "tensor tensor0 lies in a file outside the folder of the network; beside it fits"
# The file's name and its content. What is said of each: tests/data/refusals.json.
CASES: dict[str, tuple[str, Callable[[], bytes | onnx.ModelProto | Builder]]] = {
    "weights of gigabytes": ("net.onnx", lambda: announced([1 << 20, 1 << 20])),
    "weights of a negative length": ("net.onnx", lambda: announced([-1, 1, 5, 5])),
    "weights without their bytes": ("net.onnx", lambda: announced([2000, 1, 50, 50], raw_data=b"1234")),
    "complex numbers": ("net.onnx", lambda: announced([2, 1, 5, 5], TensorProto.COMPLEX64, raw_data=bytes(400))),
    "texts": ("net.onnx", lambda: announced([2], TensorProto.STRING, string_data=[b"a", b"b"])),
    "external data above the folder": ("net.onnx", lambda: outside("../../../../etc/passwd")),
    "external data at an absolute path": ("net.onnx", lambda: outside("/dev/zero")),
    "external data that is not there": ("net.onnx", lambda: outside("weights.bin")),
    "external data at a place that is no number": ("net.onnx", lambda: outside("weights.bin", offset="over there")),
    "external data of another length": ("net.onnx", lambda: outside("weights.bin", length="100")),
    "external data before its file": ("net.onnx", lambda: outside("weights.bin", offset="-8")),
    "a constant of gigabytes": ("net.onnx", lambda: small().computed("ConstantOfShape", [1 << 40], name="bomb")),
    "a constant that doubles": ("net.onnx", lambda: doubled(60)),
    "a loop": ("net.onnx", lambda: small().add("Loop", name="for ever", body=helper.make_graph([], "body", [], []))),
    "deep nesting": ("net.onnx", lambda: deep(3000)),
    "a million nodes": ("net.onnx", lambda: many(b"\x0a", 1_000_000)),
    "a million tensors": ("net.onnx", lambda: many(b"\x2a", 1_000_000)),
    "millions of inputs": ("net.onnx", lambda: many(b"\x5a", 1_100_000)),
    "text": ("net.onnx", lambda: b"ceci n'est pas un reseau"),
    "a field longer than its file": ("net.onnx", lambda: b"\x3a\x05\x0a"),
    "a field that is cut": ("net.onnx", lambda: b"\x0d\x00"),
    "a number of too many bits": ("net.onnx", lambda: b"\x08" + b"\xff" * 11 + b"\x00"),
    "nothing": ("net.onnx", lambda: b""),
    "a pickle named .onnx": ("net.onnx", lambda: pickle.dumps(Pickled(), 2)),
    "an archive named .onnx": ("net.onnx", lambda: archive(pickle.dumps({}, 2))),
    "TensorFlow Lite": ("net.tflite", lambda: b"\x1c\0\0\0TFL3" + bytes(99)),
    "HDF5": ("net.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "Keras": ("net.keras", lambda: archive(b"")),
    "code in a .pt": ("net.pt", lambda: archive(pickle.dumps(OrderedDict(a=Pickled()), 2))),
    "code in a .pt, told otherwise": ("net.pt", lambda: archive(pickle.dumps(Pickled(), 4))),
    "a .pt that unpacks to gigabytes": (
        "net.pt", lambda: archive(pickle.dumps({}, 2), zipfile.ZIP_DEFLATED, bytes(2**27))),
    "a .pt that is packed": ("net.pt", lambda: archive(pickle.dumps({}, 2), zipfile.ZIP_DEFLATED)),
    "an archive of something else": ("net.pt", lambda: archive(b"").replace(b"data.pkl", b"data.txt")),
    "an archive of thousands": ("net.pt", lambda: b"PK\x03\x04" + b"PK\x01\x02" * 2001),
    "a damaged archive": ("net.pt", lambda: b"PK\x03\x04" + bytes(99)),
    "a pickle that is cut": ("net.pt", lambda: archive(b"\x80\x02}q")),
    "something else named .pt": ("net.pt", lambda: b"weights"),
    "safetensors with a header of gigabytes": ("net.safetensors", lambda: struct.pack("<Q", 1 << 40) + b"{"),
    "safetensors that announce gigabytes": (
        "net.safetensors", lambda: safetensors("F32", [2**30], 2**32)),
    "safetensors of complex numbers": ("net.safetensors", lambda: safetensors("C64", [1], 8)),
}  # fmt: skip


SCRIPT = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
from konkyo.trainer.importing.command import run
for folder in sorted(os.listdir()):
    [name] = os.listdir(folder)
    stages = ["--stages=2k5"] if name.endswith((".pt", ".safetensors")) else []
    os.chdir(folder)
    status = run([name, "--range=0,1", "--out=out", *stages], "konkyo import")
    print(f"status {status}, {len(os.listdir())} file", file=sys.stderr)
    os.chdir("..")
# Not getrusage: that counts the room of the process that started this one, before it did.
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def refusals(folder: Path) -> dict[str, str]:
    """What the command says to each, in one process with bounded room."""
    for number, (name, made) in enumerate(CASES.values()):
        (folder / f"{number:03}").mkdir()
        content = made()
        content = content.model() if isinstance(content, Builder) else content
        content = content.SerializeToString() if isinstance(content, onnx.ModelProto) else content
        (folder / f"{number:03}" / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(LIMIT)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    said = done.stderr.split("status 1, 1 file\n")
    assert said.pop() == ""
    # The most room in kB: less than twice what torch, onnx, numpy and the largest of these files take.
    assert int(done.stdout) < 1_000_000
    return dict(zip(CASES, [one.rstrip("\n") for one in said], strict=True))


def test_external_data_through_a_link_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_bytes(bytes(200))
    (inside / "weights.bin").symlink_to(tmp_path / "secret")
    (inside / "net.onnx").write_bytes(outside("weights.bin").SerializeToString())
    with refuses(NetworkFileError, f"net.onnx: {OUTSIDE}"):
        read(inside / "net.onnx", ASKED)


def test_external_data_beside_the_file_is_read(tmp_path: Path) -> None:
    values = np.array(onnx.numpy_helper.to_array(whole().graph.initializer[0]))
    (tmp_path / "net.onnx").write_bytes(outside("net.data", offset="8", length="200").SerializeToString())
    (tmp_path / "net.data").write_bytes(bytes(8) + values.tobytes() + bytes(50))
    network = read(tmp_path / "net.onnx", ASKED).network
    np.testing.assert_array_equal(network.weights["conv1.weight"], values)
    (tmp_path / "net.data").write_bytes(bytes(100))
    with refuses(NetworkFileError, "net.onnx: tensor tensor0 announces 200 bytes, and net.data holds 92 there"):
        read(tmp_path / "net.onnx", ASKED)


def test_numbers_that_are_not_finite_are_refused_without_a_warning(tmp_path: Path) -> None:
    """Among them a NaN that signals, of which numpy warns when it becomes a double."""
    values = np.array([0x7FA00000, 0x7FC00000, 0x7F800000], np.uint32).view(np.float32)
    for value in values:
        made = whole()
        tensor = made.graph.initializer[0]
        weights = np.array(onnx.numpy_helper.to_array(tensor))
        weights.ravel()[0:1] = value
        tensor.raw_data = weights.tobytes()
        (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
        with refuses(NetworkFileError, "net.onnx: node conv0 (Conv): its weights hold NaN or infinity; train it again"):
            read(tmp_path / "net.onnx", ASKED)


@given(st.data())
def test_no_change_of_a_file_gives_anything_but_a_network_or_a_line(data: st.DataObject) -> None:
    changed = bytearray(whole().SerializeToString())
    for _ in range(data.draw(st.integers(1, 8))):
        # The weights are most of the file: a change there is a change of a number.
        place = data.draw(st.integers(0, len(changed) - 1) | st.integers(len(changed) - 400, len(changed) - 1))
        changed[place] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        path.write_bytes(changed)
        assert refusal(lambda: read(path, ASKED)).isprintable()


def test_a_tensor_that_repeats_one_number_takes_no_room(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save({"conv1.weight": torch.zeros(1).expand(64, 1, 20000, 20000)}, path)
    assert path.stat().st_size < 10_000
    message = "net.pt: 'conv1.weight' announces 25,600,000,000 values; 67,108,864 bytes are read in all"
    with refuses(NetworkFileError, message):
        read(path, ASKED)
