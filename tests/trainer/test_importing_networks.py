"""Networks as tutorials train and export them (tests/data/networks/make.py), against ONNX's evaluator and PyTorch."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator

import konkyo.trainer.data as data_module
from konkyo.models.architecture import Architecture, Wiring, written_stages
from konkyo.models.contributions import contributions
from konkyo.models.files.checkpoint import Checkpoint, load
from konkyo.models.hiding.games import class_games
from konkyo.models.hiding.regions import Regions
from konkyo.models.hiding.shapley import additive_values
from konkyo.models.network import softmax
from konkyo.trainer.data import Digits
from konkyo.trainer.importing.command import run
from konkyo.trainer.importing.network_file import Asked, read
from tests.helpers.folders import DATA
from tests.helpers.onnx_graphs import ASKED, Builder, exported, small
from tests.helpers.oracles import F64
from tests.helpers.sure import sure

NETWORKS = DATA / "networks"
# File, options, stages, hidden layers, parameters, what of a pixel enters its graph, accuracy at least.
CASES: dict[str, tuple[str, list[str], str, tuple[int, ...], int, tuple[float, float], float]] = {
    "keras-simple": ("keras-simple.onnx", ["--range=0,1"], "32k3,64k3", (), 34_826, (0, 1), 0.97),
    "keras-normalised": ("keras-normalised.onnx", [], "8k3p1,16k3p1,16k3n", (32,), 16_730, (0, 255), 0.97),
    "tutorial": ("tutorial.onnx", ["--range=0,1"], "16k5p2,32k5p2", (), 28_938, (0, 1), 0.97),
    "mnist-example": (
        "mnist-example.onnx",
        ["--mean=0.1307", "--std=0.3081"],
        "8k3n,16k3",
        (32,),
        75_338,
        (-0.1307 / 0.3081, (1 - 0.1307) / 0.3081),
        0.95,
    ),
}


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def imported(case: str, digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """Measured on 1,000 of MNIST's test images."""
    file, options, *_ = CASES[case]
    out = tmp_path_factory.mktemp(case)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_module, "read", lambda *_: digits[:1000])
        assert run([str(NETWORKS / file), *options, f"--data={DATA}", f"--out={out}"], "konkyo import") == 0
    return load(out / f"{case}.safetensors")


def evaluator(file: Path, images: NDArray[np.uint8], entering: tuple[float, float]) -> F64:
    """The probabilities of the file as it stands: of grey or colour images (N, channels, side, side)."""
    model = onnx.load(file)
    lengths = [one.dim_value for one in model.graph.input[0].type.tensor_type.shape.dim]
    least, most = entering
    values = (least + images / 255 * (most - least)).astype(np.float32)
    values = values.transpose(0, 2, 3, 1) if lengths[-1] in (1, 3) else values
    name, run_file = model.graph.input[0].name, ReferenceEvaluator(model)
    outputs: list[Any] = [run_file.run(None, {name: one[None]}) for one in values]
    out: F64 = np.concatenate([np.asarray(one, np.float64) for [one] in outputs])
    # Exponentials of logits and of log-softmax are proportional to the probabilities; softmax gives them themselves.
    made: Any = out if model.graph.node[-1].op_type == "Softmax" else softmax(out)
    return np.asarray(made, np.float64)


def test_the_network_is_the_files(case: str, imported: Checkpoint, digits: Digits) -> None:
    file, _, stages, hidden, parameters, entering, accuracy = CASES[case]
    shape = imported.network.architecture
    assert (written_stages(shape.stages), shape.hidden, shape.parameters) == (stages, hidden, parameters)
    ours = softmax(imported.network.logits(digits.images[:16] / np.float32(255)))
    theirs = evaluator(NETWORKS / file, digits.images[:16, None], entering)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    told = sure(imported.card.accuracy)
    assert told.test_images == 1000
    assert told.test > accuracy
    assert told.validation is None


def test_the_card_says_where_it_is_from(case: str, imported: Checkpoint) -> None:
    card, file = imported.card, NETWORKS / CASES[case][0]
    assert (card.recipe, card.training, card.selection) == (None, None, None)
    assert card.runs == ()
    assert (sure(card.dataset).name, card.preprocessing.value, card.polarity.value) == ("MNIST", "mnist", "auto")
    told = sure(card.imported)
    assert (told.file, told.sha256, told.format) == (
        file.name,
        hashlib.sha256(file.read_bytes()).hexdigest(),
        "ONNX",
    )
    assert told.made_by.startswith("pytorch 2.")
    assert 0 < sure(told.difference) < 1e-6
    assert told.compared == 8
    least, most = CASES[case][5]
    [mean], [std] = told.mean, told.std
    assert (-mean / std, (1 - mean) / std) == pytest.approx((least, most))


