"""Graphs that fit no list of stages: each is refused with the node's name, what it is, and what would fit."""

import sys
from collections.abc import Callable
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


def pooled(kind: str = "MaxPool", **attributes: Any) -> Builder:
    """Maps of 24×24, and this pool."""
    return Builder().conv(2, 1, 5).add("Relu").add(kind, **attributes)


def batch(images: int) -> Builder:
    """The small stage for this number of images at once."""
    return Builder((images, 1, 28, 28)).stage(2, 1, 5)


def normalised(builder: Builder, scale: float, **attributes: int) -> Builder:
    """Batch normalisation of two maps."""
    return builder.numbers("BatchNormalization", [scale] * 2, [0.5] * 2, [0.1] * 2, [1] * 2, name="norm", **attributes)


def branched() -> Builder:
    builder = small()
    shortcut = builder.last
    return builder.conv(2, 2, 3, pads=[1] * 4).add("Add", shortcut)


def earlier() -> Builder:
    """A ReLU takes what a convolution already took."""
    builder = small()
    shortcut = builder.last
    convolved = builder.conv(2, 2, 3).last
    builder.last = shortcut
    return builder.add("Relu").add("Add", convolved)


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


ONE_BEHIND_THE_OTHER = "a list of layers, one behind the other, fits"
FITTING = "Conv, Relu, MaxPool, BatchNormalization, Gemm or MatMul and Add, and what moves values, fit"
UNFIT = "its inputs and attributes do not fit each other"
IMAGES_FIT = "(images, channels, side, side) fits, with 1 or 3 channels, also with them last"
TRAINED_ON = "was exported while it trained; call eval() before the export"

