"""Graphs that fit no list of stages: each is refused with the node's name, what it is, and what would fit."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from konkyo.models.architecture import Architecture, Stage
from konkyo.models.network import Network
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing import from_onnx
from konkyo.trainer.importing.from_onnx import comparing, graph, onnx_file
from konkyo.trainer.importing.network_file import ImportOptions, read
from konkyo.trainer.importing.pixels import Asked
from tests.helpers.onnx_graphs import ASKED, UNIT, Builder, imported, small, whole
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses
from tests.trainer.refusals import refusal


def pooled(kind: str = "MaxPool", **attributes: Any) -> Builder:
    """Maps of 24×24, and this pool."""
    return Builder().conv(2, 1, 5).add("Relu").add(kind, **attributes)


def padded(before: int, behind: int, value: float = 0, columns: int = 1) -> Builder:
    """Maps of 12×12 with a padding by a node of its own."""
    return padding(small(), before, behind, value, columns)


def padding(builder: Builder, before: int, behind: int, value: float = 0, columns: int = 1) -> Builder:
    pads = builder.weights(np.array([0, 0, before, columns * before, 0, 0, behind, columns * behind]))
    return builder.add("Pad", pads, builder.weights(np.array(value, np.float32)))


def batch(images: int) -> Builder:
    """The small stage for this number of images at once."""
    return Builder((images, 1, 28, 28)).stage(2, 1, 5)


def normalised(builder: Builder, scale: float, **attributes: int) -> Builder:
    """Batch normalisation of two maps."""
    return builder.numbers("BatchNormalization", [scale] * 2, [0.5] * 2, [0.1] * 2, [1] * 2, name="norm", **attributes)


def branched(kind: str, make: Callable[[Builder], Builder]) -> Builder:
    """Maps of 12×12 and what is made of them, together."""
    builder = small()
    shortcut = builder.last
    return make(builder).add(kind, shortcut)


def of_two_heads() -> Builder:
    builder = small().add("Flatten")
    values = builder.last
    one = builder.gemm(10, 288).last
    builder.last = values
    return builder.gemm(10, 288).add("Add", one)


def dropping() -> Builder:
    builder = small()
    return builder.add("Dropout", builder.floats(), builder.weights(np.array(True)))


def moved(times: int) -> Builder:
    """5,000 images that are turned again and again: 15,680,000 bytes each time."""
    builder = Builder((5000, 1, 28, 28))
    for _ in range(times):
        builder.add("Transpose")
    return builder


def indexed() -> onnx.ModelProto:
    """The places of the greatest values as the output."""
    builder = small()
    builder.nodes[-1].output.append("places")
    return builder.model(outputs=["places"])


def twice() -> Builder:
    builder = small()
    builder.nodes[-1].output[0] = builder.last = "relu1"
    return builder


def changed(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    """The whole small network, of which something is changed."""
    model = whole()
    change(model)
    return model


def listed(count: int) -> onnx.ModelProto:
    """Weights as a list of another number of values than their shape announces."""
    model = whole()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.float_data.extend([0.5] * count)
    return model


# What is refused at its node needs nothing behind that. What is said of each: tests/data/refusals.json.
REFUSED: dict[str, Callable[[], Builder | onnx.ModelProto]] = {
    # The input, the output and the file
    "two inputs": lambda: small().model(inputs=["more"]),
    "two outputs": lambda: small().model(outputs=["maxpool2", "relu1"]),
    "an output that does not depend on the image": lambda: small().model(outputs=["tensor0"]),
    "an output of (1, 288)": lambda: small().add("Flatten"),
    "an input of 4 channels": lambda: Builder(("n", 4, 28, 28)).conv(2, 4, 5),
    "an input of 2 axes": lambda: Builder(("n", 784)).gemm(10, 784),
    "an input of 28×30": lambda: Builder(("n", 1, 28, 30)).conv(2, 1, 5),
    "an input of 225×225": lambda: Builder(("n", 3, 225, 225)).conv(2, 3, 5),
    "an input of any size": lambda: Builder(("n", 1, "h", "w")).conv(2, 1, 5),
    "an input of no floats": lambda: Builder(kind=TensorProto.INT64).conv(2, 1, 5),
    "an input of 6,000 images": lambda: batch(6000),
    "ONNX's operator set 8": lambda: small().model(opset=8),
    "functions of its own":
        lambda: changed(lambda it: it.functions.append(helper.make_function("own", "f", ["x"], ["x"], [], []))),
    "sparse weights": lambda: changed(lambda it: it.graph.sparse_initializer.add()),
    "a tensor of another number of values": lambda: listed(3),

    # What nodes take and give
    "Mul that takes two results of the network at once": lambda: branched("Mul", lambda it: it.add("Relu")),
    "Add of maps of another size": lambda: branched("Add", lambda it: it.conv(2, 2, 3)),
    "Add of maps that were turned": lambda: branched("Add", lambda it: it.add("Transpose", perm=[0, 1, 3, 2])),
    "Add of maps that were padded":
        lambda: branched("Add", lambda it: padding(it.conv(2, 2, 3), 1, 1)).head(288),
    "Add of two affine layers": of_two_heads,
    "MaxPool whose second output is used": indexed,
    "MaxPool that gives what another node gives": twice,
    "Add that takes what nothing gives": lambda: small().add("Add", "nowhere"),
    "a graph that moves gigabytes": lambda: moved(40),
    "Konkyo": lambda: small().add("Konkyo"),
    "Cos": lambda: small().computed("Cos", 1.0),
    "an operation of somebody else's": lambda: small().add("Magic", domain="com.example"),
    "a name that is no line": lambda: small().add("Gelu", name="\x1b[31mred\nnew line" + "x" * 60),

    # Convolutions
    "Conv with a stride of 5×5": lambda: Builder().conv(2, 1, 5, strides=[5, 5]),
    "Conv with strides of 1×2": lambda: Builder().conv(2, 1, 5, strides=[1, 2]),
    "Conv whose kernels' cells are 29 apart": lambda: Builder().conv(2, 1, 5, dilations=[29, 29]),
    "Conv of 3 filters in 2 groups": lambda: small().random("Conv", (3, 1, 3, 3), group=2),
    "Conv with a padding of 1, 2, 1, 2": lambda: Builder().conv(2, 1, 5, pads=[1, 2, 1, 2]),
    "Conv with a padding of 5 for kernels of 5×5": lambda: Builder().conv(2, 1, 5, pads=[5] * 4),
    "Conv with 2049 filters": lambda: Builder().conv(2049, 1, 5),
    "Conv that takes 3 maps, and gets 1": lambda: Builder().conv(2, 3, 5),
    "Conv with kernels of 29×29 on maps of 28×28": lambda: Builder().conv(2, 1, 29),
    "Conv with kernels of 3×5": lambda: Builder().random("Conv", (2, 1, 3, 5)),
    "Conv with weights of 3 axes": lambda: Builder().random("Conv", (2, 1, 5)),
    "Conv with a bias of shape (3,)": lambda: Builder().random("Conv", (2, 1, 5, 5), (3,)),
    "Conv that makes 4,423,680 values": lambda: Builder((120, 1, 28, 28)).conv(64, 1, 5),
    "Conv that takes the image where it takes weights": lambda: Builder().behind("Conv", 2, 1, 5, 5),
    "Conv that lacks its input 1": lambda: small().add("Conv"),
    "Conv that takes an array of 2 axes": lambda: small().add("Flatten").conv(2, 2, 3),
    "Conv that takes maps in another order than they were made":
        lambda: small().add("Transpose", perm=[0, 1, 3, 2]).conv(2, 2, 3),

    # Pools and activations
    "AveragePool that pools 5×5": lambda: pooled("AveragePool", kernel_shape=[5, 5], strides=[5, 5]),
    "MaxPool that pools 2×2 with a stride of 3": lambda: pooled(kernel_shape=[2, 2], strides=[3, 3]),
    "MaxPool that pools 1×2": lambda: pooled(kernel_shape=[1, 2], strides=[2, 2]),
    "ReduceMean over maps": lambda: pooled("ReduceMean", axes=[1]),
    "Pad before a pool": lambda: padded(1, 1).pool().head(98),
    "Pad behind all": lambda: padded(1, 1).head(392),
    "Pad by more than kernels see": lambda: padded(3, 1).conv(2, 2, 3).head(392),
    "Pad of ones": lambda: padded(1, 1, value=1),
    "Pad of rows alone": lambda: padded(1, 1, columns=0),
    "MaxPool that pads by 0, 0, 1, 1 before it pools":
        lambda: pooled(kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]),
    "MaxPool with dilated pools, 2×2": lambda: pooled(kernel_shape=[2, 2], strides=[2, 2], dilations=[2, 2]),
    "MaxPool without its size": lambda: pooled(strides=[2, 2]),
    "MaxPool that keeps the odd row and column of maps of 25×25":
        lambda: Builder().conv(2, 1, 4).add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "MaxPool that pools maps of one cell": lambda: Builder().conv(2, 1, 28).pool(),
    "Clip that keeps values between -1 and inf": lambda: small().numbers("Clip", -1),
    "PRelu of two slopes": lambda: small().random("PRelu", (2, 1, 1)),
    "LeakyRelu that turns values round": lambda: small().add("LeakyRelu", alpha=-0.5).head(288),
    "HardSigmoid that multiplies nothing": lambda: small().add("HardSigmoid", alpha=1 / 6).head(288),
    "Tanh of a hidden layer behind ReLU of another":
        lambda: small().add("Flatten").gemm(7, 288).add("Relu").gemm(6, 7).add("Tanh").gemm(10, 6),
    "Tanh behind ReLU of a hidden layer":
        lambda: small().add("Flatten").gemm(7, 288).add("Relu").add("Tanh").gemm(10, 7),
    "Concat": lambda: small().add("Concat", "image", axis=1),
    "Sigmoid of the logits": lambda: small().head(288).add("Sigmoid"),
    "Dropout that was exported while it trained": dropping,
    "Cast that makes whole numbers of the values": lambda: small().add("Cast", to=TensorProto.INT64),

    # Scalings
    "BatchNormalization that was exported while it trained": lambda: normalised(small(), 1, training_mode=1),
    "Mul between two activations of a hidden layer":
        lambda: small().add("Flatten").gemm(7, 288).add("Relu").random("Mul", (7,)).add("Relu").gemm(10, 7),
    "Add that makes an array of (1, 2, 12, 12) larger": lambda: small().random("Add", (3, 1, 1, 1)),
    "Add of another shape": lambda: small().random("Add", (5,)),
    "Mul that holds NaN or infinity": lambda: small().numbers("Mul", np.nan),
    "Div that holds NaN or infinity": lambda: small().numbers("Div", 0),
    "Div that divides by the values of the network": lambda: small().behind("Div", 1),
    "Mul that differs from image to image of a batch": lambda: batch(2).random("Mul", (2, 1, 1, 1)),
    "Mul that differs from cell to cell, before Conv":
        lambda: small().random("Mul", (12, 12)).conv(2, 2, 3).add("Relu").head(200),
    "Mul that differs from pixel to pixel":
        lambda: Builder().random("Mul", (28, 28)).conv(2, 1, 5, pads=[2] * 4).add("Relu").head(1568),

    # Affine layers and what follows them
    "Gemm that stands first": lambda: Builder().head(784),
    "Gemm that takes an array that is not (images, values)": lambda: small().gemm(10, 12),
    "Gemm that takes 100 values, and gets 288 an image": lambda: small().head(100),
    "Gemm that takes values of several images at once": lambda: batch(2).add("Transpose", perm=[1, 0, 2, 3]).head(288),
    "Gemm that multiplies the values from the other side": lambda: small().add("Flatten").behind("Gemm", 10, 1),
    "Gemm that transposes the values": lambda: small().add("Flatten").random("Gemm", (1, 10), transA=1, name="odd"),
    "MatMul that multiplies the values from the other side": lambda: small().add("Flatten").behind("MatMul", 10, 1),
    "MatMul that takes (1, 2, 12, 12) times (12, 10)": lambda: small().random("MatMul", (12, 10)),
    "Gemm with 4097 outputs": lambda: small().head(288, 4097),
    "Gemm with one output": lambda: small().head(288, 1),
    "Tanh of one output": lambda: small().head(288, 1).add("Tanh"),
    "Relu of the logits": lambda: small().head(288).add("Relu"),
    "ArgMax that keeps the class alone": lambda: small().head(288).add("ArgMax", axis=1),
    "Gemm that stands behind softmax": lambda: small().head(288).add("Softmax").gemm(10, 10),
    "Softmax of maps": lambda: small().add("Softmax", axis=1),
    "Softmax of images": lambda: small().head(288).add("Softmax", axis=0),

    # What is computed of constants
    "Add that would make a result of more than 16,777,216 values":
        lambda: small().computed("Add", np.zeros((1, 2**13)), np.zeros((2**12, 1))),
    "Gather that would make a result of more than 16,777,216 values":
        lambda: small().computed("Gather", np.zeros(2**13), np.zeros(2**12, int)),
    "Unsqueeze that would make more than eight axes": lambda: small().computed("Unsqueeze", 1.0, range(9)),
    "ConstantOfShape of a negative length": lambda: small().computed("ConstantOfShape", [2, -1]),
}  # fmt: skip


def refusals(folder: Path) -> dict[str, str]:
    return {case: refusal(partial(imported, made(), folder)) for case, made in REFUSED.items()}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (ImportOptions(), Asked.COMMAND.missing),
        (ImportOptions(pixels=UNIT.for_channels(3)), "the mean has 3 numbers, and the image 1 channels; 1 fits too"),
        (ImportOptions((Stage(2, 5),), pixels=UNIT), "an ONNX file says its stages itself; leave --stages out"),
    ],
)
def test_what_does_not_fit_what_is_asked_is_named(asked: ImportOptions, message: str, tmp_path: Path) -> None:
    with refuses(NetworkFileError, f"net.onnx: {message}"):
        imported(whole(), tmp_path, asked)


def test_a_range_of_pixels_that_the_graph_does_not_say_is_asked_for(tmp_path: Path) -> None:
    """A mean image has no number for each channel; factors of 0 and 2 are of no usual range."""
    for start in (Builder().random("Sub", (28, 28)), Builder().numbers("Mul", 0), Builder().numbers("Mul", 2)):
        with refuses(NetworkFileError, f"net.onnx: {Asked.COMMAND.missing}"):
            imported(start.stage(2, 1, 5).head(288), tmp_path, ImportOptions())


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(whole().SerializeToString().replace(b"conv0", b"conv\xff"))
    with refuses(NetworkFileError, "net.onnx: it holds names that are no text in UTF-8; export it again"):
        read(tmp_path / "net.onnx", ASKED)


def test_what_onnx_needs_is_named_where_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(from_onnx, "comparing")
    monkeypatch.delitem(sys.modules, comparing.__name__)
    monkeypatch.setitem(sys.modules, "onnx", None)
    message = "net.onnx: the package onnx is not installed; `pip install 'konkyo[import]'` installs it"
    with refuses(NetworkFileError, message):
        imported(whole(), tmp_path)


def test_what_the_evaluator_cannot_run_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The node has one input too many, which is not looked at here."""
    made = small().random("Identity", (1,)).head(288)
    with pytest.raises(NetworkFileError, match=r"^net\.onnx: ONNX's evaluator cannot run it \(.*\); export it again$"):
        imported(made, tmp_path)

    def fails(*_: object) -> None:
        raise TypeError("no \x1b[31mRelu\nof two")

    monkeypatch.setattr(comparing, "evaluated", fails)
    with refuses(NetworkFileError, "net.onnx: ONNX's evaluator cannot run it (no ?[31mRelu); export it again"):
        imported(made, tmp_path)


@pytest.mark.parametrize(
    ("biases", "difference"),
    [((0, np.log(3)), 0.25), ((0, 0, 0), np.inf)],  # probabilities of 1/4 and 3/4, not 1/2; of three classes, not two
)
def test_a_difference_from_the_evaluator_is_no_rounding(biases: tuple[float, ...], difference: float) -> None:
    """The file's logits are 0 and 0 for every image, and the network's are these numbers."""
    made = small().add("Flatten").numbers("Gemm", np.zeros((288, 2)), np.zeros(2)).model()
    file = graph.read(onnx_file.parse(made.SerializeToString(), Path()))
    network = random_network(Architecture((Stage(2, 5),), classes=len(biases)), 1, np.float32)
    weights = network.weights | {
        "affine.weight": np.zeros((len(biases), 288), np.float32),
        "affine.bias": np.array(biases, np.float32),
    }
    message = (
        f"what was read of it differs by {difference:.2g} in a probability from ONNX's evaluator, so it was not "
        "understood; please report it with the file"
    )
    with refuses(NetworkFileError, message):
        comparing.difference(file, Network(network.architecture, weights), UNIT)
