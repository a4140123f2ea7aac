"""Files that are read offline, by `konkyo explain` and `konkyo import`: each hostile one gets one line and little room.

A few bytes can be the packed form of gigabytes, a pipe lets its reader wait for ever, a device never ends.
"""

import gzip
import os
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from PIL import Image

from konkyo.models.preparation.expected import MNIST
from konkyo.trainer import cli
from konkyo.trainer.data.pictures import image_of
from konkyo.trainer.importing import command
from konkyo.trainer.importing.from_onnx import comparing
from support.process import peak, peak_from_now
from tests.helpers.onnx_graphs import Builder, imported, small

# MiB that a refusal takes beside the process itself. The files pack, announce or are gigabytes, and a process that only
# reads an honest picture takes some 50: what is refused before it is unpacked is far below.
ROOM = 64
# Packed and empty, it is a thousandth of what it unpacks to.
PACKED = 300 * 2**20


def sparse(path: Path, head: bytes) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(4 * 2**30)


def picture(path: Path) -> bytes:
    Image.new("L", (28, 28)).save(path, "PNG")
    return path.read_bytes()


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb", 1) as file:
        file.write(b"\0\0\x08\x03" + struct.pack(">III", PACKED // 1024, 32, 32))
        for _ in range(PACKED >> 20):
            file.write(bytes(2**20))


def npz_bomb(path: Path) -> None:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open("images.npy", "w", force_zip64=True) as file,
    ):
        shape = PACKED // 1024, 32, 32
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for _ in range(PACKED >> 20):
            file.write(bytes(2**20))


def lying_npz(path: Path) -> None:
    """Its header announces as much as no machine has, and it holds a byte."""
    with zipfile.ZipFile(path, "w") as made, made.open("images.npy", "w") as file:
        shape = 2**40, 28, 28
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.write(b"7")


def crowded_npz(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as made:
        for number in range(2001):
            made.writestr(str(number), b"")


def names(path: Path) -> None:
    path.mkdir()
    Path(os.fsdecode(os.fsencode(path) + b"/\xff.png")).write_bytes(b"no picture")


NOT_REGULAR = "not a regular file, but a folder, pipe or device"
LIST = "; the path of a picture on each line fits"
# The file's name, what makes it, and what is said behind its path.
EXPLAINED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a gzip bomb": ("images.gz", gzip_bomb, r" cannot be read: the header announces 314,572,800 bytes, and a gzipped "
        r"file of [\d,]+ may hold [\d,]+; unpack it with gunzip"),
    "an npz bomb": ("images.npz", npz_bomb, r" cannot be read as an array of numpy: images unpacks from [\d,]+ bytes "
        r"to 314,572,928, and may to [\d,]+; np\.savez, which does not pack, fits"),
    "an npz that announces terabytes": ("images.npz", lying_npz,
        " cannot be read as an array of numpy: images announces 862,017,116,176,384 bytes and holds 1"),
    "an npz of thousands": ("images.npz", crowded_npz,
        " cannot be read as an array of numpy: it holds more than 2,000 files"),
    "a broken npz": ("images.npz", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(99)),
        " cannot be read as an array of numpy: it is a damaged archive"),
    "a pipe": ("pipe", os.mkfifo, f" cannot be read: {NOT_REGULAR}"),
    "a pipe for an array": ("pipe.npy", os.mkfifo, f" cannot be read as an array of numpy: {NOT_REGULAR}"),
    "a pipe for a list": ("pipe.txt", os.mkfifo, f" cannot be read as a list of paths: {NOT_REGULAR}"),
    "a list that never ends": ("zero.txt", lambda path: path.symlink_to("/dev/zero"),
        f" cannot be read as a list of paths: {NOT_REGULAR}"),
    "a list of what never ends": ("list.txt", lambda path: path.write_text("/dev/zero\n"),
        f" names /dev/zero, not a regular file{LIST}"),
    "a sparse list": ("list.txt", lambda path: sparse(path, b""),
        " cannot be read as a list of paths: larger than 67,108,864 bytes"),
    "a sparse picture": ("sparse.png", lambda path: sparse(path, picture(path)),
        r" cannot be read as a picture \(larger than 67,108,864 bytes\); save it as PNG or JPEG"),
    "a name that is not UTF-8": ("folder", names,
        r"/\\xff\.png cannot be read as a picture; remove it, or save it as PNG or JPEG"),
}  # fmt: skip


@pytest.mark.threat("files that are read offline")
@pytest.mark.parametrize("case", EXPLAINED)
def test_explain_refuses_with_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, make, message = EXPLAINED[case]
    make(tmp_path / name)
    before = peak_from_now()
    with pytest.raises(SystemExit) as ended:
        cli.run(["explain", "--data", str(tmp_path / name), "--out", str(tmp_path / "out"), "--workers", "1"])
    assert peak() - before < ROOM
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert (said.count("\n"), said[-1]) == (1, "\n")
    head, path, rest = said.rstrip("\n").partition(str(tmp_path / name))
    assert (head, path) == ("error: ", str(tmp_path / name))
    assert re.fullmatch(message, rest), rest


@pytest.mark.threat("files that are read offline")
def test_a_large_picture_takes_a_few_bytes_a_pixel(tmp_path: Path) -> None:
    """Pillow holds 4 bytes of a pixel. As floats the grey one alone takes 8 more, and its preparation as many."""
    side = 5000
    Image.new("RGB", (side, side), (250, 250, 250)).save(tmp_path / "large.png")
    before = peak_from_now()
    assert image_of(tmp_path / "large.png", MNIST).shape == (28, 28)
    assert (peak() - before) * 2**20 < 12 * side**2


