"""Networks as tutorials train and export them (tests/data/networks/make.py), against ONNX's evaluator and PyTorch."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

import konkyo.trainer.data as data_module
from konkyo.models.architecture import Architecture, Stage, Wiring, written_stages
from konkyo.models.files.checkpoint import load
from konkyo.models.network import Network, softmax
from konkyo.trainer.data import Labelled
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.command import run
from konkyo.trainer.importing.network_file import ImportOptions
from konkyo.trainer.importing.pixels import Pixels
from support.folders import DATA
from tests.helpers.onnx_graphs import Builder, exported, imported, small
from tests.helpers.refuse import refuses
from tests.helpers.sure import sure

# Options, stages, hidden layers, parameters, what of a pixel enters its graph, accuracy at least.
CASES: dict[str, tuple[list[str], str, tuple[int, ...], int, tuple[float, float], float]] = {
    "keras-simple": (["--range=0,1"], "32k3,64k3", (), 34_826, (0, 1), 0.97),
    "keras-normalised": ([], "8k3p1,16k3p1,16k3n", (32,), 16_730, (0, 255), 0.97),
    "tutorial": (["--range=0,1"], "16k5p2,32k5p2", (), 28_938, (0, 1), 0.97),
    "mnist-example": (
        ["--mean=0.1307", "--std=0.3081"],
        "8k3n,16k3",
        (32,),
        75_338,
        (-0.1307 / 0.3081, (1 - 0.1307) / 0.3081),
        0.95,
    ),
    "lenet-5": (["--range=0,1"], "6k5p2a2:tanh,16k5a2:tanh", (120, 84), 61_706, (0, 1), 0.97),
    "all-convolutional": (["--range=0,1"], "12k3p1n,16k3s2p1n,24k3s2p1n,24k3a5", (), 10_802, (0, 1), 0.9),
}


@pytest.mark.parametrize("case", CASES)
def test_the_network_is_the_files(case: str, digits: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options, stages, hidden, parameters, (least, most), accuracy = CASES[case]
    file = DATA / "networks" / f"{case}.onnx"
    monkeypatch.setattr(data_module, "read", lambda *_: digits[:500])
    assert run([str(file), *options, f"--data={DATA}", f"--out={tmp_path}"], "konkyo import") == 0
    made = load(tmp_path / f"{case}.safetensors")
    shape = made.network.architecture
    assert (written_stages(shape.stages), shape.hidden, shape.parameters) == (stages, hidden, parameters)

    # What the evaluator makes of the file as it stands, of grey images with the axis of channels before or behind.
    model = onnx.load(file)
    [_, *lengths] = [one.dim_value for one in model.graph.input[0].type.tensor_type.shape.dim]
    entering = (least + digits.images[:4] / 255 * (most - least)).astype(np.float32).reshape(-1, 1, *lengths)
    run_file = ReferenceEvaluator(model)
    outputs: list[Any] = [run_file.run(None, {model.graph.input[0].name: one}) for one in entering]
    theirs = np.concatenate([one for [one] in outputs]).astype(np.float64)
    # Exponentials of logits and of log-softmax are proportional to the probabilities; softmax gives them themselves.
    theirs = theirs if model.graph.node[-1].op_type == "Softmax" else np.asarray(softmax(theirs))
    ours = softmax(made.network.logits(digits.images[:4] / np.float32(255)))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)

    card = made.card
    measured = sure(card.accuracy)
    assert (measured.test_images, measured.validation) == (500, None)
    assert measured.test > accuracy
    assert (card.recipe, card.training, card.selection, card.runs) == (None, None, None, ())
    assert (sure(card.dataset).name, card.preprocessing.value, card.polarity.value) == ("MNIST", "mnist", "auto")
    told = sure(card.imported)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (told.file, told.sha256, told.format) == (file.name, digest, "ONNX")
    assert told.made_by.startswith("pytorch 2.")
    assert 0 < sure(told.difference) < 1e-6
    assert told.compared == 8
    [mean], [std] = told.mean, told.std
    assert (-mean / std, (1 - mean) / std) == pytest.approx((least, most))


def residual() -> Builder:
    """Two residual blocks with batch normalisation, the second with a stride and a 1×1 convolution beside it."""
    builder = convolved(Builder(), 2, 1, 5, 4).add("Relu")
    shortcut = builder.last
    builder = convolved(convolved(builder, 2, 2, 3, 1).add("Relu"), 2, 2, 3, 1).add("Add", shortcut).add("Relu")
    start = builder.last
    shortcut = convolved(builder, 3, 2, 1, 2).last
    builder.last = start
    convolved(convolved(builder, 3, 2, 3, 2).add("Relu"), 3, 3, 3, 1)
    return builder.free("Add", shortcut, builder.last).add("Relu").head(48)


def convolved(builder: Builder, filters: int, inputs: int, kernel: int, stride: int) -> Builder:
    """A convolution that keeps the size but for its stride, and batch normalisation."""
    builder.random("Conv", (filters, inputs, kernel, kernel), pads=[kernel // 2] * 4, strides=[stride] * 2)
    return builder.numbers("BatchNormalization", *builder.rng.uniform(0.5, 2, (4, filters)))


def test_normalised_pixels_pad_with_the_mean(tmp_path: Path) -> None:
    """Zero behind ``Normalize`` is the mean of the pixels: the first stage pads with it."""
    model = Builder(("n", 3, 16, 16)).stage(4, 3, 3, pads=[1] * 4).head(256).model()
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    means, stds = "0.485,0.456,0.406", "0.229,0.224,0.225"
    status = run([str(tmp_path / "net.onnx"), f"--mean={means}", f"--std={stds}", f"--out={tmp_path}"], "konkyo import")
    assert status == 0
    made = load(tmp_path / "net.safetensors")
    assert made.card.input.border == pytest.approx([0.485, 0.456, 0.406])
    images = np.random.default_rng(2).integers(0, 256, (20, 3, 16, 16), np.uint8)
    mean, std = (np.array(text.split(","), float)[:, None, None] for text in (means, stds))
    outputs: Any = ReferenceEvaluator(model).run(None, {"image": ((images / 255 - mean) / std).astype(np.float32)})
    [theirs] = outputs
    np.testing.assert_allclose(made.network.logits(images / np.float32(255)), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("start", "std", "said"),
    [
        (lambda: Builder().numbers("Mul", 1 / 255), 1 / 255, "node mul0 (Mul) subtracts 0 and divides by 255"),
        (lambda: Builder().numbers("Div", 255), 1 / 255, "node div0 (Div) subtracts 0 and divides by 255"),
        (lambda: Builder().numbers("Div", 127.5).numbers("Sub", 1), 1 / 255,
         "node div0 (Div), node sub1 (Sub) subtracts 127.5 and divides by 127.5"),
        (lambda: Builder().numbers("Sub", 33.3).numbers("Div", 78.6), 1 / 255,
         "node sub0 (Sub), node div1 (Div) subtracts 33.3 and divides by 78.6"),
        (lambda: Builder().numbers("Sub", 0.1307).numbers("Div", 0.3081), 1,
         "node sub0 (Sub), node div1 (Div) subtracts 0.1307 and divides by 0.3081"),
        (lambda: Builder(kind=onnx.TensorProto.UINT8).add("Cast", to=1), 1 / 255, "the input takes bytes"),
    ],
)  # fmt: skip
def test_the_range_of_pixels_is_found_in_the_graph(
    start: Callable[[], Builder], std: float, said: str, tmp_path: Path
) -> None:
    card = imported(start().stage(2, 1, 5).head(288), tmp_path, ImportOptions()).card
    assert (card.mean, card.std, card.range_by) == ((0,), (std,), said)


def normalised(builder: Builder) -> Builder:
    """Batch normalisation of two maps with scales above 0, under which the greatest value stays the greatest."""
    return builder.numbers("BatchNormalization", *builder.rng.uniform(0.5, 2, (4, 2)), name="norm", epsilon=0.1)


def masked() -> Builder:
    """Dropout that also gives what it keeps, which nothing takes."""
    builder = small().add("Dropout")
    builder.nodes[-1].output.append("mask")
    return builder.head(288)


def axes(builder: Builder, kind: str, *where: int) -> Builder:
    return builder.add(kind, builder.weights(np.array(where)))


def padding(builder: Builder, *pads: int) -> Builder:
    return builder.add("Pad", builder.weights(np.array(pads)))


def gate(builder: Builder, kind: str, **attributes: Any) -> Builder:
    """Values times a function of them."""
    values = builder.last
    return builder.add(kind, **attributes).add("Mul", values)


def mean(builder: Builder, *where: int, **attributes: Any) -> Builder:
    return builder.add("ReduceMean", builder.weights(np.array(where)), **attributes)


def conv() -> Builder:
    return Builder().conv(2, 1, 5)


def flat() -> Builder:
    return small().add("Flatten")


def beside(builder: Builder, make: Callable[[Builder], Builder]) -> Builder:
    """The last result and what is made of it, added up."""
    shortcut = builder.last
    return make(builder).add("Add", shortcut)


# Parts of graphs that are written in several ways, and the stages; the hidden layers behind a plus.
WAYS: dict[str, tuple[Callable[[], Builder], str]] = {
    "padding of the same size": (lambda: Builder().stage(2, 1, 5, auto_pad="SAME_UPPER").head(392), "2k5p2"),
    "padding of none": (lambda: Builder().stage(2, 1, 5, auto_pad="VALID").head(288), "2k5"),
    "a clip at 0": (lambda: conv().numbers("Clip", 0).pool().head(288), "2k5"),
    "a clip from 0 to the greatest float": (
        lambda: conv().numbers("Clip", 0, np.finfo(np.float32).max).pool().head(288), "2k5"),
    "a pool of even maps that would keep an odd row": (
        lambda: conv().add("Relu").add("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1).head(288), "2k5"),
    "a bias behind its convolution": (lambda: conv().random("Add", (2, 1, 1)).add("Relu").pool().head(288), "2k5"),
    "a number minus the values": (lambda: conv().behind("Sub", 1).add("Relu").pool().head(288), "2k5"),
    "a number times the values": (lambda: small().head(288).behind("Mul", 1), "2k5"),
    "normalisation behind convolution and pool": (lambda: normalised(conv().pool()).add("Relu").head(288), "2k5"),
    "normalisation before a pool": (lambda: normalised(conv().add("Relu")).pool().head(288), "2k5"),
    "normalisation before a convolution": (
        lambda: normalised(small()).conv(3, 2, 3).add("Relu").head(300), "2k5,3k3n"),
    "normalisation before padding": (
        lambda: normalised(small()).conv(3, 2, 3, pads=[1] * 4).add("Relu").head(432), "2k5,3k3p1nb"),
    "normalisation before padding in groups, with a stride": (
        lambda: normalised(small()).random("Conv", (4, 1, 3, 3), pads=[0, 0, 1, 1], strides=[2, 2], group=2)
        .add("Relu").head(144), "2k5,4k3s2p0-1g2nb"),
    "normalisation between two activations": (
        lambda: normalised(small()).add("Tanh").head(288), "2k5,2k1g2n:tanh"),
    "normalisation of negative factors before a pool": (
        lambda: conv().add("Relu").numbers("BatchNormalization", [-1, 1], [1, 2], [3, 4], [5, 6], name="norm")
        .pool().head(288), "2k5n,2k1g2:none"),
    "normalisation before a mean pool": (
        lambda: normalised(conv()).add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]).add("Relu").head(288),
        "2k5a2:none:relu"),
    "a bias for each cell": (
        lambda: conv().random("Add", (24, 24)).add("Relu").head(1152), "2k5nb"),
    "a shift of each cell before a convolution": (
        lambda: small().random("Add", (12, 12)).conv(2, 2, 3).add("Relu").head(200), "2k5,2k3nb"),
    "a mean image before padding": (
        lambda: Builder().random("Sub", (28, 28)).conv(2, 1, 5, pads=[2] * 4).add("Relu").head(1568), "2k5p2nb"),
    "a stride with padding of the same size": (
        lambda: Builder().stage(2, 1, 3, auto_pad="SAME_UPPER", strides=[2, 2]).head(98), "2k3s2p0-1"),
    "padding of the same size, more of it before": (
        lambda: Builder().stage(2, 1, 4, auto_pad="SAME_LOWER").head(392), "2k4p2-1"),
    "kernels whose cells are apart": (lambda: Builder().stage(2, 1, 3, dilations=[3, 3]).head(242), "2k7"),
    "two groups": (lambda: small().random("Conv", (4, 1, 3, 3), group=2).add("Elu").head(400), "2k5,4k3g2nu:elu"),
    "a padding of its own": (
        lambda: padding(Builder(), 0, 0, 1, 1, 0, 0, 2, 2).conv(2, 1, 5, strides=[2, 2]).add("Relu").head(392),
        "2k5s2p1-2n"),
    "a padding of maps behind channels": (
        lambda: padding(small().add("Transpose", perm=[0, 2, 3, 1]), 0, 1, 1, 0, 0, 1, 1, 0)
        .add("Transpose", perm=[0, 3, 1, 2]).conv(3, 2, 3).add("Relu").head(432), "2k5,3k3p1n"),
    "leaky ReLU": (lambda: conv().add("LeakyRelu", alpha=0.2).pool().head(288), "2k5:leaky=0.2"),
    "leaky ReLU of the usual slope": (lambda: conv().add("LeakyRelu").pool().head(288), "2k5:leaky"),
    "a slope that was learnt": (lambda: conv().numbers("PRelu", [0.3]).pool().head(288), "2k5:leaky=0.3"),
    "a clip from 0 to 6": (lambda: conv().numbers("Clip", 0, 6).pool().head(288), "2k5:relu6"),
    "a clip from -1 to 1": (lambda: conv().pool().numbers("Clip", -1, 1).head(288), "2k5:hardtanh"),
    "values times their sigmoid": (lambda: gate(conv(), "Sigmoid").pool().head(288), "2k5:silu"),
    "values times their hard sigmoid": (
        lambda: gate(conv(), "HardSigmoid", alpha=1 / 6).pool().head(288), "2k5:hardswish"),
    "values times their sigmoid behind a pool": (lambda: gate(conv().pool(), "Sigmoid").head(288), "2k5:none:silu"),
    "hard swish": (lambda: conv().add("HardSwish").head(1152), "2k5n:hardswish"),
    "ReLU twice": (lambda: small().add("Relu").head(288), "2k5"),
    "two activations": (lambda: conv().add("Tanh").add("Elu", alpha=2.0).head(1152), "2k5n:tanh:elu=2.0"),
    "two pools": (lambda: small().pool().head(72), "2k5,1k0:none"),
    "pools of 3×3 in steps of 2": (
        lambda: conv().add("Relu").add("MaxPool", kernel_shape=[3, 3], strides=[2, 2]).head(242), "2k5m3-2"),
    "the mean of maps, and affine layers": (
        lambda: conv().add("Relu").add("GlobalAveragePool").head(2), "2k5a24"),
    "the mean of rows and columns": (
        lambda: mean(conv().add("Relu"), 2, 3, keepdims=0).gemm(10, 2), "2k5a24"),
    "the mean of rows and columns before channels": (
        lambda: mean(conv().add("Relu").add("Transpose", perm=[0, 2, 3, 1]), -2, 1).head(2),
        "2k5a24"),
    "the greatest value of each map": (lambda: conv().add("Relu").add("GlobalMaxPool").head(2), "2k5m24"),
    "a convolution of one cell and the mean of maps as the classes": (
        lambda: conv().add("Relu").conv(10, 2, 1).add("GlobalAveragePool").add("Flatten"), "2k5a24"),
    "a convolution of 3×3 and the mean of maps as the classes": (
        lambda: conv().add("Tanh").conv(10, 2, 3, pads=[1] * 4, strides=[2, 2]).add("GlobalAveragePool").add("Flatten"),
        "2k5n:tanh"),
    "the mean of maps as the classes": (
        lambda: Builder().conv(10, 1, 5).add("Relu").add("GlobalAveragePool").add("Flatten"), "10k5a24"),
    "a convolution without activation before the head": (
        lambda: small().random("Conv", (4, 1, 3, 3), (4,), group=2).add("Flatten").gemm(7, 400).add("Tanh").gemm(10, 7),
        "2k5+7"),
    "nothing but what is linear": (
        lambda: conv().conv(3, 2, 3).add("AveragePool", kernel_shape=[2, 2], strides=[2, 2]).head(363), "2k5n:none"),
    "an activation of the hidden layers": (
        lambda: flat().gemm(7, 288).add("Tanh").gemm(6, 7).add("Tanh").gemm(10, 6), "2k5+7+6"),
    "affine layers as one": (lambda: flat().gemm(7, 288).gemm(10, 7), "2k5"),
    "affine layers with a ReLU between": (lambda: flat().gemm(7, 288).add("Relu").gemm(10, 7), "2k5+7"),
    "a mask that nothing takes": (masked, "2k5"),
    "axes that come and go": (lambda: axes(axes(flat(), "Unsqueeze", 0, 3), "Squeeze", 0, -1).gemm(10, 288), "2k5"),
    "factors of an affine layer": (
        lambda: flat().random("Gemm", (288, 10), (1, 10), alpha=0.5, beta=3.0), "2k5"),
    "weights of an affine layer turned": (lambda: flat().random("Gemm", (288, 10), (1, 10), transB=0), "2k5"),
    "an affine layer without a bias": (lambda: flat().random("Gemm", (288, 10)), "2k5"),
    "a product": (lambda: flat().random("MatMul", (288, 10)), "2k5"),
    "logarithms of probabilities": (lambda: small().head(288).add("LogSoftmax", axis=-1), "2k5"),
    "images without an axis for channels": (
        lambda: axes(Builder(("n", 28, 28)), "Unsqueeze", 1).stage(2, 1, 5).head(288), "2k5"),
    "three images at once": (lambda: Builder((3, 1, 28, 28)).stage(2, 1, 5).head(288), "2k5"),
    "residual blocks": (
        residual, "2k5s4p2n,2k3p1n,2k3p1n:none,1k0n+3+1,3k1s2n:none,3k3s2p1n+4,3k3p1n:none,1k0n+5+7"),
    "a sum before a convolution": (
        lambda: beside(conv(), lambda it: it.add("Relu")).conv(3, 2, 3).add("Relu").pool().head(363),
        "2k5n:none,1k0n,3k3+2+1"),
    "normalisation behind a sum": (
        lambda: normalised(beside(small(), lambda it: it.conv(2, 2, 1))).add("Tanh").pool().head(72),
        "2k5,2k1n:none,2k1g2:tanh+2+1"),
    "normalisation beside a convolution": (
        lambda: beside(small(), lambda it: normalised(it).conv(2, 2, 3, pads=[1] * 4)).add("Relu").head(288),
        "2k5,2k3p1nb:none,1k0n+2+1"),
    "a sum and its mean before the classes": (
        lambda: beside(conv().add("Relu"), lambda it: it.conv(2, 2, 1)).add("GlobalAveragePool").head(2),
        "2k5n,2k1n:none,1k0a24:none+2+1"),
    "a sum before the classes": (
        lambda: beside(small(), lambda it: it.conv(2, 2, 1)).head(288), "2k5,2k1n:none,1k0n:none+2+1"),
    "a sum of values that were flattened": (
        lambda: beside(small().add("Flatten"), lambda it: it.add("Tanh")).gemm(10, 288),
        "2k5,1k0n:tanh,1k0n:none+2+1"),
    "the image beside a convolution of it": (
        lambda: beside(Builder().numbers("Sub", 0.5), lambda it: it.conv(1, 1, 3, pads=[1] * 4)).conv(2, 1, 5)
        .add("Relu").head(1152), "1k1n:none,1k3p1n:none,2k5n+2+1"),
    "values and themselves": (
        lambda: beside(small(), lambda it: it.add("Identity")).head(288), "2k5,1k0n:none+1+1"),
    "an average over one cell": (
        lambda: small().add("AveragePool", kernel_shape=[1, 1], strides=[1, 1]).head(288), "2k5"),
}  # fmt: skip
# What was folded, where more than biases was.
FOLDED = {
    "a number minus the values": "node sub1 (Sub) into node conv0 (Conv) before it",
    "a number times the values": "node mul5 (Mul) into node gemm4 (Gemm) before it",
    "normalisation behind convolution and pool": "node norm (BatchNormalization) into node conv0 (Conv) before it",
    "normalisation before a pool": "node norm (BatchNormalization) into node gemm5 (Gemm) behind it",
    "normalisation before a convolution": "node norm (BatchNormalization) into node conv4 (Conv) behind it",
    "normalisation before padding": "node norm (BatchNormalization) into node conv4 (Conv) behind it",
    "normalisation between two activations": "node norm (BatchNormalization) as a stage of its own",
}


@pytest.mark.parametrize("name", WAYS)
def test_each_way_to_write_it_gives_the_logits_of_the_evaluator(name: str, tmp_path: Path) -> None:
    make, shape = WAYS[name]
    builder = make()
    made = imported(builder, tmp_path)
    architecture = made.network.architecture
    assert "+".join([written_stages(architecture.stages), *map(str, architecture.hidden)]) == shape
    if name in FOLDED:
        assert made.card.folded == (FOLDED[name],)
    images = np.random.default_rng(4).random((3, 28, 28)).astype(np.float32)
    entering = images if len(builder.shape) == 3 else images[:, None]
    outputs: Any = ReferenceEvaluator(builder.model()).run(None, {"image": entering})
    [theirs] = outputs
    ours: Any = made.network.logits(images)
    if builder.nodes[-1].op_type == "LogSoftmax":
        ours = np.log(softmax(ours))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_one_output_behind_a_sigmoid_is_two_classes(tmp_path: Path) -> None:
    builder = flat().gemm(1, 288).add("Sigmoid")
    made = imported(builder, tmp_path)
    assert len(made.network.classes) == 2
    [note] = made.card.folded
    said = "node sigmoid5 (Sigmoid), of one output, as two classes: the first has the logit 0, the second the output"
    assert note == said
    images = np.random.default_rng(4).random((3, 28, 28)).astype(np.float32)
    outputs: Any = ReferenceEvaluator(builder.model()).run(None, {"image": images[:, None]})
    np.testing.assert_allclose(softmax(made.network.logits(images))[:, 1:], outputs[0], rtol=0, atol=1e-6)


def plain(shape: Architecture) -> bool:
    """Without paired wiring, which files do not have, and with a stage that is more than the layer below."""
    nothing = Stage(1, 0, pool=None, activation="none")
    more = any(replace(stage, sources=()) != nothing for stage in shape.stages)
    return more and not any(stage.wiring is Wiring.PAIRED for stage in shape.stages)


@given(data=st.data())
def test_what_exporters_write_around_a_layer_changes_nothing(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Casts, transposes there and back, biases of their own, scalings that the next layer undoes."""
    from tests.helpers.any_network import any_architectures, random_images, random_weights
    from tests.helpers.any_network import given as taken

    shape = data.draw(any_architectures().filter(plain))
    network = random_weights(shape, data.draw(st.integers(0, 1000)))
    network = Network(shape, network.weights)  # the padding is 0, as ONNX's

    def decorate(builder: Builder, number: int) -> None:
        kinds = st.sampled_from(["Cast", "Transpose", "Mul", "Identity", "Dropout"])
        for kind in data.draw(st.lists(kinds, max_size=3)):
            if kind == "Cast":
                builder.add("Cast", to=1)
            elif kind == "Mul":
                scale = data.draw(st.sampled_from([0.25, 0.5, 2.0, 3.0]))
                builder.numbers("Mul", scale).numbers("Div", [scale])
            elif kind != "Transpose":
                builder.add(kind)
            elif number >= 0:
                builder.add("Transpose", perm=[0, 2, 3, 1]).add("Transpose", perm=[0, 3, 1, 2])

    made = imported(exported(network, decorate), tmp_path_factory.getbasetemp()).network
    images = taken(shape, random_images(shape, 3, 1))
    ours = made.astype(np.float64).logits(images)
    np.testing.assert_allclose(ours, network.logits(images), rtol=1e-4, atol=1e-4)