# What is said, and of which graph. What is refused at its node needs nothing behind that.
REFUSED: dict[str, Callable[[], Builder | onnx.ModelProto]] = {
    # The input, the output and the file
    "the graph has 2 inputs (image, more); one, the image, fits": lambda: small().model(inputs=["more"]),
    "the graph has 2 outputs (maxpool2, relu1); one, with a number for each class, fits":
        lambda: small().model(outputs=["maxpool2", "relu1"]),
    "output tensor0 does not depend on the image": lambda: small().model(outputs=["tensor0"]),
    "output flatten3 has shape (1, 288); a number for each class fits": lambda: small().add("Flatten"),
    f"input image takes 4 channels; {IMAGES_FIT}": lambda: Builder(("n", 4, 28, 28)).conv(2, 4, 5),
    f"input image has 2 axes; {IMAGES_FIT}": lambda: Builder(("n", 784)).gemm(10, 784),
    "input image takes images of 28×30; squares of 8 to 64 fit": lambda: Builder(("n", 1, 28, 30)).conv(2, 1, 5),
    "input image takes images of 224×224; squares of 8 to 64 fit": lambda: Builder(("n", 3, 224, 224)).conv(2, 3, 5),
    "input image takes images of any size; --side says of which, such as --side 28":
        lambda: Builder(("n", 1, "h", "w")).conv(2, 1, 5),
    "input image takes no floats; an image of floats fits": lambda: Builder(kind=TensorProto.INT64).conv(2, 1, 5),
    "input image takes 6,000 images at once; 1, or any number, fits": lambda: batch(6000),
    f"it is of ONNX's operator set 8; 9 to {onnx.defs.onnx_opset_version()} fit": lambda: small().model(opset=8),
    "it defines functions of its own; torch.onnx.export(…, optimize=True) writes none":
        lambda: changed(lambda it: it.functions.append(helper.make_function("own", "f", ["x"], ["x"], [], []))),
    "it holds sparse weights; dense ones fit": lambda: changed(lambda it: it.graph.sparse_initializer.add()),
    "tensor tensor0 holds another number of values than it announces, 50": lambda: listed(3),

    # What nodes take and give
    "node add4 (Add): takes two results of the network at once; " + ONE_BEHIND_THE_OTHER: branched,
    "node relu4 (Relu): takes a result that another layer has taken; " + ONE_BEHIND_THE_OTHER: earlier,
    "node maxpool2 (MaxPool): more than its first output is used; one fits": indexed,
    "node maxpool2 (MaxPool) gives relu1, which another node gives too": twice,
    "node add3 (Add): takes nowhere, which nothing before it gives": lambda: small().add("Add", "nowhere"),
    "node transpose34 (Transpose): the graph moves more than 536,870,912 bytes; fewer or smaller layers fit":
        lambda: moved(40),
    f"node konkyo3 (Konkyo): is not known; {FITTING}": lambda: small().add("Konkyo"),
    f"node cos3 (Cos): is not known; {FITTING}": lambda: small().computed("Cos", 1.0),
    f"node magic3 (com.example.Magic): is no operation of ONNX itself; {FITTING}":
        lambda: small().add("Magic", domain="com.example"),
    "node ?[31mred?new line" + "x" * 43 + "… (Tanh): is another activation; ReLU fits":
        lambda: small().add("Tanh", name="\x1b[31mred\nnew line" + "x" * 60),

    # Convolutions
    "node conv0 (Conv): has a stride of 2×2; stride 1, and max-pools 2×2 to make maps smaller, fit":
        lambda: Builder().conv(2, 1, 5, strides=[2, 2]),
    "node conv0 (Conv): has dilated kernels, 2×2; kernels without dilation fit":
        lambda: Builder().conv(2, 1, 5, dilations=[2, 2]),
    "node conv3 (Conv): works in 2 groups of maps; one group, an ordinary convolution, fits":
        lambda: small().random("Conv", (4, 1, 3, 3), group=2),
    "node conv0 (Conv): has a padding of 1, 1, 2, 2; the same on all sides fits":
        lambda: Builder().conv(2, 1, 5, pads=[1, 1, 2, 2]),
    "node conv0 (Conv): has a padding of 5 for kernels of 5×5; 0 to 4 fit":
        lambda: Builder().conv(2, 1, 5, pads=[5] * 4),
    "node conv0 (Conv): pads kernels of 4×4 more on one side; the same on all sides fits":
        lambda: Builder().conv(2, 1, 4, auto_pad="SAME_LOWER"),
    "node conv0 (Conv): has 65 filters; at most 64 fit": lambda: Builder().conv(65, 1, 5),
    "node conv0 (Conv): takes 3 maps, and gets 1; as many fit": lambda: Builder().conv(2, 3, 5),
    "node conv0 (Conv): has kernels of 29×29 on maps of 28×28; smaller ones fit": lambda: Builder().conv(2, 1, 29),
    "node conv0 (Conv): has kernels of 3×5; squares fit": lambda: Builder().random("Conv", (2, 1, 3, 5)),
    "node conv0 (Conv): has weights of 3 axes; (filters, inputs, side, side) fits":
        lambda: Builder().random("Conv", (2, 1, 5)),
    "node conv0 (Conv): has a bias of shape (3,); (2,) fits": lambda: Builder().random("Conv", (2, 1, 5, 5), (3,)),
    "node conv0 (Conv): makes 4,423,680 values; fewer images in a batch, or smaller layers, fit":
        lambda: Builder((120, 1, 28, 28)).conv(64, 1, 5),
    "node conv0 (Conv): takes the image where it takes weights; weights that stand in the file fit":
        lambda: Builder().behind("Conv", 2, 1, 5, 5),
    "node conv3 (Conv): lacks its input 1": lambda: small().add("Conv"),
    "node conv4 (Conv): takes an array of 2 axes; (images, maps, rows, columns) fits":
        lambda: small().add("Flatten").conv(2, 2, 3),
    "node conv4 (Conv): takes maps in another order than they were made; (images, maps, rows, columns) fits":
        lambda: small().add("Transpose", perm=[0, 1, 3, 2]).conv(2, 2, 3),
    "node conv0 (Conv): has no ReLU behind it; convolution, ReLU, then a pool or none fit":
        lambda: Builder().conv(2, 1, 5).pool().head(288),

    # Pools and activations
    "node averagepool2 (AveragePool): averages; max-pools 2×2 fit":
        lambda: pooled("AveragePool", kernel_shape=[2, 2], strides=[2, 2]),
    "node globalaveragepool2 (GlobalAveragePool): averages each map; flatten and an affine layer fit":
        lambda: pooled("GlobalAveragePool"),
    "node maxpool2 (MaxPool): pools 3×3 with a stride of 2×2; 2×2 with a stride of 2×2 fits":
        lambda: pooled(kernel_shape=[3, 3], strides=[2, 2]),
    "node maxpool2 (MaxPool): pools 2×2 with a stride of 1×1; 2×2 with a stride of 2×2 fits":
        lambda: pooled(kernel_shape=[2, 2]),
    "node maxpool2 (MaxPool): pads by 0, 0, 1, 1 before it pools; a pool without padding fits":
        lambda: pooled(kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]),
    "node maxpool2 (MaxPool): has dilated pools, 2×2; 2×2 without dilation fits":
        lambda: pooled(kernel_shape=[2, 2], strides=[2, 2], dilations=[2, 2]),
    f"node maxpool2 (MaxPool): {UNFIT}": lambda: pooled(strides=[2, 2]),
    "node maxpool1 (MaxPool): keeps the odd row and column of maps of 25×25; a pool that drops them fits":
        lambda: Builder().conv(2, 1, 4).add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "node maxpool1 (MaxPool): pools maps of one cell; fewer pools fit": lambda: Builder().conv(2, 1, 28).pool(),
    "node maxpool3 (MaxPool): is a second pool behind node conv0 (Conv); one 2×2 or none fits":
        lambda: small().pool().head(72),
    "node leakyrelu3 (LeakyRelu): is another activation; ReLU fits": lambda: small().add("LeakyRelu"),
    "node clip3 (Clip): keeps values between 0 and 6; ReLU fits": lambda: small().numbers("Clip", 0, 6),
    "node clip3 (Clip): keeps values between -1 and inf; ReLU fits": lambda: small().numbers("Clip", -1),
    "node sigmoid5 (Sigmoid): is another activation; ReLU fits, and behind the last layer softmax or nothing":
        lambda: small().head(288).add("Sigmoid"),
    f"node dropout3 (Dropout): {TRAINED_ON}": dropping,
    "node cast3 (Cast): makes whole numbers of the values; floats fit":
        lambda: small().add("Cast", to=TensorProto.INT64),

    # Scalings
    f"node norm (BatchNormalization): {TRAINED_ON}": lambda: normalised(small(), 1, training_mode=1),
    "node norm (BatchNormalization): shifts the input of node conv4 (Conv), whose padding of zeros it does not shift; "
    "batch normalisation directly behind a convolution fits, or padding 0":
        lambda: normalised(small(), 0.7).conv(2, 2, 3, pads=[1] * 4).head(288),
    "node norm (BatchNormalization): scales each map and has no convolution or affine layer beside it; batch "
    "normalisation directly behind a convolution fits":
        lambda: normalised(Builder().conv(2, 1, 5).add("Relu"), -0.7).pool().head(288),
    "node add3 (Add): makes an array of (1, 2, 12, 12) larger; a number for each map, or one, fits":
        lambda: small().random("Add", (3, 1, 1, 1)),
    f"node add3 (Add): {UNFIT}": lambda: small().random("Add", (5,)),
    "node mul3 (Mul): holds NaN or infinity; train the network again": lambda: small().numbers("Mul", np.nan),
    "node div3 (Div): holds NaN or infinity; train the network again": lambda: small().numbers("Div", 0),
    "node div3 (Div): divides by the values of the network; numbers that stand in the file fit":
        lambda: small().behind("Div", 1),
    "node mul3 (Mul): differs from image to image of a batch; the same for all fits":
        lambda: batch(2).random("Mul", (2, 1, 1, 1)),
    "node add1 (Add): differs from cell to cell of a map; one number for each map fits":
        lambda: Builder().conv(2, 1, 5).random("Add", (24, 24)).add("Relu").head(1152),
    "node add3 (Add): differs from cell to cell of a map; one number for each map fits":
        lambda: small().random("Add", (12, 12)).conv(2, 2, 3).add("Relu").head(200),
    "the input's range, node sub0 (Sub): differs from pixel to pixel; one number for each channel fits":
        lambda: Builder().random("Sub", (28, 28)).conv(2, 1, 5, pads=[2] * 4).add("Relu").head(1568),
    "the input's range, node mul0 (Mul), node add1 (Add): multiplies a channel of the image by 0; another number fits":
        lambda: Builder().numbers("Mul", 0).numbers("Add", 1).stage(2, 1, 5, pads=[2] * 4).head(392),

    # Affine layers and what follows them
    "node gemm1 (Gemm): stands first; a network of one to six convolutions, then affine layers, fits":
        lambda: Builder().head(784),
    "node gemm3 (Gemm): takes an array that is not (images, values); flatten before it": lambda: small().gemm(10, 12),
    "node gemm4 (Gemm): takes 100 values, and gets 288 an image; flatten all maps before it":
        lambda: small().head(100),
    "node gemm5 (Gemm): takes values of several images at once; each image by itself fits":
        lambda: batch(2).add("Transpose", perm=[1, 0, 2, 3]).head(288),
    "node gemm4 (Gemm): multiplies the values from the other side; values times weights fits":
        lambda: small().add("Flatten").behind("Gemm", 10, 1),
    "node odd (Gemm): multiplies the values from the other side; values times weights fits":
        lambda: small().add("Flatten").random("Gemm", (1, 10), transA=1, name="odd"),
    "node matmul4 (MatMul): multiplies the values from the other side; values times weights fits":
        lambda: small().add("Flatten").behind("MatMul", 10, 1),
    "node matmul3 (MatMul): takes (1, 2, 12, 12) times (12, 10); all values of an image, flattened, times weights fit":
        lambda: small().random("MatMul", (12, 10)),
    "node gemm4 (Gemm): has 513 outputs; at most 512 fit": lambda: small().head(288, 513),
    "its layers make no network: the number of classes must be from 2 to 64, not 1": lambda: small().head(288, 1),
    "node relu5 (Relu): is a ReLU of the logits; an affine layer without one, for the classes, fits":
        lambda: small().head(288).add("Relu"),
    "node argmax5 (ArgMax): keeps the class alone; a graph that ends with the logits or with softmax fits":
        lambda: small().head(288).add("ArgMax", axis=1),
    "node gemm6 (Gemm): stands behind softmax; a graph that ends with softmax or before it fits":
        lambda: small().head(288).add("Softmax").gemm(10, 10),
    "node softmax3 (Softmax): is not over the classes; softmax of the logits at the end fits":
        lambda: small().add("Softmax", axis=1),
    "node softmax5 (Softmax): is not over the classes; softmax of the logits at the end fits":
        lambda: small().head(288).add("Softmax", axis=0),

    # What is computed of constants
    "node add3 (Add): would make a result of more than 16,777,216 values":
        lambda: small().computed("Add", np.zeros((1, 2**13)), np.zeros((2**12, 1))),
    "node gather3 (Gather): would make a result of more than 16,777,216 values":
        lambda: small().computed("Gather", np.zeros(2**13), np.zeros(2**12, int)),
    "node unsqueeze3 (Unsqueeze): would make more than eight axes":
        lambda: small().computed("Unsqueeze", 1.0, range(9)),
    f"node constantofshape3 (ConstantOfShape): {UNFIT}": lambda: small().computed("ConstantOfShape", [2, -1]),
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_does_not_fit_is_named(message: str, tmp_path: Path) -> None:
    with refuses(NetworkFileError, f"net.onnx: {message}"):
        imported(REFUSED[message](), tmp_path)


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