def test_it_is_explained_over_every_combination(imported: Checkpoint, digits: Digits) -> None:
    network, image = imported.precise, digits.images[0] / 255
    np.testing.assert_allclose(contributions(network, image).residual, 0, atol=1e-9)
    region = 10
    regions = Regions(region, side=28)
    games = class_games(network, image, region)
    visible = np.random.default_rng(1).random((200, regions.count)) < 0.5
    gone = np.einsum("nr,ryx->nyx", ~visible, regions.masks.reshape(-1, 28, 28)) > 0
    np.testing.assert_allclose(games.values(visible), network.logits(np.where(gone, 0.0, image)), rtol=0, atol=1e-9)
    values = additive_values(games).sum((1, 2))
    empty = network.logits(np.zeros((28, 28)))
    np.testing.assert_allclose(values + empty, network.logits(image), rtol=0, atol=1e-9)


def test_normalised_pixels_pad_with_the_mean(tmp_path: Path) -> None:
    """Zero behind ``Normalize`` is the mean of the pixels: the first stage pads with it."""
    builder = Builder(("n", 3, 16, 16)).stage(4, 3, 3, pads=[1] * 4).head(256)
    (tmp_path / "net.onnx").write_bytes(builder.model().SerializeToString())
    means, stds = "0.485,0.456,0.406", "0.229,0.224,0.225"
    status = run([str(tmp_path / "net.onnx"), f"--mean={means}", f"--std={stds}", f"--out={tmp_path}"], "konkyo import")
    assert status == 0
    made = load(tmp_path / "net.safetensors")
    assert made.card.input.border == pytest.approx([0.485, 0.456, 0.406])
    images = np.random.default_rng(2).integers(0, 256, (20, 3, 16, 16), np.uint8)
    mean, std = (np.array(text.split(","), float)[:, None, None] for text in (means, stds))
    run_file = ReferenceEvaluator(builder.model())
    outputs: Any = run_file.run(None, {"image": ((images / 255 - mean) / std).astype(np.float32)})
    [theirs] = outputs
    np.testing.assert_allclose(made.network.logits(images / np.float32(255)), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([("Mul", [1 / 255])], "node x0 (Mul) subtracts 0 and divides by 255"),
        ([("Div", [255])], "node x0 (Div) subtracts 0 and divides by 255"),
        ([("Div", [127.5]), ("Sub", [1])], "node x0 (Div), node x1 (Sub) subtracts 127.5 and divides by 127.5"),
        ([("Sub", [33.3]), ("Div", [78.6])], "node x0 (Sub), node x1 (Div) subtracts 33.3 and divides by 78.6"),
    ],
)
def test_bytes_are_found_in_the_graph(nodes: list[tuple[str, list[float]]], said: str, tmp_path: Path) -> None:
    builder = Builder()
    for number, (kind, values) in enumerate(nodes):
        builder.add(kind, builder.weights(np.array(values, np.float32)), name=f"x{number}")
    (tmp_path / "net.onnx").write_bytes(builder.stage(2, 1, 5).head(288).model().SerializeToString())
    card = read(tmp_path / "net.onnx", Asked()).card
    assert (card.mean, card.std, card.range_by) == ((0,), (1 / 255,), said)


def test_pixels_from_0_to_1_are_found_in_the_graph(tmp_path: Path) -> None:
    builder = Builder()
    for kind, value in (("Sub", 0.1307), ("Div", 0.3081)):
        builder.add(kind, builder.weights(np.array([value], np.float32)), name=kind)
    (tmp_path / "net.onnx").write_bytes(builder.stage(2, 1, 5).head(288).model().SerializeToString())
    card = read(tmp_path / "net.onnx", Asked()).card
    assert (card.mean, card.std) == ((0,), (1,))
    assert card.range_by == "node Sub (Sub), node Div (Div) subtracts 0.1307 and divides by 0.3081"


def test_bytes_that_enter_as_bytes(tmp_path: Path) -> None:
    builder = Builder(kind=onnx.TensorProto.UINT8).add("Cast", to=1)
    (tmp_path / "net.onnx").write_bytes(builder.stage(2, 1, 5).head(288).model().SerializeToString())
    assert read(tmp_path / "net.onnx", Asked()).card.range_by == "the input takes bytes"


