"""State dicts: names and shapes say which layers they are of, ``--stages`` the rest."""

import importlib.util
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from safetensors.torch import load_file

from konkyo.models.architecture import Architecture, Stage, Wiring, parse_stages, two_stages
from konkyo.trainer.errors import NetworkFileError
from konkyo.trainer.importing.network_file import ImportOptions, read
from konkyo.trainer.importing.pixels import of_range
from support.folders import DATA
from tests.helpers.oracles import random_network
from tests.helpers.refuse import refuses

UNIT = of_range(0, 1, "asked for")
TUTORIAL = DATA / "networks" / "tutorial.safetensors"
F32 = NDArray[np.float32]


def asked(stages: str | None) -> ImportOptions:
    return ImportOptions(None if stages is None else parse_stages(stages), pixels=UNIT)


def test_a_state_dict_and_onnx_of_one_network_are_one(tmp_path: Path) -> None:
    one = read(TUTORIAL, asked("16k5p2,32k5p2"))
    other = read(TUTORIAL.with_suffix(".onnx"), ImportOptions(pixels=UNIT))
    assert one.network.architecture == other.network.architecture
    for name, array in one.network.weights.items():
        np.testing.assert_allclose(array, other.network.weights[name], rtol=1e-4, atol=1e-6)
    assert one.card.folded == (
        "batch normalisation was taken to stand directly behind its layer, with an epsilon of 1e-05",
        "layer1.1 into layer1.0 before it",
        "layer2.1 into layer2.0 before it",
    )
    assert (one.card.format, one.card.difference, one.card.compared) == ("safetensors", None, 0)

    for number, saved in enumerate((load_file(TUTORIAL), {"epoch": 3, "state_dict": load_file(TUTORIAL)})):
        path = tmp_path / f"{number}.pt"
        torch.save(saved, path)
        same = read(path, asked("16k5p2,32k5p2")).network
        assert all(np.array_equal(array, one.network.weights[name]) for name, array in same.weights.items())


@pytest.mark.parametrize(
    ("shape", "stages"),
    [
        (two_stages(Wiring.PAIRED, 2, 3, classes=4), "2k5,3k3q"),
        (two_stages(Wiring.SUMMED, 2, 3, classes=4), "2k5,3k3"),
        # By name, ``affine`` stands before ``hidden1``; the shapes say otherwise.
        (Architecture((Stage(2, 5),), hidden=(7, 5), classes=3), "2k5"),
    ],
)
def test_a_network_of_ours_is_read(shape: Architecture, stages: str, tmp_path: Path) -> None:
    weights = random_network(shape, 5, np.float32).weights
    save_file(dict(weights), tmp_path / "ours.safetensors")
    made = read(tmp_path / "ours.safetensors", asked(stages)).network
    assert made.architecture == shape
    assert all(np.array_equal(array, weights[name]) for name, array in made.weights.items())


def tensors(**shapes: tuple[int, ...]) -> dict[str, F32]:
    return {name.replace("__", "."): np.ones(shape, np.float32) for name, shape in shapes.items()}


LENET = tensors(
    conv1__weight=(6, 1, 5, 5), conv1__bias=(6,), conv2__weight=(16, 6, 5, 5), conv2__bias=(16,),
    fc1__weight=(120, 256), fc1__bias=(120,), fc2__weight=(10, 120), fc2__bias=(10,),
)  # fmt: skip


SAY = (
    "a state dict says neither paddings nor pools; say them with --stages, such as --stages 16k5p2,32k5p2 (filters, "
    "kernel, padding; n without a pool)"
)
HOLDS = (
    "it holds conv1.bias 6, conv1.weight 6×1×5×5, conv2.bias 16, conv2.weight 16×6×5×5, fc1.bias 120, fc1.weight "
    "120×256, fc2.bias 10, fc2.weight 10×120, lstm.weight_ih_l0 4×4"
)


