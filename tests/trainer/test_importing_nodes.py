"""Nodes whose inputs or attributes fit no layer: each is refused with its name, what it does, and what would fit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import TensorProto

from konkyo.trainer.importing.network_file import Asked
from konkyo.trainer.importing.pixels import ASK
from tests.helpers.onnx_graphs import Builder, pooled, refused, small, whole


def bare(*shape: int, bias: int = 2, **attributes: object) -> onnx.ModelProto:
    """One convolution whose weights have this shape."""
    builder = Builder()
    return builder.add("Conv", builder.floats(*shape), builder.floats(bias), name="first", **attributes).model()


def plain(kind: str, *shape: int, **attributes: object) -> Callable[[Builder], Builder]:
    """A node that takes the result and random numbers of this shape."""
    return lambda builder: builder.add(kind, builder.floats(*shape), name="odd", **attributes)


def number(kind: str, *values: object, name: str = "odd") -> Callable[[Builder], Builder]:
    """A node that takes the result and these numbers, each a tensor."""
    return lambda builder: builder.add(kind, *(builder.weights(np.array(one, np.float32)) for one in values), name=name)


def turned(kind: str, *shape: int) -> Callable[[Builder], Builder]:
    """A node that takes random numbers first, and the result behind them."""
    return lambda builder: builder.free(kind, builder.floats(*shape), builder.last, name="odd")


def batch(images: int) -> Builder:
    """The small stage for this number of images at once."""
    return Builder((images, 1, 28, 28)).stage(2, 1, 5)


def mixed() -> onnx.ModelProto:
    """Maps before images, and then a row of each map."""
    return batch(2).add("Transpose", perm=[1, 0, 2, 3]).head(288).model()


def moved(times: int) -> onnx.ModelProto:
    """5,000 images that are turned again and again: 15,680,000 bytes each time."""
    builder = Builder((5000, 1, 28, 28))
    for number in range(times):
        builder.add("Transpose", name=f"turn{number}")
    return builder.model()


def indexed() -> onnx.ModelProto:
    """The places of the greatest values as the output."""
    builder = small()
    builder.nodes[-1].output.append("places")
    return builder.model(outputs=["places"])


def twice() -> onnx.ModelProto:
    builder = small().head(288)
    builder.nodes[-1].output[0] = "relu1"
    return builder.model(outputs=["relu1"])


def computed(kind: str, *values: object, **attributes: object) -> onnx.ModelProto:
    """A node that takes numbers alone, whose result is added to that of the network."""
    builder = small()
    last = builder.last
    made = builder.free(kind, *(builder.weights(np.array(one)) for one in values), name="odd", **attributes).last
    builder.last = last
    return builder.add("Add", made).head(288).model()


def scattered() -> onnx.ModelProto:
    model = whole()
    model.graph.sparse_initializer.add()
    return model


def listed(count: int) -> onnx.ModelProto:
    """Weights as a list of another number of values than their shape announces."""
    model = whole()
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.float_data.extend([0.5] * count)
    return model


UNFIT = "its inputs and attributes do not fit each other"
ODD: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "weights before the image": (
        lambda: turned("Conv", 2, 1, 5, 5)(Builder()).model(),
        "node odd (Conv): takes the image where it takes weights; weights that stand in the file fit",
    ),
    "no weights": (lambda: whole(lambda it: it.add("Conv", name="odd")), "node odd (Conv): lacks its input 1"),
    "a convolution of a row": (
        lambda: whole(lambda it: it.add("Flatten").conv(2, 2, 3, name="odd")),
        "node odd (Conv): takes an array of 2 axes; (images, maps, rows, columns) fits",
    ),
    "a convolution of turned maps": (
        lambda: whole(lambda it: it.add("Transpose", perm=[0, 1, 3, 2]).conv(2, 2, 3, name="odd")),
        "node odd (Conv): takes maps in another order than they were made; (images, maps, rows, columns) fits",
    ),
    "many images": (
        lambda: Builder((5000, 1, 28, 28)).conv(2, 1, 5, name="odd").model(),
        "node odd (Conv): makes 5,760,000 values; fewer images in a batch, or smaller layers, fit",
    ),
    "more images": (
        lambda: batch(6000).model(),
        "input image takes 6,000 images at once; 1, or any number, fits",
    ),
    "weights of three axes": (
        lambda: bare(2, 1, 5),
        "node first (Conv): has weights of 3 axes; (filters, inputs, side, side) fits",
    ),
    "an oblong kernel": (lambda: bare(2, 1, 3, 5), "node first (Conv): has kernels of 3×5; squares fit"),
    "other maps": (lambda: bare(2, 3, 5, 5), "node first (Conv): takes 3 maps, and gets 1; as many fit"),
    "a large kernel": (
        lambda: bare(2, 1, 29, 29),
        "node first (Conv): has kernels of 29×29 on maps of 28×28; smaller ones fit",
    ),
    "a long bias": (lambda: bare(2, 1, 5, 5, bias=3), "node first (Conv): has a bias of shape (3,); (2,) fits"),
    "an even kernel, the same": (
        lambda: bare(2, 1, 4, 4, auto_pad="SAME_LOWER"),
        "node first (Conv): pads kernels of 4×4 more on one side; the same on all sides fits",
    ),
    "a padding of two numbers": (
        lambda: bare(2, 1, 5, 5, pads=[1, 1]),
        "node first (Conv): has a padding of 1, 1; the same on all sides fits",
    ),
    "a pool of one cell": (
        lambda: Builder(("n", 1, 8, 8)).conv(2, 1, 8).add("Relu").pool().model(),
        "node maxpool2 (MaxPool): pools maps of one cell; fewer pools fit",
    ),
    "a padded pool": (
        lambda: pooled(kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]),
        "node pool (MaxPool): pads by 0, 0, 1, 1 before it pools; a pool without padding fits",
    ),
    "a dilated pool": (
        lambda: pooled(kernel_shape=[2, 2], strides=[2, 2], dilations=[2, 2]),
        "node pool (MaxPool): has dilated pools, 2×2; 2×2 without dilation fits",
    ),
    "a pool without a kernel": (lambda: pooled(strides=[2, 2]), f"node pool (MaxPool): {UNFIT}"),
    "ReLU6": (lambda: whole(number("Clip", 0, 6)), "node odd (Clip): keeps values between 0 and 6; ReLU fits"),
    "clipped below −1": (
        lambda: whole(number("Clip", -1)),
        "node odd (Clip): keeps values between -1 and inf; ReLU fits",
    ),
    "clipped nowhere": (lambda: whole(number("Clip")), "node odd (Clip): keeps values between -inf and inf; ReLU fits"),
    "numbers for three images": (
        lambda: whole(plain("Add", 3, 1, 1, 1)),
        "node odd (Add): makes an array of (1, 2, 12, 12) larger; a number for each map, or one, fits",
    ),
    "numbers of another width": (lambda: whole(plain("Add", 5)), f"node odd (Add): {UNFIT}"),
    "NaN": (
        lambda: whole(number("Mul", np.nan)),
        "node odd (Mul): holds NaN or infinity; train the network again",
    ),
    "division by zero": (
        lambda: whole(number("Div", 0)),
        "node odd (Div): holds NaN or infinity; train the network again",
    ),
    "another number for each image": (
        lambda: plain("Mul", 2, 1, 1, 1)(batch(2)).head(288).model(),
        "node odd (Mul): differs from image to image of a batch; the same for all fits",
    ),
    "another number for each cell": (
        lambda: plain("Add", 24, 24)(Builder().conv(2, 1, 5)).add("Relu").head(1152).model(),
        "node odd (Add): differs from cell to cell of a map; one number for each map fits",
    ),
    "another number for each cell before a convolution": (
        lambda: plain("Add", 12, 12)(small()).conv(2, 2, 3).add("Relu").head(200).model(),
        "node odd (Add): differs from cell to cell of a map; one number for each map fits",
    ),
    "another number for each pixel before padding": (
        lambda: plain("Sub", 28, 28)(Builder()).conv(2, 1, 5, pads=[2] * 4).add("Relu").head(1568).model(),
        "the input's range, node odd (Sub): differs from pixel to pixel; one number for each channel fits",
    ),
    "a channel that is gone": (
        lambda: (
            number("Add", 1)(number("Mul", 0, name="gone")(Builder())).stage(2, 1, 5, pads=[2] * 4).head(392).model()
        ),
        "the input's range, node gone (Mul), node odd (Add): multiplies a channel of the image by 0; another number "
        "fits",
    ),
    "what divides by the values": (
        lambda: whole(turned("Div", 1)),
        "node odd (Div): divides by the values of the network; numbers that stand in the file fit",
    ),
    "images that are mixed": (
        mixed,
        "node gemm5 (Gemm): takes values of several images at once; each image by itself fits",
    ),
    "images in one row": (
        lambda: batch(2).add("Flatten", axis=0).gemm(10, 576).model(),
        "node gemm4 (Gemm): takes an array that is not (images, values); flatten before it",
    ),
    "maps as values": (
        lambda: small().gemm(10, 12).model(),
        "node gemm3 (Gemm): takes an array that is not (images, values); flatten before it",
    ),
    "weights of three axes of an affine layer": (
        lambda: plain("Gemm", 10, 288, 1)(small().add("Flatten")).model(),
        "node odd (Gemm): takes an array that is not (images, values); flatten before it",
    ),
    "too few inputs of an affine layer": (
        lambda: small().head(100).model(),
        "node gemm4 (Gemm): takes 100 values, and gets 288 an image; flatten all maps before it",
    ),
    "values behind weights, Gemm": (
        lambda: turned("Gemm", 10, 1)(small().add("Flatten")).model(),
        "node odd (Gemm): multiplies the values from the other side; values times weights fits",
    ),
    "values turned, Gemm": (
        lambda: plain("Gemm", 1, 10, transA=1)(small().add("Flatten")).model(),
        "node odd (Gemm): multiplies the values from the other side; values times weights fits",
    ),
    "values behind weights, MatMul": (
        lambda: turned("MatMul", 10, 1)(small().add("Flatten")).model(),
        "node odd (MatMul): multiplies the values from the other side; values times weights fits",
    ),
    "maps times weights": (
        lambda: whole(plain("MatMul", 12, 10)),
        "node odd (MatMul): takes (1, 2, 12, 12) times (12, 10); all values of an image, flattened, times weights fit",
    ),
    "softmax of maps": (
        lambda: whole(lambda it: it.add("Softmax", name="odd", axis=1)),
        "node odd (Softmax): is not over the classes; softmax of the logits at the end fits",
    ),
    "softmax over the images": (
        lambda: small().head(288).add("Softmax", name="odd", axis=0).model(),
        "node odd (Softmax): is not over the classes; softmax of the logits at the end fits",
    ),
    "whole numbers": (
        lambda: whole(lambda it: it.add("Cast", name="odd", to=TensorProto.INT64)),
        "node odd (Cast): makes whole numbers of the values; floats fit",
    ),
    "an output of weights": (
        lambda: small().head(288).model(outputs=["tensor0"]),
        "output tensor0 does not depend on the image",
    ),
    "what moves gigabytes": (
        lambda: moved(40),
        "node turn34 (Transpose): the graph moves more than 536,870,912 bytes; fewer or smaller layers fit",
    ),
    "the places of a pool": (
        indexed,
        "node maxpool2 (MaxPool): more than its first output is used; one fits",
    ),
    "an unknown operation of constants": (
        lambda: computed("Cos", 1.0),
        "node odd (Cos): is not known; Conv, Relu, MaxPool, BatchNormalization, Gemm or MatMul and Add, and what moves "
        "values, fit",
    ),
    "nine axes": (
        lambda: computed("Unsqueeze", 1.0, range(9)),
        "node odd (Unsqueeze): would make more than eight axes",
    ),
    "a negative length": (lambda: computed("ConstantOfShape", [2, -1]), f"node odd (ConstantOfShape): {UNFIT}"),
    "a name of nothing": (
        lambda: whole(lambda it: it.add("Add", "nowhere", name="odd")),
        "node odd (Add): takes nowhere, which nothing before it gives",
    ),
    "a result of two nodes": (twice, "node gemm4 (Gemm) gives relu1, which another node gives too"),
    "sparse weights": (scattered, "it holds sparse weights; dense ones fit"),
    "too few values": (
        lambda: listed(3),
        "tensor tensor0 holds another number of values than it announces, 50",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_what_does_not_fit_its_node_is_named(name: str, tmp_path: Path) -> None:
    make, message = ODD[name]
    refused(make(), message, tmp_path)


def test_a_range_of_pixels_that_the_graph_does_not_say_is_asked_for(tmp_path: Path) -> None:
    """A mean image has no number for each channel; factors of 0 and 2 are of no usual range."""
    for change in (plain("Sub", 28, 28), number("Mul", 0), number("Mul", 2)):
        refused(change(Builder()).stage(2, 1, 5).head(288).model(), ASK, tmp_path, Asked())