def positive(builder: Builder, count: int = 2) -> Builder:
    """Batch normalisation of maps with scales above 0, under which the greatest value stays the greatest."""
    parts = [builder.weights(builder.rng.uniform(0.5, 2, count).astype(np.float32)) for _ in range(4)]
    return builder.add("BatchNormalization", *parts, name="norm")


def masked() -> Builder:
    """Dropout that also gives what it keeps, which nothing takes."""
    builder = small().add("Dropout")
    builder.nodes[-1].output.append("mask")
    return builder.head(288)


def of_numbers(builder: Builder, kind: str, *values: float) -> Builder:
    return builder.add(kind, *(builder.weights(np.array(one, np.float32)) for one in values))


def behind_numbers(builder: Builder, kind: str) -> Builder:
    """Random numbers first, then the values."""
    return builder.free(kind, builder.floats(1), builder.last)


def gemm(builder: Builder, **attributes: Any) -> Builder:
    return builder.add("Gemm", builder.floats(288, 10), builder.floats(1, 10), **attributes)


# Parts of graphs that are written in several ways, with the stages, the hidden layers and the notes on what was folded.
WAYS: dict[str, tuple[Callable[[], Builder], str, tuple[int, ...], tuple[str, ...]]] = {
    "padding of the same size": (lambda: Builder().stage(2, 1, 5, auto_pad="SAME_UPPER").head(392), "2k5p2", (), ()),
    "padding of none": (lambda: Builder().stage(2, 1, 5, auto_pad="VALID").head(288), "2k5", (), ()),
    "a clip at 0": (lambda: of_numbers(Builder().conv(2, 1, 5), "Clip", 0).pool().head(288), "2k5", (), ()),
    "a clip from 0 to the greatest float": (
        lambda: of_numbers(Builder().conv(2, 1, 5), "Clip", 0, float(np.finfo(np.float32).max)).pool().head(288),
        "2k5",
        (),
        (),
    ),
    "a number minus the values": (
        lambda: behind_numbers(Builder().conv(2, 1, 5), "Sub").add("Relu").pool().head(288),
        "2k5",
        (),
        ("sub1 (Sub) into conv0 (Conv) before it",),
    ),
    "a number times the values": (
        lambda: behind_numbers(small().head(288), "Mul"),
        "2k5",
        (),
        ("mul5 (Mul) into gemm4 (Gemm) before it",),
    ),
    "normalisation behind convolution and pool": (
        lambda: positive(Builder().conv(2, 1, 5).pool()).add("Relu").head(288),
        "2k5",
        (),
        ("norm (BatchNormalization) into conv0 (Conv) before it",),
    ),
    "normalisation before a pool": (
        lambda: positive(Builder().conv(2, 1, 5).add("Relu")).pool().head(288),
        "2k5",
        (),
        ("norm (BatchNormalization) into gemm5 (Gemm) behind it",),
    ),
    "normalisation before a convolution": (
        lambda: positive(small()).conv(3, 2, 3).add("Relu").head(300),
        "2k5,3k3n",
        (),
        ("norm (BatchNormalization) into conv4 (Conv) behind it",),
    ),
    "affine layers as one": (lambda: small().add("Flatten").gemm(7, 288).gemm(10, 7), "2k5", (), ()),
    "affine layers with a ReLU between": (
        lambda: small().add("Flatten").gemm(7, 288).add("Relu").gemm(10, 7),
        "2k5",
        (7,),
        (),
    ),
    "a mask that nothing takes": (masked, "2k5", (), ()),
    "axes that come and go": (
        lambda: (
            lambda it: it.add("Unsqueeze", it.weights(np.array([0, 3]))).add("Squeeze", it.weights(np.array([0, -1])))
        )(small().add("Flatten")).gemm(10, 288),
        "2k5",
        (),
        (),
    ),
    "factors of an affine layer": (
        lambda: gemm(small().add("Flatten"), alpha=0.5, beta=3.0),
        "2k5",
        (),
        (),
    ),
    "weights of an affine layer turned": (lambda: gemm(small().add("Flatten"), transB=0), "2k5", (), ()),
    "an affine layer without a bias": (
        lambda: (lambda it: it.add("Gemm", it.floats(288, 10)))(small().add("Flatten")),
        "2k5",
        (),
        (),
    ),
    "a product": (lambda: (lambda it: it.add("MatMul", it.floats(288, 10)))(small().add("Flatten")), "2k5", (), ()),
    "logarithms of probabilities": (lambda: small().head(288).add("LogSoftmax", axis=-1), "2k5", (), ()),
    "images without an axis for channels": (
        lambda: (lambda it: it.add("Unsqueeze", it.weights(np.array([1]))).stage(2, 1, 5).head(288))(
            Builder(("n", 28, 28))
        ),
        "2k5",
        (),
        (),
    ),
    "three images at once": (lambda: Builder((3, 1, 28, 28)).stage(2, 1, 5).head(288), "2k5", (), ()),
}


