"""CNN Explainer's Tiny VGG, trained by others, on its own photographs: 64×64 in colour, four stages."""

import os
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(os.environ.get("KONKYO_DATA", "nowhere")).absolute().parent / "tiny-vgg"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="Tiny VGG does not lie beside the folder of KONKYO_DATA")
pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from PIL import Image  # noqa: E402

from konkyo.models.architecture import Architecture, Stage  # noqa: E402
from konkyo.models.contributions import contributions  # noqa: E402
from konkyo.models.hiding.games import class_games  # noqa: E402
from konkyo.models.hiding.regions import Regions  # noqa: E402
from konkyo.models.hiding.shapley import additive_values  # noqa: E402
from konkyo.models.network import Network  # noqa: E402
from tests.helpers.any_network import torch_logits  # noqa: E402
from tests.helpers.oracles import F64  # noqa: E402

NAMES = {"0": "conv1", "2": "conv2", "5": "conv3", "7": "conv4", "11": "affine"}


@pytest.fixture(scope="module")
def network() -> Network:
    graph = onnx.load(FOLDER / "tiny-vgg.onnx").graph
    arrays = {one.name: onnx.numpy_helper.to_array(one).astype(np.float64) for one in graph.initializer}
    weights = {
        f"{ours}.{kind}": arrays[f"{number}.{kind}"] for number, ours in NAMES.items() for kind in ("weight", "bias")
    }
    stages = tuple(Stage(10, 3, pool=bool(number % 2)) for number in range(4))
    return Network(Architecture(stages, 64, 3), weights, tuple((FOLDER / "classes.txt").read_text().split("\n")[:10]))


def photograph(name: str) -> F64:
    with Image.open(FOLDER / f"{name}.jpeg") as picture:
        pixels: F64 = np.asarray(picture.convert("RGB").resize((64, 64))).transpose(2, 0, 1) / 255
    return pixels


@pytest.mark.parametrize("region", [8, 16])
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.jpeg")))
def test_random_hidings_are_pytorchs(name: str, region: int, network: Network) -> None:
    image, regions = photograph(name), Regions(region, side=64)
    games = class_games(network, image, region)
    visible = np.random.default_rng(region).random((24, regions.count)) < np.linspace(0, 1, 24)[:, None]
    masks = regions.masks.reshape(-1, 64, 64)
    gone = np.einsum("nr,ryx->nyx", ~visible, masks) > 0
    logits = torch_logits(network, np.where(gone[:, None], 0.0, image))
    np.testing.assert_allclose(games.values(visible), logits, rtol=0, atol=1e-9)
    whole, empty = (torch_logits(network, some[None])[0] for some in (image, np.zeros_like(image)))
    np.testing.assert_allclose(additive_values(games).sum((1, 2)), whole - empty, rtol=0, atol=1e-9)
    np.testing.assert_allclose(contributions(network, image).residual, 0, rtol=0, atol=1e-9)


def test_photographs_are_read(network: Network) -> None:
    read = {name: network.classes[int(network.logits(photograph(name)).argmax())] for name in ("bus_1", "car_1")}
    assert read == {"bus_1": "school bus", "car_1": "sport car"}