def heavy() -> Builder:
    """64k31p15 on colour images of 224×224."""
    built = Builder(("batch", 3, 224, 224)).conv(64, 3, 31, pads=[15] * 4).add("Relu")
    return built.add("MaxPool", kernel_shape=[4, 4], strides=[4, 4]).head(64 * 56**2, 2)


def batched() -> Builder:
    """It takes 80 images at once, and nobody can check it with fewer."""
    return Builder((80, 1, 28, 28)).stage(64, 1, 5, pads=[2] * 4).head(64 * 14**2)


def beside(name: str, values: int, **place: str) -> onnx.TensorProto:
    """A tensor that lies in another file."""
    said = [onnx.StringStringEntryProto(key=key, value=value) for key, value in place.items()]
    made = onnx.TensorProto(name=name, dims=[values], data_type=TensorProto.FLOAT, external_data=said)
    made.data_location = TensorProto.EXTERNAL
    return made


def elsewhere() -> onnx.ModelProto:
    """Its tensors announce more than is read, in a file that need not be there."""
    model = small().head(288).model()
    for tensor in (model.graph.initializer[0], model.graph.initializer[2]):
        tensor.CopyFrom(beside(tensor.name, 9 * 2**20, location="weights.bin"))
    return model


CHECKED = "takes ONNX's evaluator, which checks what is read,"
IMPORTED: dict[str, tuple[Callable[[], Builder | onnx.ModelProto], str]] = {
    "64k31p15": (
        heavy,
        f"one image {CHECKED} 22,530,629,632 multiply-adds, and 12,000,000,000 are allowed; fewer or smaller layers, "
        "or smaller images, fit",
    ),
    "a batch": (
        batched,
        f"a batch of 80 images {CHECKED} 20,281,139,200 multiply-adds, and 12,000,000,000 are allowed; a graph that "
        "takes one image, or any number, fits",
    ),
    "tensors elsewhere": (
        elsewhere,
        "its tensors announce 75,497,472 bytes in other files; 67,108,864 are read in all",
    ),
}


@pytest.mark.threat("files that are read offline", "a network that costs")
@pytest.mark.parametrize("case", IMPORTED)
def test_import_refuses_before_anything_runs(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make, message = IMPORTED[case]
    built = make()
    model = built.model() if isinstance(built, Builder) else built
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    del built, model
    before = peak_from_now()
    assert command.run([str(tmp_path / "net.onnx"), "--range=0,1", f"--out={tmp_path / 'out'}"], "konkyo import") == 1
    # The largest has 1.6 million weights and as many places: the evaluator took 3 GB for it.
    assert peak() - before < 2 * ROOM
    assert capsys.readouterr().err == f"error: net.onnx: {message}\n"
    assert not (tmp_path / "out").exists()


def behind(first: list[onnx.NodeProto], last: str, tensors: list[onnx.TensorProto]) -> onnx.ModelProto:
    """The small network behind these nodes."""
    model = small().head(288).model()
    model.graph.node[0].input[0] = last
    nodes = [*first, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(tensors)
    return model


@pytest.mark.threat("files that are read offline")
def test_outputs_that_nobody_takes_are_looked_at_once(tmp_path: Path) -> None:
    """200,000 of them: beside each node's inputs, they took more than the minutes that a test may take."""
    nodes = [
        helper.make_node("Identity", [f"i{number - 1}" if number else "image"],
                         [f"i{number}", *(f"{number}.{other}" for other in range(200))])
        for number in range(1000)
    ]  # fmt: skip
    assert imported(behind(nodes, "i999", []), tmp_path).card.compared == 8


@pytest.mark.threat("files that are read offline")
def test_of_a_file_beside_the_network_only_the_tensor_is_read(tmp_path: Path) -> None:
    """900 tensors of four bytes in a file of 64 MiB, of which each read all."""
    with (tmp_path / "weights.bin").open("wb") as file:
        file.truncate(64 * 2**20)
    nodes, tensors = [], []
    for number in range(900):
        place = {"location": "weights.bin", "offset": str(4 * number), "length": "4"}
        tensors.append(beside(f"e{number}", 1, **place))
        nodes.append(helper.make_node("Add", [f"a{number - 1}" if number else "image", f"e{number}"], [f"a{number}"]))
    before = peak_from_now()
    assert imported(behind(nodes, "a899", tensors), tmp_path).card.compared == 8
    assert peak() - before < ROOM


CONVOLUTIONS: list[dict[str, object]] = [
    {},
    {"pads": [1, 2, 0, 1]},
    {"strides": [2, 3], "pads": [1, 0, 2, 3]},
    {"dilations": [2, 2], "pads": [2] * 4},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER"},
    {"auto_pad": "VALID", "strides": [3, 2]},
    {"group": 2, "pads": [1] * 4},
]


@pytest.mark.parametrize("given", CONVOLUTIONS, ids=str)
def test_strips_are_the_evaluators_own_convolution(given: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "STRIP", 500)
    groups = int(str(given.get("group", 1)))
    built = Builder((2, 4, 11, 13)).random("Conv", (6, 4 // groups, 3, 2), (6,), **given)
    images = np.random.default_rng(0).normal(size=(2, 4, 11, 13)).astype(np.float32)
    evaluators = ReferenceEvaluator(built.model()), ReferenceEvaluator(built.model(), new_ops=[comparing.Conv])
    theirs, ours = (np.asarray(one.run(None, {"image": images})[0]) for one in evaluators)  # type: ignore[index]
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