def test_normalisation_of_an_older_operator_set_is_compared_too(tmp_path: Path) -> None:
    """Of sets below 14 the evaluator takes the batch's own mean into account."""
    new, old = (imported(normalised(small()).head(288).model(opset=opset), tmp_path) for opset in (14, 13))
    assert sure(old.card.difference) < 1e-6
    assert all(np.array_equal(array, old.network.weights[name]) for name, array in new.network.weights.items())


def test_what_a_graph_does_itself_is_not_done_twice(tmp_path: Path) -> None:
    made = Builder().numbers("Sub", 0.1307).numbers("Div", 0.3081).stage(2, 1, 5).head(288)
    twice = ImportOptions(pixels=Pixels((0.1307,), (0.3081,), "asked for with --mean and --std"))
    message = (
        "net.onnx: node sub0 (Sub), node div1 (Div) subtracts 0.1307 and divides by 0.3081, so pixels enter it as 0…1, "
        "and what was asked for with --mean and --std would be done twice or in another range; leave it out"
    )
    with refuses(NetworkFileError, message):
        imported(made, tmp_path, twice)
    assert imported(made, tmp_path).card.std == (1,)


def test_probabilities_that_are_0_and_1_check_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As where pixels enter 255 times too bright."""
    file = DATA / "networks" / "tutorial.onnx"
    assert run([str(file), "--range=0,255", f"--out={tmp_path}"], "konkyo import") == 0
    said = capsys.readouterr().out
    assert "nothing was checked: in this range one class has all of the probability in each of the random" in said
    assert "differ by at most" not in said
    card = sure(load(tmp_path / "tutorial.safetensors").card.imported)
    assert (card.difference, card.compared) == (None, 0)


def test_the_accuracy_under_other_ranges_is_told(
    digits: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = DATA / "networks" / "mnist-example.onnx"
    monkeypatch.setattr(data_module, "read", lambda *_: digits[:200])
    options = ["--range=0,255", f"--data={DATA}", f"--out={tmp_path}", "--name=mine"]
    assert run([str(file), *options], "konkyo import") == 0
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("with --")]
    names = ["--range=0,1", "--range=-1,1", "--mean=0.1307 --std=0.3081"]
    assert [line.partition(" it would be ")[0] for line in told] == [f"with {name}" for name in names]
    shares = {name: float(line.partition(" be ")[2].partition("%")[0]) for name, line in zip(names, told, strict=True)}
    assert shares["--mean=0.1307 --std=0.3081"] > 95