@pytest.mark.parametrize("name", WAYS)
def test_each_way_to_write_it_gives_the_logits_of_the_evaluator(name: str, tmp_path: Path) -> None:
    make, stages, hidden, folded = WAYS[name]
    builder = make()
    model = builder.model()
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    made = read(tmp_path / "net.onnx", ASKED)
    shape = made.network.architecture
    assert (written_stages(shape.stages), shape.hidden) == (stages, hidden)
    assert made.card.folded == tuple(f"node {note.replace('into ', 'into node ')}" for note in folded)
    images = np.random.default_rng(4).random((6, 28, 28)).astype(np.float32)
    alone = len(builder.shape) == 3
    batch = builder.shape[0] if isinstance(builder.shape[0], int) else 6
    run_file = ReferenceEvaluator(model)
    outputs: list[Any] = [
        run_file.run(None, {"image": images[at : at + batch] if alone else images[at : at + batch, None]})
        for at in range(0, 6, batch)
    ]
    theirs = np.concatenate([one for [one] in outputs])
    ours: Any = made.network.logits(images)
    if builder.nodes[-1].op_type == "LogSoftmax":
        ours = np.log(softmax(ours))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_an_adaptive_pool_of_maps_of_its_size_changes_nothing(tmp_path: Path) -> None:
    builder = Builder().stage(2, 1, 5).add("AveragePool", kernel_shape=[1, 1], strides=[1, 1]).head(288)
    (tmp_path / "net.onnx").write_bytes(builder.model().SerializeToString())
    made = read(tmp_path / "net.onnx", ASKED)
    assert written_stages(made.network.architecture.stages) == "2k5"


SCALES = st.sampled_from([0.25, 0.5, 2.0, 3.0])


@given(st.data())
def test_what_exporters_write_around_a_layer_changes_nothing(data: st.DataObject) -> None:
    """Casts, transposes there and back, biases of their own, scalings that the next layer undoes."""
    pytest.importorskip("torch")
    from tests.helpers.any_network import any_architectures, random_images, random_weights
    from tests.helpers.any_network import given as taken

    drawn = data.draw(any_architectures(most=3))
    stages = tuple(
        stage.__class__(stage.filters, stage.kernel, stage.padding, stage.pool, Wiring.SUMMED, stage.bias)
        for stage in drawn.stages
    )
    shape = Architecture(stages, drawn.side, drawn.channels, drawn.hidden, drawn.classes)
    network = random_weights(shape, data.draw(st.integers(0, 1000)))
    network = type(network)(shape, network.weights)  # the padding is 0, as ONNX's

    def decorate(builder: Builder, number: int) -> None:
        for kind in data.draw(
            st.lists(st.sampled_from(["cast", "turned", "scaled", "identity", "dropout"]), max_size=3)
        ):
            if kind == "cast":
                builder.add("Cast", to=1)
            elif kind == "turned" and number >= 0:
                builder.add("Transpose", perm=[0, 2, 3, 1]).add("Transpose", perm=[0, 3, 1, 2])
            elif kind == "scaled":
                scale = data.draw(SCALES)
                builder.add("Mul", builder.weights(np.array(scale, np.float32)))
                builder.add("Div", builder.weights(np.array([scale], np.float32)))
            elif kind == "identity":
                builder.add("Identity")
            elif kind == "dropout":
                builder.add("Dropout")

    made = _read_bytes(exported(network, decorate).SerializeToString())
    assert made.architecture == shape
    images = random_images(shape, 3, 1)
    ours = made.astype(np.float64).logits(taken(shape, images))
    np.testing.assert_allclose(ours, network.logits(taken(shape, images)), rtol=1e-4, atol=1e-4)


def _read_bytes(data: bytes) -> Any:
    from konkyo.trainer.importing.network_file import _read

    return _read(Path("net.onnx"), data, ASKED).network
