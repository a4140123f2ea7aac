"""Graphs that fit no list of stages: each is refused with the node's name, what it is, and what would fit."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import TensorProto, helper

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.network import Network
from konkyo.trainer import importing
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing import comparing, graph, onnx_file
from konkyo.trainer.importing.network_file import Asked, read
from tests.helpers.onnx_graphs import ASKED, UNIT, Builder, pooled, refused, small, whole
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses


def conv(**attributes: object) -> onnx.ModelProto:
    return Builder().conv(2, 1, 5, name="first", **attributes).add("Relu").pool().head(288).model()


def grouped() -> onnx.ModelProto:
    builder = small()
    weights = builder.floats(4, 1, 3, 3)
    return builder.add("Conv", weights, name="depthwise", group=2).add("Relu").head(400).model()


def branched() -> onnx.ModelProto:
    builder = small()
    shortcut = builder.last
    builder.conv(2, 2, 3, pads=[1] * 4)
    return builder.add("Add", shortcut, name="sum").add("Relu").head(288).model()


def earlier() -> onnx.ModelProto:
    """The second convolution takes what the first one already took."""
    builder = small()
    shortcut = builder.last
    builder.conv(2, 2, 3)
    builder.last = shortcut
    builder.add("Relu", name="aside")
    other = builder.last
    builder.last = builder.nodes[-2].output[0]
    return builder.add("Add", other, name="sum").head(288).model()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            conv(strides=[2, 2]),
            "node first (Conv): has a stride of 2×2; stride 1, and max-pools 2×2 to make maps smaller, fit",
        ),
        (conv(dilations=[2, 2]), "node first (Conv): has dilated kernels, 2×2; kernels without dilation fit"),
        (conv(pads=[1, 1, 2, 2]), "node first (Conv): has a padding of 1, 1, 2, 2; the same on all sides fits"),
        (conv(pads=[5] * 4), "node first (Conv): has a padding of 5 for kernels of 5×5; 0 to 4 fit"),
        (
            pooled("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
            "node pool (AveragePool): averages; max-pools 2×2 fit",
        ),
        (
            pooled("GlobalAveragePool"),
            "node pool (GlobalAveragePool): averages each map; flatten and an affine layer fit",
        ),
        (
            pooled(kernel_shape=[3, 3], strides=[2, 2]),
            "node pool (MaxPool): pools 3×3 with a stride of 2×2; 2×2 with a stride of 2×2 fits",
        ),
        (
            pooled(kernel_shape=[2, 2]),
            "node pool (MaxPool): pools 2×2 with a stride of 1×1; 2×2 with a stride of 2×2 fits",
        ),
        (
            Builder(("n", 1, 29, 29))
            .conv(2, 1, 5)
            .add("Relu")
            .add("MaxPool", name="pool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
            .head(338)
            .model(),
            "node pool (MaxPool): keeps the odd row and column of maps of 25×25; a pool that drops them fits",
        ),
        (
            grouped(),
            "node depthwise (Conv): works in 2 groups of maps; one group, an ordinary convolution, fits",
        ),
        (
            small().head(288).model(inputs=["more"]),
            "the graph has 2 inputs (image, more); one, the image, fits",
        ),
        (
            small().head(288).model(outputs=["gemm4", "relu1"]),
            "the graph has 2 outputs (gemm4, relu1); one, with a number for each class, fits",
        ),
        (
            branched(),
            "node sum (Add): takes two results of the network at once; a list of layers, one behind the other, fits",
        ),
        (
            earlier(),
            "node aside (Relu): takes a result that another layer has taken; a list of layers, one behind the other, "
            "fits",
        ),
        (whole(lambda it: it.add("LeakyRelu", name="leaky")),
         "node leaky (LeakyRelu): is another activation; ReLU fits"),
        (
            small().head(288).add("Sigmoid", name="end").model(),
            "node end (Sigmoid): is another activation; ReLU fits, and behind the last layer softmax or nothing",
        ),
        (
            small().head(288).add("Softmax").gemm(10, 10).model(),
            "node gemm6 (Gemm): stands behind softmax; a graph that ends with softmax or before it fits",
        ),
        (
            small().head(288).add("ArgMax", name="end", axis=1).model(),
            "node end (ArgMax): keeps the class alone; a graph that ends with the logits or with softmax fits",
        ),
        (
            small().head(288).add("Relu", name="end").model(),
            "node end (Relu): is a ReLU of the logits; an affine layer without one, for the classes, fits",
        ),
        (
            Builder().conv(2, 1, 5, name="first").pool().head(288).model(),
            "node first (Conv): has no ReLU behind it; convolution, ReLU, then a pool or none fit",
        ),
        (
            small().add("MaxPool", name="again", kernel_shape=[2, 2], strides=[2, 2]).head(72).model(),
            "node again (MaxPool): is a second pool behind node conv0 (Conv); one 2×2 or none fits",
        ),
        (
            Builder().add("Flatten").gemm(10, 784).model(),
            "node gemm1 (Gemm): stands first; a network of one to six convolutions, then affine layers, fits",
        ),
        (
            small().add("Flatten").model(),
            "output flatten3 has shape (1, 288); a number for each class fits",
        ),
        (
            Builder(("n", 4, 28, 28)).stage(2, 4, 5).head(288).model(),
            "input image takes 4 channels; (images, channels, side, side) fits, with 1 or 3 channels, also with them "
            "last",
        ),
        (
            Builder(("n", 1, 28, 30)).stage(2, 1, 5).head(312).model(),
            "input image takes images of 28×30; squares of 8 to 64 fit",
        ),
        (
            Builder(("n", 3, 224, 224)).stage(2, 3, 5).head(24200).model(),
            "input image takes images of 224×224; squares of 8 to 64 fit",
        ),
        (
            Builder(("n", 1, "h", "w")).stage(2, 1, 5).head(288).model(),
            "input image takes images of any size; --side says of which, such as --side 28",
        ),
        (
            Builder(("n", 784)).gemm(10, 784).model(),
            "input image has 2 axes; (images, channels, side, side) fits, with 1 or 3 channels, also with them last",
        ),
        (
            Builder(kind=TensorProto.INT64).stage(2, 1, 5).head(288).model(),
            "input image takes no floats; an image of floats fits",
        ),
        (Builder().conv(65, 1, 5, name="wide").add("Relu").pool().head(9360).model(),
         "node wide (Conv): has 65 filters; at most 64 fit"),
        (
            small().add("Flatten").gemm(513, 288).add("Relu").gemm(10, 513).model(),
            "node gemm4 (Gemm): has 513 outputs; at most 512 fit",
        ),
        (small().head(288, classes=1).model(),
         "its layers make no network: the number of classes must be from 2 to 64, not 1"),
        (
            whole(lambda it: it.add("Konkyo", name="odd")),
            "node odd (Konkyo): is not known; Conv, Relu, MaxPool, BatchNormalization, Gemm or MatMul and Add, and "
            "what "
            "moves values, fit",
        ),
        (small().head(288).model(opset=8), "it is of ONNX's operator set 8; 9 to 27 fit"),
    ],
    ids=lambda value: None if isinstance(value, str) else "graph",
)  # fmt: skip
def test_what_does_not_fit_is_named(model: onnx.ModelProto, message: str, tmp_path: Path) -> None:
    newest = onnx.defs.onnx_opset_version()
    refused(model, message.replace("9 to 27 fit", f"9 to {newest} fit"), tmp_path)


def scaled(builder: Builder, *values: float, **attributes: int) -> Builder:
    """Batch normalisation of two maps, whose scale, shift, mean and variance are these."""
    names = [builder.weights(np.full(2, value, np.float32)) for value in values]
    return builder.add("BatchNormalization", *names, name="norm", **attributes)


def dropping() -> onnx.ModelProto:
    builder = small()
    ratio, yes = builder.weights(np.array(0.5, np.float32)), builder.weights(np.array(True))
    return builder.add("Dropout", ratio, yes, name="drop").head(288).model()


def defining() -> onnx.ModelProto:
    model = whole()
    model.functions.append(helper.make_function("own", "f", ["x"], ["x"], [], []))
    return model


TRAINED_ON = "was exported while it trained; call eval() before the export"
# What needs more than a few nodes, or is refused for what is asked of it.
MORE: dict[str, tuple[Callable[[], onnx.ModelProto], str, Asked]] = {
    "batch normalisation before padding": (
        lambda: scaled(small(), 0.7, 0.5, 0.1, 1).conv(2, 2, 3, name="second", pads=[1] * 4).head(288).model(),
        "node norm (BatchNormalization): shifts the input of node second (Conv), whose padding of zeros it does not "
        "shift; batch normalisation directly behind a convolution fits, or padding 0",
        ASKED,
    ),
    "batch normalisation that turns the order before a pool": (
        lambda: scaled(Builder().conv(2, 1, 5).add("Relu"), -0.7, 0.5, 0.1, 1).pool().head(288).model(),
        "node norm (BatchNormalization): scales each map and has no convolution or affine layer beside it; batch "
        "normalisation directly behind a convolution fits",
        ASKED,
    ),
    "batch normalisation that trains on": (
        lambda: scaled(Builder().conv(2, 1, 5), 1, 1, 1, 1, training_mode=1).add("Relu").pool().head(288).model(),
        f"node norm (BatchNormalization): {TRAINED_ON}",
        ASKED,
    ),
    "dropout that trains on": (dropping, f"node drop (Dropout): {TRAINED_ON}", ASKED),
    "no range of pixels": (
        whole,
        "it does not say in which range pixels enter it; add --range 0,1 (divided by 255), --range 0,255, "
        "--range=-1,1, or --mean and --std as they were subtracted and divided by, such as --mean 0.1307 --std 0.3081",
        Asked(),
    ),
    "names of other classes": (
        whole,
        "it has 10 classes, and there are 2 names; as many fit",
        Asked(pixels=UNIT, classes=("cat", "dog")),
    ),
    "means of other channels": (
        whole,
        "--mean has 3 numbers, and the image 1 channels; 1 fits too",
        Asked(pixels=UNIT.for_channels(3)),
    ),
    "stages": (
        whole,
        "an ONNX file says its stages itself; leave --stages out",
        Asked((Stage(2, 5),), pixels=UNIT),
    ),
    "a name that would break the line": (
        lambda: whole(lambda it: it.add("Tanh", name="\x1b[31mred\nnew line" + "x" * 60)),
        "node ?[31mred?new line" + "x" * 43 + "… (Tanh): is another activation; ReLU fits",
        ASKED,
    ),
    "an operation of others": (
        lambda: small().add("Magic", name="odd", domain="com.example").head(288).model(domains=["com.example"]),
        "node odd (com.example.Magic): is no operation of ONNX itself; Conv, Relu, MaxPool, BatchNormalization, Gemm "
        "or MatMul and Add, and what moves values, fit",
        ASKED,
    ),
    "a function of its own": (
        defining,
        "it defines functions of its own; torch.onnx.export(…, optimize=True) writes none",
        ASKED,
    ),
}


@pytest.mark.parametrize("name", MORE)
def test_what_does_not_fit_what_is_asked_is_named(name: str, tmp_path: Path) -> None:
    make, message, asked = MORE[name]
    refused(make(), message, tmp_path, asked)


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(whole().SerializeToString().replace(b"conv0", b"conv\xff"))
    with refuses(NetworkFileError, "net.onnx: it holds names that are no text in UTF-8; export it again"):
        read(tmp_path / "net.onnx", ASKED)


def test_what_onnx_needs_is_named_where_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(importing, "comparing")
    monkeypatch.delitem(sys.modules, comparing.__name__)
    monkeypatch.setitem(sys.modules, "onnx", None)
    refused(whole(), "the package onnx is not installed; `pip install 'konkyo[import]'` installs it", tmp_path)


def test_what_the_evaluator_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise TypeError("no \x1b[31mRelu\nof two")

    monkeypatch.setattr(comparing, "evaluated", fails)
    refused(whole(), "ONNX's evaluator cannot run it (no ?[31mRelu); export it again", tmp_path)
    monkeypatch.undo()
    # One input too many, which is not looked at here.
    path = tmp_path / "net.onnx"
    path.write_bytes(whole(lambda it: it.add("Identity", it.floats(1))).SerializeToString())
    with pytest.raises(NetworkFileError, match=r"^net\.onnx: ONNX's evaluator cannot run it \(.*\); export it again$"):
        read(path, ASKED)


@pytest.mark.parametrize(
    ("biases", "difference"),
    [((0, np.log(3)), 0.25), ((0, 0, 0), np.inf)],  # probabilities of 1/4 and 3/4, not 1/2; of three classes, not two
)
def test_a_difference_from_the_evaluator_is_no_rounding(biases: tuple[float, ...], difference: float) -> None:
    """The file's logits are 0 and 0 for every image, and the network's are these numbers."""
    builder = small().add("Flatten")
    builder.add("Gemm", *(builder.weights(np.zeros(shape, np.float32)) for shape in ((288, 2), 2)))
    file = graph.read(onnx_file.parse(builder.model().SerializeToString(), Path()))
    network = random_network(Architecture((Stage(2, 5),), classes=len(biases)), 1, np.float32)
    weights = network.weights | {
        "affine.weight": np.zeros((len(biases), 288), np.float32),
        "affine.bias": np.array(biases, np.float32),
    }
    other = Network(network.architecture, weights)
    message = (
        f"what was read of it differs by {difference:.2g} in a probability from ONNX's evaluator, so it was not "
        "understood; please report it with the file"
    )
    with refuses(NetworkFileError, message):
        comparing.difference(file, other, UNIT)