# What is changed of LeNet, the stages that are asked for, and what is said.
@pytest.mark.parametrize(
    ("changed", "stages", "message"),
    [
        ({}, None, f"{SAY}: what fc1 takes fits 6k5,16k5 with images of 28×28"),
        (tensors(**{f"more{number}__weight": (6, 6, 1, 1) for number in range(5)}), None, SAY),
        ({}, "6k5", "--stages has 1, and the file 2 convolutions (conv1, conv2); as many fit"),
        ({}, "6k5,16k3", "stage 2 of --stages has 16 filters of 3×3, and conv2.weight has 16 of 5×5; the same fit"),
        ({}, "6k5p2,16k5",
         "fc1 takes 256 values, and of images of 28×28 these stages make 400; --side 24 or 25 or 26 or 27 fits"),
        (tensors(fc1__weight=(120, 257)), "6k5,16k5",
         "fc1 takes 257 values, and of images of 28×28 these stages make 256; other paddings or pools in --stages fit"),
        (tensors(fc2__weight=(10, 119)), "6k5,16k5",
         "fc2: its weights have shape (10, 119); what stands before it makes (10, 120) right"),
        (tensors(conv1__bias=(7,)), "6k5,16k5", "conv1.bias has shape (7,); (6,) fits its layer"),
        (tensors(conv1__weight=(6, 4, 5, 5)), "6k5,16k5", "conv1.weight takes 4 channels; 1 or 3 fit"),
        (tensors(lstm__weight_ih_l0=(4, 4)), "6k5,16k5",
         "lstm.weight_ih_l0 (4, 4) is of no convolution (filters, inputs, side, side), affine layer (outputs, inputs) "
         f"or batch normalisation (weight, bias, running_mean, running_var); {HOLDS}"),
        (tensors(norm__running_mean=(6,), norm__running_var=(6,)), "6k5,16k5",
         "norm is a batch normalisation, and nothing says which layer it stands behind; ONNX does: torch.onnx.export "
         "writes it"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_beside_what_would(
    changed: dict[str, F32], stages: str | None, message: str, tmp_path: Path
) -> None:
    save_file(LENET | changed, tmp_path / "net.safetensors")
    with refuses(NetworkFileError, f"net.safetensors: {message}"):
        read(tmp_path / "net.safetensors", asked(stages))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("fc", "it lacks weights (filters, inputs, side, side) of a convolution; it holds fc1.bias 120, "
         "fc1.weight 120×256, fc2.bias 10, fc2.weight 10×120"),
        ("conv", "it lacks weights (outputs, inputs) of an affine layer; it holds conv1.bias 6, "
         "conv1.weight 6×1×5×5, conv2.bias 16, conv2.weight 16×6×5×5"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_beside_what_there_is(kind: str, message: str, tmp_path: Path) -> None:
    kept = {name: array for name, array in LENET.items() if name.startswith(kind)}
    save_file(kept, tmp_path / "net.safetensors")
    with refuses(NetworkFileError, f"net.safetensors: {message}"):
        read(tmp_path / "net.safetensors", asked("6k5,16k5"))


@pytest.mark.parametrize("names", ["conv1 bn1 conv2 bn2", "features.0 features.1 features.3 features.4"])
def test_normalisation_is_found_by_number_where_the_order_is_lost(names: str, tmp_path: Path) -> None:
    first, after_first, second, after_second = names.split()
    weights = {name.replace("conv1", first).replace("conv2", second): array for name, array in LENET.items()}
    weights |= {
        f"{name}.{part}": np.full(filters, value, np.float32)
        for name, filters in ((after_first, 6), (after_second, 16))
        for part, value in (("weight", 2), ("bias", 1), ("running_mean", 0.5), ("running_var", 4 - 1e-5))
    }
    save_file({f"module.{name}": array for name, array in weights.items()}, tmp_path / "net.safetensors")
    made = read(tmp_path / "net.safetensors", asked("6k5,16k5")).network
    np.testing.assert_allclose(made.weights["conv1.weight"], 1, rtol=1e-6)  # 2 / √4
    np.testing.assert_allclose(made.weights["conv2.bias"], 1 - 0.5 + 1, rtol=1e-6)


WRITES = "torch.save(network.state_dict(), …) writes one"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda torch: torch.nn.Linear(2, 2),
         f"it holds torch.nn.modules.linear.Linear, code rather than numbers; {WRITES}, or bring ONNX"),
        (lambda torch: [torch.ones(2)], f"it holds no state dict; {WRITES}"),
        (lambda _: {}, f"it holds no state dict; {WRITES}"),
        (lambda _: {"epoch": 3, "state_dict": {"best": 1.5}}, f"it holds no state dict; {WRITES}"),
        (lambda torch: {"fc.weight": torch.ones(2, 2, dtype=torch.int64)},
         "'fc.weight' holds values of torch.int64; floats fit"),
        (lambda torch: {"fc.weight": torch.ones(2, 2, dtype=torch.complex64)},
         "it holds a torch.ComplexFloatStorage; dense floats fit"),
        (lambda torch: {"fc.weight": torch.eye(2).to_sparse()}, "it holds a sparse_tensor; dense floats fit"),
    ],
)  # fmt: skip
def test_other_things_that_pytorch_saves_are_named(make: Callable[[Any], Any], message: str, tmp_path: Path) -> None:
    torch.save(make(torch), tmp_path / "net.pt")
    with refuses(NetworkFileError, f"net.pt: {message}"):
        read(tmp_path / "net.pt", asked("2k5"))


def test_an_archive_that_pytorch_cannot_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps({}, 2)[:-1] + b"0.")  # nothing is left of the stack
    if importlib.util.find_spec("torch"):
        with refuses(NetworkFileError, f"net.pt: PyTorch cannot read it as weights alone; {WRITES}"):
            read(path, asked("2k5"))
    monkeypatch.setitem(sys.modules, "torch", None)
    message = (
        "net.pt: a .pt file is read by PyTorch, which is not installed; `pip install torch` installs it, or bring ONNX "
        "or safetensors"
    )
    with refuses(NetworkFileError, message):
        read(path, asked("2k5"))
