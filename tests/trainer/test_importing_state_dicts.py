"""State dicts: names and shapes say which layers they are of, ``--stages`` the rest."""

import importlib.util
import pickle
import sys
import zipfile
from collections.abc import Callable
from functools import partial
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
from tests.trainer.refusals import refusal

UNIT = of_range(0, 1, "asked for")
TUTORIAL = DATA / "networks" / "tutorial.safetensors"
F32 = NDArray[np.float32]


def asked(stages: str | None, side: int | None = None) -> ImportOptions:
    return ImportOptions(None if stages is None else parse_stages(stages), side, pixels=UNIT)


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
        (
            Architecture(parse_stages("4k3s2p0-1a2:tanh,4k3g4n:none,6k1a3:tanh"), 23, 3, (7,), 4, "tanh"),
            "4k3s2p0-1a2:tanh,4k3g4n:none,6k1a3:tanh",
        ),
    ],
)
def test_a_network_of_ours_is_read(shape: Architecture, stages: str, tmp_path: Path) -> None:
    weights = random_network(shape, 5, np.float32).weights
    save_file(dict(weights), tmp_path / "ours.safetensors")
    made = read(tmp_path / "ours.safetensors", asked(stages, shape.side)).network
    assert made.architecture == shape
    assert all(np.array_equal(array, weights[name]) for name, array in made.weights.items())


def test_convolutions_alone_end_with_the_mean_of_a_map_for_each_class(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 5), torch.nn.ReLU(), torch.nn.Conv2d(4, 3, 3, stride=2))
    torch.save(module.state_dict(), tmp_path / "net.pt")
    made = read(tmp_path / "net.pt", asked("4k5n,3k3s2a11:none")).network
    images = torch.rand(3, 28, 28)
    with torch.no_grad():
        right = module(images[:, None]).mean((2, 3))
    np.testing.assert_allclose(made.logits(images.numpy()), right, rtol=0, atol=1e-5)


def tensors(**shapes: tuple[int, ...]) -> dict[str, F32]:
    return {name.replace("__", "."): np.ones(shape, np.float32) for name, shape in shapes.items()}


LENET = tensors(
    conv1__weight=(6, 1, 5, 5), conv1__bias=(6,), conv2__weight=(16, 6, 5, 5), conv2__bias=(16,),
    fc1__weight=(120, 256), fc1__bias=(120,), fc2__weight=(10, 120), fc2__bias=(10,),
)  # fmt: skip


# What is changed of LeNet, and the stages that are asked for. What is said of each: tests/data/refusals.json.
REFUSED: dict[str, tuple[dict[str, F32], str | None]] = {
    "no stages": (LENET, None),
    "no stages, and more convolutions than fit": (
        LENET | tensors(**{f"more{number}__weight": (6, 6, 1, 1) for number in range(5)}), None),
    "one stage for two convolutions": (LENET, "6k5"),
    "a kernel of 3×3 for one of 5×5": (LENET, "6k5,16k3"),
    "padding that makes another side": (LENET, "6k5p2,16k5"),
    "an affine layer of values that no side makes": (LENET | tensors(fc1__weight=(120, 257)), "6k5,16k5"),
    "an affine layer that does not fit the one before": (LENET | tensors(fc2__weight=(10, 119)), "6k5,16k5"),
    "a shortcut": (LENET, "6k5,16k5+1"),
    "a bias for each cell": (LENET, "6k5b,16k5"),
    "a bias of another shape": (LENET | tensors(conv1__bias=(7,)), "6k5,16k5"),
    "4 channels": (LENET | tensors(conv1__weight=(6, 4, 5, 5)), "6k5,16k5"),
    "an LSTM": (LENET | tensors(lstm__weight_ih_l0=(4, 4)), "6k5,16k5"),
    "batch normalisation of no layer": (
        LENET | tensors(norm__running_mean=(6,), norm__running_var=(6,)), "6k5,16k5"),
    "affine layers alone": ({name: array for name, array in LENET.items() if name.startswith("fc")}, "6k5,16k5"),
    "convolutions alone": ({name: array for name, array in LENET.items() if name.startswith("conv")}, "6k5,16k5"),
}  # fmt: skip
# What else PyTorch saves.
SAVED: dict[str, Callable[[], Any]] = {
    "a module": lambda: torch.nn.Linear(2, 2),
    "a list": lambda: [torch.ones(2)],
    "nothing": dict,
    "a number in a state dict": lambda: {"epoch": 3, "state_dict": {"best": 1.5}},
    "whole numbers": lambda: {"fc.weight": torch.ones(2, 2, dtype=torch.int64)},
    "complex numbers": lambda: {"fc.weight": torch.ones(2, 2, dtype=torch.complex64)},
    "sparse numbers": lambda: {"fc.weight": torch.eye(2).to_sparse()},
}


def refusals(folder: Path) -> dict[str, str]:
    said = {}
    for case, (weights, stages) in REFUSED.items():
        save_file(weights, folder / "net.safetensors")
        said[case] = refusal(partial(read, folder / "net.safetensors", asked(stages)))
    for case, make in SAVED.items():
        torch.save(make(), folder / "net.pt")
        said[case] = refusal(partial(read, folder / "net.pt", asked("2k5")))
    return said


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


def test_an_archive_that_pytorch_cannot_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", pickle.dumps({}, 2)[:-1] + b"0.")  # nothing is left of the stack
    if importlib.util.find_spec("torch"):
        with refuses(
            NetworkFileError,
            "net.pt: PyTorch cannot read it as weights alone; torch.save(network.state_dict(), …) writes one",
        ):
            read(path, asked("2k5"))
    monkeypatch.setitem(sys.modules, "torch", None)
    message = (
        "net.pt: a .pt file is read by PyTorch, which is not installed; `pip install torch` installs it, or bring ONNX "
        "or safetensors"
    )
    with refuses(NetworkFileError, message):
        read(path, asked("2k5"))
